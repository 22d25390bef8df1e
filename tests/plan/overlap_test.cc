// Several schedules, or several phases, that speak to one target at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing_support::a_festival;
using testing_support::a_target;
using testing_support::FestivalBuilder;
using testing_support::ist;
using testing_support::labelled;
using testing_support::named;
using testing_support::World;

const auto kWorkers = named({"workers"});
const absl::Time kNoon = ist("2026-11-08 12:00");

FestivalBuilder one_day(const std::string& name, int replicas) {
  return a_festival(name).day("2026-11-08").phase("day", "P0D", "P1D").replicas(kWorkers, replicas);
}

World workers() {
  World world;
  world.add(a_target("workers").min(10).max(100).baseline(30));
  return world;
}

std::vector<std::string> speakers(const Decision& decision) {
  std::vector<std::string> names;
  for (const Contribution& said : decision.contributions) names.push_back(said.schedule.name);
  return names;
}

TEST(Overlap, without_priorities_the_maximum_counts_and_the_rest_stays_visible) {
  World world = workers();
  world.add(one_day("small", 20)).add(one_day("large", 50)).add(one_day("middle", 30));
  const Decision decision = world.decide(kNoon, "workers");
  EXPECT_EQ(decision.size, 50);
  EXPECT_EQ(decision.decided_by, "FestivalSchedule/large day");
  EXPECT_THAT(speakers(decision), ElementsAre("large", "middle", "small"));
}

TEST(Overlap, equal_sizes_are_decided_by_name) {
  World world = workers();
  world.add(one_day("b", 50)).add(one_day("a", 50));
  EXPECT_THAT(speakers(world.decide(kNoon, "workers")), ElementsAre("a", "b"));
}

TEST(Overlap, of_equal_sizes_one_in_force_speaks_before_one_to_come) {
  World world = workers();
  world.spec("workers").warm_up.estimate = absl::Hours(1);
  world.add(one_day("b", 50))
      .add(a_festival("a").day("2026-11-08").phase("noon", "PT12H", "PT18H").replicas(kWorkers, 50));
  EXPECT_THAT(speakers(world.decide(ist("2026-11-08 11:30"), "workers")), ElementsAre("b", "a"));
}

TEST(Overlap, the_highest_priority_alone_counts_even_where_it_asks_for_less) {
  World world = workers();
  world.add(one_day("rush", 90).priority(1)).add(one_day("calm", 20).priority(5)).add(one_day("any", 95));
  const Decision decision = world.decide(kNoon, "workers");
  EXPECT_EQ(decision.size, 20);
  EXPECT_THAT(speakers(decision), ElementsAre("calm", "any", "rush"));
  EXPECT_EQ(decision.contributions[0].priority, 5);
}

TEST(Overlap, no_priority_counts_as_zero_once_anyone_has_one) {
  World below = workers();
  below.add(one_day("none", 40)).add(one_day("minus", 90).priority(-1));
  EXPECT_EQ(below.decide(kNoon, "workers").size, 40);
  World equal = workers();
  equal.add(one_day("none", 40)).add(one_day("zero", 90).priority(0));
  EXPECT_EQ(equal.decide(kNoon, "workers").size, 90) << "equal priorities: the maximum";
}

TEST(Overlap, a_priority_counts_only_while_it_contributes) {
  World world = workers();
  world.add(one_day("rush", 90))
      .add(a_festival("calm").priority(5).day("2026-11-08").phase("morning", "P0D", "PT6H").replicas(kWorkers, 20));
  EXPECT_EQ(world.decide(ist("2026-11-08 05:59"), "workers").size, 20);
  EXPECT_EQ(world.decide(ist("2026-11-08 06:00"), "workers").size, 90);
}

TEST(Overlap, a_coming_phase_of_higher_priority_lowers_nothing_before_its_hour) {
  World world = workers();
  world.spec("workers").warm_up.estimate = absl::Hours(1);
  world.add(one_day("rush", 90))
      .add(a_festival("calm").priority(5).day("2026-11-08").phase("noon", "PT12H", "PT18H").replicas(kWorkers, 40));
  const Decision leading = world.decide(ist("2026-11-08 11:30"), "workers");
  EXPECT_EQ(leading.size, 90);
  EXPECT_THAT(leading.contributions, SizeIs(2)) << "its lead has begun";
  EXPECT_EQ(world.decide(ist("2026-11-08 12:00"), "workers").size, 40);
}

