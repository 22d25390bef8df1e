#include "operator/kube/request_limits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace headroom::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

const SteadyTime kStart{std::chrono::hours(1)};

milliseconds take(TokenBucket& bucket, SteadyTime now, nanoseconds patience = seconds(60)) {
  return std::chrono::duration_cast<milliseconds>(bucket.take(now, patience));
}

TEST(TokenBucket, lets_a_burst_through_and_then_one_at_a_time) {
  TokenBucket bucket(10, 3);
  EXPECT_EQ(take(bucket, kStart), milliseconds(0));
  EXPECT_EQ(take(bucket, kStart), milliseconds(0));
  EXPECT_EQ(take(bucket, kStart), milliseconds(0));
  EXPECT_EQ(take(bucket, kStart), milliseconds(100));
  EXPECT_EQ(take(bucket, kStart), milliseconds(200)) << "behind the one that waits already";
}

TEST(TokenBucket, fills_up_with_time_to_the_burst_and_no_further) {
  TokenBucket bucket(10, 2);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(take(bucket, kStart), milliseconds(0));
  EXPECT_EQ(take(bucket, kStart + milliseconds(100)), milliseconds(0));
  const SteadyTime later = kStart + std::chrono::hours(10);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(take(bucket, later), milliseconds(0));
  EXPECT_EQ(take(bucket, later), milliseconds(100));
}

TEST(TokenBucket, takes_nothing_from_one_who_would_not_wait_so_long) {
  TokenBucket bucket(1, 1);
  EXPECT_EQ(take(bucket, kStart), milliseconds(0));
  EXPECT_LT(bucket.take(kStart, milliseconds(999)), nanoseconds(0));
  EXPECT_EQ(take(bucket, kStart, seconds(1)), seconds(1)) << "the first refusal must not have cost a token";
}

TEST(TokenBucket, does_not_fill_up_when_time_stands_or_steps_back) {
  TokenBucket bucket(1000, 1);
  EXPECT_EQ(take(bucket, kStart), milliseconds(0));
  EXPECT_EQ(take(bucket, kStart - seconds(5)), milliseconds(1));
  EXPECT_EQ(take(bucket, kStart), milliseconds(2));
}

TEST(InFlight, never_has_more_holders_than_its_bound_and_serves_all) {
  InFlight slots(3);
  std::atomic<int> holding{0}, most{0}, served{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 12; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 50; ++k) {
          const auto slot = slots.acquire(seconds(30), {});
          ASSERT_TRUE(slot);
          const int now = ++holding;
          for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
          }
          std::this_thread::yield();
          --holding;
          ++served;
        }
      });
    }
  }
  EXPECT_LE(most, 3);
  EXPECT_EQ(served, 600);
}

TEST(InFlight, gives_up_when_its_patience_ends) {
  InFlight slots(1);
  const auto held = slots.acquire(milliseconds(0), {});
  ASSERT_TRUE(held);
  const auto second = slots.acquire(milliseconds(1), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Unavailable);
}

TEST(InFlight, gives_up_when_it_is_stopped) {
  InFlight slots(1);
  const auto held = slots.acquire(milliseconds(0), {});
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  const auto second = slots.acquire(seconds(60), stop.get_token());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace headroom::kube
