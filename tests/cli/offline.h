// Plans from files and small objects, as the tests of the tool ask for them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/cli/forecast.h"
#include "operator/cli/planning_world.h"

namespace headroom::cli {

/// A world of objects in the home cluster, and of others in the clusters of regions.
PlanningWorld world_of(const std::vector<nlohmann::json>& objects,
                       const std::vector<std::pair<std::string, nlohmann::json>>& elsewhere = {});

/// The samples of whatsapp-erp, with the workloads of Chennai.
PlanningWorld whatsapp_erp();

/// A forecast that fails the running test where there is none. `now` long before, unless given.
Forecast forecast_of(const PlanningWorld& world, absl::Time from, absl::Time to,
                     std::optional<absl::Time> now = std::nullopt, const std::string& schedule = "");

/// What holds for a target at an instant of a forecast; null where it is not told.
const plan::Decision* decision_at(const PlanningWorld& world, const Forecast& forecast, const std::string& target,
                                  absl::Time at);
/// Its size; -1 where it is not told.
int size_at(const PlanningWorld& world, const Forecast& forecast, const std::string& target, absl::Time at);

/// A ScaleTarget of namespace shop that owns its autoscaler between `min` and `max`.
nlohmann::json a_target(const std::string& name, int min, int max, int baseline);
/// A FestivalSchedule of namespace shop, in Asia/Kolkata, that multiplies everything on `day` for a day.
nlohmann::json a_schedule(const std::string& name, const std::string& day, const std::string& multiplier);
/// A Region in the home cluster with one dimension.
nlohmann::json a_region(const std::string& name, const std::string& dimension, int hard);

/// A Deployment of namespace shop whose pods request so much and carry the label app: `name`.
nlohmann::json a_deployment(const std::string& name, int replicas, const std::string& cpu);
/// A ResourceQuota of namespace shop, as people write it: without a status.
nlohmann::json a_quota(const std::string& name, const nlohmann::json& hard);
/// A node that is ready, with 8Gi and 100 pods.
nlohmann::json a_node(const std::string& name, const std::string& cpu);
/// A running pod of namespace shop with the label app: `app`.
nlohmann::json a_pod(const std::string& app, const std::string& node, const std::string& cpu);

}  // namespace headroom::cli
