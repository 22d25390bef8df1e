// When work starts so that everything is ready by the hour.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/plan/ramp.h"
#include "operator/plan/readiness.h"
#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing_support::a_festival;
using testing_support::a_read_replica;
using testing_support::a_target;
using testing_support::FestivalBuilder;
using testing_support::ist;
using testing_support::named;
using testing_support::texts;
using testing_support::with_role;
using testing_support::World;

/// Workers 2x from the 5th, 5x from the 7th.
FestivalBuilder two_steps() {
  const auto workers = named({"workers"});
  return a_festival("diwali")
      .day("2026-11-08")
      .phase("t-3", "-P3D", "-P1D")
      .multiply(workers, "2")
      .phase("t-1", "-P1D", "P0D")
      .multiply(workers, "5");
}

TEST(ReadyBy, work_starts_a_lead_and_its_margin_ahead_and_not_a_moment_earlier) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(20)));
  world.add(two_steps());
  // 20 minutes, and 10 % of them on top.
  const absl::Time start = ist("2026-11-04 23:38");
  const Decision before = world.decide(start - absl::Nanoseconds(1), "workers");
  EXPECT_EQ(before.size, 10);
  EXPECT_EQ(before.next_transition, start);
  EXPECT_THAT(before.leads_begun, IsEmpty());

  const Decision begun = world.decide(start, "workers");
  EXPECT_EQ(begun.size, 60);
  ASSERT_THAT(begun.leads_begun, SizeIs(1));
  EXPECT_EQ(begun.leads_begun[0], (api::StartedLead{"shop/diwali", "diwali", "t-3", start}));
  EXPECT_TRUE(begun.contributions.front().leading);
  EXPECT_THAT(texts(begun),
              ElementsAre("original 10", "diwali t-3: 2 x 30 = 60, to be ready by 2026-11-05 00:00 +05:30"));
  EXPECT_EQ(begun.next_transition, ist("2026-11-05"));
}

TEST(ReadyBy, the_margin_is_at_least_half_a_minute) {
  EXPECT_EQ(lead_margin(absl::ZeroDuration()), absl::ZeroDuration());
  EXPECT_EQ(lead_margin(absl::Seconds(10)), absl::Seconds(30));
  EXPECT_EQ(lead_margin(absl::Minutes(5)), absl::Seconds(30));
  EXPECT_EQ(lead_margin(absl::Hours(1)), absl::Minutes(6));
}

TEST(ReadyBy, without_a_lead_work_starts_at_the_hour) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30));
  world.add(two_steps());
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, ist("2026-11-05"));
  EXPECT_EQ(world.decide(ist("2026-11-04 23:59:59"), "workers").size, 10);
  EXPECT_THAT(world.decide(ist("2026-11-05"), "workers").leads_begun, IsEmpty());
}

TEST(ReadyBy, capacity_start_means_no_lead) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(20)));
  world.add(two_steps().capacity_at_start());
  EXPECT_EQ(world.decide(ist("2026-11-06 23:59:59"), "workers").size, 60);
  EXPECT_EQ(world.decide(ist("2026-11-07"), "workers").size, 150);
}

TEST(ReadyBy, until_the_hour_the_larger_of_the_present_and_the_coming_phase_counts) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(20)));
  world.add(two_steps());
  EXPECT_EQ(world.decide(ist("2026-11-06 23:37:59"), "workers").size, 60);
  const Decision leading = world.decide(ist("2026-11-06 23:38"), "workers");
  EXPECT_EQ(leading.size, 150);
  EXPECT_THAT(leading.contributions, SizeIs(2));
}

