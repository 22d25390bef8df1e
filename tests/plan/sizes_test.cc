// From what schedules ask for to what is written: bounds, ramps, approvals, guards, suspension.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/plan/demand.h"
#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::a_festival;
using testing_support::a_read_replica;
using testing_support::a_target;
using testing_support::FestivalBuilder;
using testing_support::ist;
using testing_support::named;
using testing_support::quantity;
using testing_support::TargetBuilder;
using testing_support::texts;
using testing_support::World;

const auto kWorkers = named({"workers"});
const absl::Time kPeak = ist("2026-11-08 12:00");

FestivalBuilder peak() { return a_festival("diwali").day("2026-11-08").phase("peak", "P0D", "P1D"); }

World with(TargetBuilder target, FestivalBuilder festival) {
  World world;
  world.add(std::move(target)).add(festival);
  return world;
}

// ---- demands

TEST(Demand, multipliers_are_exact_decimals_rounded_up) {
  const struct {
    const char* by;
    int baseline, size;
  } table[] = {
      {"2", 30, 60},    {"1.5", 3, 5},           {"1.1", 10, 11}, {"0.1", 30, 3}, {"2.5", 30, 75},
      {"1.05", 20, 21}, {"1.000000001", 10, 11}, {"0", 30, 0},    {"333m", 3, 1}, {"10", 214748365, 2147483647}};
  for (const auto& row : table) {
    api::Demand demand;
    demand.multiplier = quantity(row.by);
    EXPECT_EQ(demanded_size(demand, row.baseline), row.size) << row.by << " x " << row.baseline;
  }
}

TEST(Demand, a_multiplier_of_nothing_asks_for_nothing_and_is_flagged) {
  World world = with(a_target("workers").min(2).max(50).baseline(0), peak().multiply(kWorkers, "5"));
  const Decision decision = world.decide(kPeak, "workers");
  EXPECT_FALSE(decision.active);
  EXPECT_TRUE(decision.baseline_zero);
  EXPECT_TRUE(world.decide(ist("2026-11-01"), "workers").baseline_zero) << "known before the day comes";
  World adding = with(a_target("workers").min(0).max(50).baseline(0), peak().add(kWorkers, 5));
  EXPECT_EQ(adding.decide(kPeak, "workers").size, 5);
  EXPECT_FALSE(adding.decide(kPeak, "workers").baseline_zero);
}

TEST(Demand, the_first_demand_that_selects_a_target_counts) {
  World world = with(a_target("workers").min(2).max(100).baseline(10).label("tier", "web"),
                     peak().replicas(kWorkers, 33).multiply(testing_support::labelled("tier", "web"), "5"));
  EXPECT_EQ(world.decide(kPeak, "workers").size, 33);
}

