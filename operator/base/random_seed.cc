#include "operator/base/random_seed.h"

#include <random>

namespace headroom {

std::uint64_t random_seed() {
  std::random_device entropy;
  return (static_cast<std::uint64_t>(entropy()) << 32) | entropy();
}

}  // namespace headroom
