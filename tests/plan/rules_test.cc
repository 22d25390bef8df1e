// Rules on queries, and learned baselines.
#include "operator/plan/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "operator/plan/baseline.h"
#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::HasSubstr;
using testing_support::ist;
using testing_support::quantity;

/// One target's rules, evaluated as time goes by.
class Rules {
 public:
  Rules(int min, int max, int original) : original_(original) {
    spec_.replicas.min = min;
    spec_.replicas.max = max;
  }

  Rules& rule(const std::string& name, std::optional<const char*> above, std::optional<const char*> below,
              absl::Duration hold_for, api::Step step, absl::Duration cooldown) {
    api::ScaleRule rule;
    rule.name = name;
    if (above) rule.above = quantity(*above);
    if (below) rule.below = quantity(*below);
    rule.hold_for = hold_for;
    rule.step = step;
    rule.cooldown = cooldown;
    spec_.rules.push_back(rule);
    return *this;
  }

  RuleStep at(const std::string& time, const RuleSamples& samples) {
    RuleStep step = step_rules(spec_, original_, progress_, samples, ist("2026-11-08 " + time));
    progress_ = step.progress;
    return step;
  }
  int size_at(const std::string& time, const RuleSamples& samples) {
    return at(time, samples).progress.size.value_or(original_);
  }
  api::ScaleTargetSpec& spec() { return spec_; }

 private:
  api::ScaleTargetSpec spec_;
  int original_;
  api::RuleProgress progress_;
};

TEST(ScaleRule, steps_once_the_bound_has_been_crossed_for_long_enough) {
  Rules rules(4, 100, 10);
  rules.rule("queue-depth", "1000", std::nullopt, absl::Minutes(5), {10, 0}, absl::Minutes(5));
  EXPECT_EQ(rules.size_at("10:00", {{"queue-depth", 2500}}), 10);
  EXPECT_EQ(rules.at("10:04:59", {{"queue-depth", 2500}}).next_look, ist("2026-11-08 10:05"));
  const RuleStep step = rules.at("10:05", {{"queue-depth", 2500}});
  EXPECT_EQ(step.progress.size, 20);
  EXPECT_EQ(step.text, "queue-depth: 2500 above 1000 for 5m, +10");
}

TEST(ScaleRule, a_dip_below_the_bound_starts_the_wait_anew) {
  Rules rules(4, 100, 10);
  rules.rule("q", "1000", std::nullopt, absl::Minutes(5), {10, 0}, absl::Minutes(5));
  rules.at("10:00", {{"q", 2500}});
  rules.at("10:04", {{"q", 900}});
  EXPECT_EQ(rules.size_at("10:05", {{"q", 2500}}), 10);
  EXPECT_EQ(rules.size_at("10:09:59", {{"q", 2500}}), 10);
  EXPECT_EQ(rules.size_at("10:10", {{"q", 2500}}), 20);
}

TEST(ScaleRule, cools_down_between_steps) {
  Rules rules(4, 100, 10);
  rules.rule("q", "1000", std::nullopt, absl::ZeroDuration(), {10, 0}, absl::Minutes(3));
  EXPECT_EQ(rules.size_at("10:00", {{"q", 2500}}), 20);
  EXPECT_EQ(rules.at("10:02:59", {{"q", 2500}}).next_look, ist("2026-11-08 10:03"));
  EXPECT_EQ(rules.size_at("10:03", {{"q", 2500}}), 30);
}

TEST(ScaleRule, takes_the_larger_of_pods_and_percent) {
  Rules rules(1, 1000, 10);
  rules.rule("q", "1", std::nullopt, absl::ZeroDuration(), {10, 50}, absl::ZeroDuration());
  EXPECT_EQ(rules.size_at("10:00", {{"q", 2}}), 20);
  EXPECT_EQ(rules.size_at("10:01", {{"q", 2}}), 30);
  EXPECT_EQ(rules.size_at("10:02", {{"q", 2}}), 45);
  EXPECT_EQ(rules.size_at("10:03", {{"q", 2}}), 68);
}

