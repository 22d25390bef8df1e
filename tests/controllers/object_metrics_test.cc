#include "operator/controllers/object_metrics.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controllers/test_world.h"
#include "tests/support/full_status.h"

namespace headroom::controllers {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

api::ScaleTarget a_target(const std::string& name = "web") {
  api::ScaleTarget target;
  target.meta.ns = "shop";
  target.meta.name = name;
  target.spec.region = "mumbai";
  target.status = testing_support::full_scale_target_status();
  return target;
}

api::FestivalSchedule diwali() {
  api::FestivalSchedule schedule;
  schedule.meta.ns = "shop";
  schedule.meta.name = "diwali";
  schedule.status.state = "Leading";
  const absl::Time start = absl::FromUnixSeconds(1'794'096'000);
  schedule.status.next = {{start - absl::Hours(2), "2026", "d-day", "LeadStart"},
                          {start - absl::Hours(1), "2026", "d-day", "LeadStart"},
                          {start, "2026", "d-day", "Start"}};
  schedule.status.last_boundary =
      api::BoundaryStatus{start - absl::Hours(24), "2026", "t-1", "Start", absl::Milliseconds(90'500)};
  schedule.status.missed_boundaries = 3;
  schedule.status.targets = 5;
  schedule.status.at_risk = {{"web", "2026 d-day", "ResourceQuota", "40 pods do not fit"},
                             {"erp", "2026 t-1", "NodeCapacity", "no nodes"}};
  return schedule;
}

std::string shown(const api::ScaleTarget& target) {
  runtime::Exposition scrape;
  expose(target, scrape);
  return scrape.take_text();
}
std::string shown(const api::FestivalSchedule& schedule, std::size_t risks = 100) {
  runtime::Exposition scrape;
  expose(schedule, scrape, risks);
  return scrape.take_text();
}

TEST(ObjectMetrics, tell_the_sizes_of_a_target_and_what_decided_them) {
  const std::string text = shown(a_target());
  const std::string labels = "{namespace=\"shop\",target=\"web\",region=\"mumbai\"} ";
  for (const auto& [figure, value] :
       {std::pair("current", 60), std::pair("ready", 58), std::pair("desired", 60), std::pair("bound_min", 60),
        std::pair("bound_max", 100), std::pair("baseline", 30)}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\nheadroom_target_", figure, "_replicas", labels, value, "\n")));
  }
  EXPECT_THAT(text, HasSubstr("headroom_target_decision_info{namespace=\"shop\",target=\"web\",decided_by="
                              "\"FestivalSchedule/diwali lead-up\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("headroom_condition{kind=\"ScaleTarget\",namespace=\"shop\",name=\"web\",type=\"Ready\","
                              "reason=\"InForce\"} 1\n"));
}

TEST(ObjectMetrics, leave_out_what_is_not_known_of_a_target) {
  api::ScaleTarget target = a_target();
  target.status = {};
  EXPECT_EQ(shown(target), "");
}

TEST(ObjectMetrics, tell_the_next_boundaries_of_a_schedule_and_how_the_last_one_went) {
  const std::string text = shown(diwali());
  EXPECT_THAT(text, HasSubstr("headroom_schedule_info{namespace=\"shop\",schedule=\"diwali\",state=\"Leading\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{namespace=\"shop\",schedule=\"diwali\",phase=\"2026 d-day\",event=\"LeadStart\"} "
                              "1794088800\n"))
      << "of two leads the first";
  EXPECT_THAT(text, Not(HasSubstr("1794092400")));
  EXPECT_THAT(text, HasSubstr("phase=\"2026 d-day\",event=\"Start\"} 1794096000\n"));
  EXPECT_THAT(text, HasSubstr("headroom_schedule_boundary_late_seconds{namespace=\"shop\",schedule=\"diwali\","
                              "phase=\"2026 t-1\",event=\"Start\"} 90.5\n"));
  EXPECT_THAT(text, HasSubstr("headroom_schedule_boundary_timestamp_seconds{namespace=\"shop\",schedule=\"diwali\","
                              "phase=\"2026 t-1\",event=\"Start\"} 1794009600\n"));
  EXPECT_THAT(text, HasSubstr("headroom_schedule_missed_boundaries{namespace=\"shop\",schedule=\"diwali\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("headroom_schedule_targets{namespace=\"shop\",schedule=\"diwali\"} 5\n"));
}

TEST(ObjectMetrics, tell_of_each_risk_when_its_phase_begins_or_has_begun) {
  const std::string text = shown(diwali());
  EXPECT_THAT(text, HasSubstr("headroom_schedule_at_risk_timestamp_seconds{namespace=\"shop\",schedule=\"diwali\","
                              "target=\"web\",phase=\"2026 d-day\",reason=\"ResourceQuota\"} 1794096000\n"));
  EXPECT_THAT(text, HasSubstr("target=\"erp\",phase=\"2026 t-1\",reason=\"NodeCapacity\"} 1794009600\n"));
}

TEST(ObjectMetrics, tell_capacity_probes_and_conditions_of_a_region) {
  api::Region region;
  region.meta.name = "mumbai";
  region.status = testing_support::full_region_status();
  runtime::Exposition scrape;
  expose(region, scrape);
  const std::string text = scrape.take_text();
  for (const char* line : {
           "headroom_region_capacity_hard{region=\"mumbai\",dimension=\"pods\"} 300\n",
           "headroom_region_capacity_planned{region=\"mumbai\",dimension=\"pods\"} 160\n",
           "headroom_region_capacity_used{region=\"mumbai\",dimension=\"pods\"} 12.5\n",
           "headroom_region_capacity_hard{region=\"mumbai\",dimension=\"storage\"} 200000000000\n",
           "headroom_region_probe_healthy{region=\"mumbai\",probe=\"ingress\"} 1\n",
           "headroom_region_probe_healthy{region=\"mumbai\",probe=\"db\"} 0\n",
           "headroom_region_targets{region=\"mumbai\"} 5\n",
           "headroom_condition{kind=\"Region\",name=\"mumbai\",type=\"Ready\",reason=\"Reachable\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("headroom_region_capacity_used{region=\"mumbai\",dimension=\"storage\"")));
}

TEST(ObjectMetrics, are_bounded_and_say_how_much_is_left_out) {
  TestWorld world;
  for (int i = 0; i < 5; ++i) {
    api::ScaleTarget target = a_target(absl::StrCat("t", i));
    target.meta.resource_version = absl::StrCat(i);
    world.load(target);
  }
  world.load(diwali());
  runtime::Exposition scrape;
  expose_objects(*world.world, scrape, {.targets = 3, .schedules = 1, .risks = 1, .regions = 1});
  const std::string text = scrape.take_text();
  const auto count = [&](const std::string& what) {
    int found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("\nheadroom_target_current_replicas{"), 3);
  EXPECT_EQ(count("\nheadroom_schedule_at_risk_timestamp_seconds{"), 1);
  EXPECT_THAT(text, HasSubstr("headroom_series_left_out{kind=\"ScaleTarget\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("headroom_series_left_out{kind=\"FestivalSchedule\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("headroom_series_left_out{kind=\"Region\"} 0\n"));
}

}  // namespace
}  // namespace headroom::controllers
