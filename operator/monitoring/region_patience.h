#pragma once

#include <chrono>

namespace headroom::monitoring {

/// What a single exchange with a region may take: see Deadline.
inline constexpr std::chrono::milliseconds kRegionPatience{5'000};

}  // namespace headroom::monitoring
