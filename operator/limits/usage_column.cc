#include "operator/limits/usage_column.h"

#include <array>
#include <cstddef>
#include <limits>

namespace headroom::limits {
namespace {

// The two lowest bits name the unit of the rest.
constexpr std::array<Amount, 4> kUnits{1'000'000'000, 1'000'000, 1'000, 1};
constexpr std::int64_t kMostPacked = std::numeric_limits<std::int64_t>::max() >> 2;
constexpr std::int64_t kLiesBeside = std::numeric_limits<std::int64_t>::min();

}  // namespace

Amount UsageColumn::get(std::uint32_t slot) const {
  if (slot >= packed_.size()) return 0;
  const std::int64_t packed = packed_[slot];
  if (packed == kLiesBeside) return large_.at(slot);
  return (packed >> 2) * kUnits[static_cast<std::size_t>(packed & 3)];
}

void UsageColumn::set(std::uint32_t slot, Amount amount) {
  // A vector that doubles would keep as much free as it holds.
  if (slot >= packed_.capacity()) packed_.reserve(slot + slot / 16 + 16);
  if (slot >= packed_.size()) packed_.resize(slot + 1, 0);
  if (packed_[slot] == kLiesBeside) large_.erase(slot);
  for (std::size_t unit = 0; unit < kUnits.size(); ++unit) {
    const Amount value = amount / kUnits[unit];
    if (value * kUnits[unit] != amount || value > kMostPacked || value < -kMostPacked) continue;
    packed_[slot] = static_cast<std::int64_t>(value) * 4 + static_cast<std::int64_t>(unit);
    return;
  }
  packed_[slot] = kLiesBeside;
  large_[slot] = amount;
}

}  // namespace headroom::limits
