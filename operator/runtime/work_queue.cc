#include "operator/runtime/work_queue.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "operator/runtime/key_schedule.h"

namespace headroom::runtime {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct WorkQueue::Impl {
  const Clock& clock;
  const Backoff retry;
  const QueueObserver observer;

  mutable std::mutex mutex;  ///< guards what follows
  std::condition_variable_any changed;
  KeySchedule schedule;
  std::mt19937_64 random;
  std::int64_t retries = 0;
  bool shut = false;

  Impl(const Clock& clock_, Backoff retry_, std::uint64_t seed, QueueObserver observer_)
      : clock(clock_), retry(retry_), observer(std::move(observer_)), random(seed) {}

  void add_after_locked(const WorkKey& key, milliseconds delay, Priority priority) {
    const SteadyTime now = clock.steady_now();
    delay = std::clamp(delay, milliseconds(0), milliseconds(kFarthestDeadline));
    schedule.add_at(key, now + delay, priority, now);
    changed.notify_one();
  }

  void wait_for_change(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    const std::optional<SteadyTime> deadline = schedule.next_deadline();
    const auto woken = [&] { return shut || schedule.has_ready() || schedule.next_deadline() != deadline; };
    if (deadline) {
      changed.wait_for(lock, stop, *deadline - clock.steady_now(), woken);
    } else {
      changed.wait(lock, stop, woken);
    }
  }
};

WorkQueue::WorkQueue(const Clock& clock, Backoff retry, std::uint64_t seed, QueueObserver observer)
    : impl_(std::make_unique<Impl>(clock, retry, seed, std::move(observer))) {}

WorkQueue::~WorkQueue() = default;

void WorkQueue::add(const WorkKey& key, Priority priority) { add_after(key, milliseconds(0), priority); }

void WorkQueue::add_after(const WorkKey& key, milliseconds delay, Priority priority) {
  std::lock_guard lock(impl_->mutex);
  if (!impl_->shut) impl_->add_after_locked(key, delay, priority);
}

void WorkQueue::add_rate_limited(const WorkKey& key, Priority priority) {
  std::lock_guard lock(impl_->mutex);
  if (impl_->shut) return;
  ++impl_->retries;
  impl_->add_after_locked(key, impl_->retry.delay(impl_->schedule.count_failure(key), impl_->random()), priority);
}

void WorkQueue::forget(const WorkKey& key) {
  std::lock_guard lock(impl_->mutex);
  impl_->schedule.forget_failures(key);
}

std::optional<WorkKey> WorkQueue::take(const std::stop_token& stop) {
  std::unique_lock lock(impl_->mutex);
  while (!impl_->shut && !stop.stop_requested()) {
    if (std::optional<KeySchedule::Taken> taken = impl_->schedule.take(impl_->clock.steady_now())) {
      // Several deadlines may have come at once, and only one waiter woke.
      if (impl_->schedule.has_ready()) impl_->changed.notify_one();
      lock.unlock();
      if (impl_->observer.waited) impl_->observer.waited(taken->waited);
      return std::move(taken->key);
    }
    impl_->wait_for_change(lock, stop);
  }
  impl_->changed.notify_one();  // the wake-up this worker leaves unused may have been for a key
  return std::nullopt;
}

void WorkQueue::done(const WorkKey& key) {
  std::optional<microseconds> worked;
  {
    std::lock_guard lock(impl_->mutex);
    worked = impl_->schedule.done(key, impl_->clock.steady_now());
    if (impl_->schedule.has_ready()) impl_->changed.notify_one();
  }
  if (worked && impl_->observer.worked) impl_->observer.worked(*worked);
}

Priority WorkQueue::taken_as(const WorkKey& key) const {
  std::lock_guard lock(impl_->mutex);
  return impl_->schedule.taken_as(key).value_or(Priority::High);
}

void WorkQueue::shut_down() {
  std::lock_guard lock(impl_->mutex);
  impl_->shut = true;
  impl_->changed.notify_all();
}

QueueStats WorkQueue::stats() const {
  std::lock_guard lock(impl_->mutex);
  QueueStats stats = impl_->schedule.stats(impl_->clock.steady_now());
  stats.retries = impl_->retries;
  return stats;
}

}  // namespace headroom::runtime
