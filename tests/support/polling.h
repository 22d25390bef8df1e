// The one loop with which tests wait for what nothing tells them of.
#pragma once

#include <chrono>
#include <thread>

namespace headroom::testing_support {

/// Asks `holds` until it answers true, with a pause after each no; false when it has not within `at_most`. Not for what
/// a condition variable could tell.
template <class Condition>
bool poll(Condition&& holds, std::chrono::milliseconds at_most, std::chrono::milliseconds pause) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace headroom::testing_support