TEST(Demand, linear_decay_takes_the_same_share_of_the_start_every_hour) {
  const api::Decay decay{quantity("10"), api::Decay::Curve::Linear};
  const int expected[] = {45, 41, 36, 32, 27, 23, 18, 14, 9, 5, 0, 0};
  for (int hour = 0; hour < 12; ++hour) EXPECT_EQ(decayed_size(decay, 45, hour), expected[hour]) << hour;
  EXPECT_EQ(decayed_size({quantity("12.5"), api::Decay::Curve::Linear}, 100, 3), 63) << "62.5";
  EXPECT_EQ(decayed_size(decay, 2147483647, 1), 1932735283);
  EXPECT_EQ(decayed_size(decay, 100, 1'000'000'000), 0);
}

TEST(Demand, exponential_decay_takes_a_share_of_what_is_left) {
  const api::Decay decay{quantity("10"), api::Decay::Curve::Exponential};
  const int expected[] = {100, 90, 81, 73, 66, 60, 54, 48, 44, 39, 35};
  for (int hour = 0; hour < 11; ++hour) EXPECT_EQ(decayed_size(decay, 100, hour), expected[hour]) << hour;
  EXPECT_EQ(decayed_size(decay, 1'000'000, 6), 531441) << "exactly, not one more";
  EXPECT_EQ(decayed_size({quantity("50"), api::Decay::Curve::Exponential}, 1 << 30, 30), 1);
  EXPECT_EQ(decayed_size({quantity("100"), api::Decay::Curve::Exponential}, 100, 1), 0);
  EXPECT_EQ(decayed_size(decay, 2147483647, 0), 2147483647);
}

TEST(Demand, finds_the_hour_at_which_a_decay_has_come_down) {
  for (const api::Decay::Curve curve : {api::Decay::Curve::Linear, api::Decay::Curve::Exponential}) {
    for (const char* percent : {"0.5", "3", "10", "33.3", "100"}) {
      const api::Decay decay{quantity(percent), curve};
      for (const int threshold : {1, 7, 30, 99, 100}) {
        const std::int64_t hours = hours_until(decay, 100, threshold, 500);
        if (hours <= 500) {
          EXPECT_LE(decayed_size(decay, 100, hours), threshold) << percent;
        }
        if (hours > 0) {
          EXPECT_GT(decayed_size(decay, 100, hours - 1), threshold) << percent;
        }
      }
    }
  }
  EXPECT_EQ(hours_until({quantity("0.1"), api::Decay::Curve::Linear}, 100, 1, 10), 11) << "not within ten hours";
}

TEST(Demand, exponential_decay_shows_in_the_plan) {
  World world = with(a_target("workers").min(10).max(100).baseline(30),
                     peak()
                         .multiply(kWorkers, "10")
                         .phase("cool-down", "P1D", "P2D")
                         .decay(kWorkers, "20", api::Decay::Curve::Exponential));
  const Decision decision = world.decide(ist("2026-11-09 02:10"), "workers");
  EXPECT_EQ(decision.size, 64);
  EXPECT_EQ(decision.next_transition, ist("2026-11-09 03:00"));
  EXPECT_THAT(texts(decision), Contains("diwali cool-down: 100 x (1 - 20 %)^2 = 64"));
  // 51.2, 40.96, 32.8, 26.2
  EXPECT_EQ(world.decide(ist("2026-11-09 05:59"), "workers").size, 33);
  EXPECT_EQ(world.decide(ist("2026-11-09 06:00"), "workers").size, 10);
}

TEST(Demand, a_decay_never_falls_below_the_original) {
  World world = with(a_target("workers").min(40).max(100).baseline(5),
                     peak().replicas(kWorkers, 90).phase("cool-down", "P1D", "P2D").decay(kWorkers, "20"));
  EXPECT_EQ(world.decide(ist("2026-11-09 02:00"), "workers").size, 54);
  const Decision ended = world.decide(ist("2026-11-09 03:00"), "workers");  // 36, below the original 40
  EXPECT_EQ(ended.size, 40);
  EXPECT_FALSE(ended.active);
}

// ---- baselines

TEST(Baseline, is_the_specs_else_learned_else_the_original) {
  World world = with(a_target("workers").min(4).max(100), peak().multiply(kWorkers, "2"));
  EXPECT_EQ(world.decide(kPeak, "workers").size, 8) << "original minReplicas";
  world.observed("workers").learned_baseline = 12;
  EXPECT_EQ(world.decide(kPeak, "workers").size, 8) << "nobody asked for learning";
  world.spec("workers").replicas.learn.emplace();
  EXPECT_EQ(world.decide(kPeak, "workers").size, 24);
  world.spec("workers").replicas.baseline = 20;
  EXPECT_EQ(world.decide(kPeak, "workers").size, 40);
}

// ---- originals and bounds

TEST(Bounds, nothing_to_do_leaves_the_originals_exactly) {
  World world = with(a_target("workers").min(5).max(100).original(3, 250), peak().multiply(kWorkers, "1"));
  for (const absl::Time now : {ist("2026-11-01"), kPeak - absl::Hours(13)}) {
    const Decision decision = world.decide(now, "workers");
    EXPECT_FALSE(decision.active);
    EXPECT_EQ(decision.min, 3);
    EXPECT_EQ(decision.max, 250);
    EXPECT_EQ(decision.decided_by, "Original");
  }
}

TEST(Bounds, a_target_not_seen_yet_gets_no_decision) {
  World world = with(a_target("workers").min(5).max(100), peak().multiply(kWorkers, "4"));
  world.observed("workers").originals.reset();
  const Decision decision = world.decide(kPeak, "workers");
  EXPECT_FALSE(decision.active);
  EXPECT_THAT(decision.reasons, IsEmpty());
}

TEST(Bounds, an_autoscaler_keeps_its_maximum_until_the_minimum_reaches_it) {
  World world = with(a_target("workers").min(10).max(100).original(10, 60), peak().replicas(kWorkers, 59));
  Decision decision = world.decide(kPeak, "workers");
  EXPECT_EQ(decision.min, 59);
  EXPECT_EQ(decision.max, 60);
  World full = with(a_target("workers").min(10).max(100).original(10, 60), peak().replicas(kWorkers, 60));
  decision = full.decide(kPeak, "workers");
  EXPECT_EQ(decision.min, 60);
  EXPECT_EQ(decision.max, 100) << "room above the floor for load that nobody planned";
}

TEST(Bounds, engines_without_bounds_get_one_size) {
  World world = with(a_target("workers").min(1).max(100).original(4, 4).engine(api::EngineType::Scale),
                     peak().replicas(kWorkers, 30));
  const Decision decision = world.decide(kPeak, "workers");
  EXPECT_EQ(decision.min, 30);
  EXPECT_EQ(decision.max, 30);
}

TEST(Bounds, what_runs_is_shrunk_neither_by_a_phase_nor_by_the_maximum) {
  World world = with(a_target("workers").min(1).max(20).original(30, 40), peak().replicas(kWorkers, 5));
  EXPECT_EQ(world.decide(kPeak, "workers").size, 30);
  EXPECT_FALSE(world.decide(kPeak, "workers").active);
}

TEST(Bounds, decrease_allow_shrinks_to_the_minimum) {
  World world =
      with(a_target("workers").min(4).max(20).original(10, 40), peak().replicas(kWorkers, 2).allow_decrease());
  const Decision decision = world.decide(kPeak, "workers");
  EXPECT_TRUE(decision.active);
  EXPECT_EQ(decision.min, 4);
  EXPECT_EQ(decision.max, 40);
  EXPECT_THAT(texts(decision),
              ElementsAre("original 10", "diwali peak: 2", "not below min 4", "below the original 10"));
  world.add(a_festival("other").day("2026-11-08").phase("day", "P0D", "P1D").replicas(kWorkers, 3));
  EXPECT_EQ(world.decide(kPeak, "workers").size, 10) << "another schedule that does not allow it";
}

TEST(Bounds, a_quorum_floor_and_the_minimum_hold_while_something_is_decided) {
  World world = with(a_read_replica("replicas", 3).floor(5), peak().add(named({"replicas"}), 1));
  EXPECT_EQ(world.decide(kPeak, "replicas").size, 5);
  EXPECT_THAT(texts(world.decide(kPeak, "replicas")), Contains("not below the floor 5"));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "replicas").size, 3) << "nothing to do: the original, exactly";
}

