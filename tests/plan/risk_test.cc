// What will not be ready by its hour, told ahead: by how much, and what is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "operator/plan/readiness.h"
#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using testing_support::a_festival;
using testing_support::a_read_replica;
using testing_support::a_target;
using testing_support::everything;
using testing_support::ist;
using testing_support::named;
using testing_support::quantity;
using testing_support::World;

const auto kWorkers = named({"workers"});
const absl::Time kEve = ist("2026-11-07 12:00");

class Risks : public testing::Test {
 protected:
  World world;
  std::vector<TargetConstraints> constraints;

  void SetUp() override {
    world.add(a_target("workers").min(10).max(200).baseline(25));
    world.add(a_festival("diwali").day("2026-11-08").phase("d-day", "P0D", "P1D").multiply(kWorkers, "2"));
    constraints.resize(1);
  }
  std::vector<Risk> risks(absl::Time now) {
    constraints.resize(world.targets().size());
    const DecideInput input = world.input(now);
    return assess_risks(input, decide(input), constraints);
  }
  Risk only(absl::Time now) {
    std::vector<Risk> found = risks(now);
    EXPECT_THAT(found, SizeIs(1));
    return found.empty() ? Risk() : found.front();
  }
};

TEST_F(Risks, there_are_none_where_everything_fits) {
  constraints[0].quotas = {{"compute", "limits.cpu", quantity("40"), quantity("1")}};
  constraints[0].quota_replicas_left = constraints[0].node_replicas_left = constraints[0].limit_replicas_left = 40;
  EXPECT_THAT(risks(kEve), IsEmpty());
}

TEST_F(Risks, a_quota_that_is_too_small_says_by_how_much) {
  constraints[0].quotas = {{"compute", "limits.cpu", quantity("12500m"), quantity("1")},
                           {"compute", "pods", quantity("400"), quantity("1")}};
  const Risk risk = only(kEve);
  EXPECT_EQ(risk.reason, "ResourceQuota");
  EXPECT_EQ(risk.target.name, "workers");
  EXPECT_EQ(risk.schedule.name, "diwali");
  EXPECT_EQ(risk.occurrence, "diwali");
  EXPECT_EQ(risk.phase, "d-day");
  EXPECT_EQ(risk.message,
            "needs 40 more replicas by 2026-11-08 00:00 +05:30; ResourceQuota compute admits 12; raise limits.cpu by "
            "27.5");
}

TEST_F(Risks, targets_that_fit_alone_may_not_fit_together) {
  world.add(a_target("api").min(10).max(200).baseline(25));
  world.add(a_festival("also").day("2026-11-08").phase("d-day", "P0D", "P1D").multiply(named({"api"}), "2"));
  constraints.resize(2);
  for (TargetConstraints& one : constraints) one.quotas = {{"compute", "pods", quantity("60"), quantity("1")}};
  std::vector<Risk> found = risks(kEve);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_THAT(found[0].message, HasSubstr("admits 60, shared with 1 more targets; raise pods by 20"));
  constraints[1].quotas[0].quota = "another";
  EXPECT_THAT(risks(kEve), IsEmpty());
}

TEST_F(Risks, counts_of_replicas_serve_where_no_quota_is_known_in_detail) {
  constraints[0].quota_replicas_left = 12;
  constraints[0].quota_text = "ResourceQuota compute: limits.cpu 88 of 100";
  EXPECT_EQ(only(kEve).message,
            "needs 40 more replicas by 2026-11-08 00:00 +05:30; ResourceQuota compute: limits.cpu 88 of 100; room for "
            "12, 28 are missing");
}

TEST_F(Risks, nodes_are_shared_by_all_that_rise) {
  constraints[0].node_replicas_left = 15;
  constraints[0].node_text = "6 nodes";
  Risk risk = only(kEve);
  EXPECT_EQ(risk.reason, "NodeCapacity");
  EXPECT_THAT(risk.message, HasSubstr("the nodes of region local have room for 15 (6 nodes); add nodes for 25"));

  world.add(a_target("api").min(10).max(200).baseline(25));
  world.add(a_festival("also").day("2026-11-08").phase("d-day", "P0D", "P1D").multiply(named({"api"}), "2"));
  constraints.resize(2);
  constraints[0].node_replicas_left = constraints[1].node_replicas_left = 80;
  EXPECT_THAT(risks(kEve), IsEmpty()) << "half and half";
  constraints[1].node_replicas_left = 79;
  EXPECT_THAT(risks(kEve), SizeIs(2));
}

