#include "operator/cli/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/offline.h"
#include "tests/support/civil.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::ist;

json a_database(int warm_up_minutes) {
  json database = a_target("db", 3, 9, 3);
  database["spec"]["role"] = "ReadReplica";
  database["spec"]["readReplica"] = {{"floor", 1}, {"maxStep", 1}, {"scaleDown", "Automatic"}};
  database["spec"]["engine"] = {{"type", "Scale"}};
  database["spec"]["warmUp"] = {{"estimate", std::to_string(warm_up_minutes) + "m"}};
  return database;
}

TEST(Forecast, begins_with_what_holds_although_it_came_about_earlier) {
  const PlanningWorld world = world_of({a_target("web", 2, 50, 5), a_schedule("fair", "2027-03-10", "4")});
  const Forecast told = forecast_of(world, ist("2027-03-10 12:00"), ist("2027-03-12"));
  ASSERT_EQ(told.steps.size(), 2U);
  EXPECT_EQ(told.steps[0].from, ist("2027-03-10 12:00"));
  EXPECT_EQ(told.steps[0].decision.size, 20);
  EXPECT_EQ(told.steps[0].until, ist("2027-03-11"));
  EXPECT_EQ(told.steps[1].decision.size, 2);
  EXPECT_EQ(told.steps[1].before, 20);
  EXPECT_EQ(told.steps[1].until, ist("2027-03-12"));
}

TEST(Forecast, tells_one_instant_also_where_nothing_happens) {
  const PlanningWorld world = world_of({a_target("web", 2, 50, 5), a_schedule("fair", "2027-03-10", "4")});
  const Forecast told = forecast_of(world, ist("2027-05-01"), ist("2027-05-01"));
  ASSERT_EQ(told.steps.size(), 1U);
  EXPECT_EQ(told.steps[0].decision.size, 2);
}

TEST(Forecast, counts_cost_of_all_replicas_and_of_those_beyond_the_originals) {
  json target = a_target("web", 2, 50, 5);
  target["spec"]["cost"] = {{"perReplicaHour", "0.25"}, {"currency", "USD"}};
  const PlanningWorld world = world_of({target, a_schedule("fair", "2027-03-10", "4")});
  const Forecast told = forecast_of(world, ist("2027-03-09"), ist("2027-03-12"));
  // Two days of 2 and one of 20, at a quarter an hour.
  EXPECT_EQ(told.cost.at("USD").to_string(), "144");
  EXPECT_EQ(told.extra.at("USD").to_string(), "108");
}

TEST(Forecast, says_when_read_replicas_cannot_be_cloned_in_time_one_after_the_other) {
  const PlanningWorld world = world_of({a_database(60), a_schedule("fair", "2027-03-10", "3")});
  // Six clones of an hour each, asked for three hours ahead.
  const Forecast late = forecast_of(world, ist("2027-03-09 21:00"), ist("2027-03-12"), ist("2027-03-09 21:00"));
  ASSERT_EQ(late.rises.size(), 1U);
  EXPECT_EQ(late.rises[0].clones, 6);
  EXPECT_EQ(late.rises[0].lead, absl::Hours(6));
  EXPECT_FALSE(late.rises[0].in_time());
  EXPECT_EQ(late.rises[0].ready, ist("2027-03-10 03:00"));
  EXPECT_THAT(late.warnings, Contains(HasSubstr("3h late")));

  const Forecast early = forecast_of(world, ist("2027-03-09"), ist("2027-03-12"), ist("2027-03-09"));
  ASSERT_EQ(early.rises.size(), 1U);
  EXPECT_TRUE(early.rises[0].in_time());
  EXPECT_THAT(early.warnings, IsEmpty());
}

TEST(Forecast, names_winner_and_loser_of_an_overlap) {
  const PlanningWorld world = world_of(
      {a_target("web", 2, 50, 5), a_schedule("small", "2027-03-10", "2"), a_schedule("large", "2027-03-10", "6")});
  const Forecast told = forecast_of(world, ist("2027-03-09"), ist("2027-03-12"));
  ASSERT_EQ(told.overlaps.size(), 1U);
  EXPECT_EQ(told.overlaps[0].winner.name, "large");
  EXPECT_EQ(told.overlaps[0].loser.name, "small");
  EXPECT_EQ(told.overlaps[0].from, ist("2027-03-10"));
  EXPECT_EQ(told.overlaps[0].until, ist("2027-03-11"));
  EXPECT_EQ(told.overlaps[0].targets, std::vector<int>{0});
}

TEST(Forecast, tells_how_long_a_region_was_too_small) {
  json target = a_target("web", 2, 50, 5);
  target["spec"]["consumes"] = json::array({{{"name", "pods"}, {"perReplica", "1"}}});
  const PlanningWorld world = world_of({target, a_region("local", "pods", 12), a_schedule("fair", "2027-03-10", "4")});
  const Forecast told = forecast_of(world, ist("2027-03-09"), ist("2027-03-12"));
  EXPECT_EQ(size_at(world, told, "web", ist("2027-03-10 06:00")), 12);
  ASSERT_EQ(told.rooms.size(), 1U);
  EXPECT_EQ(told.rooms[0].peak, Quantity::from_int(12));
  EXPECT_EQ(told.rooms[0].peak_at, ist("2027-03-10"));
  EXPECT_EQ(told.rooms[0].capped, absl::Hours(24));
  EXPECT_THAT(told.warnings, Contains(HasSubstr("cut by the capacity of region local for 24h")));
}