// ---- rules

TEST(Rules, count_as_a_lower_bound_beside_schedules) {
  World world = with(a_target("workers").min(4).max(32).baseline(4), peak().multiply(kWorkers, "2"));
  world.observed("workers").rule_size = 12;
  world.observed("workers").rule_text = "queue-depth: 2500 above 1000 for 5m, +10";
  const Decision decision = world.decide(kPeak, "workers");
  EXPECT_EQ(decision.size, 12);
  EXPECT_EQ(decision.decided_by, "Rule/queue-depth");
  EXPECT_EQ(decision.decided_by_schedule, "");
  EXPECT_THAT(texts(decision),
              ElementsAre("original 4", "diwali peak: 2 x 4 = 8", "queue-depth: 2500 above 1000 for 5m, +10"));
  world.observed("workers").rule_size = 6;
  EXPECT_EQ(world.decide(kPeak, "workers").size, 8);
  world.observed("workers").rule_size = 3;
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").size, 4) << "never below the original";
}

// ---- ramp

TEST(Ramp, takes_one_step_a_period_from_what_is_in_force) {
  World world = with(a_target("workers").min(10).max(100).baseline(30).ramp_up(20, 0, absl::Minutes(1)),
                     peak().multiply(kWorkers, "3").capacity_at_start());
  const absl::Time start = ist("2026-11-08");
  Decision decision = world.decide(start, "workers");
  EXPECT_EQ(decision.size, 30) << "the first step is immediate";
  EXPECT_EQ(decision.wanted, 90);
  EXPECT_EQ(decision.next_transition, start + absl::Minutes(1));
  EXPECT_THAT(texts(decision), Contains("ramp: 30 on the way to 90"));

  world.write(start);
  decision = world.decide(start + absl::Seconds(59), "workers");
  EXPECT_EQ(decision.size, 30);
  EXPECT_EQ(decision.next_transition, start + absl::Minutes(1));
  world.write(start + absl::Minutes(1));
  EXPECT_EQ(world.observed("workers").in_force, 50);
  // Nobody was awake for an hour: still one step, since all that is known to be in force is 50.
  EXPECT_EQ(world.decide(start + absl::Hours(1), "workers").size, 70);
  world.observed("workers").in_force = 80;
  EXPECT_EQ(world.decide(start + absl::Hours(1), "workers").size, 90) << "the last step is what is left";
}

