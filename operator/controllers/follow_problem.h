// Why a ScaleTarget's `follow` does not count. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/api/scale_target.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

struct FollowProblem {
  std::string reason;   ///< FollowCycle, LeaderNotFound
  std::string message;  ///< who follows whom, what it means, what to do
  bool operator==(const FollowProblem&) const = default;
};

/// Empty: there is no `follow`, or it counts.
std::optional<FollowProblem> follow_problem(const api::ScaleTarget& target, const PlanSnapshot& plan);

}  // namespace headroom::controllers
