#include "operator/controllers/lead_starts.h"

#include <gtest/gtest.h>

#include "tests/controllers/a_schedule.h"

namespace headroom::controllers {
namespace {

using testing_support::a_target;
using testing_support::ist;

std::vector<api::TransitionStatus> starts(const testing_support::World& world,
                                          const testing_support::FestivalBuilder& festival, const char* now,
                                          int phases = 5) {
  return coming_lead_starts(*compiled(festival), world.targets(), ist(now), phases);
}

TEST(LeadStarts, come_before_the_phases_that_rise) {
  testing_support::World world;
  world.add(a_target("web").min(10).max(100).baseline(10).warm_up(absl::Minutes(10)));
  const auto found = starts(world, diwali(), "2026-11-01");
  ASSERT_EQ(found.size(), 2U) << "prepare and peak rise, decay does not";
  EXPECT_EQ(found[0].phase, "prepare");
  EXPECT_EQ(found[0].event, "LeadStart");
  EXPECT_EQ(found[0].occurrence, "diwali");
  EXPECT_EQ(found[0].at, ist("2026-11-04 23:49:00")) << "ten minutes and a tenth of it";
  EXPECT_EQ(found[1].phase, "peak");
}

TEST(LeadStarts, are_those_of_the_slowest_target) {
  testing_support::World world;
  world.add(a_target("web").min(10).max(100).baseline(10).warm_up(absl::Minutes(10)));
  world.add(a_target("db").min(10).max(100).baseline(10).warm_up(absl::Hours(2)));
  EXPECT_EQ(starts(world, diwali(), "2026-11-01")[0].at, ist("2026-11-04 21:48:00"));
}

TEST(LeadStarts, that_have_passed_are_not_to_come) {
  testing_support::World world;
  world.add(a_target("web").min(10).max(100).baseline(10).warm_up(absl::Minutes(10)));
  const auto found = starts(world, diwali(), "2026-11-04 23:55:00");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].phase, "peak");
}

TEST(LeadStarts, there_are_none_without_a_lead) {
  testing_support::World world;
  world.add(a_target("web").min(10).max(100).baseline(10));
  EXPECT_TRUE(starts(world, diwali(), "2026-11-01").empty());
}

TEST(LeadStarts, are_told_for_so_many_phases_only) {
  testing_support::World world;
  world.add(a_target("web").min(10).max(100).baseline(10).warm_up(absl::Minutes(10)));
  EXPECT_EQ(starts(world, diwali(), "2026-11-01", 1).size(), 1U);
}

}  // namespace
}  // namespace headroom::controllers
