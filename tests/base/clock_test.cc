#include "operator/base/clock.h"

#include <gtest/gtest.h>

#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>

namespace headroom {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'794'076'200);

// A thread that waits on a clock as callers do: in a loop, until the deadline has come, it was woken or stopped.
class Waiter {
 public:
  Waiter(const Clock& clock, absl::Time deadline)
      : thread_([this, &clock, deadline](std::stop_token stop) {
          std::unique_lock lock(mutex_);
          waiting_.count_down();
          while (!stop.stop_requested() && !notified_ && clock.wall_now() < deadline) {
            clock.wait_until(lock, wake_, deadline, stop, [this] { return notified_; });
          }
          returned_at_ = clock.wall_now();
        }) {
    waiting_.wait();
  }

  void notify() {
    {
      const std::lock_guard guard(mutex_);
      notified_ = true;
    }
    wake_.notify_all();
  }
  void stop() { thread_.request_stop(); }
  bool returned() {
    const std::lock_guard guard(mutex_);
    return returned_at_.has_value();
  }
  absl::Time join() {
    thread_.join();
    return *returned_at_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::latch waiting_{1};
  bool notified_ = false;
  std::optional<absl::Time> returned_at_;
  std::jthread thread_;
};

TEST(FakeClock, stands_still_until_it_is_moved_and_never_goes_back) {
  FakeClock clock(kStart);
  EXPECT_EQ(clock.wall_now(), kStart);
  clock.advance(absl::Hours(1));
  EXPECT_EQ(clock.wall_now(), kStart + absl::Hours(1));
  clock.advance_to(kStart);
  clock.advance(absl::Hours(-1));
  EXPECT_EQ(clock.wall_now(), kStart + absl::Hours(1));
  clock.advance_to(kStart + absl::Hours(336));
  EXPECT_EQ(clock.wall_now(), kStart + absl::Hours(336));
}

TEST(FakeClock, wakes_those_whose_deadline_has_come_and_leaves_the_others) {
  FakeClock clock(kStart);
  Waiter soon(clock, kStart + absl::Hours(1)), later(clock, kStart + absl::Hours(48));
  EXPECT_FALSE(soon.returned());
  clock.advance_to(kStart + absl::Hours(1));
  EXPECT_EQ(soon.join(), kStart + absl::Hours(1));
  EXPECT_FALSE(later.returned());
  clock.advance_to(kStart + absl::Hours(72));
  EXPECT_EQ(later.join(), kStart + absl::Hours(72));
}

template <class T>
class EveryClock : public testing::Test {
 public:
  static T make() {
    if constexpr (std::is_same_v<T, FakeClock>) {
      return T(kStart);
    } else if constexpr (std::is_same_v<T, ReplayClock>) {
      return T({{kStart, 1}});
    } else {
      return T();
    }
  }
};
struct NamedClocks {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, FakeClock> ? "Fake" : std::is_same_v<T, ReplayClock> ? "Replay" : "System";
  }
};
using Clocks = testing::Types<SystemClock, FakeClock, ReplayClock>;
TYPED_TEST_SUITE(EveryClock, Clocks, NamedClocks);

TYPED_TEST(EveryClock, ends_a_wait_when_notified) {
  const TypeParam& clock = this->make();
  Waiter waiter(clock, absl::InfiniteFuture());
  waiter.notify();
  EXPECT_LT(waiter.join(), absl::InfiniteFuture());
}

TYPED_TEST(EveryClock, ends_a_wait_when_stopped) {
  const TypeParam& clock = this->make();
  const absl::Time deadline = clock.wall_now() + absl::Hours(1);
  Waiter waiter(clock, deadline);
  waiter.stop();
  EXPECT_LT(waiter.join(), deadline);
}

TYPED_TEST(EveryClock, does_not_wait_for_what_is_past_or_already_true) {
  const TypeParam& clock = this->make();
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  std::stop_source stopped;
  stopped.request_stop();
  const auto never = [] { return false; };
  const auto already = [] { return true; };
  const SteadyTime before = clock.steady_now();
  clock.wait_until(lock, wake, clock.wall_now(), {}, never);
  clock.wait_until(lock, wake, absl::InfinitePast(), {}, never);
  clock.wait_until(lock, wake, absl::InfiniteFuture(), {}, already);
  clock.wait_until(lock, wake, absl::InfiniteFuture(), stopped.get_token(), never);
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_LT(clock.steady_now() - before, std::chrono::milliseconds(950));  // one nap takes a second
}

TEST(SystemClock, returns_when_the_deadline_has_come) {
  const SystemClock clock;
  const absl::Time deadline = clock.wall_now() + absl::Milliseconds(5);
  Waiter waiter(clock, deadline);
  EXPECT_GE(waiter.join(), deadline);
}

TEST(ReplayClock, plays_each_segment_at_its_own_speed) {
  // Ten days before the festival in ten seconds, the festival's day in a minute, real time afterwards.
  const absl::Time festival = kStart + absl::Hours(240), after = festival + absl::Hours(24);
  const ReplayClock clock({{kStart, 86'400}, {festival, 1440}, {after, 1}});
  const struct {
    absl::Duration real;
    absl::Time wall;
  } table[] = {
      {absl::ZeroDuration(), kStart}, {absl::Seconds(1), kStart + absl::Hours(24)},
      {absl::Seconds(10), festival},  {absl::Seconds(40), festival + absl::Hours(12)},
      {absl::Seconds(70), after},     {absl::Seconds(75), after + absl::Seconds(5)},
  };
  for (const auto& row : table) {
    EXPECT_EQ(clock.wall_after(row.real), row.wall) << row.real;
    EXPECT_EQ(clock.real_until(row.wall), row.real) << row.wall;
  }
  EXPECT_EQ(clock.real_until(kStart - absl::Hours(1)), absl::ZeroDuration());
}

TEST(ReplayClock, runs_ahead_of_real_time) {
  const ReplayClock clock({{kStart, 1'000'000}});
  Waiter waiter(clock, kStart + absl::Hours(1));  // 3.6 ms
  EXPECT_GE(waiter.join(), kStart + absl::Hours(1));
}

TEST(ReplayClockDeathTest, does_not_start_without_an_ordered_calendar) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(ReplayClock({}), "needs segments");
  EXPECT_DEATH(ReplayClock({{kStart, 0}}), "speed above 0");
  EXPECT_DEATH(ReplayClock({{kStart, 1}, {kStart - absl::Seconds(1), 1}}), "in order of time");
}

}  // namespace
}  // namespace headroom
