// Bounds on real time that a busy machine does not break: the best of a few tries counts.
#pragma once

#include <chrono>

namespace headroom::runtime {

class Stopwatch {
 public:
  void start() const { started_ = std::chrono::steady_clock::now(); }
  void stop() const { took_ = std::chrono::steady_clock::now() - started_; }
  std::chrono::nanoseconds took() const { return took_; }

 private:
  mutable std::chrono::steady_clock::time_point started_{};
  mutable std::chrono::nanoseconds took_{0};
};

/// True when what `run` measures took less than 100 ms in one of five tries.
template <class Run>
bool within_100_ms(Run run) {
  for (int i = 0; i < 5; ++i) {
    const Stopwatch time;
    run(time);
    if (time.took() < std::chrono::milliseconds(100)) return true;
  }
  return false;
}

}  // namespace headroom::runtime
