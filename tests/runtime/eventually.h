// Waiting for what another thread will bring about, with an end.
#pragma once

#include <chrono>
#include <thread>

namespace headroom::runtime {

/// True as soon as `holds` answers true; false after `at_most`.
template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds at_most = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace headroom::runtime