TEST_F(Risks, scale_limits_count) {
  constraints[0].limit_replicas_left = 39;
  constraints[0].limit_text = "ScaleLimit pods";
  const Risk risk = only(kEve);
  EXPECT_EQ(risk.reason, "ScaleLimit");
  EXPECT_THAT(risk.message, HasSubstr("ScaleLimit pods; room for 39, 1 are missing"));
}

TEST_F(Risks, states_that_keep_a_target_from_rising) {
  const struct {
    std::string reason;
    std::function<void(TargetConstraints&)> set;
  } table[] = {{"RegionUnhealthy", [](TargetConstraints& one) { one.region_healthy = false; }},
               {"RegionUnhealthy", [](TargetConstraints& one) { one.region_reachable = false; }},
               {"RivalScaler", [](TargetConstraints& one) { one.rival = true; }},
               {"LagFrozen", [](TargetConstraints& one) { one.lag_frozen = true; }}};
  for (const auto& row : table) {
    constraints[0] = TargetConstraints();
    row.set(constraints[0]);
    EXPECT_EQ(only(kEve).reason, row.reason);
    EXPECT_THAT(risks(ist("2026-11-06 23:59")), IsEmpty()) << "more than a day ahead";
    EXPECT_THAT(risks(ist("2026-11-07 00:00")), SizeIs(1)) << "a day ahead";
  }
}

TEST_F(Risks, what_is_there_already_needs_nothing) {
  world.observed("workers").current = 50;
  constraints[0].quota_replicas_left = 0;
  EXPECT_THAT(risks(kEve), IsEmpty());
  world.observed("workers").current = 49;
  EXPECT_THAT(only(kEve).message, HasSubstr("needs 1 more replica by"));
}

TEST_F(Risks, pods_that_cannot_be_scheduled_count_once_work_has_begun) {
  constraints[0].unschedulable = 7;
  world.observed("workers").current = 43;
  EXPECT_THAT(risks(kEve), IsEmpty());
  const Risk risk = only(ist("2026-11-08 00:01"));
  EXPECT_EQ(risk.reason, "Unschedulable");
  EXPECT_THAT(risk.message, HasSubstr("7 pods cannot be scheduled"));
}

TEST_F(Risks, a_region_that_is_too_small_tells_what_is_given) {
  world.spec("workers").consumes.push_back({"pods", Quantity::from_int(1)});
  api::RegionSpec region;
  region.capacity.push_back({"pods", quantity("30"), ""});
  world.add_region("local", region);
  const Risk risk = only(kEve);
  EXPECT_EQ(risk.reason, "RegionCapacity");
  EXPECT_EQ(risk.message,
            "gets 30 by 2026-11-08 00:00 +05:30; capped by region local to 30 (wanted 50): pods wanted 50, has 30");
}

TEST_F(Risks, every_start_of_the_next_day_is_judged_and_told_for_the_first_hour_it_threatens) {
  world.add(a_festival("night").day("2026-11-08").phase("night", "PT3H", "PT6H").multiply(kWorkers, "3"));
  constraints[0].quota_replicas_left = 50;
  const Risk risk = only(kEve);  // 40 for d-day fit, 65 for the night do not
  EXPECT_EQ(risk.schedule.name, "night");
  EXPECT_THAT(risk.message, HasSubstr("needs 65 more replicas by 2026-11-08 03:00 +05:30"));
  constraints[0].quota_replicas_left = 10;
  EXPECT_THAT(risks(kEve), SizeIs(2));
}

TEST_F(Risks, ramps_and_clones_do_not_hide_what_the_plan_comes_to) {
  world.spec("workers").ramp_up = api::RampLimit{{1, 0}, absl::Minutes(1)};
  constraints[0].quota_replicas_left = 39;
  EXPECT_THAT(only(kEve).message, HasSubstr("needs 40 more"));
}

