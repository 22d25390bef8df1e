#include "operator/controllers/follow_problem.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

namespace headroom::controllers {

std::optional<FollowProblem> follow_problem(const api::ScaleTarget& target, const PlanSnapshot& plan) {
  if (!target.spec.follow) return std::nullopt;
  const std::string& leader = target.spec.follow->target;
  if (plan.decision({target.meta.ns, leader}) == nullptr) {
    return FollowProblem{"LeaderNotFound",
                         absl::StrCat("spec.follow.target ", leader, " is no ScaleTarget of namespace ", target.meta.ns,
                                      ", so nothing is followed; create it, or correct the name")};
  }
  const auto circle = std::ranges::find_if(plan.result.cycles, [&](const plan::CyclicFollow& cycle) {
    return std::ranges::count(cycle.cycle, target.meta.key()) > 0;
  });
  if (circle == plan.result.cycles.end()) return std::nullopt;
  const auto name = [](std::string* out, const api::ObjectKey& key) { absl::StrAppend(out, key.name); };
  return FollowProblem{"FollowCycle", absl::StrCat("ScaleTargets ", absl::StrJoin(circle->cycle, ", ", name),
                                                   " follow one another in a circle, so none of them follows; drop "
                                                   "spec.follow of one of them")};
}

}  // namespace headroom::controllers
