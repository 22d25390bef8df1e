// Time as an argument. Wall time is for what people wrote down (festivals, cooldowns); monotonic time is for intervals
// (leases, back-off, idle timers). Implementations are thread-safe.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <vector>

namespace headroom {

using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time wall_now() const = 0;
  virtual SteadyTime steady_now() const = 0;

  /// Blocks until the wall clock reads `deadline` or later, `wake` is notified and `woken` answers true, or `stop` is
  /// requested. `lock` is held on entry, released while waiting and held on return. Returns after at most a bounded
  /// time, so callers loop on their own condition.
  virtual void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, absl::Time deadline,
                          std::stop_token stop, const std::function<bool()>& woken) const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  absl::Time wall_now() const override;
  SteadyTime steady_now() const override;
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, absl::Time deadline,
                  std::stop_token stop, const std::function<bool()>& woken) const override;
};

/// A wall clock that a test moves by hand; monotonic time stays real, so that leases and watches against a real API
/// server keep working while fourteen days pass in seconds.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time start);

  /// Moves the wall clock to `to` (never back); waiters whose deadline has come return within a few milliseconds.
  void advance_to(absl::Time to);
  /// The same, relative to now.
  void advance(absl::Duration by);

  absl::Time wall_now() const override;
  SteadyTime steady_now() const override;
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, absl::Time deadline,
                  std::stop_token stop, const std::function<bool()>& woken) const override;

 private:
  mutable std::mutex mutex_;
  absl::Time now_;
};

/// From `starts_at` (wall) on, wall time passes `speed` times as fast as real time.
struct ClockSegment {
  absl::Time starts_at;
  double speed = 1;
};

/// A wall clock that runs through a calendar in fast motion: the demonstration plays ten days in two minutes. The
/// first segment's `starts_at` is what the wall clock reads at construction; the last one never ends.
class ReplayClock final : public Clock {
 public:
  /// At least one segment, in order of time, speeds above 0; anything else is a programming error and aborts.
  explicit ReplayClock(std::vector<ClockSegment> segments);

  absl::Time wall_now() const override;
  SteadyTime steady_now() const override;
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, absl::Time deadline,
                  std::stop_token stop, const std::function<bool()>& woken) const override;

  /// The wall time `elapsed` (real) after construction. Pure; for tests.
  absl::Time wall_after(absl::Duration elapsed) const;
  /// How long (real) after construction the wall clock reads `wall`. Pure; for tests.
  absl::Duration real_until(absl::Time wall) const;

 private:
  std::vector<ClockSegment> segments_;
  SteadyTime started_;
};

}  // namespace headroom