TEST(Ramp, goes_down_in_steps_to_the_original_and_then_lets_go) {
  World world = with(a_target("workers").min(10).max(100).baseline(30).ramp_down(0, 50, absl::Minutes(5)),
                     peak().multiply(kWorkers, "3"));
  world.write(ist("2026-11-08"));
  const absl::Time end = ist("2026-11-09");
  std::vector<int> sizes;
  for (int i = 0; i < 5; ++i) {
    const DecideResult result = world.write(end + i * absl::Minutes(5));
    sizes.push_back(result.decisions[0].size);
  }
  EXPECT_THAT(sizes, ElementsAre(45, 22, 11, 10, 10));
  EXPECT_FALSE(world.observed("workers").in_force.has_value());
  EXPECT_EQ(world.decide(end + absl::Hours(1), "workers").next_transition, std::nullopt);
}

TEST(Ramp, never_goes_back_below_an_original_that_was_raised_meanwhile) {
  World world = with(a_target("workers").min(10).max(200).baseline(30).ramp_up(5, 0, absl::Minutes(1)),
                     peak().multiply(kWorkers, "3"));
  world.observed("workers").in_force = 40;
  world.observed("workers").originals = api::Originals{70, 200, "uid"};
  EXPECT_EQ(world.decide(kPeak, "workers").size, 75);
}

TEST(Ramp, is_walked_step_by_step_in_a_plan) {
  World world = with(a_target("workers").min(10).max(100).baseline(30).ramp_up(30, 0, absl::Minutes(1)),
                     peak().multiply(kWorkers, "3"));
  const Walk walk = world.walk(ist("2026-11-07"), ist("2026-11-10"));
  // 10 to 90 takes three steps and so two minutes, with 30 s of margin before the hour.
  std::vector<std::string> steps;
  for (const WalkRow& row : walk.rows) {
    for (const WalkChange& change : row.changes) {
      steps.push_back(testing_support::in_ist(row.at).substr(8, 11) + " " + std::to_string(change.decision.size));
    }
  }
  EXPECT_THAT(steps, ElementsAre("07 00:00:00 10", "07 23:57:30 40", "07 23:58:30 70", "07 23:59:30 90",
                                 "08 00:00:00 90", "09 00:00:00 10"));
}

// ---- read replicas

