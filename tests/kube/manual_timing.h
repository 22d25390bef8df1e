// A Timing that waits for nobody: a pause moves the time on and is written down.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <vector>

#include "operator/kube/timing.h"

namespace headroom::testing {

/// Thread-safe.
class ManualTiming final : public kube::Timing {
 public:
  SteadyTime now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  bool pause(std::chrono::nanoseconds duration, const std::stop_token& stop) override {
    if (on_pause) on_pause();
    const std::lock_guard lock(mutex_);
    if (stop.stop_requested()) return false;
    pauses_.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(duration));
    now_ += duration;
    return true;
  }

  void advance(std::chrono::nanoseconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }
  std::vector<std::chrono::milliseconds> pauses() const {
    const std::lock_guard lock(mutex_);
    return pauses_;
  }

  std::function<void()> on_pause;  ///< what happens while somebody waits

 private:
  mutable std::mutex mutex_;
  SteadyTime now_{std::chrono::hours(1)};
  std::vector<std::chrono::milliseconds> pauses_;
};

}  // namespace headroom::testing
