// Monotonic time and waiting as an argument of the client, so that tests of back-off need not wait.
#pragma once

#include <chrono>
#include <stop_token>

#include "operator/base/clock.h"

namespace headroom::kube {

/// Thread-safe.
class Timing {
 public:
  virtual ~Timing() = default;
  virtual SteadyTime now() const = 0;
  /// Waits for `duration`; false as soon as `stop` is requested (within milliseconds).
  virtual bool pause(std::chrono::nanoseconds duration, const std::stop_token& stop) = 0;
};

/// The machine's monotonic clock.
class SteadyTiming final : public Timing {
 public:
  SteadyTime now() const override;
  bool pause(std::chrono::nanoseconds duration, const std::stop_token& stop) override;
};

}  // namespace headroom::kube