TEST(ReadReplica, clones_at_most_so_many_at_a_time) {
  World world = with(a_read_replica("replicas", 3).max_step(1), peak().add(named({"replicas"}), 3));
  world.observed("replicas").ready = world.observed("replicas").current = 3;
  const Decision first = world.decide(kPeak, "replicas");
  EXPECT_EQ(first.size, 4);
  EXPECT_EQ(first.wanted, 6);
  EXPECT_THAT(texts(first), Contains("at most 1 clone at a time: 4 on the way to 6"));
  world.observed("replicas").in_force = 4;
  EXPECT_EQ(world.decide(kPeak, "replicas").size, 4) << "the clone is under way";
  world.observed("replicas").ready = 4;
  EXPECT_EQ(world.decide(kPeak, "replicas").size, 5);
  world.spec("replicas").read_replica.max_step = 2;
  EXPECT_EQ(world.decide(kPeak, "replicas").size, 6);
}

TEST(ReadReplica, a_replica_that_was_broken_before_does_not_keep_the_first_clone_from_starting) {
  World world = with(a_read_replica("replicas", 3), peak().add(named({"replicas"}), 2));
  world.observed("replicas").ready = 2;
  EXPECT_EQ(world.decide(kPeak, "replicas").size, 4);
}

TEST(ReadReplica, manual_scale_down_waits_for_a_person) {
  World world = with(a_read_replica("replicas", 3).manual_scale_down(), peak().add(named({"replicas"}), 2));
  TargetObservation& seen = world.observed("replicas");
  seen.in_force = seen.current = seen.ready = 5;
  const absl::Time after = ist("2026-11-09 12:00");
  Decision decision = world.decide(after, "replicas");
  EXPECT_TRUE(decision.active);
  EXPECT_TRUE(decision.awaiting_approval);
  EXPECT_EQ(decision.size, 5);
  EXPECT_THAT(texts(decision), Contains(HasSubstr("headroom.dev/approve-scale-down=3")));

  seen.approved_size = 4;
  decision = world.decide(after, "replicas");
  EXPECT_EQ(decision.size, 4);
  EXPECT_TRUE(decision.awaiting_approval) << "3 is still not approved";
  seen.in_force = seen.current = 4;
  seen.approved_size = 3;
  decision = world.decide(after, "replicas");
  EXPECT_FALSE(decision.awaiting_approval);
  EXPECT_EQ(decision.size, 3);
  EXPECT_FALSE(decision.active);
}

TEST(ReadReplica, an_approval_lets_go_one_replica_at_a_time) {
  World world = with(a_read_replica("replicas", 3).manual_scale_down(), peak().add(named({"replicas"}), 2));
  TargetObservation& seen = world.observed("replicas");
  seen.in_force = seen.current = seen.ready = 5;
  seen.approved_size = 3;
  EXPECT_EQ(world.decide(ist("2026-11-09 12:00"), "replicas").size, 4);
}

TEST(ReadReplica, no_maximum_removes_replicas_without_approval) {
  World world = with(a_read_replica("replicas", 3).manual_scale_down().max(4), peak().add(named({"replicas"}), 2));
  TargetObservation& seen = world.observed("replicas");
  seen.in_force = seen.current = seen.ready = 6;
  EXPECT_EQ(world.decide(kPeak, "replicas").size, 6);
}

TEST(ReadReplica, counts_are_in_the_unit_of_the_written_field) {
  // One primary and three replicas make four instances: +2 replicas are six instances.
  World world = with(a_read_replica("cluster", 4).max(8).floor(3), peak().add(named({"cluster"}), 2));
  world.spec("cluster").read_replica.counts = api::ReadReplicaPolicy::Counts::Instances;
  world.spec("cluster").engine.type = api::EngineType::Field;
  EXPECT_EQ(world.decide(kPeak, "cluster").size, 6);
}

// ---- lag guard

World lagging(std::optional<double> lag) {
  World world =
      with(a_read_replica("replicas", 3).lag_guard(absl::Seconds(60)).max_step(5), peak().add(named({"replicas"}), 2));
  world.observed("replicas").lag_seconds = lag;
  return world;
}

TEST(LagGuard, holds_what_is_in_force_in_both_directions) {
  World world = lagging(61);
  const Decision up = world.decide(kPeak, "replicas");
  EXPECT_EQ(up.size, 3);
  EXPECT_TRUE(up.frozen);
  EXPECT_FALSE(up.active);
  world.observed("replicas").in_force = 5;
  const Decision down = world.decide(ist("2026-11-09 12:00"), "replicas");
  EXPECT_EQ(down.size, 5);
  EXPECT_TRUE(down.frozen);
  EXPECT_THAT(texts(down), ElementsAre("original 3", "holds 5: replica lag 61 s is above 60 s"));
}

