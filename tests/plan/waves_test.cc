// Waves: databases before workers on the way up, after them on the way down; and the gates in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::a_festival;
using testing_support::a_read_replica;
using testing_support::a_target;
using testing_support::FestivalBuilder;
using testing_support::ist;
using testing_support::named;
using testing_support::texts;
using testing_support::World;

const auto kDatabases = named({"replicas"});
const auto kWorkers = named({"workers"});

FestivalBuilder festival() { return a_festival("diwali").day("2026-11-08"); }

/// Read replicas 3 to 5 in 20 minutes, workers 10 to 60 in 10 minutes, from the 8th on.
World up(FestivalBuilder schedule) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(10)));
  world.add(a_read_replica("replicas", 3).max_step(2).warm_up(absl::Minutes(20)));
  world.add(schedule.phase("d-day", "P0D", "P1D").multiply(kWorkers, "2").add(kDatabases, 2));
  return world;
}

TEST(Waves, earlier_waves_start_so_that_they_are_done_before_later_ones) {
  World world = up(festival().wave("databases", kDatabases).wave("workers", kWorkers));
  // Workers: 10 min and the least margin of 1 min. Databases before them: 30 min and 3 min.
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, ist("2026-11-07 23:49"));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "replicas").next_transition, ist("2026-11-07 23:27"));
}

TEST(Waves, a_target_that_no_wave_selects_belongs_to_the_last) {
  World world = up(festival().wave("databases", kDatabases));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, ist("2026-11-07 23:49"));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "replicas").next_transition, ist("2026-11-07 23:27"));
}

TEST(Waves, a_phase_has_waves_of_its_own) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(10)));
  world.add(a_read_replica("replicas", 3).max_step(2).warm_up(absl::Minutes(20)));
  world.add(festival()
                .wave("databases", kDatabases)
                .phase("d-day", "P0D", "P1D")
                .multiply(kWorkers, "2")
                .add(kDatabases, 2)
                .phase_wave("workers first", kWorkers)
                .phase_wave("databases", kDatabases));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, ist("2026-11-07 23:27"));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "replicas").next_transition, ist("2026-11-07 23:38"));
}

TEST(Waves, targets_of_a_wave_go_together) {
  World world;
  world.add(a_read_replica("orders", 3).max_step(2).warm_up(absl::Hours(1)));
  world.add(a_read_replica("stock", 3).max_step(2).warm_up(absl::Minutes(10)));
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(10)));
  world.add(festival()
                .wave("databases", named({"orders", "stock"}))
                .phase("d-day", "P0D", "P1D")
                .multiply(kWorkers, "2")
                .add(named({"orders", "stock"}), 2));
  const absl::Time start = ist("2026-11-07 22:43");  // 60 + 10 minutes, and 7
  EXPECT_EQ(world.decide(ist("2026-11-01"), "orders").next_transition, start);
  EXPECT_EQ(world.decide(ist("2026-11-01"), "stock").next_transition, start);
}

TEST(Waves, a_wave_without_a_lead_of_its_own_still_goes_before_the_next) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(10)));
  world.add(a_read_replica("replicas", 3));
  world.add(
      festival().wave("databases", kDatabases).phase("d-day", "P0D", "P1D").multiply(kWorkers, "2").add(kDatabases, 2));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "replicas").next_transition, ist("2026-11-07 23:49"));
}

// ---- gates

/// No leads: everything happens at midnight of the 8th.
World gated() {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30));
  world.add(a_read_replica("replicas", 3).max_step(2));
  world.add(
      festival().wave("databases", kDatabases).phase("d-day", "P0D", "P1D").multiply(kWorkers, "2").add(kDatabases, 2));
  return world;
}

TEST(Gate, workers_wait_until_the_databases_are_ready) {
  World world = gated();
  world.observed("replicas").ready = 3;
  const Decision waiting = world.decide(ist("2026-11-08"), "workers");
  EXPECT_EQ(waiting.size, 10);
  EXPECT_FALSE(waiting.active);
  EXPECT_THAT(texts(waiting),
              ElementsAre("original 10",
                          "diwali d-day: 10, waiting for wave databases: replicas 3 of 5 ready; goes on regardless at "
                          "2026-11-08 00:05 +05:30, 5m after the start of wave databases"));
  EXPECT_TRUE(waiting.contributions.front().waiting);
  EXPECT_EQ(world.decide(ist("2026-11-08"), "replicas").size, 5) << "the first wave waits for nobody";

  world.observed("replicas").ready = 4;
  EXPECT_EQ(world.decide(ist("2026-11-08 00:02"), "workers").size, 10);
  world.observed("replicas").ready = 5;
  EXPECT_EQ(world.decide(ist("2026-11-08 00:02"), "workers").size, 60);
}