TEST(ScaleRule, never_leaves_the_bounds_of_the_target) {
  Rules rules(4, 25, 10);
  rules.rule("q", "100", "10", absl::ZeroDuration(), {10, 0}, absl::ZeroDuration());
  EXPECT_EQ(rules.size_at("10:00", {{"q", 500}}), 20);
  EXPECT_EQ(rules.size_at("10:01", {{"q", 500}}), 25);
  EXPECT_EQ(rules.size_at("10:02", {{"q", 500}}), 25);
  EXPECT_EQ(rules.size_at("10:03", {{"q", 5}}), 15);
  EXPECT_EQ(rules.size_at("10:04", {{"q", 5}}), 5);
  EXPECT_EQ(rules.size_at("10:05", {{"q", 5}}), 4);
  EXPECT_EQ(rules.size_at("10:06", {{"q", 5}}), 4);
}

TEST(ScaleRule, a_bound_is_not_yet_crossed_at_the_bound_itself) {
  Rules rules(1, 100, 50);
  rules.rule("cpu", "70", "20", absl::ZeroDuration(), {10, 0}, absl::Seconds(1));
  rules.rule("latency", "0.2", "0.1", absl::ZeroDuration(), {20, 0}, absl::Seconds(1));
  EXPECT_EQ(rules.size_at("10:00", {{"cpu", 70}, {"latency", 0.2}}), 50);
  EXPECT_EQ(rules.size_at("10:01", {{"cpu", 20}, {"latency", 0.1}}), 50);
  EXPECT_EQ(rules.size_at("10:02", {{"cpu", 70.001}, {"latency", 0.2}}), 60);
  EXPECT_EQ(rules.size_at("10:03", {{"cpu", 70}, {"latency", 0.2001}}), 80);
  EXPECT_EQ(rules.size_at("10:04", {{"cpu", 19.999}, {"latency", 0.1}}), 80) << "both must be below";
  EXPECT_EQ(rules.size_at("10:05", {{"cpu", 19.999}, {"latency", 0.0999}}), 70);
}

// Ground-truth consumers: 4 to 32 instances, never more than the 16 partitions; up when consumer lag is 300 s or more,
// down when it is 30 s or less, in whole seconds.
TEST(ScaleRule, consumers_follow_their_lag) {
  Rules rules(4, 16, 4);
  rules.rule("consumer-lag", "299", "31", absl::Minutes(1), {4, 0}, absl::Minutes(5));
  const auto size = [&](const std::string& time, double lag) { return rules.size_at(time, {{"consumer-lag", lag}}); };
  EXPECT_EQ(size("10:00", 299), 4);
  EXPECT_EQ(size("10:01", 300), 4) << "from 300 s on the wait counts";
  EXPECT_EQ(size("10:02", 300), 8);
  EXPECT_EQ(size("10:06:59", 700), 8) << "cooling down";
  EXPECT_EQ(size("10:07", 700), 12);
  EXPECT_EQ(size("10:12", 700), 16);
  EXPECT_EQ(size("10:17", 700), 16) << "never more than partitions";
  EXPECT_EQ(size("10:30", 100), 16) << "between the bounds nothing moves";
  EXPECT_EQ(size("10:30:30", 31), 16);
  EXPECT_EQ(size("10:31", 30), 16);
  EXPECT_EQ(size("10:32", 30), 12);
  EXPECT_EQ(size("10:37", 12), 8);
  EXPECT_EQ(size("10:42", 12), 4);
  EXPECT_EQ(size("10:47", 12), 4);
}

TEST(ScaleRule, any_rule_may_raise_and_the_largest_step_counts) {
  Rules rules(1, 100, 10);
  rules.rule("cpu", "70", std::nullopt, absl::ZeroDuration(), {2, 0}, absl::Minutes(5));
  rules.rule("latency", "200", std::nullopt, absl::ZeroDuration(), {7, 0}, absl::Minutes(5));
  const RuleStep step = rules.at("10:00", {{"cpu", 90}, {"latency", 500}});
  EXPECT_EQ(step.progress.size, 17);
  EXPECT_THAT(step.text, HasSubstr("latency"));
}

