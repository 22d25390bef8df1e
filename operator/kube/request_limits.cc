#include "operator/kube/request_limits.h"

#include <algorithm>

namespace headroom::kube {

TokenBucket::TokenBucket(double rate, int burst)
    : rate_(std::max(rate, 1e-3)), burst_(std::max(burst, 1)), tokens_(burst_) {}

std::chrono::nanoseconds TokenBucket::take(SteadyTime now, std::chrono::nanoseconds patience) {
  using Seconds = std::chrono::duration<double>;
  if (started_ && now > updated_) tokens_ = std::min(burst_, tokens_ + Seconds(now - updated_).count() * rate_);
  if (!started_ || now > updated_) updated_ = now;
  started_ = true;
  const double missing = std::max(0.0, 1 - tokens_);
  const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(Seconds(missing / rate_));
  if (wait > patience) return std::chrono::nanoseconds(-1);
  tokens_ -= 1;
  return wait;
}

InFlight::InFlight(int max) : free_(std::max(max, 1)) {}

Result<InFlight::Slot> InFlight::acquire(std::chrono::nanoseconds patience, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool free = freed_.wait_for(lock, stop, patience, [this] { return free_ > 0; });
  if (!free) {
    if (stop.stop_requested()) return Error{ErrorCode::Cancelled, "stopped while waiting for a request slot", 0, {}};
    return Error{ErrorCode::Unavailable,
                 "all request slots were taken until the deadline: the server is slow, or max_in_flight is too small",
                 0,
                 {}};
  }
  --free_;
  return Slot(this);
}

void InFlight::release() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  freed_.notify_one();
}

}  // namespace headroom::kube
