#include "operator/runtime/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "tests/runtime/eventually.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Backoff kRetry{milliseconds(1), 2, milliseconds(8), 0};

WorkKey key(int number) { return {"scale", {"shop", std::to_string(number)}}; }

TEST(WorkQueue, wakes_a_waiting_worker_for_a_key_that_comes) {
  const SystemClock clock;
  WorkQueue queue(clock, kRetry, 1);
  std::atomic<bool> got{false};
  std::jthread worker([&](std::stop_token stop) { got = queue.take(stop) == key(1); });
  queue.add(key(1));
  EXPECT_TRUE(eventually([&] { return got.load(); }));
}

TEST(WorkQueue, wakes_a_waiting_worker_for_a_deadline_that_moved_nearer) {
  const SystemClock clock;
  WorkQueue queue(clock, kRetry, 1);
  queue.add_after(key(1), std::chrono::hours(1));
  std::atomic<bool> got{false};
  std::jthread worker([&](std::stop_token stop) { got = queue.take(stop).has_value(); });
  queue.add_after(key(1), milliseconds(2));
  EXPECT_TRUE(eventually([&] { return got.load(); }));
}

TEST(WorkQueue, wakes_every_worker_that_is_needed_when_deadlines_come_together) {
  const SystemClock clock;
  WorkQueue queue(clock, kRetry, 1);
  std::atomic<int> taken{0};
  std::vector<std::jthread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&](std::stop_token stop) {
      if (queue.take(stop)) ++taken;
    });
  }
  for (int i = 0; i < 4; ++i) queue.add_after(key(i), milliseconds(5));
  EXPECT_TRUE(eventually([&] { return taken == 4; })) << "each worker takes one and keeps it";
}

TEST(WorkQueue, lets_waiting_workers_go_when_stopped_or_shut_down) {
  const SystemClock clock;
  WorkQueue queue(clock, kRetry, 1);
  std::stop_source stop;
  std::optional<WorkKey> one = key(1), two = key(2);
  std::jthread first([&] { one = queue.take(stop.get_token()); });
  std::jthread second([&] { two = queue.take({}); });
  stop.request_stop();
  first.join();
  EXPECT_EQ(one, std::nullopt);
  queue.shut_down();
  second.join();
  EXPECT_EQ(two, std::nullopt);
}

TEST(WorkQueue, hands_out_nothing_after_shutting_down_but_lets_work_end) {
  const SystemClock clock;
  WorkQueue queue(clock, kRetry, 1);
  queue.add(key(1));
  queue.add(key(2));
  ASSERT_EQ(queue.take({}), key(1));
  queue.shut_down();
  EXPECT_EQ(queue.take({}), std::nullopt);
  queue.add(key(3));
  EXPECT_EQ(queue.stats().depth, 1);
  queue.done(key(1));
  EXPECT_EQ(queue.stats().processing, 0);
}

TEST(WorkQueue, delays_each_retry_of_a_key_longer_until_it_succeeds) {
  const SystemClock clock;
  std::vector<std::chrono::microseconds> waited;
  WorkQueue queue(clock, Backoff{milliseconds(20), 2, milliseconds(80), 0}, 1);
  const auto retry_takes = [&] {
    const auto begin = clock.steady_now();
    queue.add_rate_limited(key(1));
    const auto taken = queue.take({});
    queue.done(*taken);
    return clock.steady_now() - begin;
  };
  EXPECT_GE(retry_takes(), milliseconds(20));
  EXPECT_GE(retry_takes(), milliseconds(40));
  EXPECT_GE(retry_takes(), milliseconds(80));
  EXPECT_GE(retry_takes(), milliseconds(80));
  queue.forget(key(1));
  const auto anew = retry_takes();
  EXPECT_GE(anew, milliseconds(20));
  EXPECT_EQ(queue.stats().retries, 5);
  EXPECT_EQ(queue.stats().adds, 5);
}

TEST(WorkQueue, clamps_the_longest_delay_there_is) {
  const SystemClock clock;
  WorkQueue queue(clock, kRetry, 1);
  queue.add_after(key(1), milliseconds::max());
  queue.add_after(key(2), milliseconds::min());
  EXPECT_EQ(queue.take({}), key(2));
  EXPECT_EQ(queue.stats().delayed, 1);
}

TEST(WorkQueue, tells_its_observer_how_long_keys_waited_and_were_worked_on) {
  const SystemClock clock;
  int waited = 0, worked = 0;
  WorkQueue queue(clock, kRetry, 1, QueueObserver{[&](auto) { ++waited; }, [&](auto) { ++worked; }});
  queue.add(key(1));
  queue.take({});
  EXPECT_EQ(waited, 1);
  EXPECT_EQ(worked, 0);
  queue.done(key(1));
  queue.done(key(1));
  EXPECT_EQ(worked, 1);
}

TEST(WorkQueue, never_lets_two_workers_have_one_key_and_loses_none) {
  constexpr int kKeys = 20, kWorkers = 4, kAddsEach = 2000;
  const SystemClock clock;
  WorkQueue queue(clock, kRetry, 7);
  std::array<std::atomic<int>, kKeys> in_work{}, wanted{}, done{};
  std::atomic<bool> overlap{false};

  std::vector<std::jthread> threads;
  for (int w = 0; w < kWorkers; ++w) {
    threads.emplace_back([&](std::stop_token stop) {
      while (const auto taken = queue.take(stop)) {
        const auto number = static_cast<std::size_t>(std::stoi(taken->object.name));
        if (in_work[number].fetch_add(1) != 0) overlap = true;
        done[number] = wanted[number].load();  // a reconcile reads the latest state
        in_work[number].fetch_sub(1);
        queue.done(*taken);
      }
    });
  }
  {
    std::vector<std::jthread> producers;
    for (int p = 0; p < 2; ++p) {
      producers.emplace_back([&, p] {
        std::mt19937_64 random(static_cast<std::uint64_t>(p));
        for (int i = 0; i < kAddsEach; ++i) {
          const int number = static_cast<int>(random() % kKeys);
          ++wanted[static_cast<std::size_t>(number)];
          switch (random() % 4) {
            case 0:
              queue.add(key(number), Priority::Low);
              break;
            case 1:
              queue.add_after(key(number), milliseconds(random() % 3));
              break;
            case 2:
              queue.add_rate_limited(key(number));
              break;
            default:
              queue.add(key(number));
          }
        }
      });
    }
  }
  EXPECT_TRUE(eventually([&] {
    for (std::size_t i = 0; i < kKeys; ++i) {
      if (done[i] != wanted[i]) return false;
    }
    return true;
  })) << "the last change of every key is seen by a run that starts after it";
  EXPECT_FALSE(overlap);
  queue.shut_down();
}

}  // namespace
}  // namespace headroom::runtime
