#include "operator/limits/flow_use.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace headroom::limits {
namespace {

constexpr LimitId kFlow = 9;
constexpr TypeId kType = 3;

Write create(int object, int name) {
  return {kType, {1, static_cast<std::uint64_t>(object)}, 0, {2, static_cast<std::uint64_t>(name)}};
}
Write update(int object, Revision from) {
  return {kType, {1, static_cast<std::uint64_t>(object)}, from, {2, static_cast<std::uint64_t>(object)}};
}
Uid uid(int object) { return {1, static_cast<std::uint64_t>(object)}; }

class FlowUseTest : public testing::Test {
 protected:
  FlowUseTest() {
    FlowTerms terms;
    terms.window = absl::Seconds(4);
    terms.assume_done_after = absl::Seconds(10);
    use_.set_limit(kFlow, terms);
  }
  void add(const Write& write, double now) { use_.add(kFlow, write, {kOneWrite, kOneWrite}, absl::Seconds(now)); }
  std::pair<int, int> in_use(double now) {
    use_.advance(kFlow, absl::Seconds(now));
    const Amounts amounts = use_.in_use(kFlow);
    return {static_cast<int>(amounts[kConcurrency] / kOneWrite), static_cast<int>(amounts[kRate] / kOneWrite)};
  }
  using Units = std::pair<int, int>;

