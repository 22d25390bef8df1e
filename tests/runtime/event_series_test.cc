#include "operator/runtime/event_series.h"

#include <gtest/gtest.h>

namespace headroom::runtime {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Outcome = EventSeries::Outcome;

class EventSeriesTest : public testing::Test {
 protected:
  void pass(std::chrono::nanoseconds time) {
    now_ += time;
    wall_ += absl::FromChrono(time);
  }
  bool record(const std::string& name, const std::string& note = "note") {
    return series_.record({"v1", "Thing", {"shop", name}, "uid"}, {EventText::Type::Normal, "Reason", "Act", note},
                          wall_, now_);
  }
  /// "create cart 1", "patch cart 3" or "-".
  std::string write(Outcome outcome = Outcome::Written) {
    const auto write = series_.next(now_);
    if (!write) return "-";
    series_.done(outcome, wall_, now_);
    return described(*write);
  }
  static std::string described(const EventSeries::Write& write) {
    return (write.create ? "create " : "patch ") + write.event.subject.key.name + " " +
           std::to_string(write.event.count);
  }

  EventSeries series_{seconds(0)};
  SteadyTime now_{seconds(1000)};
  absl::Time wall_ = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(EventSeriesTest, writes_an_event_and_its_first_repeat_as_a_series_of_two) {
  record("cart");
  EXPECT_EQ(write(), "create cart 1");
  EXPECT_EQ(write(), "-");
  pass(minutes(5));
  record("cart");
  EXPECT_EQ(write(), "patch cart 2");
}

TEST(EventSeries, lets_what_it_tells_of_go_first_and_gathers_repeats_meanwhile) {
  constexpr seconds kGiveWay{2};
  EventSeries series(kGiveWay);
  const SteadyTime now{seconds(1000)};
  const absl::Time wall = absl::FromUnixSeconds(1'700'000'000);
  const EventSubject cart{"v1", "Thing", {"shop", "cart"}, "uid"};
  const EventText text{EventText::Type::Normal, "Reason", "Act", "note"};
  series.record(cart, text, wall, now);
  series.record(cart, text, wall, now + seconds(1));
  EXPECT_FALSE(series.next(now + kGiveWay - std::chrono::milliseconds(1)));
  EXPECT_EQ(series.next_due(), now + kGiveWay);
  const auto write = series.next(now + kGiveWay);
  ASSERT_TRUE(write);
  EXPECT_EQ(write->event.count, 2);
  series.done(Outcome::Written, wall, now + kGiveWay);
  // A new series after a quiet time gives way, too.
  const SteadyTime later = now + kSeriesWindow + seconds(5);
  series.record(cart, text, wall, later);
  EXPECT_EQ(series.next_due(), later + kGiveWay);
}

TEST_F(EventSeriesTest, writes_further_repeats_together) {
  record("cart");
  write();
  record("cart");
  EXPECT_EQ(write(), "patch cart 2");
  for (int i = 0; i < 50; ++i) record("cart");
  EXPECT_EQ(write(), "-");
  EXPECT_EQ(series_.next_due(), now_ + kSeriesInterval);
  pass(kSeriesInterval);
  EXPECT_EQ(write(), "patch cart 52");
}

TEST_F(EventSeriesTest, writes_what_repeated_while_it_waited_in_one_go) {
  record("cart");
  record("cart");
  record("cart");
  EXPECT_EQ(series_.waiting(), 1u);
  EXPECT_EQ(write(), "create cart 3");
}

TEST_F(EventSeriesTest, keeps_a_repeat_that_comes_while_the_event_is_being_written) {
  record("cart");
  ASSERT_TRUE(series_.next(now_));
  record("cart");
  EXPECT_EQ(series_.next_due(), std::nullopt) << "one write of a series at a time";
  series_.done(Outcome::Written, wall_, now_);
  EXPECT_EQ(write(), "patch cart 2");
}

TEST_F(EventSeriesTest, begins_a_new_event_after_six_quiet_minutes) {
  record("cart");
  write();
  pass(kSeriesWindow);
  record("cart");
  EXPECT_EQ(write(), "patch cart 2") << "the window is counted from the last one";
  pass(kSeriesWindow + seconds(1));
  record("cart");
  EXPECT_EQ(write(), "create cart 1");
}

TEST_F(EventSeriesTest, tells_events_apart_by_object_and_text) {
  record("cart", "a");
  record("cart", "b");
  record("search", "a");
  EXPECT_EQ(write(), "create cart 1");
  EXPECT_EQ(write(), "create cart 1");
  EXPECT_EQ(write(), "create search 1");
}

TEST_F(EventSeriesTest, takes_two_notes_that_are_the_same_once_cut_for_the_same) {
  record("cart", std::string(3000, 'x') + "1");
  record("cart", std::string(3000, 'x') + "2");
  EXPECT_EQ(write(), "create cart 2");
}

TEST_F(EventSeriesTest, creates_an_event_anew_that_vanished_from_under_its_series) {
  record("cart");
  write();
  pass(seconds(1));
  record("cart");
  EXPECT_EQ(write(Outcome::Vanished), "patch cart 2");
  const auto again = series_.next(now_);
  ASSERT_TRUE(again);
  EXPECT_EQ(described(*again), "create cart 2");
  EXPECT_EQ(again->event.first, wall_) << "which gives it another name";
}

TEST_F(EventSeriesTest, forgets_an_event_that_could_not_be_written) {
  record("cart");
  write(Outcome::Failed);
  EXPECT_EQ(series_.remembered(), 0u);
  record("cart");
  EXPECT_EQ(write(), "create cart 1");
}

TEST_F(EventSeriesTest, drops_new_events_when_too_many_wait_but_counts_repeats_of_those) {
  for (std::size_t i = 0; i < kMostWaiting; ++i) ASSERT_TRUE(record(std::to_string(i)));
  EXPECT_FALSE(record("one-more"));
  EXPECT_TRUE(record("0"));
  EXPECT_EQ(write(), "create 0 2");
  EXPECT_TRUE(record("one-more"));
}

TEST_F(EventSeriesTest, remembers_a_bounded_number_of_series_the_latest_ones) {
  for (int i = 0; i < 5000; ++i) {
    record(std::to_string(i));
    write();
  }
  EXPECT_EQ(series_.remembered(), kMostRemembered);
  record("4999");
  EXPECT_EQ(write(), "patch 4999 2");
  record("0");
  EXPECT_EQ(write(), "create 0 1");
}

TEST_F(EventSeriesTest, hands_out_everything_when_time_is_up) {
  record("cart");
  write();
  record("cart");
  write();
  record("cart");
  EXPECT_EQ(write(), "-");
  const auto rest = series_.next(SteadyTime::max());
  ASSERT_TRUE(rest);
  EXPECT_EQ(described(*rest), "patch cart 3");
}

}  // namespace
}  // namespace headroom::runtime