TEST(ReadyBy, a_step_that_does_not_rise_has_no_lead) {
  World world;
  world.add(a_target("workers").min(10).max(100).baseline(30).warm_up(absl::Hours(3)));
  // 5x and 10x both come to the maximum of 100; then 2x falls.
  const auto workers = named({"workers"});
  world.add(a_festival("diwali")
                .day("2026-11-08")
                .phase("a", "-P1D", "P0D")
                .multiply(workers, "5")
                .phase("b", "P0D", "P1D")
                .multiply(workers, "10")
                .phase("c", "P1D", "P2D")
                .multiply(workers, "2"));
  const Decision before_b = world.decide(ist("2026-11-07 12:00"), "workers");
  EXPECT_EQ(before_b.next_transition, ist("2026-11-08"));
  EXPECT_EQ(world.decide(ist("2026-11-08 12:00"), "workers").next_transition, ist("2026-11-09"));
}

TEST(ReadyBy, a_begun_lead_holds_however_the_lead_changes_later) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Hours(2)));
  world.add(two_steps());
  const absl::Time start = ist("2026-11-04 21:48");  // 2 h and 12 min ahead
  EXPECT_EQ(world.write(start).decisions[0].leads_begun.front().at, start);
  world.spec("workers").warm_up.estimate = absl::Minutes(1);
  const Decision later = world.decide(ist("2026-11-04 22:00"), "workers");
  EXPECT_EQ(later.size, 60);
  EXPECT_THAT(later.leads_begun, IsEmpty()) << "it is told once";
  world.observed("workers").started_leads.clear();
  EXPECT_EQ(world.decide(ist("2026-11-04 22:00"), "workers").size, 10) << "only what has begun holds";
}

TEST(ReadyBy, learned_warm_up_counts_from_three_samples_on_and_by_size_of_the_step) {
  World world;
  // 10 to 60 is a step of 50, in the bucket up to 64; p95 of three samples is the largest.
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(20)).learned(64, {300, 600, 400}));
  world.add(two_steps());
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, ist("2026-11-04 23:49"));
  world.observed("workers").warm_up = {{64, {300, 600}}};
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, ist("2026-11-04 23:38")) << "too few";
  world.observed("workers").warm_up = {{32, {300, 600, 400}}};
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, ist("2026-11-04 23:38")) << "other steps";
}

TEST(ReadyBy, planned_sizes_count_never_observed_ones) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).learned(64, {600, 600, 600}).learned(16, {60, 60, 60}));
  world.add(two_steps());
  // Load has already driven the workers to 50; the plan's step is still 10 to 60.
  world.observed("workers").current = world.observed("workers").ready = 50;
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, ist("2026-11-04 23:49"));
}

TEST(ReadyBy, clones_one_after_the_other_take_their_time_each) {
  World world;
  const auto replicas = with_role(api::Role::ReadReplica);
  world.add(a_read_replica("replicas", 3).max_step(1).warm_up(absl::Hours(1)));
  world.add(a_festival("diwali").day("2026-11-08").phase("d-day", "P0D", "P1D").add(replicas, 2));
  // Two clones of an hour, 12 minutes of margin.
  EXPECT_EQ(world.decide(ist("2026-11-01"), "replicas").next_transition, ist("2026-11-07 21:48"));
  world.spec("replicas").read_replica.max_step = 2;
  EXPECT_EQ(world.decide(ist("2026-11-01"), "replicas").next_transition, ist("2026-11-07 22:54"));
}

