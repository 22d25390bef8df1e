#include "operator/plan/demand.h"

#include <algorithm>
#include <limits>

#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

constexpr int kMostReplicas = std::numeric_limits<int>::max();

int whole(Int128 size) { return static_cast<int>(std::clamp<Int128>(size, 0, kMostReplicas)); }

Int128 ceil_divide(Int128 numerator, Int128 denominator) {
  return numerator / denominator + (numerator % denominator > 0 ? 1 : 0);
}

constexpr Int128 kHundredPercent = Int128{100} * Quantity::kNano;

int linear(Quantity percent, int start, std::int64_t hours) {
  const Int128 left = kHundredPercent - std::min(kHundredPercent, percent.nano() * hours);
  return whole(ceil_divide(start * left, kHundredPercent));
}

int exponential(Quantity percent, int start, std::int64_t hours) {
  // (1 − p/100)^hours needs ever more digits; eighteen of them, and a size within 1e-9 of a whole number is that
  // number, so that rounding never adds a replica.
  constexpr Int128 kOne = Int128{1'000'000'000} * Quantity::kNano, kTolerance = Quantity::kNano;
  Int128 base = (kHundredPercent - std::min(kHundredPercent, percent.nano())) * (kOne / kHundredPercent);
  Int128 power = kOne;
  for (std::int64_t left = hours; left > 0; left /= 2) {
    if (left % 2 == 1) power = (power * base + kOne / 2) / kOne;
    base = (base * base + kOne / 2) / kOne;
  }
  return whole(ceil_divide(std::max<Int128>(0, start * power - kTolerance), kOne));
}

}  // namespace

std::optional<int> demanded_size(const api::Demand& demand, int baseline) {
  switch (demand.type) {
    case api::Demand::Type::Multiplier:
      if (baseline == 0) return std::nullopt;
      return ceil_times(demand.multiplier, baseline);
    case api::Demand::Type::Add:
      return whole(Int128{baseline} + demand.add);
    case api::Demand::Type::Replicas:
      return std::max(0, demand.replicas);
    case api::Demand::Type::Decay:
      break;
  }
  return std::nullopt;
}

int decayed_size(const api::Decay& decay, int start, std::int64_t full_hours) {
  const std::int64_t hours = std::max<std::int64_t>(0, full_hours);
  return decay.curve == api::Decay::Curve::Linear ? linear(decay.percent_per_hour, start, hours)
                                                  : exponential(decay.percent_per_hour, start, hours);
}

std::int64_t hours_until(const api::Decay& decay, int start, int threshold, std::int64_t most_hours) {
  std::int64_t low = 0, high = std::max<std::int64_t>(0, most_hours) + 1;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (decayed_size(decay, start, middle) <= threshold) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

std::string describe_demand(const api::Demand& demand, int baseline, int size) {
  switch (demand.type) {
    case api::Demand::Type::Multiplier:
      return concat(demand.multiplier.to_string(), " x ", baseline, " = ", size);
    case api::Demand::Type::Add:
      return demand.add < 0 ? concat(baseline, " - ", -std::int64_t{demand.add}, " = ", size)
                            : concat(baseline, " + ", demand.add, " = ", size);
    case api::Demand::Type::Replicas:
    case api::Demand::Type::Decay:
      break;
  }
  return concat(size);
}

std::string describe_decay(const api::Decay& decay, int start, std::int64_t full_hours, int size) {
  const std::string percent = decay.percent_per_hour.to_string();
  if (decay.curve == api::Decay::Curve::Linear) {
    return concat(start, " - ", full_hours, " h x ", percent, " % = ", size);
  }
  return concat(start, " x (1 - ", percent, " %)^", full_hours, " = ", size);
}

}  // namespace headroom::plan