TEST(Gate, what_is_not_observed_counts_as_ready) {
  World world = gated();
  EXPECT_EQ(world.decide(ist("2026-11-08"), "workers").size, 60);
}

TEST(Gate, opens_at_its_time_out_and_says_when) {
  World world = gated();
  world.observed("replicas").ready = 3;
  EXPECT_EQ(world.decide(ist("2026-11-08 00:01"), "workers").next_transition, ist("2026-11-08 00:05"));
  EXPECT_EQ(world.decide(ist("2026-11-08 00:04:59"), "workers").size, 10);
  EXPECT_EQ(world.decide(ist("2026-11-08 00:05"), "workers").size, 60);
}

TEST(Gate, never_closes_on_a_target_that_is_there_already) {
  World world = gated();
  world.write(ist("2026-11-08"));
  world.observed("replicas").ready = 3;
  EXPECT_EQ(world.decide(ist("2026-11-08 00:01"), "workers").size, 60);
}

TEST(Gate, keeps_what_the_schedule_has_raised_when_readiness_goes_back_halfway) {
  World world = gated();
  world.spec("workers").ramp_up = api::RampLimit{{20, 0}, absl::Seconds(30)};
  world.write(ist("2026-11-08"));
  EXPECT_EQ(world.observed("workers").in_force, 30);
  world.observed("replicas").ready = 4;
  const Decision halfway = world.decide(ist("2026-11-08 00:01"), "workers");
  EXPECT_EQ(halfway.size, 30) << "neither on to 60 nor back to 10";
}

TEST(Gate, keeps_the_contribution_of_the_phase_before) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30));
  world.add(a_read_replica("replicas", 3).max_step(2));
  world.add(festival()
                .wave("databases", kDatabases)
                .phase("t-1", "-P1D", "P0D")
                .multiply(kWorkers, "2")
                .phase("d-day", "P0D", "P1D")
                .multiply(kWorkers, "5")
                .add(kDatabases, 2));
  world.observed("replicas").ready = 3;
  const Decision waiting = world.decide(ist("2026-11-08"), "workers");
  EXPECT_EQ(waiting.size, 60);
  EXPECT_EQ(waiting.decided_by_schedule, "shop/diwali");
}

TEST(Gate, holds_a_coming_phase_back_too) {
  World world = up(festival().wave("databases", kDatabases, absl::Hours(1)).wave("workers", kWorkers));
  world.observed("replicas").ready = 3;
  const Decision waiting = world.decide(ist("2026-11-07 23:50"), "workers");
  EXPECT_EQ(waiting.size, 10);
  EXPECT_THAT(texts(waiting), Contains(StartsWith("waiting for wave databases: replicas 3 of 5 ready")));
  EXPECT_EQ(waiting.next_transition, ist("2026-11-08"));
  EXPECT_EQ(waiting.leads_begun.size(), 1u) << "its lead has begun all the same";
  world.observed("replicas").ready = 5;
  EXPECT_EQ(world.decide(ist("2026-11-07 23:50"), "workers").size, 60);
}

TEST(Gate, the_time_out_counts_from_the_start_of_the_wave_before) {
  // Databases start at 23:27; a gate of half an hour opens at 23:57.
  World world = up(festival().wave("databases", kDatabases, absl::Minutes(30)).wave("workers", kWorkers));
  world.observed("replicas").ready = 3;
  EXPECT_EQ(world.decide(ist("2026-11-07 23:56:59"), "workers").size, 10);
  EXPECT_EQ(world.decide(ist("2026-11-07 23:57"), "workers").size, 60);
  // Once the databases' lead has begun, its instant stands although the lead is learned to be shorter.
  world.observed("replicas").started_leads = {{"shop/diwali", "diwali", "d-day", ist("2026-11-07 23:20")}};
  EXPECT_EQ(world.decide(ist("2026-11-07 23:49:59"), "workers").size, 10);
  EXPECT_EQ(world.decide(ist("2026-11-07 23:50"), "workers").size, 60);
}

TEST(Gate, none_lets_the_next_wave_pass_but_those_before_still_count) {
  World world;
  world.add(a_read_replica("replicas", 3).max_step(2));
  world.add(a_target("cache").min(2).max(20).baseline(3));
  world.add(a_target("workers").min(10).max(200).baseline(30));
  world.add(festival()
                .wave("databases", kDatabases)
                .wave("caches", named({"cache"}), absl::Minutes(5), api::Wave::Gate::None)
                .phase("d-day", "P0D", "P1D")
                .multiply(named({"workers", "cache"}), "2")
                .add(kDatabases, 2));
  world.observed("cache").ready = 2;
  world.observed("replicas").ready = 5;
  EXPECT_EQ(world.decide(ist("2026-11-08"), "workers").size, 60) << "caches are not waited for";
  world.observed("replicas").ready = 4;
  EXPECT_EQ(world.decide(ist("2026-11-08"), "workers").size, 10) << "databases are";
}

