// Exponential back-off with jitter and an end, as a pure function of the attempt and one random number.
#pragma once

#include <chrono>
#include <cstdint>

namespace headroom {

struct Backoff {
  std::chrono::milliseconds initial{800};
  double factor = 2;
  std::chrono::milliseconds max{30'000};
  double jitter = 0.2;  ///< the delay is drawn from [d, d × (1 + jitter)]

  /// Delay before attempt number `attempt` (0 = the first retry). `random` is uniform over all 64-bit values.
  std::chrono::milliseconds delay(int attempt, std::uint64_t random) const;
};

}  // namespace headroom
