// Where randomness comes in: what draws is given a seed, so that a test can repeat it.
#pragma once

#include <cstdint>

namespace headroom {

/// From the operating system; another one in each call. Any thread.
std::uint64_t random_seed();

}  // namespace headroom
