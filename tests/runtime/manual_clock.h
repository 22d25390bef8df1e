// A clock whose monotonic time, too, moves only by hand.
#pragma once

#include <atomic>
#include <chrono>

#include "operator/base/clock.h"

namespace headroom::runtime {

class ManualClock final : public Clock {
 public:
  void advance(std::chrono::nanoseconds by) { elapsed_ += by.count(); }

  absl::Time wall_now() const override {
    return absl::FromUnixSeconds(1'760'000'000) + absl::Nanoseconds(elapsed_.load());
  }
  SteadyTime steady_now() const override {
    return SteadyTime(std::chrono::hours(1) + std::chrono::nanoseconds(elapsed_));
  }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable_any&, absl::Time, std::stop_token,
                  const std::function<bool()>&) const override {}

 private:
  std::atomic<std::int64_t> elapsed_{0};
};

}  // namespace headroom::runtime