TEST(Overlap, a_coming_phase_of_lower_priority_counts_when_the_higher_one_is_over_by_then) {
  World world = workers();
  world.spec("workers").warm_up.estimate = absl::Hours(1);
  world.add(a_festival("calm").priority(5).day("2026-11-08").phase("morning", "P0D", "PT12H").replicas(kWorkers, 20))
      .add(a_festival("rush").day("2026-11-08").phase("noon", "PT12H", "PT18H").replicas(kWorkers, 90))
      .add(a_festival("long").priority(9).day("2026-11-09").phase("day", "P0D", "P1D").replicas(kWorkers, 15));
  EXPECT_EQ(world.decide(ist("2026-11-08 11:30"), "workers").size, 90) << "it must be ready at 12:00";
  // Rush again at the same hour as the long one of higher priority: there is nothing to get ready for.
  world.add(a_festival("again").day("2026-11-09").phase("day", "P0D", "PT6H").replicas(kWorkers, 90));
  EXPECT_EQ(world.decide(ist("2026-11-08 23:30"), "workers").size, 15);
}

TEST(Overlap, two_occurrences_of_one_schedule_are_like_two_schedules) {
  World world = workers();
  world.add(a_festival("weekend")
                .recurring("2026-11-07", "FREQ=DAILY;COUNT=2")
                .phase("rise", "P0D", "P1D")
                .replicas(kWorkers, 80)
                .phase("tail", "P1D", "P2D")
                .replicas(kWorkers, 30));
  EXPECT_EQ(world.decide(ist("2026-11-07 12:00"), "workers").size, 80);
  EXPECT_EQ(world.decide(ist("2026-11-08 12:00"), "workers").size, 80) << "tail of the 7th, rise of the 8th";
  EXPECT_THAT(world.decide(ist("2026-11-08 12:00"), "workers").overlapping_phases, IsEmpty());
  EXPECT_EQ(world.decide(ist("2026-11-09 12:00"), "workers").size, 30);
}

TEST(Overlap, phases_of_one_occurrence_that_meet_through_labels_are_flagged_and_the_larger_counts) {
  World world = workers();
  world.labels("workers") = {{"tier", "web"}, {"part-of", "erp"}};
  world.add(a_festival("diwali")
                .day("2026-11-08")
                .phase("web", "P0D", "P1D")
                .replicas(labelled("tier", "web"), 40)
                .phase("erp", "PT6H", "PT18H")
                .replicas(labelled("part-of", "erp"), 60));
  const Decision decision = world.decide(kNoon, "workers");
  EXPECT_EQ(decision.size, 60);
  EXPECT_THAT(decision.overlapping_phases, ElementsAre("shop/diwali diwali: web and erp"));
  const Decision later = world.decide(ist("2026-11-08 18:00"), "workers");
  EXPECT_EQ(later.size, 40);
  EXPECT_THAT(later.overlapping_phases, IsEmpty());
}

TEST(Overlap, schedules_speak_to_their_own_namespace_only) {
  World world = workers();
  world.add(one_day("foreign", 90).ns("other"));
  EXPECT_FALSE(world.decide(kNoon, "workers").active);
}

// ---- follow

TEST(Follow, chains_are_followed_in_any_order) {
  World world;
  world.add(a_target("c").min(1).max(100).follows("b", "0.5"));
  world.add(a_target("a").min(10).max(100));
  world.add(a_target("b").min(1).max(100).follows("a", "0.5"));
  world.add(a_festival("diwali").day("2026-11-08").phase("day", "P0D", "P1D").replicas(named({"a"}), 45));
  EXPECT_EQ(world.decide(kNoon, "b").size, 23);
  EXPECT_EQ(world.decide(kNoon, "c").size, 12);
}

TEST(Follow, cycles_are_told_and_decided_without_it) {
  World world;
  world.add(a_target("b").min(4).max(100).follows("c", "2"));
  world.add(a_target("c").min(5).max(100).follows("a", "2"));
  world.add(a_target("a").min(6).max(100).follows("b", "2"));
  world.add(a_target("tail").min(1).max(100).follows("a", "0.5"));
  world.add(a_target("self").min(7).max(100).follows("self", "2"));
  const DecideResult result = world.decide(kNoon);
  ASSERT_THAT(result.cycles, SizeIs(2));
  EXPECT_THAT(result.cycles[0].cycle,
              ElementsAre(api::ObjectKey{"shop", "a"}, api::ObjectKey{"shop", "b"}, api::ObjectKey{"shop", "c"}));
  EXPECT_THAT(result.cycles[1].cycle, ElementsAre(api::ObjectKey{"shop", "self"}));
  EXPECT_EQ(world.decide(kNoon, "b").size, 4);
  EXPECT_EQ(world.decide(kNoon, "tail").size, 3) << "who follows a member of a cycle follows it still";
}

