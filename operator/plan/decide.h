// The decision: one pure function from (now, targets, schedules, regions, observed) to a size with its reasons for
// every target. The controller, `plan`, `simulate`, the webhook's warnings and the tests all ask this one, so that
// "why 60?" has one answer. The rules are those of docs: originals, schedules, rules, follow, ramp, floor, min/max,
// region capacity, lag guard, in this order. No clock, no threads, no IO.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/plan/compile.h"

namespace headroom::plan {

/// What is known of a target besides its spec. Everything that must survive a restart comes from its status.
struct TargetObservation {
  std::optional<api::Originals> originals;   ///< absent: the workload has not been seen; no decision is made
  std::optional<int> current, ready;         ///< in the unit that is written; absent counts as "as decided"
  std::optional<int> in_force;               ///< the size last written by us; absent while nothing is overridden
  std::optional<absl::Time> in_force_since;  ///< when in_force last changed (ramps count periods from here)
  /// Schedule ("ns/name") whose contribution was in force, as Decision::decided_by_schedule said; see
  /// schedule_in_decided_by.
  std::string decided_by_schedule;
  std::optional<int> learned_baseline;  ///< set when spec.replicas.learn has any samples
  bool baseline_uncertain = false;
  std::optional<int> rule_size;       ///< what rules have stepped to
  std::string rule_text;              ///< "queue-depth: 2500 above 1000 for 5m, +10"
  std::optional<double> lag_seconds;  ///< ReadReplica lag guard's answer
  /// Since when the lag guard has been asked without an answer; absent while it has one, and where nobody asks it, as
  /// in a plan of the future. Not kept over a restart.
  std::optional<absl::Time> lag_unknown_since;
  std::vector<api::StartedLead> started_leads;
  std::vector<api::WarmUpSamples> warm_up;
  std::optional<int> approved_size;           ///< Manual scale-down: what a person approved
  std::optional<std::string> region_refused;  ///< the region may not hold more of this target: why
};

struct DecideTarget {
  api::ObjectKey key;
  const std::map<std::string, std::string>* labels = nullptr;  ///< borrowed for the call, as is `spec`
  const api::ScaleTargetSpec* spec = nullptr;
  TargetObservation observed;
};

struct DecideRegion {
  std::string name;
  const api::RegionSpec* spec = nullptr;  ///< borrowed for the call
  bool healthy = true, reachable = true;
  std::map<std::string, Quantity> used_elsewhere;  ///< from used_query, beyond what targets declare
};

/// Who speaks for a size, and who was overruled.
struct Contribution {
  api::ObjectKey schedule;
  std::string occurrence, phase;
  int size = 0;  ///< as asked, before the target's own bounds
  int priority = 0;
  bool leading = false;  ///< a coming phase whose lead has begun
  bool held = false;     ///< kept until later waves have left
  bool waiting = false;  ///< the phase before, kept because an earlier wave is not ready yet
  std::string text;      ///< "diwali d-day: 10 x 30 = 300"
};

struct Decision {
  api::ObjectKey target;
  bool active = false;   ///< false: nothing to do, the originals stand exactly
  bool frozen = false;   ///< the last written value is held (lag guard, suspend: Hold)
  int size = 0;          ///< HPA: minReplicas; else replicas
  int min = 0, max = 0;  ///< bounds to write: HPA minReplicas and maxReplicas; equal to size for other engines
  int wanted = 0;        ///< the size before ramp and caps, for "capped from"
  bool capped_by_max = false, capped_by_region = false, awaiting_approval = false;
  bool baseline_zero = false;       ///< some phase multiplies a baseline of 0: use add or replicas
  std::string decided_by;           ///< as ScaleTargetStatus::decided_by
  std::string decided_by_schedule;  ///< "ns/name" when a schedule speaks for the size; observe it next time
  /// Phases of one occurrence that hold at the same time for this target ("shop/playbook diwali: peak and rush"), which
  /// only its labels brought to light. The larger counts.
  std::vector<std::string> overlapping_phases;
  std::vector<api::Reason> reasons;           ///< at most 16
  std::vector<Contribution> contributions;    ///< the 16 largest that spoke, the winner first
  std::vector<api::StartedLead> leads_begun;  ///< leads that `now` has reached and that were not started before
  /// When this decision can next change by itself. Observations that change are the caller's to notice.
  std::optional<absl::Time> next_transition;
};

struct DecideInput {
  absl::Time now;
  std::span<const DecideTarget> targets;
  std::span<const std::shared_ptr<const CompiledSchedule>> schedules;
  std::span<const DecideRegion> regions;
};

struct CyclicFollow {
  std::vector<api::ObjectKey> cycle;
};

struct DecideResult {
  std::vector<Decision> decisions;   ///< in the order of the targets; a target without originals gets active=false
  std::vector<CyclicFollow> cycles;  ///< their members are decided without `follow`
  std::map<std::string, std::map<std::string, Quantity>> planned_use;  ///< region → dimension → sum
  std::optional<absl::Time> next_transition;
};

/// 1,000 targets × 50 schedules in under 50 ms on one core. The order of targets, schedules and regions does not
/// matter.
DecideResult decide(const DecideInput& input);

/// The schedule ("ns/name") that a target's status.decidedBy names ("FestivalSchedule/diwali d-day"); empty when no
/// schedule decided. `ns` is the target's namespace.
std::string schedule_in_decided_by(const std::string& decided_by, const std::string& ns);

}  // namespace headroom::plan
