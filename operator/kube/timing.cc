#include "operator/kube/timing.h"

#include <condition_variable>
#include <mutex>

namespace headroom::kube {

SteadyTime SteadyTiming::now() const { return std::chrono::steady_clock::now(); }

bool SteadyTiming::pause(std::chrono::nanoseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace headroom::kube