TEST(Follow, an_absent_or_unseen_leader_is_not_followed) {
  World world;
  world.add(a_target("a").min(4).max(100).follows("nobody", "2"));
  world.add(a_target("b").min(4).max(100).follows("unseen", "2"));
  world.add(a_target("unseen").min(50).max(100));
  world.observed("unseen").originals.reset();
  EXPECT_FALSE(world.decide(kNoon, "a").active);
  EXPECT_FALSE(world.decide(kNoon, "b").active);
}

TEST(Follow, a_leader_counts_by_its_decision_not_by_what_its_autoscaler_makes_of_it) {
  World world;
  world.add(a_target("b").min(4).max(100).follows("a", "0.5"));
  world.add(a_target("a").min(10).max(100));
  world.observed("a").current = world.observed("a").ready = 80;
  EXPECT_EQ(world.decide(kNoon, "b").size, 5);
}

// ---- regions

api::RegionSpec holding(const std::string& dimension, const std::string& hard) {
  api::RegionSpec spec;
  spec.capacity.push_back({dimension, testing_support::quantity(hard), ""});
  return spec;
}

TEST(RegionCapacity, cuts_only_what_goes_beyond_original_and_minimum_and_says_so) {
  World world;
  world.add(a_target("workers").min(10).max(100).consumes("pods", "1"));
  world.add_region("local", holding("pods", "60"));
  world.add(one_day("diwali", 80));
  const Decision decision = world.decide(kNoon, "workers");
  EXPECT_EQ(decision.size, 60);
  EXPECT_EQ(decision.wanted, 80);
  EXPECT_TRUE(decision.capped_by_region);
  EXPECT_THAT(testing_support::texts(decision),
              testing::Contains("capped by region local to 60 (wanted 80): pods wanted 80, has 60"));
  EXPECT_EQ(world.decide(kNoon).planned_use.at("local").at("pods"), Quantity::from_int(60));

  World full;
  full.add(a_target("workers").min(10).max(100).consumes("pods", "1"));
  full.add_region("local", holding("pods", "4"));
  full.add(one_day("diwali", 80));
  EXPECT_EQ(full.decide(kNoon, "workers").size, 10) << "what runs already is not taken away";
}

TEST(RegionCapacity, lower_priorities_give_way_first) {
  World world;
  world.add(a_target("a").min(10).max(100).consumes("pods", "1").priority(1));
  world.add(a_target("b").min(10).max(100).consumes("pods", "1").priority(2));
  world.add(a_target("c").min(10).max(100).consumes("pods", "1").priority(1));
  world.add_region("local", holding("pods", "130"));
  world.add(
      a_festival("diwali").day("2026-11-08").phase("day", "P0D", "P1D").replicas(testing_support::everything(), 60));
  // 180 wanted, 130 there: a and c share 130 - 60 between them, 10 each being kept.
  EXPECT_EQ(world.decide(kNoon, "b").size, 60);
  EXPECT_EQ(world.decide(kNoon, "a").size, 35);
  EXPECT_EQ(world.decide(kNoon, "c").size, 35);
}

TEST(RegionCapacity, shares_in_proportion_to_what_is_asked_beyond_and_by_key_where_equal) {
  World world;
  world.add(a_target("c").min(0).max(100).consumes("pods", "1"));
  world.add(a_target("b").min(0).max(100).consumes("pods", "1"));
  world.add(a_target("a").min(0).max(100).consumes("pods", "1"));
  world.add_region("local", holding("pods", "100"));
  const FestivalBuilder diwali = a_festival("diwali").day("2026-11-08").phase("day", "P0D", "P1D");
  world.add(FestivalBuilder(diwali).replicas(named({"a", "b"}), 30).replicas(named({"c"}), 90));
  // 150 into 100: 20, 20, 60.
  EXPECT_EQ(world.decide(kNoon, "a").size, 20);
  EXPECT_EQ(world.decide(kNoon, "b").size, 20);
  EXPECT_EQ(world.decide(kNoon, "c").size, 60);

  World thirds;
  for (const char* name : {"c", "b", "a"}) thirds.add(a_target(name).min(0).max(100).consumes("pods", "1"));
  thirds.add_region("local", holding("pods", "100"));
  thirds.add(FestivalBuilder(diwali).replicas(testing_support::everything(), 50));
  EXPECT_EQ(thirds.decide(kNoon, "a").size, 34) << "the odd one goes to the first by name";
  EXPECT_EQ(thirds.decide(kNoon, "b").size, 33);
  EXPECT_EQ(thirds.decide(kNoon, "c").size, 33);
}

