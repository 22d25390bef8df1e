// Which schedules can have anything to say around an instant: most of a year, most of them have not. Pure.
#pragma once

#include <absl/time/time.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operator/plan/decide.h"

namespace headroom::plan {

/// Follows a walk along the time line. Deciding with schedules() alone gives what deciding with all of them does, save
/// Decision::baseline_zero and when the next transition comes, for which see next().
class NearSchedules {
 public:
  using Schedules = std::span<const std::shared_ptr<const CompiledSchedule>>;

  /// `all` must outlive this; `targets` as they stand when the walk begins.
  NearSchedules(Schedules all, std::span<const DecideTarget> targets);

  /// `now` never goes back. Takes the leads of schedules that have fallen silent from the targets, which otherwise pile
  /// up.
  void move_to(absl::Time now, std::span<DecideTarget> targets);

  const std::vector<std::shared_ptr<const CompiledSchedule>>& schedules() const { return near_; }
  /// When the next of the others begins to matter.
  std::optional<absl::Time> next() const { return next_; }

 private:
  struct Known {
    const std::shared_ptr<const CompiledSchedule>* schedule = nullptr;
    absl::Duration reach;                            ///< no lead starts longer before its phase
    absl::Time pinned_until = absl::InfinitePast();  ///< end of the last phase whose lead has begun already
    bool near = false;
  };
  static bool matters(const Known& known, absl::Time now);

  std::vector<Known> known_;
  std::vector<std::shared_ptr<const CompiledSchedule>> near_;
  std::optional<absl::Time> next_;
};

}  // namespace headroom::plan