TEST(ScaleRule, the_size_falls_only_when_every_rule_with_a_lower_bound_agrees) {
  Rules rules(1, 100, 50);
  rules.rule("cpu", "70", "20", absl::Minutes(1), {10, 0}, absl::ZeroDuration());
  rules.rule("queue", "100", "5", absl::Minutes(2), {20, 0}, absl::ZeroDuration());
  rules.rule("errors", "1", std::nullopt, absl::ZeroDuration(), {1, 0}, absl::Hours(1));
  rules.at("10:00", {{"cpu", 10}, {"queue", 1}, {"errors", 0}});
  EXPECT_EQ(rules.size_at("10:01", {{"cpu", 10}, {"queue", 1}, {"errors", 0}}), 50) << "the queue is not calm for long";
  EXPECT_EQ(rules.size_at("10:02", {{"cpu", 10}, {"queue", 1}, {"errors", 0}}), 40) << "by the smaller step";
  EXPECT_EQ(rules.size_at("10:03", {{"cpu", 50}, {"queue", 1}, {"errors", 0}}), 40);
  rules.at("10:04", {{"cpu", 10}, {"queue", 1}, {"errors", 0}});
  EXPECT_EQ(rules.size_at("10:06", {{"cpu", 10}, {"queue", 1}, {"errors", 2}}), 41) << "one that is above raises";
  EXPECT_EQ(rules.size_at("10:08", {{"cpu", 10}, {"queue", 1}, {"errors", 2}}), 41) << "and forbids to fall";
}

TEST(ScaleRule, no_answer_changes_nothing_and_never_scales_down) {
  Rules rules(1, 100, 50);
  rules.rule("cpu", "70", "20", absl::Minutes(2), {10, 0}, absl::ZeroDuration());
  rules.at("10:00", {{"cpu", 10}});
  rules.at("10:01", {{"cpu", std::nullopt}});
  EXPECT_EQ(rules.size_at("10:02", {{"cpu", 10}}), 50) << "the calm is not known to have lasted";
  EXPECT_EQ(rules.size_at("10:04", {}), 50);
  EXPECT_EQ(rules.size_at("10:05", {{"cpu", std::nan("")}}), 50);
  rules.at("10:06", {{"cpu", 90}});
  rules.at("10:07", {{"cpu", std::nullopt}});
  EXPECT_EQ(rules.size_at("10:08", {{"cpu", 90}}), 60) << "a gap does not undo the wait for more";
}

TEST(ScaleRule, one_without_an_answer_forbids_to_fall) {
  Rules rules(1, 100, 50);
  rules.rule("cpu", "70", "20", absl::ZeroDuration(), {10, 0}, absl::ZeroDuration());
  rules.rule("queue", "100", "5", absl::ZeroDuration(), {10, 0}, absl::ZeroDuration());
  EXPECT_EQ(rules.size_at("10:00", {{"cpu", 10}, {"queue", std::nullopt}}), 50);
}

TEST(ScaleRule, what_is_gone_from_the_spec_is_gone_from_the_progress) {
  Rules rules(1, 100, 50);
  rules.rule("cpu", "70", std::nullopt, absl::ZeroDuration(), {10, 0}, absl::ZeroDuration());
  rules.rule("queue", "100", std::nullopt, absl::ZeroDuration(), {10, 0}, absl::ZeroDuration());
  rules.at("10:00", {{"cpu", 90}});
  rules.spec().rules.erase(rules.spec().rules.begin());
  const RuleStep step = rules.at("10:01", {});
  ASSERT_EQ(step.progress.entries.size(), 1u);
  EXPECT_EQ(step.progress.entries[0].name, "queue");
  EXPECT_EQ(step.progress.size, 60);
  rules.spec().rules.clear();
  EXPECT_EQ(rules.at("10:02", {}).progress.size, std::nullopt);
}

