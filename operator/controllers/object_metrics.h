// Gauges of Headroom's own objects, made from their statuses as they are stored: every replica of the operator shows
// the same, so that none vanish while the lease goes from one to the next. Alerts and dashboards take the maximum.
#pragma once

#include <cstddef>

#include "operator/controllers/world.h"
#include "operator/runtime/exposition.h"

namespace headroom::controllers {

/// What is told at most; who has more is told of the first. headroom_series_left_out counts the rest.
struct ObjectMetricsBounds {
  std::size_t targets = 20'000;
  std::size_t schedules = 2'000;
  std::size_t risks = 2'000;  ///< targets at risk, of all schedules together
  std::size_t regions = 1'000;
};

/// Everything in the home cluster's caches. Any thread.
void expose_objects(const World& world, runtime::Exposition& scrape, const ObjectMetricsBounds& bounds = {});

/// Sizes and bounds of one target, what decided them, and its conditions.
void expose(const api::ScaleTarget& target, runtime::Exposition& scrape);
/// State, coming transitions, the last boundary, conditions, and targets at risk as long as `risks_left` is not used
/// up.
void expose(const api::FestivalSchedule& schedule, runtime::Exposition& scrape, std::size_t& risks_left);
/// Capacity by dimension, probes, conditions.
void expose(const api::Region& region, runtime::Exposition& scrape);

}  // namespace headroom::controllers
