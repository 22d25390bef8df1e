#include "operator/base/clock.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace headroom {
namespace {

// A wall clock can be set (NTP, a machine that slept), which no timer on monotonic time notices.
constexpr absl::Duration kLongestNap = absl::Seconds(1);
// A fake clock moves without telling its waiters; they look again this often, in real time.
constexpr absl::Duration kFakeClockPoll = absl::Milliseconds(2);

void nap(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, std::stop_token stop,
         absl::Duration at_most, const std::function<bool()>& done) {
  wake.wait_for(lock, std::move(stop), absl::ToChronoNanoseconds(std::min(at_most, kLongestNap)), done);
}

}  // namespace

absl::Time SystemClock::wall_now() const { return absl::Now(); }

SteadyTime SystemClock::steady_now() const { return std::chrono::steady_clock::now(); }

void SystemClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, absl::Time deadline,
                             std::stop_token stop, const std::function<bool()>& woken) const {
  const absl::Duration left = deadline - wall_now();
  if (left > absl::ZeroDuration()) nap(lock, wake, std::move(stop), left, woken);
}

FakeClock::FakeClock(absl::Time start) : now_(start) {}

void FakeClock::advance_to(absl::Time to) {
  const std::lock_guard guard(mutex_);
  now_ = std::max(now_, to);
}

void FakeClock::advance(absl::Duration by) {
  const std::lock_guard guard(mutex_);
  now_ += std::max(by, absl::ZeroDuration());
}

absl::Time FakeClock::wall_now() const {
  const std::lock_guard guard(mutex_);
  return now_;
}

SteadyTime FakeClock::steady_now() const { return std::chrono::steady_clock::now(); }

void FakeClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, absl::Time deadline,
                           std::stop_token stop, const std::function<bool()>& woken) const {
  const SteadyTime until = steady_now() + absl::ToChronoNanoseconds(kLongestNap);
  while (wall_now() < deadline && !woken() && !stop.stop_requested() && steady_now() < until) {
    nap(lock, wake, stop, kFakeClockPoll, woken);
  }
}

ReplayClock::ReplayClock(std::vector<ClockSegment> segments)
    : segments_(std::move(segments)), started_(std::chrono::steady_clock::now()) {
  const bool ordered = std::ranges::is_sorted(segments_, {}, &ClockSegment::starts_at);
  const bool forward = std::ranges::all_of(segments_, [](const ClockSegment& segment) { return segment.speed > 0; });
  if (segments_.empty() || !ordered || !forward) {
    std::fputs("a replay clock needs segments in order of time, each with a speed above 0\n", stderr);
    std::abort();
  }
}

absl::Time ReplayClock::wall_after(absl::Duration elapsed) const {
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i) {
    const absl::Duration real = (segments_[i + 1].starts_at - segments_[i].starts_at) / segments_[i].speed;
    if (elapsed < real) return segments_[i].starts_at + elapsed * segments_[i].speed;
    elapsed -= real;
  }
  return segments_.back().starts_at + elapsed * segments_.back().speed;
}

absl::Duration ReplayClock::real_until(absl::Time wall) const {
  absl::Duration real = absl::ZeroDuration();
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (wall <= segments_[i].starts_at) break;
    const bool last = i + 1 == segments_.size();
    const absl::Time end = last ? wall : std::min(wall, segments_[i + 1].starts_at);
    real += (end - segments_[i].starts_at) / segments_[i].speed;
  }
  return real;
}

absl::Time ReplayClock::wall_now() const { return wall_after(absl::FromChrono(steady_now() - started_)); }

SteadyTime ReplayClock::steady_now() const { return std::chrono::steady_clock::now(); }

void ReplayClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, absl::Time deadline,
                             std::stop_token stop, const std::function<bool()>& woken) const {
  const absl::Duration left = real_until(deadline) - absl::FromChrono(steady_now() - started_);
  if (left > absl::ZeroDuration()) nap(lock, wake, std::move(stop), left, woken);
}

}  // namespace headroom