TEST_F(Risks, followers_are_told_with_the_schedule_of_their_leader) {
  world.add(a_target("erp").min(5).max(100).follows("workers", "0.5"));
  constraints.resize(2);
  constraints[1].quota_replicas_left = 4;
  const Risk risk = only(kEve);
  EXPECT_EQ(risk.target.name, "erp");
  EXPECT_EQ(risk.schedule.name, "diwali");
  EXPECT_THAT(risk.message, HasSubstr("needs 20 more"));
}

TEST_F(Risks, suspended_schedules_threaten_nothing) {
  World calm;
  calm.add(a_target("workers").min(10).max(200).baseline(25));
  calm.add(a_festival("diwali")
               .day("2026-11-08")
               .suspend(api::SuspendMode::Restore)
               .phase("d-day", "P0D", "P1D")
               .multiply(kWorkers, "2"));
  std::vector<TargetConstraints> none_left(1);
  none_left[0].quota_replicas_left = 0;
  const DecideInput input = calm.input(kEve);
  EXPECT_THAT(assess_risks(input, decide(input), none_left), IsEmpty());
}

// ---- leads

class LateLeads : public Risks {
 protected:
  void SetUp() override {
    Risks::SetUp();
    world.spec("workers").warm_up.estimate = absl::Minutes(20);
    world.observed("workers").current = 50;
  }
};

TEST_F(LateLeads, the_lead_that_is_left_counts_in_proportion_to_what_is_missing) {
  // 10 to 50 takes 20 minutes; a quarter of the 40 takes 5.
  world.observed("workers").ready = 40;
  EXPECT_THAT(risks(ist("2026-11-07 23:55")), IsEmpty());
  const Risk risk = only(ist("2026-11-07 23:56"));
  EXPECT_EQ(risk.reason, "LeadTooShort");
  EXPECT_EQ(
      risk.message,
      "10 of 50 replicas still missing: ready around 2026-11-08 00:01 +05:30, 1m too late; its warm-up takes 20m");
}

TEST_F(LateLeads, a_schedule_that_came_too_late_is_at_risk_at_once) {
  world.observed("workers").ready = 10;
  EXPECT_THAT(risks(ist("2026-11-07 23:40")), IsEmpty());
  EXPECT_THAT(only(ist("2026-11-07 23:50")).message, HasSubstr("40 of 50 replicas still missing"));
}

TEST_F(LateLeads, earlier_waves_have_to_be_done_before_the_next) {
  World waves;
  waves.add(a_target("workers").min(10).max(200).baseline(25).warm_up(absl::Minutes(10)));
  waves.add(a_read_replica("replicas", 3).max_step(2).warm_up(absl::Minutes(20)));
  waves.add(a_festival("diwali")
                .day("2026-11-08")
                .wave("databases", named({"replicas"}))
                .phase("d-day", "P0D", "P1D")
                .multiply(kWorkers, "2")
                .add(named({"replicas"}), 2));
  waves.observed("replicas").ready = 3;
  const auto at = [&](const char* time) {
    const DecideInput input = waves.input(ist(time));
    return assess_risks(input, decide(input), std::vector<TargetConstraints>(2));
  };
  // Ready by 23:50, when the workers start; 20 minutes before that is 23:30.
  EXPECT_THAT(at("2026-11-07 23:30"), IsEmpty());
  EXPECT_THAT(at("2026-11-07 23:31"), SizeIs(1));
}

TEST_F(LateLeads, after_the_hour_only_what_is_more_than_a_tenth_counts) {
  world.observed("workers").ready = 45;
  const Risk risk = only(ist("2026-11-08 00:06"));
  EXPECT_EQ(risk.message, "5 of 50 replicas still missing 6m after the hour");
  world.observed("workers").ready = 46;
  EXPECT_THAT(risks(ist("2026-11-08 00:06")), IsEmpty());
}

TEST_F(LateLeads, what_nobody_asked_to_have_ready_is_not_late) {
  world.spec("workers").warm_up.estimate = absl::ZeroDuration();
  world.observed("workers").ready = 10;
  EXPECT_THAT(risks(ist("2026-11-08 00:06")), IsEmpty());
}

}  // namespace
}  // namespace headroom::plan
