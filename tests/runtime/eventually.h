// Waiting for what another thread will bring about, with an end.
#pragma once

#include <chrono>

#include "tests/support/polling.h"

namespace headroom::runtime {

/// True as soon as `holds` answers true; false after `at_most`.
template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds at_most = std::chrono::seconds(20)) {
  return testing_support::poll(holds, at_most, std::chrono::milliseconds(1));
}

}  // namespace headroom::runtime