  FlowUse use_;
};

TEST_F(FlowUseTest, a_write_is_in_progress_until_it_is_seen_and_takes_up_the_rate_for_the_whole_window) {
  add(create(1, 1), 0);
  EXPECT_EQ(in_use(1), Units(1, 1));
  use_.seen(kType, uid(1), 50, false);
  EXPECT_EQ(in_use(1), Units(0, 1));
  EXPECT_EQ(in_use(3.99), Units(0, 1));
  EXPECT_EQ(in_use(4.1), Units(0, 0));
}

TEST_F(FlowUseTest, what_is_never_seen_is_assumed_to_be_done_after_a_while) {
  add(update(1, 40), 0);
  EXPECT_EQ(in_use(9.9), Units(1, 0));
  EXPECT_EQ(in_use(10), Units(0, 0));
}

TEST_F(FlowUseTest, an_update_ends_with_a_newer_version_or_with_its_object) {
  add(update(1, 40), 0);
  use_.seen(kType, uid(1), 40, false);
  EXPECT_EQ(in_use(0), Units(1, 1)) << "that is the version that it was made from";
  use_.seen(kType + 1, uid(1), 99, false);
  EXPECT_EQ(in_use(0), Units(1, 1)) << "another type's versions say nothing";
  use_.seen(kType, uid(1), 41, false);
  EXPECT_EQ(in_use(0), Units(0, 1));
  add(update(1, 41), 0);
  use_.seen(kType, uid(1), 41, true);
  EXPECT_EQ(in_use(0), Units(0, 2));
}

TEST_F(FlowUseTest, calls_for_one_write_count_once_and_of_creates_of_one_name_one_is_in_progress) {
  struct Case {
    const char* what;
    Write first, second;
    Units used;
  };
  const Case cases[] = {{"one update, called for twice", update(1, 40), update(1, 40), {1, 1}},
                        {"two versions of one object", update(1, 40), update(1, 41), {2, 2}},
                        {"creates of one name", create(1, 7), create(2, 7), {1, 2}},
                        {"creates of two names", create(1, 7), create(2, 8), {2, 2}}};
  for (const Case& one : cases) {
    use_.clear();
    add(one.first, 0);
    add(one.second, 0.1);
    EXPECT_EQ(in_use(0.1), one.used) << one.what;
  }
}

TEST_F(FlowUseTest, a_write_that_begins_anew_is_not_ended_by_what_was_due_of_the_former) {
  add(create(1, 7), 0);
  use_.seen(kType, uid(1), 50, false);
  add(create(2, 7), 8);
  EXPECT_EQ(in_use(10.5), Units(1, 1));
  EXPECT_EQ(in_use(12.5), Units(1, 0));
  EXPECT_EQ(in_use(18), Units(0, 0));
}

TEST_F(FlowUseTest, creates_of_one_name_are_in_progress_until_none_of_them_can_land) {
  add(create(1, 7), 0);
  add(create(2, 7), 0.5);
  use_.seen(kType, uid(1), 50, false);
  use_.seen(kType, uid(1), 51, true);
  EXPECT_EQ(in_use(1).first, 1) << "the first was stored and deleted: the second may be stored now";
  add(create(3, 7), 1);
  EXPECT_EQ(in_use(1).first, 1) << "the name is the same";
  use_.seen(kType, uid(2), 52, false);
  use_.seen(kType, uid(3), 54, false);
  EXPECT_EQ(in_use(1).first, 0);
}

TEST_F(FlowUseTest, whichever_create_of_a_name_never_lands_is_assumed_to_be_done_for_itself) {
  add(create(1, 7), 0);
  add(create(2, 7), 4);
  use_.seen(kType, uid(2), 50, false);
  EXPECT_EQ(in_use(9.9).first, 1);
  EXPECT_EQ(in_use(10).first, 0);
}

TEST_F(FlowUseTest, a_write_that_is_let_through_again_is_in_progress_anew) {
  add(update(1, 40), 0);
  add(update(1, 40), 6);
  EXPECT_EQ(in_use(10.5).first, 1) << "another client's write upon the same version may have come late";
  EXPECT_EQ(in_use(16).first, 0);
}

TEST_F(FlowUseTest, knows_of_a_create_whose_name_another_object_is_about_to_take) {
  EXPECT_FALSE(use_.creating(kFlow, create(1, 7)));
  add(create(1, 7), 0);
  EXPECT_TRUE(use_.creating(kFlow, create(2, 7)));
  EXPECT_FALSE(use_.creating(kFlow, create(1, 7))) << "another call for the same write";
  EXPECT_FALSE(use_.creating(kFlow, create(2, 8))) << "another name";
  use_.seen(kType, uid(1), 50, false);
  EXPECT_FALSE(use_.creating(kFlow, create(2, 7)));
}

TEST_F(FlowUseTest, tells_the_most_that_was_in_use_since_it_was_asked) {
  add(create(1, 1), 0);
  add(create(2, 2), 0);
  use_.seen(kType, uid(1), 50, false);
  EXPECT_EQ(use_.take_peak(kFlow), (Amounts{2 * kOneWrite, 2 * kOneWrite}));
  EXPECT_EQ(use_.take_peak(kFlow), (Amounts{kOneWrite, 2 * kOneWrite})) << "what is in use now";
}

// The definition, by brute force: whenever a unit is free a write is let through.
TEST(RateWindow, lets_through_no_more_than_its_units_in_any_window_and_hardly_less) {
  for (const double window : {0.05, 1.0, 30.0}) {
    constexpr int kUnits = 50;
    RateWindow rate;
    std::deque<double> lately;
    std::mt19937 random(7);
    std::int64_t let_through = 0;
    const double step = window / 5000;
    for (double now = 0; now < 20 * window; now += step) {
      rate.advance(absl::Seconds(now));
      while (!lately.empty() && lately.front() <= now - window) lately.pop_front();
      for (std::uint32_t asks = random() % 3; asks > 0 && rate.in_use() < kUnits; --asks) {
        rate.add(absl::Seconds(window), absl::Seconds(now));
        lately.push_back(now);
        ++let_through;
      }
      ASSERT_LE(lately.size(), kUnits) << "within " << window << " s before " << now;
    }
    EXPECT_GE(let_through, 20 * kUnits * 95 / 100) << window;
  }
}

TEST(RateWindow, a_window_that_becomes_shorter_releases_in_order) {
  RateWindow rate;
  rate.add(absl::Seconds(10), absl::Seconds(0));
  rate.add(absl::Seconds(1), absl::Seconds(1));
  rate.advance(absl::Seconds(5));
  EXPECT_EQ(rate.in_use(), 2);
  rate.advance(absl::Seconds(11));
  EXPECT_EQ(rate.in_use(), 0);
  EXPECT_EQ(rate.next_release(), std::nullopt);
}

}  // namespace
}  // namespace headroom::limits