TEST(Gate, does_not_wait_for_what_a_person_has_taken_in_hand) {
  World world = gated();
  world.observed("replicas").ready = 3;
  world.spec("replicas").suspend = api::SuspendMode::Hold;
  EXPECT_EQ(world.decide(ist("2026-11-08"), "workers").size, 60);
}

TEST(Gate, names_one_and_counts_the_rest) {
  World world;
  world.add(a_read_replica("stock", 3));
  world.add(a_read_replica("orders", 3));
  world.add(a_target("workers").min(10).max(200).baseline(30));
  world.add(festival()
                .wave("databases", named({"stock", "orders"}))
                .phase("d-day", "P0D", "P1D")
                .multiply(kWorkers, "2")
                .add(named({"stock", "orders"}), 2));
  world.observed("stock").ready = world.observed("orders").ready = 3;
  EXPECT_THAT(texts(world.decide(ist("2026-11-08"), "workers")),
              Contains(StartsWith("diwali d-day: 10, waiting for wave databases: orders 3 of 5 ready and 1 more;")));
}

// ---- gates, one after the other

/// Waves a, b and c of one target each from 10 to 60, and d of no wave; no leads. Each wave is waited for half an hour.
class RollOut {
 public:
  RollOut()
      : RollOut(a_festival("launch")
                    .day("2026-11-08")
                    .wave("a", named({"a"}), absl::Minutes(30))
                    .wave("b", named({"b"}), absl::Minutes(30))
                    .wave("c", named({"c"}), absl::Minutes(30))) {}
  explicit RollOut(FestivalBuilder waves, std::vector<std::string> selected = {"a", "b", "c", "d"}) {
    for (const std::string& name : names_) world_.add(a_target(name).min(10).max(60));
    world_.add(waves.phase("launch-week", "P0D", "P7D").replicas(named(std::move(selected)), 60));
    for (const std::string& name : names_) world_.observed(name).ready = 10;
  }

  /// Writes what is decided at `time`; nothing gets ready by that. Sizes of a to d.
  std::vector<int> sizes_at(const std::string& time) {
    const absl::Time now = ist("2026-11-08 " + time);
    const DecideResult decided = world_.decide(now);
    std::vector<int> sizes;
    for (std::size_t t = 0; t < names_.size(); ++t) {
      TargetObservation& observed = world_.observed(names_[t]);
      const std::optional<int> ready = observed.ready;
      take_as_written(observed, decided.decisions[t], now);
      observed.ready = ready;
      sizes.push_back(decided.decisions[t].size);
    }
    return sizes;
  }
  void ready(const std::string& name, int size = 60) { world_.observed(name).ready = size; }
  World& world() { return world_; }

 private:
  const std::vector<std::string> names_{"a", "b", "c", "d"};
  World world_;
};

TEST(Gate, a_stuck_roll_out_goes_on_wave_by_wave) {
  RollOut launch;
  EXPECT_THAT(launch.sizes_at("00:00"), ElementsAre(60, 10, 10, 10));
  EXPECT_EQ(launch.world().decide(ist("2026-11-08 00:10"), "b").next_transition, ist("2026-11-08 00:30"));
  EXPECT_EQ(launch.world().decide(ist("2026-11-08 00:10"), "d").next_transition, ist("2026-11-08 01:30"));
  EXPECT_THAT(texts(launch.world().decide(ist("2026-11-08 00:10"), "c")),
              Contains(HasSubstr("waiting for wave a: a 10 of 60 ready; goes on regardless at 2026-11-08 01:00 +05:30, "
                                 "30m after the start of wave b")));
  EXPECT_THAT(launch.sizes_at("00:29:59"), ElementsAre(60, 10, 10, 10));
  EXPECT_THAT(launch.sizes_at("00:30"), ElementsAre(60, 60, 10, 10));
  EXPECT_THAT(launch.sizes_at("00:59:59"), ElementsAre(60, 60, 10, 10));
  EXPECT_THAT(launch.sizes_at("01:00"), ElementsAre(60, 60, 60, 10));
  EXPECT_THAT(launch.sizes_at("01:29:59"), ElementsAre(60, 60, 60, 10));
  EXPECT_THAT(launch.sizes_at("01:30"), ElementsAre(60, 60, 60, 60));
}

