#include "operator/controllers/follow_problem.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom::controllers {
namespace {

api::ScaleTarget a_follower(const std::string& name, const std::string& leader) {
  api::ScaleTarget target;
  target.meta.ns = "shop";
  target.meta.name = name;
  if (!leader.empty()) target.spec.follow = api::Follow{leader, Quantity::from_int(1)};
  return target;
}

PlanSnapshot a_plan_with(const std::string& ns, const std::vector<std::string>& targets) {
  PlanSnapshot plan;
  for (const std::string& name : targets) plan.result.decisions.emplace_back().target = {ns, name};
  std::ranges::sort(plan.result.decisions, {}, &plan::Decision::target);
  return plan;
}

TEST(FollowProblem, is_none_where_nothing_is_followed_or_the_leader_is_there) {
  EXPECT_EQ(follow_problem(a_follower("web", ""), a_plan_with("shop", {"web"})), std::nullopt);
  EXPECT_EQ(follow_problem(a_follower("web", "workers"), a_plan_with("shop", {"web", "workers"})), std::nullopt);
}

TEST(FollowProblem, names_a_leader_that_does_not_exist) {
  const auto problem = follow_problem(a_follower("web", "wrokers"), a_plan_with("shop", {"web", "workers"}));
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->reason, "LeaderNotFound");
  EXPECT_EQ(problem->message,
            "spec.follow.target wrokers is no ScaleTarget of namespace shop, so nothing is followed; create it, or "
            "correct the name");
}

TEST(FollowProblem, names_everyone_in_a_circle_and_nobody_beside_it) {
  PlanSnapshot plan = a_plan_with("shop", {"a", "b", "c", "web"});
  plan.result.cycles.push_back({{{"shop", "a"}, {"shop", "b"}, {"shop", "c"}}});
  const auto problem = follow_problem(a_follower("b", "c"), plan);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->reason, "FollowCycle");
  EXPECT_EQ(problem->message,
            "ScaleTargets a, b, c follow one another in a circle, so none of them follows; drop spec.follow of one of "
            "them");
  EXPECT_EQ(follow_problem(a_follower("web", "a"), plan), std::nullopt);
}

}  // namespace
}  // namespace headroom::controllers
