// FestivalSchedule (namespaced, `fest`): dated demand over many targets. Structs of spec and status, and their JSON.
#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/object.h"
#include "operator/api/scale_target.h"
#include "operator/base/duration.h"
#include "operator/base/quantity.h"
#include "operator/base/result.h"
#include "operator/base/time_zone.h"

namespace headroom::api {

/// One way a schedule's days come about; exactly one of day, instant, rrule, calendar is set.
struct Occurrence {
  struct Recurring {
    absl::CivilDay start;  ///< first day (DTSTART)
    std::string rrule;     ///< RFC 5545, FREQ=DAILY or coarser
    std::vector<absl::CivilDay> exdates;
    bool operator==(const Recurring&) const = default;
  };
  struct CalendarRef {
    std::string config_map, key, summary;  ///< events whose SUMMARY equals `summary` (all when empty)
    bool operator==(const CalendarRef&) const = default;
  };
  std::string name;
  std::optional<absl::CivilDay> day;
  std::optional<absl::Time> instant;
  std::optional<Recurring> recurring;
  std::optional<CalendarRef> calendar;
  bool operator==(const Occurrence&) const = default;
};

/// Which ScaleTargets, in the schedule's own namespace, a phase or a wave speaks of: all given parts must match.
struct TargetSelection {
  std::optional<LabelSelector> selector;
  std::vector<std::string> names, regions;
  std::vector<Role> roles;
  bool operator==(const TargetSelection&) const = default;
};

struct Decay {
  enum class Curve { Linear, Exponential };
  Quantity percent_per_hour = Quantity::from_int(10);
  Curve curve = Curve::Linear;
  bool operator==(const Decay&) const = default;
};

/// Targets that go together; waves start in order upward, each once the one before is ready or its gate timed out,
/// and leave in reverse order. A target belongs to the first wave that selects it, else to the last of all.
struct Wave {
  enum class Gate { Ready, None };
  std::string name;
  TargetSelection targets;
  Gate gate = Gate::Ready;
  absl::Duration gate_timeout = absl::Minutes(5);
  bool operator==(const Wave&) const = default;
};

/// A key of a ConfigMap that applications read, set while the phase holds; the former value returns at its end.
struct Switch {
  std::string config_map, key, value;
  std::vector<std::string> regions;  ///< empty: local
  bool operator==(const Switch&) const = default;
};

struct Notification {
  std::string receiver;  ///< a receiver of the operator's configuration; Events are always written
  std::string message, severity;
  bool operator==(const Notification&) const = default;
};

/// How much is asked for; in YAML one of `multiplier`, `add`, `replicas`, `decay`.
struct Demand {
  enum class Type { Multiplier, Add, Replicas, Decay };
  Type type = Type::Multiplier;
  Quantity multiplier = Quantity::from_int(1);
  int add = 0;
  int replicas = 0;
  Decay decay;
  bool operator==(const Demand&) const = default;
};

/// What some of a phase's targets are asked for. The first that selects a target counts for it.
struct PhaseDemand {
  TargetSelection targets;
  Demand demand;
  bool operator==(const PhaseDemand&) const = default;
};

struct Phase {
  enum class Capacity { ReadyBy, Start };
  enum class Decrease { Never, Allow };
  std::string name;
  CalendarOffset from, to;
  /// `demands[]`, or in short form `targets` with `multiplier`, `add`, `replicas` or `decay` on the phase itself.
  /// Empty: the phase only switches and notifies ("monitoring from D-10").
  std::vector<PhaseDemand> demands;
  Capacity capacity = Capacity::ReadyBy;
  Decrease decrease = Decrease::Never;
  std::vector<Wave> waves;  ///< empty: those of the schedule
  std::vector<Notification> notify;
  std::vector<Switch> switches;
  bool operator==(const Phase&) const = default;
};

struct FestivalScheduleSpec {
  std::string time_zone;
  Fold fold = Fold::Earlier;
  std::vector<Occurrence> occurrences;
  std::vector<Wave> waves;  ///< for every phase that names none of its own
  std::vector<Phase> phases;
  /// Absent: the maximum over schedules counts. Given: the highest priority alone counts.
  std::optional<int> priority;
  SuspendMode suspend = SuspendMode::None;
  bool operator==(const FestivalScheduleSpec&) const = default;
};

struct TransitionStatus {
  absl::Time at;
  std::string occurrence, phase;
  std::string event;  ///< LeadStart, Start, End
  bool operator==(const TransitionStatus&) const = default;
};

struct BoundaryStatus {
  absl::Time at;
  std::string occurrence, phase, event;
  absl::Duration late_by = absl::ZeroDuration();
  bool operator==(const BoundaryStatus&) const = default;
};

struct AtRiskTarget {
  std::string target, phase, reason, message;
  bool operator==(const AtRiskTarget&) const = default;
};

struct OverlapLoss {
  std::string target, winner, message;
  bool operator==(const OverlapLoss&) const = default;
};

/// A switch that is set, with what stood there before.
struct SwitchStatus {
  std::string region, config_map, key, value;
  std::optional<std::string> former;
  bool operator==(const SwitchStatus&) const = default;
};

struct FestivalScheduleStatus {
  std::int64_t observed_generation = 0;
  std::vector<Condition> conditions;       ///< Ready, Reconciling, Stalled, AtRisk, CalendarUnavailable
  std::string state;                       ///< Scheduled, Leading, Active, Decaying, Suspended, Ended
  std::string occurrence, phase;           ///< in force
  std::vector<StartedLead> started_leads;  ///< the first 100
  std::vector<TransitionStatus> next;      ///< ten
  std::optional<BoundaryStatus> last_boundary;
  std::int64_t missed_boundaries = 0;  ///< passed while no operator was awake, and caught up
  std::vector<AtRiskTarget> at_risk;   ///< the first 100
  std::vector<OverlapLoss> losers;     ///< the first 100
  std::vector<SwitchStatus> switches;
  std::int64_t targets = 0;
  std::optional<absl::Time> calendar_read;  ///< when the calendar in use was last parsed well
  bool operator==(const FestivalScheduleStatus&) const = default;
};

struct FestivalSchedule {
  ObjectMeta meta;
  FestivalScheduleSpec spec;
  FestivalScheduleStatus status;
};

/// The object as the API server sends it. InvalidArgument names the path of what is wrong, its value and the remedy.
Result<FestivalSchedule> festival_schedule_from_json(const nlohmann::json& object);
/// The whole `status`; what says nothing is left out. Read back it equals `status` (times to the microsecond).
nlohmann::json to_json(const FestivalScheduleStatus& status);

}  // namespace headroom::api