TEST(ScaleRule, a_clock_that_was_set_back_does_not_stretch_a_wait) {
  Rules rules(1, 100, 50);
  rules.rule("cpu", "70", std::nullopt, absl::Minutes(5), {10, 0}, absl::Minutes(5));
  rules.at("20:00", {{"cpu", 90}});
  rules.at("10:00", {{"cpu", 90}});
  EXPECT_EQ(rules.size_at("10:05", {{"cpu", 90}}), 60);
}

TEST(ScaleRule, tells_between_steps_what_stepped_last) {
  Rules rules(1, 100, 50);
  rules.rule("cpu", "70", std::nullopt, absl::ZeroDuration(), {10, 0}, absl::Minutes(5));
  rules.at("10:00", {{"cpu", 90}});
  EXPECT_EQ(rules.at("10:01", {{"cpu", 50}}).text, "cpu: stepped at 2026-11-08T04:30:00Z, now 50");
}

// ---- learned baselines

api::LearnedBaselineSpec learning(api::LearnedBaselineSpec::Statistic statistic, int hours) {
  return {statistic, absl::Hours(hours)};
}

constexpr auto kMax = api::LearnedBaselineSpec::Statistic::Max;
constexpr auto kP95 = api::LearnedBaselineSpec::Statistic::P95;

TEST(LearnedBaseline, keeps_the_largest_size_of_each_hour) {
  api::BaselineSamples samples;
  const auto spec = learning(kMax, 24);
  const absl::Time start = absl::FromCivil(absl::CivilHour(2026, 11, 8, 10), absl::UTCTimeZone());
  sample_baseline(samples, 5, false, start + absl::Minutes(1), spec);
  sample_baseline(samples, 9, false, start + absl::Minutes(20), spec);
  sample_baseline(samples, 7, false, start + absl::Minutes(59), spec);
  sample_baseline(samples, 3, false, start + absl::Hours(1), spec);
  sample_baseline(samples, 99, false, start + absl::Minutes(30), spec);  // the clock was set back
  EXPECT_EQ(samples.hourly, (std::vector<int>{9, 3}));
  EXPECT_EQ(samples.last, start + absl::Hours(1));
}

TEST(LearnedBaseline, learns_nothing_from_an_override) {
  api::BaselineSamples samples;
  sample_baseline(samples, 500, true, ist("2026-11-08 10:00"), learning(kMax, 24));
  EXPECT_EQ(learned_baseline(samples, learning(kMax, 24)), std::nullopt);
}

TEST(LearnedBaseline, is_uncertain_for_its_first_day) {
  api::BaselineSamples samples;
  samples.hourly.assign(23, 5);
  EXPECT_TRUE(learned_baseline(samples, learning(kMax, 24))->uncertain);
  samples.hourly.push_back(5);
  EXPECT_FALSE(learned_baseline(samples, learning(kMax, 24))->uncertain);
}

TEST(LearnedBaseline, draws_max_or_p95_from_its_window) {
  api::BaselineSamples samples;
  for (int hour = 1; hour <= 100; ++hour) samples.hourly.push_back(hour == 10 ? 1000 : hour);
  EXPECT_EQ(learned_baseline(samples, learning(kMax, 100))->size, 1000);
  EXPECT_EQ(learned_baseline(samples, learning(kP95, 100))->size, 96) << "five hours in a hundred were larger";
  EXPECT_EQ(learned_baseline(samples, learning(kMax, 50))->size, 100) << "the spike is out of the window";
  EXPECT_EQ(learned_baseline(samples, learning(kP95, 20))->size, 99);
  EXPECT_EQ(learned_baseline(samples, learning(kP95, 1))->size, 100);
  EXPECT_EQ(learned_baseline(samples, learning(kMax, 10'000))->size, 1000);
}

TEST(LearnedBaseline, keeps_thirty_days) {
  api::BaselineSamples samples;
  const absl::Time start = ist("2026-10-01 00:30");
  for (int hour = 0; hour < 800; ++hour) {
    sample_baseline(samples, hour, false, start + absl::Hours(hour), learning(kMax, 24));
  }
  EXPECT_EQ(samples.hourly.size(), 720u);
  EXPECT_EQ(samples.hourly.front(), 80);
}

}  // namespace
}  // namespace headroom::plan