TEST(ReadyBy, the_time_of_the_ramp_is_part_of_the_lead) {
  const api::ScaleTargetSpec plain;
  EXPECT_EQ(lead_time(plain, {}, 10, 60), absl::ZeroDuration());
  api::ScaleTargetSpec spec;
  spec.warm_up.estimate = absl::Minutes(2);
  EXPECT_EQ(lead_time(spec, {}, 60, 60), absl::ZeroDuration());
  EXPECT_EQ(lead_time(spec, {}, 60, 10), absl::ZeroDuration());
  EXPECT_EQ(lead_time(spec, {}, 10, 60), absl::Minutes(2));
  spec.ramp_up = api::RampLimit{{10, 0}, absl::Minutes(1)};
  EXPECT_EQ(lead_time(spec, {}, 10, 60), absl::Minutes(6)) << "five steps, the first at once";
  EXPECT_EQ(lead_time(spec, {}, 10, 61), absl::Minutes(7));
  EXPECT_EQ(lead_time(spec, {}, 10, 11), absl::Minutes(2));
  spec.ramp_up = api::RampLimit{{0, 100}, absl::Minutes(1)};
  EXPECT_EQ(lead_time(spec, {}, 10, 80), absl::Minutes(4)) << "20, 40, 80";
  EXPECT_EQ(lead_time(spec, {}, 0, 8), absl::Minutes(5)) << "1, 2, 4, 8";
  spec.ramp_up = api::RampLimit{{10, 50}, absl::Minutes(1)};
  EXPECT_EQ(lead_time(spec, {}, 5, 60), absl::Minutes(6)) << "15, 25, 38, 57, 60";
  spec.ramp_up = api::RampLimit{{1, 0}, absl::Seconds(1)};
  EXPECT_EQ(lead_time(spec, {}, 0, 1'000'000'000), absl::Hours(365 * 24)) << "a year at most";
}

TEST(ReadyBy, the_ramp_of_the_lead_is_the_one_that_is_walked) {
  for (const int percent : {0, 1, 7, 10, 50, 100, 250}) {
    for (const int pods : {0, 1, 3, 40}) {
      const Boxed<api::RampLimit> ramp = api::RampLimit{{pods, percent}, absl::Minutes(1)};
      for (const int from : {0, 1, 5, 10, 99, 100, 101, 250}) {
        for (const int to : {1, 11, 100, 101, 333, 1000}) {
          if (to <= from) continue;
          int steps = 0, last = 0;
          for (int size = from; size < to; ++steps) {
            last = std::min(ramp_step(ramp->step, size), to - size);
            size += last;
          }
          const RampPath path = ramp_path(ramp, from, to);
          EXPECT_EQ(path.takes, absl::Minutes(steps - 1)) << from << " to " << to << ", " << pods << "/" << percent;
          EXPECT_EQ(path.last_step, last) << from << " to " << to << ", " << pods << "/" << percent;
        }
      }
    }
  }
}

TEST(ReadyBy, no_lead_is_longer_than_the_longest) {
  api::ScaleTargetSpec spec;
  spec.warm_up.estimate = absl::Minutes(2);
  spec.warm_up.learn = true;
  const std::vector<api::WarmUpSamples> samples = {{4, {700, 800, 900}}, {16, {20, 30, 40}}};
  for (const int percent : {0, 3, 50, 300}) {
    for (const int pods : {0, 1, 7}) {
      spec.ramp_up = api::RampLimit{{pods, percent}, absl::Seconds(30)};
      for (const api::Role role : {api::Role::Workload, api::Role::ReadReplica}) {
        spec.role = role;
        const absl::Duration longest = longest_lead(spec, samples, 60);
        for (int from = 0; from < 60; ++from) {
          for (int to = from; to <= 60; ++to) EXPECT_LE(lead_time(spec, samples, from, to), longest);
        }
      }
    }
  }
}

TEST(ReadyBy, targets_of_no_wave_start_each_as_late_as_they_can) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(10)));
  world.add(a_target("api").min(10).max(200).baseline(30).warm_up(absl::Hours(1)));
  world.add(a_target("fast").min(10).max(200).baseline(30));
  world.add(
      a_festival("diwali").day("2026-11-08").phase("d-day", "P0D", "P1D").multiply(testing_support::everything(), "2"));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "workers").next_transition, ist("2026-11-07 23:49"));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "api").next_transition, ist("2026-11-07 22:54"));
  EXPECT_EQ(world.decide(ist("2026-11-01"), "fast").next_transition, ist("2026-11-08"));
}