TEST(Gate, the_time_out_counts_from_when_the_wave_before_really_went) {
  RollOut launch;
  launch.sizes_at("00:00");
  launch.ready("a");
  EXPECT_EQ(launch.world().decide(ist("2026-11-08 00:20"), "c").size, 10) << "b has yet to go, and be waited for";
  EXPECT_THAT(launch.sizes_at("00:20"), ElementsAre(60, 60, 10, 10));
  EXPECT_THAT(launch.sizes_at("00:49:59"), ElementsAre(60, 60, 10, 10));
  EXPECT_THAT(launch.sizes_at("00:50"), ElementsAre(60, 60, 60, 10));
  EXPECT_THAT(launch.sizes_at("01:20"), ElementsAre(60, 60, 60, 60));
}

TEST(Gate, a_wave_that_gets_ready_after_its_time_out_does_not_shorten_the_wait_for_the_next) {
  RollOut launch;
  launch.sizes_at("00:00");
  launch.sizes_at("00:30");
  launch.ready("a");
  EXPECT_THAT(launch.sizes_at("00:40"), ElementsAre(60, 60, 10, 10));
  EXPECT_THAT(launch.sizes_at("00:59:59"), ElementsAre(60, 60, 10, 10));
  launch.ready("b");
  EXPECT_THAT(launch.sizes_at("00:59:59"), ElementsAre(60, 60, 60, 10));
}

TEST(Gate, a_wave_that_fails_again_does_not_stretch_the_wait_for_those_that_have_gone) {
  RollOut launch;
  launch.sizes_at("00:00");
  launch.ready("a");
  launch.sizes_at("00:01");
  launch.ready("a", 59);
  EXPECT_THAT(launch.sizes_at("00:30:59"), ElementsAre(60, 60, 10, 10));
  EXPECT_THAT(launch.sizes_at("00:31"), ElementsAre(60, 60, 60, 10));
}

TEST(Gate, a_healthy_roll_out_waits_for_nothing) {
  RollOut launch;
  for (const char* name : {"a", "b", "c"}) launch.ready(name);
  EXPECT_THAT(launch.sizes_at("00:00"), ElementsAre(60, 60, 60, 60));
}

TEST(Gate, a_wave_that_the_phase_leaves_out_is_not_waited_for) {
  RollOut launch(a_festival("launch")
                     .day("2026-11-08")
                     .wave("a", named({"a"}), absl::Minutes(30))
                     .wave("b", named({"b"}), absl::Minutes(30))
                     .wave("c", named({"c"}), absl::Minutes(30)),
                 {"a", "c", "d"});
  launch.sizes_at("00:00");
  EXPECT_THAT(launch.sizes_at("00:29:59"), ElementsAre(60, 10, 10, 10));
  EXPECT_THAT(launch.sizes_at("00:30"), ElementsAre(60, 10, 60, 10));
}

TEST(Gate, none_is_waited_for_by_nobody) {
  RollOut launch(a_festival("launch")
                     .day("2026-11-08")
                     .wave("a", named({"a"}), absl::Minutes(30), api::Wave::Gate::None)
                     .wave("b", named({"b"}), absl::Minutes(30)));
  EXPECT_THAT(launch.sizes_at("00:00"), ElementsAre(60, 60, 10, 10));
  launch.ready("b");
  EXPECT_THAT(launch.sizes_at("00:01"), ElementsAre(60, 60, 60, 60)) << "a is still not ready";
}

// ---- the way down

World down(const std::string& percent, const std::string& until) {
  World world;
  world.add(a_target("workers").min(10).max(100).baseline(30));
  world.add(a_read_replica("replicas", 3));
  world.add(festival()
                .wave("databases", kDatabases)
                .phase("d-day", "P0D", "P1D")
                .multiply(kWorkers, "10")
                .add(kDatabases, 2)
                .phase("cool-down", "P1D", until)
                .decay(kWorkers, percent));
  return world;
}

TEST(Waves, read_replicas_leave_when_the_decay_of_the_workers_has_ended) {
  World world = down("10", "P2D");
  const Decision held = world.decide(ist("2026-11-09 06:59:59"), "replicas");
  EXPECT_EQ(held.size, 5);
  EXPECT_TRUE(held.contributions.front().held);
  EXPECT_EQ(held.next_transition, ist("2026-11-09 07:00"));
  EXPECT_EQ(world.decide(ist("2026-11-09 07:00"), "replicas").size, 3);
}