TEST(RegionCapacity, whole_replicas_go_to_the_largest_remainders) {
  World world;
  for (const char* name : {"a", "b", "c"}) world.add(a_target(name).min(0).max(100).consumes("pods", "1"));
  world.add_region("local", holding("pods", "33"));
  world.add(a_festival("diwali")
                .day("2026-11-08")
                .phase("day", "P0D", "P1D")
                .replicas(named({"a"}), 10)
                .replicas(named({"b"}), 20)
                .replicas(named({"c"}), 40));
  // 70 into 33: 4.71, 9.43 and 18.86.
  EXPECT_EQ(world.decide(kNoon, "a").size, 5);
  EXPECT_EQ(world.decide(kNoon, "b").size, 9);
  EXPECT_EQ(world.decide(kNoon, "c").size, 19);
}

TEST(RegionCapacity, replicas_of_different_size_never_go_above_the_capacity) {
  World world;
  world.add(a_target("big").min(0).max(100).consumes("cpu", "3500m"));
  world.add(a_target("small").min(0).max(100).consumes("cpu", "250m"));
  world.add_region("local", holding("cpu", "20"));
  world.add(
      a_festival("diwali").day("2026-11-08").phase("day", "P0D", "P1D").replicas(testing_support::everything(), 10));
  const DecideResult result = world.decide(kNoon);
  // 37.5 wanted, 20 there, so 10 x 20 / 37.5 = 5.33 each: 5 and 5 take 18.75; five more small ones fit into the rest.
  EXPECT_EQ(result.decisions[0].size, 5);
  EXPECT_EQ(result.decisions[1].size, 10);
  EXPECT_EQ(result.planned_use.at("local").at("cpu"), Quantity::from_int(20));
}

TEST(RegionCapacity, every_dimension_that_is_both_declared_and_consumed_counts) {
  World world;
  world.add(
      a_target("workers").min(10).max(100).consumes("pods", "1").consumes("sustained-rps", "25").consumes("gpu", "1"));
  api::RegionSpec spec = holding("pods", "90");
  spec.capacity.push_back({"sustained-rps", testing_support::quantity("1k"), ""});
  world.add_region("local", spec, {{"sustained-rps", testing_support::quantity("250")}});
  world.add_region("elsewhere", holding("pods", "1"));
  world.add(one_day("diwali", 100));
  EXPECT_EQ(world.decide(kNoon, "workers").size, 30) << "(1000 - 250) / 25; gpu is not declared";
}

TEST(RegionCapacity, what_is_frozen_keeps_its_size_and_the_others_give_way) {
  World world;
  world.add(a_target("held").min(10).max(100).consumes("pods", "1").suspend(api::SuspendMode::Hold));
  world.add(a_target("workers").min(10).max(100).consumes("pods", "1"));
  world.observed("held").in_force = 70;
  world.add_region("local", holding("pods", "100"));
  world.add(one_day("diwali", 80));
  EXPECT_EQ(world.decide(kNoon, "held").size, 70);
  EXPECT_EQ(world.decide(kNoon, "workers").size, 30);
}

TEST(RegionCapacity, a_cut_target_looks_again_when_its_neighbours_change) {
  World world;
  world.add(a_target("a").min(1).max(100).consumes("pods", "1"));
  world.add(a_target("workers").min(1).max(100).consumes("pods", "1"));
  world.add_region("local", holding("pods", "100"));
  world.add(one_day("diwali", 80));
  world.add(a_festival("noon").day("2026-11-08").phase("noon", "PT6H", "PT13H").replicas(named({"a"}), 60));
  EXPECT_EQ(world.decide(kNoon, "workers").size, 57);  // 138 beyond the originals share 98
  EXPECT_EQ(world.decide(kNoon, "workers").next_transition, ist("2026-11-08 13:00"));
  EXPECT_EQ(world.decide(ist("2026-11-08 13:00"), "workers").size, 80);
}

}  // namespace
}  // namespace headroom::plan
