// Whether quotas and nodes hold the sizes that a forecast comes to. Pure.
#pragma once

#include <absl/time/time.h>

#include <span>
#include <string>
#include <vector>

#include "operator/cli/forecast.h"

namespace headroom::cli {

class RoomForecast {
 public:
  /// Borrowed: its pools, originals and names.
  explicit RoomForecast(const PlanningWorld& world);

  /// What is decided from `at` on, in the order of the world's targets. Times ascend.
  void take(absl::Time at, std::span<const plan::Decision> decisions);

  /// The pools on which a target draws that is `told`, in the order of the world's. Once, at the end of the forecast.
  std::vector<PoolForecast> finish(const std::vector<bool>& told, absl::Time end);

 private:
  struct Wanted;
  Wanted wanted(const PodPool& pool, std::span<const plan::Decision> decisions) const;
  void take_peak(const PodPool& pool, const Wanted& wanted, absl::Time at, PoolForecast& forecast) const;

  const PlanningWorld& world_;
  std::vector<PoolForecast> forecasts_;  ///< parallel to the world's pools
  std::vector<Quantity> most_;           ///< that is taken of each so far
};

/// Since when a pool is too small, for what, by how much, whose pods do not fit, and what to do. Empty where it is not,
/// and for sums of nodes' resources, whose lack shows in the places.
std::string shortage_text(const PlanningWorld& world, const PoolForecast& forecast, const absl::TimeZone& zone);

}  // namespace headroom::cli