TEST(Waves, a_decay_has_ended_when_it_has_come_down_to_what_runs_anyway) {
  World world = down("10", "P2D");
  world.observed("workers").originals->min = 55;
  // 60 at four hours, 50 at five, of which the original leaves nothing to see.
  EXPECT_EQ(world.decide(ist("2026-11-09 04:30"), "workers").size, 60);
  EXPECT_EQ(world.decide(ist("2026-11-09 04:30"), "replicas").next_transition, ist("2026-11-09 05:00"));
  EXPECT_EQ(world.decide(ist("2026-11-09 05:00"), "replicas").size, 3);
}

TEST(Waves, read_replicas_leave_when_the_decay_is_cut_off) {
  World world = down("10", "P1DT3H");
  EXPECT_EQ(world.decide(ist("2026-11-09 02:59:59"), "replicas").size, 5);
  EXPECT_EQ(world.decide(ist("2026-11-09 03:00"), "replicas").size, 3);
  EXPECT_EQ(world.decide(ist("2026-11-09 03:00"), "workers").size, 10);
}

TEST(Waves, a_decay_after_a_break_holds_nothing) {
  World world;
  world.add(a_target("workers").min(10).max(100).baseline(30));
  world.add(a_read_replica("replicas", 3));
  world.add(festival()
                .wave("databases", kDatabases)
                .phase("d-day", "P0D", "P1D")
                .multiply(kWorkers, "10")
                .add(kDatabases, 2)
                .phase("cool-down", "P1DT1H", "P2D")
                .decay(kWorkers, "10"));
  EXPECT_EQ(world.decide(ist("2026-11-09 00:30"), "replicas").size, 3);
  EXPECT_EQ(world.decide(ist("2026-11-09 02:30"), "replicas").size, 3);
}

TEST(Waves, two_decays_in_a_row_hold_to_the_end_of_the_second) {
  World world;
  world.add(a_target("workers").min(10).max(100).baseline(30));
  world.add(a_read_replica("replicas", 3));
  world.add(festival()
                .wave("databases", kDatabases)
                .phase("d-day", "P0D", "P1D")
                .multiply(kWorkers, "10")
                .add(kDatabases, 2)
                .phase("slow", "P1D", "P1DT4H")
                .decay(kWorkers, "5")
                .phase("fast", "P1DT4H", "P2D")
                .decay(kWorkers, "25"));
  // 100, 95, 90, 85 | 85 at the end of the third hour; then 85, 64, 43, 22.
  EXPECT_EQ(world.decide(ist("2026-11-09 03:30"), "workers").size, 85);
  EXPECT_EQ(world.decide(ist("2026-11-09 04:30"), "workers").size, 85);
  EXPECT_EQ(world.decide(ist("2026-11-09 06:30"), "workers").size, 43);
  EXPECT_EQ(world.decide(ist("2026-11-09 06:59"), "replicas").size, 5);
  EXPECT_EQ(world.decide(ist("2026-11-09 07:00"), "workers").size, 10);
  EXPECT_EQ(world.decide(ist("2026-11-09 07:00"), "replicas").size, 3);
}

TEST(Waves, the_first_wave_stays_for_the_last_even_when_the_one_between_has_left) {
  World world;
  world.add(a_target("workers").min(10).max(100).baseline(30));
  world.add(a_target("cache").min(2).max(20).baseline(10));
  world.add(a_read_replica("replicas", 3));
  world.add(festival()
                .wave("databases", kDatabases)
                .wave("caches", named({"cache"}))
                .phase("d-day", "P0D", "P1D")
                .multiply(kWorkers, "10")
                .replicas(named({"cache"}), 12)
                .add(kDatabases, 2)
                .phase("cool-down", "P1D", "P2D")
                .decay(named({"workers", "cache"}), "10"));
  // 12 x 0.8 is below the caches' baseline after two hours, the workers come down in seven.
  EXPECT_EQ(world.decide(ist("2026-11-09 03:00"), "cache").size, 2);
  EXPECT_EQ(world.decide(ist("2026-11-09 03:00"), "replicas").size, 5);
  EXPECT_EQ(world.decide(ist("2026-11-09 03:00"), "replicas").next_transition, ist("2026-11-09 07:00"));
}

TEST(Waves, later_waves_and_those_of_no_wave_are_not_held) {
  World world = down("10", "P2D");
  world.add(a_target("api").min(4).max(40).baseline(8));
  world.add(festival().ns("shop").phase("other", "P0D", "P1D").multiply(named({"api"}), "2"));
  EXPECT_EQ(world.decide(ist("2026-11-09 01:00"), "api").size, 4);
}

}  // namespace
}  // namespace headroom::plan
