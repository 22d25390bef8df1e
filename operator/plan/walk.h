// Plays a plan through time in an ideal world: every size is written and ready at once. What `headroom plan`, the
// demonstration and the tests show is this table. Pure.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/time/time.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "operator/plan/decide.h"

namespace headroom::plan {

struct WalkInput {
  /// As they stand at `from`; in_force, current, ready and started leads are then what the walk makes of them.
  std::vector<DecideTarget> targets;
  std::span<const std::shared_ptr<const CompiledSchedule>> schedules;
  std::span<const DecideRegion> regions;
  absl::Time from, to;  ///< both inclusive
  /// Read replicas whose removal needs a person's word get it at once, so that the plan shows where it leads.
  bool approve_removals = true;
  int max_rows = 10'000;
};

struct WalkChange {
  int target = 0;  ///< index into WalkInput::targets
  Decision decision;
};

/// One instant at which something changed; steps that follow one another at once are already taken.
struct WalkRow {
  absl::Time at;
  std::vector<WalkChange> changes;  ///< whose size, bounds, activity or reasons differ from before, ascending by target
};

struct Walk {
  std::vector<WalkRow> rows;  ///< ascending; the first, at `from`, holds every target
  bool complete = true;       ///< false: max_rows was reached before `to`

  /// What holds for a target at an instant of the walk; null before its beginning.
  const Decision* decision_at(int target, absl::Time at) const;
};

Walk walk(WalkInput input);

/// Told of one instant at which something changed, with all that was decided then; false ends the walk.
using WalkVisitor = absl::FunctionRef<bool(const WalkRow& row, const DecideResult& decided)>;

/// The same without keeping anything, for walks of any length; `max_rows` counts for nothing. Schedules that have
/// nothing to say around an instant are not asked, so that a year of many is walked in seconds.
void walk(WalkInput input, WalkVisitor visit);

/// Takes a decision as written: what the next observation of the target says of it.
void take_as_written(TargetObservation& observed, const Decision& decision, absl::Time now);

}  // namespace headroom::plan
