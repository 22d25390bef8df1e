// Levels, pauses and halts by how full a limit is.
#include "operator/limits/levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace headroom::limits {
namespace {

using api::LimitAction;
using api::LimitLevel;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

api::Threshold threshold(std::string name, int percent, LimitLevel level, LimitAction action,
                         absl::Duration within = absl::ZeroDuration(), std::string message = "") {
  api::Threshold made;
  made.name = std::move(name);
  made.percent = percent;
  made.level = level;
  made.action = action;
  if (within > absl::ZeroDuration() || !message.empty())
    made.escalation = api::Escalation{{"ops"}, within, std::move(message)};
  return made;
}

/// The storage limit of an artifact store: 1000 GB, with what is to be done at 70, 90, 99 and 100 percent.
api::ScaleLimitSpec storage() {
  api::ScaleLimitSpec spec;
  spec.total.sums.push_back({"storage", api::JsonPath::parse(".spec.size").value(), Quantity::parse("1000G").value(),
                             QuantityFormat::DecimalSI});
  spec.thresholds = {
      threshold("expand", 70, LimitLevel::Yellow, LimitAction::Notify, absl::Hours(6), "provision more"),
      threshold("critical", 90, LimitLevel::Orange, LimitAction::Notify, absl::Hours(1)),
      threshold("pause", 99, LimitLevel::Red, LimitAction::PauseWrites),
      threshold("halt", 100, LimitLevel::Red, LimitAction::Halt, absl::ZeroDuration(), "more comes at noon")};
  return spec;
}

std::vector<DimensionUse> used(const char* quantity) { return {{Quantity::parse(quantity).value(), Quantity()}}; }

api::ScaleLimitStatus stored(const Levels& levels) {
  api::ScaleLimitStatus status;
  status.level = levels.level;
  status.dimensions = levels.dimensions;
  status.thresholds = levels.thresholds;
  status.paused = levels.paused;
  status.halted = levels.halted;
  return status;
}

std::vector<std::string> reasons(const Levels& levels) {
  std::vector<std::string> all;
  for (const LevelEvent& event : levels.events) all.push_back(event.reason);
  return all;
}

TEST(Levels, follow_the_use_of_a_dimension) {
  struct Row {
    const char* used;
    int percent;
    LimitLevel level;
    bool paused, halted;
  };
  const Row rows[] = {{"355G", 35, LimitLevel::Green, false, false},
                      {"699999999999", 69, LimitLevel::Green, false, false},
                      {"700G", 70, LimitLevel::Yellow, false, false},
                      {"900G", 90, LimitLevel::Orange, false, false},
                      {"989999999999", 98, LimitLevel::Orange, false, false},
                      {"990G", 99, LimitLevel::Red, true, false},
                      {"1000G", 100, LimitLevel::Red, true, true},
                      {"1200G", 120, LimitLevel::Red, true, true}};
  for (const Row& row : rows) {
    const Levels levels = levels_of(storage(), used(row.used), {}, kNow);
    ASSERT_EQ(levels.dimensions.size(), 1U);
    EXPECT_EQ(levels.dimensions[0].percent, row.percent) << row.used;
    EXPECT_EQ(levels.level, row.level) << row.used;
    EXPECT_EQ(levels.paused.has_value(), row.paused) << row.used;
    EXPECT_EQ(levels.halted.has_value(), row.halted) << row.used;
  }
}

TEST(Levels, a_crossing_is_told_once_with_whom_it_concerns_and_by_when) {
  const api::ScaleLimitSpec spec = storage();
  const Levels first = levels_of(spec, used("710G"), {}, kNow);
  ASSERT_THAT(reasons(first), ElementsAre("LimitThresholdCrossed"));
  EXPECT_THAT(first.events[0].message, HasSubstr("storage is 710G of 1T (71 %)"));
  EXPECT_THAT(first.events[0].message, HasSubstr("within 6h"));
  EXPECT_THAT(first.events[0].message, HasSubstr("provision more"));
  EXPECT_EQ(first.events[0].threshold->escalation->to[0], "ops");
  ASSERT_EQ(first.thresholds.size(), 1U);
  EXPECT_EQ(first.thresholds[0].due, kNow + absl::Hours(6));
  const Levels second = levels_of(spec, used("720G"), stored(first), kNow + absl::Minutes(5));
  EXPECT_THAT(second.events, IsEmpty());
  EXPECT_EQ(second.thresholds[0].since, kNow);
}

TEST(Levels, a_pause_keeps_its_beginning_and_ends_below_its_threshold) {
  const Levels paused = levels_of(storage(), used("995G"), {}, kNow);
  EXPECT_THAT(reasons(paused), testing::Contains("WritesPaused"));
  const Levels later = levels_of(storage(), used("991G"), stored(paused), kNow + absl::Minutes(1));
  ASSERT_TRUE(later.paused);
  EXPECT_EQ(later.paused->since, kNow);
  EXPECT_EQ(later.paused->reason, "pause");
  const Levels over = levels_of(storage(), used("900G"), stored(later), kNow + absl::Minutes(2));
  EXPECT_FALSE(over.paused);
  EXPECT_THAT(reasons(over), ElementsAre("LimitThresholdCleared", "WritesResumed"));
}

TEST(Levels, a_halt_tells_clients_what_to_expect) {
  const Levels halted = levels_of(storage(), used("1000G"), {}, kNow);
  ASSERT_TRUE(halted.halted);
  EXPECT_THAT(halted.halted->message, HasSubstr("writes are halted: more comes at noon"));
}

TEST(Levels, what_is_not_known_stays_as_it_was_decided) {
  const Levels paused = levels_of(storage(), used("995G"), {}, kNow);
  const Levels blind = levels_of(storage(), {{std::nullopt, Quantity()}}, stored(paused), kNow + absl::Minutes(1));
  EXPECT_TRUE(blind.paused);
  EXPECT_EQ(blind.level, LimitLevel::Red);
  EXPECT_FALSE(blind.dimensions[0].used);
  EXPECT_THAT(blind.events, IsEmpty());
  const Levels unknown = levels_of(storage(), {{std::nullopt, Quantity()}}, {}, kNow);
  EXPECT_EQ(unknown.level, LimitLevel::Green);
}

TEST(Levels, an_observed_dimension_counts_once_it_was_so_for_as_long_as_asked) {
  api::ScaleLimitSpec spec;
  api::ObservedLimit p99;
  p99.name = "p99";
  p99.hard = Quantity::from_int(5);
  p99.hold_for = absl::Minutes(5);
  spec.observed.push_back(p99);
  spec.thresholds = {threshold("breach", 100, LimitLevel::Red, LimitAction::Notify)};
  const Levels first = levels_of(spec, used("6"), {}, kNow);
  EXPECT_EQ(first.level, LimitLevel::Green);
  EXPECT_THAT(first.events, IsEmpty());
  EXPECT_EQ(next_change(spec, stored(first)), kNow + absl::Minutes(5));
  const Levels held = levels_of(spec, used("6"), stored(first), kNow + absl::Minutes(5));
  EXPECT_EQ(held.level, LimitLevel::Red);
  EXPECT_THAT(reasons(held), ElementsAre("LimitThresholdCrossed"));
  EXPECT_EQ(next_change(spec, stored(held)), std::nullopt);
  const Levels short_dip = levels_of(spec, used("4"), stored(first), kNow + absl::Minutes(4));
  EXPECT_THAT(short_dip.thresholds, IsEmpty());
}

TEST(Levels, silence_proves_nothing_of_an_observed_dimension) {
  api::ScaleLimitSpec spec;
  spec.observed.push_back({"p99", "q", Quantity::from_int(5), api::kLocalRegion, absl::Minutes(5)});
  spec.thresholds = {threshold("slow", 100, LimitLevel::Red, LimitAction::Halt)};
  const Levels begun = levels_of(spec, used("6"), {}, kNow);
  ASSERT_EQ(begun.thresholds.size(), 1U);
  const Levels silent = levels_of(spec, {DimensionUse()}, stored(begun), kNow + absl::Hours(1));
  EXPECT_THAT(silent.thresholds, IsEmpty());
  EXPECT_FALSE(silent.halted);
  const Levels again = levels_of(spec, used("6"), stored(silent), kNow + absl::Hours(2));
  EXPECT_FALSE(again.halted) << "its minutes begin anew";
  const Levels halted = levels_of(spec, used("6"), stored(again), kNow + absl::Hours(3));
  ASSERT_TRUE(halted.halted);
  const Levels silent_again = levels_of(spec, {DimensionUse()}, stored(halted), kNow + absl::Hours(4));
  EXPECT_TRUE(silent_again.halted);
  EXPECT_EQ(silent_again.level, LimitLevel::Red);
  EXPECT_THAT(silent_again.events, IsEmpty());
}

TEST(Levels, a_threshold_of_one_dimension_says_nothing_of_another) {
  api::ScaleLimitSpec spec = storage();
  spec.total.count = 10;
  for (api::Threshold& one : spec.thresholds) one.dimension = "storage";
  const Levels levels = levels_of(spec, {{Quantity::from_int(10), {}}, {Quantity::from_int(1), {}}}, {}, kNow);
  EXPECT_EQ(levels.level, LimitLevel::Green);
  EXPECT_EQ(levels.dimensions[0].percent, 100);
}

TEST(Levels, a_limit_of_nothing_is_full) {
  api::ScaleLimitSpec spec;
  spec.total.count = 0;
  EXPECT_EQ(levels_of(spec, used("0"), {}, kNow).dimensions[0].percent, 100);
  EXPECT_GT(*levels_of(spec, used("1"), {}, kNow).dimensions[0].percent, 100);
}

}  // namespace
}  // namespace headroom::limits