TEST(LagGuard, at_the_bound_or_where_nobody_asks_nothing_is_held) {
  EXPECT_EQ(lagging(60).decide(kPeak, "replicas").size, 5);
  EXPECT_EQ(lagging(std::nullopt).decide(kPeak, "replicas").size, 5);
}

TEST(LagGuard, does_not_go_back_to_what_was_in_force_before_a_person_raised_the_original) {
  World world = lagging(500);
  world.observed("replicas").in_force = 5;
  world.observed("replicas").originals = api::Originals{7, 7, "uid"};
  world.observed("replicas").current = 7;
  EXPECT_EQ(world.decide(kPeak, "replicas").size, 7);
}

TEST(LagGuard, never_keeps_a_target_below_its_floor) {
  World world = lagging(500);
  world.spec("replicas").read_replica.floor = 4;
  EXPECT_EQ(world.decide(kPeak, "replicas").size, 4);
  EXPECT_FALSE(world.decide(ist("2026-11-01"), "replicas").active) << "with nothing to do the original stands";
}

World unanswered(absl::Time since) {
  World world = lagging(std::nullopt);
  world.observed("replicas").lag_unknown_since = since;
  return world;
}

TEST(LagGuard, without_an_answer_holds_a_rise_for_ten_minutes_and_says_what_to_look_at) {
  World world = unanswered(kPeak);
  const Decision held = world.decide(kPeak + absl::Minutes(10) - absl::Seconds(1), "replicas");
  EXPECT_EQ(held.size, 3);
  EXPECT_TRUE(held.frozen);
  EXPECT_EQ(held.next_transition, kPeak + absl::Minutes(10));
  EXPECT_EQ(
      texts(held).back(),
      "holds 3: replica lag is unknown, see condition MetricsUnavailable and spec.metrics of region local; goes on "
      "to 5 regardless at 2026-11-08T06:40:00Z");
}

TEST(LagGuard, goes_on_after_ten_minutes_without_an_answer_and_warns) {
  World world = unanswered(kPeak);
  const Decision risen = world.decide(kPeak + absl::Minutes(10), "replicas");
  EXPECT_EQ(risen.size, 5);
  EXPECT_FALSE(risen.frozen);
  EXPECT_EQ(risen.reasons.back().kind, api::Reason::Kind::LagGuard);
  EXPECT_EQ(
      texts(risen).back(),
      "goes on to 5: replica lag has been unknown since 2026-11-08T06:30:00Z, see condition MetricsUnavailable and "
      "spec.metrics of region local");
}

TEST(LagGuard, without_an_answer_keeps_what_was_in_force_before_a_restart_and_says_nothing) {
  World world = unanswered(kPeak);
  world.observed("replicas").in_force = 5;
  const Decision same = world.decide(kPeak, "replicas");
  EXPECT_EQ(same.size, 5);
  EXPECT_FALSE(same.frozen);
  EXPECT_EQ(same.decided_by_schedule, "shop/diwali");
  EXPECT_NE(same.reasons.back().kind, api::Reason::Kind::LagGuard);
}

TEST(LagGuard, without_an_answer_removes_nothing_however_long_that_lasts) {
  World world = unanswered(kPeak);
  world.observed("replicas").in_force = 5;
  const Decision down = world.decide(ist("2026-11-12"), "replicas");
  EXPECT_EQ(down.size, 5);
  EXPECT_TRUE(down.frozen);
  EXPECT_THAT(texts(down).back(), testing::EndsWith("; nothing is removed before it is known"));
  world.observed("replicas").lag_unknown_since.reset();
  world.observed("replicas").lag_seconds = 1;
  EXPECT_FALSE(world.decide(ist("2026-11-12"), "replicas").active);
}

