// The future of a set of targets: sizes with their reasons, what is capped and by what, room in regions, quotas and
// nodes, whether replicas will be ready in time, cost. The decisions are those of plan::decide(), as the operator makes
// them; every size is taken to be ready as soon as it is written. Pure.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/cli/planning_world.h"

namespace headroom::cli {

struct ForecastRequest {
  absl::Time from, to;   ///< both inclusive, at most kLongestForecast apart
  absl::Time now;        ///< work cannot start earlier; sizes in force count only for a forecast that begins about now
  std::string ns;        ///< targets of this namespace alone are told; empty: of all. All are planned.
  std::string schedule;  ///< targets on which this schedule has a say are told alone; empty: of all
  bool keep_steps = true;  ///< false for ranges with more steps than memory: the sums remain
};

/// Schedules are compiled over 400 days from their start.
inline constexpr absl::Duration kLongestForecast = absl::Hours(24 * 367);

/// One target's size from one instant to another.
struct SizeStep {
  absl::Time from, until;  ///< `until` is the end of the forecast for the last one
  int target = 0;          ///< index into PlanningWorld::targets
  int before = 0;          ///< the size until then; of the first step its own
  plan::Decision decision;
};

/// A phase that holds at some time of the forecast.
struct ForecastPhase {
  api::ObjectKey schedule;
  std::string occurrence, phase;
  absl::Time from, to;
  bool sizes = false;  ///< it asks for sizes; otherwise it only switches and notifies
};

/// One dimension of a region, and when most of it is taken.
struct RegionRoom {
  std::string region, dimension;
  Quantity hard, peak;
  absl::Time peak_at;
  absl::Duration capped;  ///< for how long somebody was cut because of this region
  QuantityFormat format = QuantityFormat::DecimalSI;
};

struct PoolShortage {
  absl::Time since;          ///< the first time
  std::string phase;         ///< what raised most then: "diwali-playbook peak"; empty: nothing
  int pods = 0;              ///< that do not fit when most of the pool is taken
  std::vector<int> targets;  ///< whose pods they are, ascending
};

/// What the planned sizes take of a pool.
struct PoolForecast {
  int pool = 0;         ///< index into PlanningWorld::room
  Quantity peak, hard;  ///< of places both are pods of targets: how many there are, how many such would fit
  absl::Time peak_at = absl::InfinitePast();
  std::optional<PoolShortage> shortage;
  std::vector<std::pair<absl::Time, absl::Time>> spans;  ///< during which it is short, ascending
};

/// A rise that takes time, judged: read replicas are cloned so many at a time, pods have to warm up.
struct ReadyForecast {
  int target = 0;
  api::ObjectKey schedule;
  std::string occurrence, phase;
  int from_size = 0, to_size = 0;
  int clones = 0;  ///< ReadReplica: how many go one after the other; else 0
  absl::Duration lead;
  absl::Time starts, ready, needed;  ///< `starts` is never before the request's now
  bool unknown = false;              ///< no warm-up is known, so that it is taken as ready at once
  bool in_time() const { return ready <= needed; }
};

/// Two schedules that speak to the same targets at the same time.
struct Overlap {
  api::ObjectKey winner, loser;
  std::string winner_phase, loser_phase;  ///< "diwali-2027 peak"
  absl::Time from, until;                 ///< the first and last time
  std::vector<int> targets;               ///< ascending
  std::string example;                    ///< what winner and loser asked the first of them for
};

struct TargetSum {
  int target = 0;
  int original = 0, peak = 0;
  absl::Time peak_at;
  std::int64_t steps = 0;  ///< changes of size
  absl::Duration capped_by_max, capped_by_region;
  std::optional<Quantity> cost, extra;  ///< of all replicas; of those beyond the original
  std::string currency;
};

struct Forecast {
  absl::Time from, to;
  std::vector<SizeStep> steps;        ///< ascending by from, then target; empty without keep_steps
  std::vector<ForecastPhase> phases;  ///< ascending by from
  std::vector<RegionRoom> rooms;      ///< by region and dimension
  std::vector<PoolForecast> pools;    ///< those on which targets draw that are told, in their order
  std::vector<ReadyForecast> rises;   ///< ascending by needed; those with a lead, and read replicas
  std::vector<Overlap> overlaps;      ///< ascending by from
  std::vector<TargetSum> sums;        ///< of the targets that are told, ascending by key
  std::vector<std::string> warnings;  ///< a sentence each
  std::vector<std::string> assumptions;
  std::size_t instants = 0;  ///< at which something changed

  /// Cost of all that are told, by currency; and the part beyond the originals.
  std::map<std::string, Quantity> cost, extra;
};

/// InvalidArgument for a range that ends before it begins or is too long. Zones are asked for by name.
Result<Forecast> forecast(const PlanningWorld& world, const ForecastRequest& request, const plan::ZoneLoader& zones);

/// "diwali-playbook peak" of what decided; "original" where nothing did.
std::string spoken_phase(const plan::Decision& decision);
/// "max", "region", "approval", "frozen": what holds the size elsewhere than where it was wanted.
std::vector<std::string> caps_of(const plan::Decision& decision);

}  // namespace headroom::cli