TEST(ReadyBy, occurrences_that_come_back_every_day_lead_every_day) {
  World world;
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(20)));
  world.add(a_festival("evening")
                .recurring("2026-10-01", "FREQ=DAILY")
                .phase("rush", "PT18H", "PT22H")
                .multiply(named({"workers"}), "2"));
  EXPECT_EQ(world.decide(ist("2026-11-05 12:00"), "workers").next_transition, ist("2026-11-05 17:38"));
  EXPECT_EQ(world.decide(ist("2026-11-05 17:38"), "workers").size, 60);
  EXPECT_EQ(world.decide(ist("2026-11-05 22:00"), "workers").size, 10);
  EXPECT_EQ(world.decide(ist("2026-11-05 22:00"), "workers").next_transition, ist("2026-11-06 17:38"));
}

TEST(ReadyBy, a_lead_longer_than_the_gap_between_days_reaches_over_it) {
  World world;
  // 30 hours and 3 of margin: work for the 7th starts on the 5th, while the evening of the 6th is still to come.
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Hours(30)));
  world.add(a_festival("evening")
                .recurring("2026-11-06", "FREQ=DAILY")
                .phase("rush", "PT18H", "PT22H")
                .multiply(named({"workers"}), "2"));
  const Decision before = world.decide(ist("2026-11-05 08:59:59"), "workers");
  EXPECT_EQ(before.next_transition, ist("2026-11-05 09:00"));
  const Decision second = world.decide(ist("2026-11-06 09:00"), "workers");
  ASSERT_THAT(second.leads_begun, SizeIs(2));
  EXPECT_EQ(second.leads_begun[1].occurrence, "evening/2026-11-07");
}

TEST(ReadyBy, a_lead_reaches_over_the_phase_before_by_no_more_than_its_margin) {
  World world;
  // 30 minutes and 3 of margin before 06:31 is 05:58, two minutes before the other phase.
  world.add(a_target("workers").min(10).max(200).baseline(30).warm_up(absl::Minutes(30)));
  world.add(a_festival("diwali")
                .day("2026-11-08")
                .phase("small", "PT6H", "PT6H31M")
                .replicas(named({"workers"}), 11)
                .capacity_at_start()
                .phase("large", "PT6H31M", "PT9H")
                .replicas(named({"workers"}), 90));
  EXPECT_EQ(world.decide(ist("2026-11-08 05:00"), "workers").next_transition, ist("2026-11-08 05:58"));
  EXPECT_EQ(world.decide(ist("2026-11-08 05:58"), "workers").size, 90);
}

// ---- samples

TEST(WarmUp, samples_of_about_one_size_share_a_bucket_and_old_ones_leave) {
  std::vector<api::WarmUpSamples> samples;
  record_warm_up(samples, 33, absl::Milliseconds(1500));
  record_warm_up(samples, 64, absl::Seconds(9));
  record_warm_up(samples, 1, absl::Seconds(5));
  record_warm_up(samples, 0, absl::Seconds(5));
  record_warm_up(samples, 3, -absl::Seconds(5));
  ASSERT_THAT(samples, SizeIs(2));
  EXPECT_EQ(samples[0], (api::WarmUpSamples{1, {5}}));
  EXPECT_EQ(samples[1], (api::WarmUpSamples{64, {2, 9}})) << "rounded up to whole seconds";
  for (int i = 0; i < 30; ++i) record_warm_up(samples, 40, absl::Seconds(100 + i));
  EXPECT_THAT(samples[1].seconds, SizeIs(20));
  EXPECT_EQ(samples[1].seconds.front(), 110);
  EXPECT_EQ(samples[1].seconds.back(), 129);
}

TEST(WarmUp, percentiles_are_by_nearest_rank) {
  const std::vector<api::WarmUpSamples> samples = {{8, {10, 20, 30, 40, 50, 60, 70, 80, 90, 100}}};
  EXPECT_EQ(learned_warm_up(samples, 5, 50), absl::Seconds(50));
  EXPECT_EQ(learned_warm_up(samples, 8, 95), absl::Seconds(100));
  EXPECT_EQ(learned_warm_up(samples, 9, 95), std::nullopt);
  EXPECT_EQ(learned_warm_up(samples, 4, 95), std::nullopt);
}

}  // namespace
}  // namespace headroom::plan