TEST(LagGuard, without_an_answer_never_keeps_a_target_below_its_floor) {
  World world = unanswered(kPeak);
  world.spec("replicas").read_replica.floor = 4;
  EXPECT_EQ(world.decide(kPeak, "replicas").size, 4);
  EXPECT_FALSE(world.decide(ist("2026-11-01"), "replicas").active) << "with nothing to do the original stands";
}

// ---- suspension

TEST(Suspend, hold_on_a_target_freezes_what_is_in_force) {
  World world =
      with(a_target("workers").min(10).max(100).suspend(api::SuspendMode::Hold), peak().replicas(kWorkers, 80));
  Decision decision = world.decide(kPeak, "workers");
  EXPECT_EQ(decision.size, 10);
  EXPECT_TRUE(decision.frozen);
  EXPECT_EQ(decision.next_transition, std::nullopt);
  world.observed("workers").in_force = 50;
  decision = world.decide(ist("2026-11-20"), "workers");
  EXPECT_EQ(decision.size, 50);
  EXPECT_TRUE(decision.active);
}

TEST(Suspend, restore_on_a_target_puts_the_originals_back_at_once) {
  World world =
      with(a_target("workers").min(10).max(100).ramp_down(1, 0, absl::Hours(1)).suspend(api::SuspendMode::Restore),
           peak().replicas(kWorkers, 80));
  world.observed("workers").in_force = 80;
  const Decision decision = world.decide(kPeak, "workers");
  EXPECT_FALSE(decision.active);
  EXPECT_EQ(decision.size, 10);
}

TEST(Suspend, hold_on_a_schedule_keeps_what_it_had_put_in_force) {
  World world =
      with(a_target("workers").min(10).max(100), peak().replicas(kWorkers, 80).suspend(api::SuspendMode::Hold));
  world.observed("workers").in_force = 60;
  world.observed("workers").decided_by_schedule = "shop/diwali";
  const Decision held = world.decide(ist("2026-11-20"), "workers");
  EXPECT_EQ(held.size, 60);
  EXPECT_EQ(schedule_in_decided_by(held.decided_by, "shop"), "shop/diwali") << "it goes on holding";
  world.observed("workers").decided_by_schedule = "shop/other";
  EXPECT_EQ(world.decide(kPeak, "workers").size, 10) << "what another put there is not its own";
}

TEST(Suspend, restore_on_a_schedule_contributes_nothing) {
  World world =
      with(a_target("workers").min(10).max(100), peak().replicas(kWorkers, 80).suspend(api::SuspendMode::Restore));
  EXPECT_FALSE(world.decide(kPeak, "workers").active);
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, std::nullopt);
}

// ---- a region that refuses

TEST(Region, one_that_refuses_the_target_lets_it_fall_but_not_rise) {
  World world = with(a_target("workers").min(10).max(100), peak().replicas(kWorkers, 80));
  world.observed("workers").region_refused = "requires EU_GDPR";
  Decision decision = world.decide(kPeak, "workers");
  EXPECT_EQ(decision.size, 10);
  EXPECT_TRUE(decision.capped_by_region);
  EXPECT_THAT(texts(decision), Contains("region local may not hold more than 10: requires EU_GDPR"));
  world.observed("workers").in_force = 40;
  EXPECT_EQ(world.decide(kPeak, "workers").size, 40);
  EXPECT_EQ(world.decide(ist("2026-11-09"), "workers").size, 10);
}

// ---- reasons

TEST(Reasons, stay_few) {
  World world = with(a_target("workers").min(1).max(1000), peak().replicas(kWorkers, 5));
  for (int i = 0; i < 40; ++i) {
    world.add(a_festival("festival-" + std::to_string(i))
                  .day("2026-11-08")
                  .phase("day", "P0D", "P1D")
                  .replicas(kWorkers, 10 + i));
  }
  const Decision decision = world.decide(kPeak, "workers");
  EXPECT_LE(decision.reasons.size(), 16u);
  EXPECT_EQ(decision.contributions.size(), 16u);
  EXPECT_EQ(decision.contributions.front().size, 49);
  EXPECT_EQ(decision.contributions.back().size, 34);
}

}  // namespace
}  // namespace headroom::plan
