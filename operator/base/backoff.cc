#include "operator/base/backoff.h"

#include <algorithm>
#include <cmath>

namespace headroom {

std::chrono::milliseconds Backoff::delay(int attempt, std::uint64_t random) const {
  // pow() may overflow to infinity, which min() brings back; no attempt number can wrap the delay.
  const double grown = static_cast<double>(initial.count()) * std::pow(factor, std::max(attempt, 0));
  const double base = std::min(grown, static_cast<double>(max.count()));
  const double fraction = static_cast<double>(random) / 0x1p64;
  return std::chrono::milliseconds(std::llround(base * (1 + jitter * fraction)));
}

}  // namespace headroom