TEST(Forecast, tells_only_the_targets_of_a_schedule_and_their_followers) {
  json follower = a_target("cache", 1, 50, 1);
  follower["spec"]["follow"] = {{"target", "web"}, {"ratio", "0.5"}};
  json schedule = a_schedule("fair", "2027-03-10", "4");
  schedule["spec"]["phases"][0]["targets"] = {{"names", json::array({"web"})}};
  const PlanningWorld world = world_of({a_target("web", 2, 50, 5), follower, a_target("other", 1, 9, 1), schedule});
  const Forecast told = forecast_of(world, ist("2027-03-09"), ist("2027-03-12"), std::nullopt, "fair");
  EXPECT_EQ(size_at(world, told, "cache", ist("2027-03-10")), 10);
  EXPECT_EQ(size_at(world, told, "other", ist("2027-03-10")), -1);
}

TEST(Forecast, goes_on_from_the_sizes_in_force_only_when_it_begins_now) {
  json target = a_target("web", 2, 50, 5);
  target["spec"]["suspend"] = "Hold";
  target["status"] = {{"originals", {{"min", 2}, {"max", 50}, {"uid", "u"}}}, {"inForce", 20}};
  const PlanningWorld world = world_of({target});
  const absl::Time now = ist("2027-06-01"), later = ist("2027-07-01");
  EXPECT_EQ(size_at(world, forecast_of(world, now, now, now), "web", now), 20);
  EXPECT_EQ(size_at(world, forecast_of(world, later, later, now), "web", later), 2);
}

TEST(Forecast, refuses_a_range_that_ends_before_it_begins_or_is_too_long) {
  const PlanningWorld world;
  const auto accepts = [&](absl::Time from, absl::Time to) {
    const plan::ZoneLoader utc = [](const std::string&) -> Result<absl::TimeZone> { return absl::UTCTimeZone(); };
    return forecast(world, {from, to, from, "", "", true}, utc).has_value();
  };
  EXPECT_FALSE(accepts(ist("2027-03-10"), ist("2027-03-09")));
  EXPECT_FALSE(accepts(ist("2027-03-10"), ist("2029-03-09")));
  EXPECT_TRUE(accepts(ist("2027-03-10"), ist("2028-03-09")));
}

TEST(PlanningWorld, says_what_it_takes_for_granted) {
  json adopted = a_target("web", 3, 50, 5);
  adopted["spec"]["engine"] = {{"type", "HorizontalPodAutoscaler"}};
  json scaled = a_target("jobs", 1, 9, 4);
  scaled["spec"]["engine"] = {{"type", "Scale"}};
  const PlanningWorld world = world_of({adopted, scaled});
  EXPECT_EQ(world.observed[static_cast<std::size_t>(world.target({"shop", "web"}))].originals->min, 3);
  EXPECT_EQ(world.observed[static_cast<std::size_t>(world.target({"shop", "jobs"}))].originals->min, 4);
  EXPECT_THAT(world.assumptions, Contains(HasSubstr("shop/web: its autoscaler is not given")));
  EXPECT_THAT(world.assumptions, Contains(HasSubstr("Deployment jobs is not given; taken to stand at its baseline 4")));
}

TEST(PlanningWorld, takes_sizes_from_the_autoscaler_and_the_workload_beside_the_target) {
  json adopted = a_target("web", 3, 50, 5);
  adopted["spec"]["engine"] = {{"type", "HorizontalPodAutoscaler"}};
  const json autoscaler = {
      {"apiVersion", "autoscaling/v2"},
      {"kind", "HorizontalPodAutoscaler"},
      {"metadata", {{"name", "any"}, {"namespace", "shop"}}},
      {"spec",
       {{"scaleTargetRef", {{"kind", "Deployment"}, {"name", "web"}}}, {"minReplicas", 7}, {"maxReplicas", 30}}}};
  json scaled = a_target("jobs", 1, 9, 4);
  scaled["spec"]["engine"] = {{"type", "Scale"}};
  const json workload = {{"apiVersion", "apps/v1"},
                         {"kind", "Deployment"},
                         {"metadata", {{"name", "jobs"}, {"namespace", "shop"}}},
                         {"spec", {{"replicas", 6}}}};
  const PlanningWorld world = world_of({adopted, scaled, autoscaler, workload});
  EXPECT_EQ(world.observed[static_cast<std::size_t>(world.target({"shop", "web"}))].originals->min, 7);
  EXPECT_EQ(world.observed[static_cast<std::size_t>(world.target({"shop", "web"}))].originals->max, 30);
  EXPECT_EQ(world.observed[static_cast<std::size_t>(world.target({"shop", "jobs"}))].originals->min, 6);
  EXPECT_THAT(world.assumptions, IsEmpty());
}

TEST(PlanningWorld, leaves_out_what_it_cannot_read_and_says_so) {
  json broken = a_target("web", 3, 50, 5);
  broken["spec"]["replicas"]["max"] = "many";
  const PlanningWorld world = world_of({broken});
  EXPECT_TRUE(world.targets.empty());
  EXPECT_THAT(world.problems, Contains(HasSubstr("spec.replicas.max")));
}

}  // namespace
}  // namespace headroom::cli
