#include "tests/cli/offline.h"

#include <gtest/gtest.h>

#include "operator/base/time_zone.h"
#include "tests/support/yaml_objects.h"

namespace headroom::cli {

using nlohmann::json;

PlanningWorld world_of(const std::vector<json>& objects, const std::vector<std::pair<std::string, json>>& elsewhere) {
  std::vector<GivenObject> given;
  for (const json& object : objects) given.push_back({&object, "", ""});
  for (const auto& [region, object] : elsewhere) given.push_back({&object, "", region});
  return planning_world(given);
}

PlanningWorld whatsapp_erp() {
  std::vector<std::pair<std::string, json>> chennai;
  for (json& object : testing_support::yaml_objects_of_folder("manifests/samples/whatsapp-erp/chennai")) {
    chennai.emplace_back("chennai", std::move(object));
  }
  return world_of(testing_support::yaml_objects_of_folder("manifests/samples/whatsapp-erp"), chennai);
}

Forecast forecast_of(const PlanningWorld& world, absl::Time from, absl::Time to, std::optional<absl::Time> now,
                     const std::string& schedule) {
  const ForecastRequest request{from, to, now.value_or(from - absl::Hours(24 * 300)), "", schedule, true};
  Result<Forecast> told = forecast(world, request, [](const std::string& name) { return load_time_zone(name); });
  if (!told) {
    ADD_FAILURE() << told.error().message;
    return {};
  }
  return std::move(told).value();
}

const plan::Decision* decision_at(const PlanningWorld& world, const Forecast& forecast, const std::string& target,
                                  absl::Time at) {
  const plan::Decision* last = nullptr;
  for (const SizeStep& step : forecast.steps) {
    const bool ours = world.targets[static_cast<std::size_t>(step.target)].meta.name == target;
    if (ours && step.from <= at) last = &step.decision;
  }
  return last;
}

int size_at(const PlanningWorld& world, const Forecast& forecast, const std::string& target, absl::Time at) {
  const plan::Decision* decision = decision_at(world, forecast, target, at);
  return decision ? decision->size : -1;
}

json a_target(const std::string& name, int min, int max, int baseline) {
  const json metric = {
      {"type", "Resource"},
      {"resource", {{"name", "cpu"}, {"target", {{"type", "Utilization"}, {"averageUtilization", 60}}}}}};
  return {
      {"apiVersion", "headroom.dev/v1alpha1"},
      {"kind", "ScaleTarget"},
      {"metadata", {{"name", name}, {"namespace", "shop"}}},
      {"spec",
       {{"targetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", name}}},
        {"replicas", {{"min", min}, {"max", max}, {"baseline", baseline}}},
        {"engine",
         {{"type", "HorizontalPodAutoscaler"}, {"horizontalPodAutoscaler", {{"metrics", json::array({metric})}}}}}}}};
}

json a_schedule(const std::string& name, const std::string& day, const std::string& multiplier) {
  const json phase = {
      {"name", "peak"}, {"from", "P0D"}, {"to", "P1D"}, {"targets", json::object()}, {"multiplier", multiplier}};
  return {{"apiVersion", "headroom.dev/v1alpha1"},
          {"kind", "FestivalSchedule"},
          {"metadata", {{"name", name}, {"namespace", "shop"}}},
          {"spec",
           {{"timeZone", "Asia/Kolkata"},
            {"occurrences", json::array({{{"name", name}, {"day", day}}})},
            {"phases", json::array({phase})}}}};
}

json a_region(const std::string& name, const std::string& dimension, int hard) {
  return {{"apiVersion", "headroom.dev/v1alpha1"},
          {"kind", "Region"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"cluster", {{"type", "Local"}}},
            {"capacity", json::array({{{"name", dimension}, {"hard", std::to_string(hard)}}})}}}};
}

namespace {

json pod_spec(const std::string& cpu) {
  return {{"containers", json::array({{{"name", "c"}, {"resources", {{"requests", {{"cpu", cpu}}}}}}})}};
}

}  // namespace

json a_deployment(const std::string& name, int replicas, const std::string& cpu) {
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", name}, {"namespace", "shop"}}},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", name}}}}},
            {"template", {{"metadata", {{"labels", {{"app", name}}}}}, {"spec", pod_spec(cpu)}}}}}};
}

json a_quota(const std::string& name, const json& hard) {
  return {{"apiVersion", "v1"},
          {"kind", "ResourceQuota"},
          {"metadata", {{"name", name}, {"namespace", "shop"}}},
          {"spec", {{"hard", hard}}}};
}

json a_node(const std::string& name, const std::string& cpu) {
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", {{"name", name}}},
          {"status",
           {{"allocatable", {{"cpu", cpu}, {"memory", "8Gi"}, {"pods", "100"}}},
            {"conditions", json::array({{{"type", "Ready"}, {"status", "True"}}})}}}};
}

json a_pod(const std::string& app, const std::string& node, const std::string& cpu) {
  json spec = pod_spec(cpu);
  spec["nodeName"] = node;
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", app + "-1"}, {"namespace", "shop"}, {"labels", {{"app", app}}}}},
          {"spec", std::move(spec)},
          {"status", {{"phase", "Running"}}}};
}

}  // namespace headroom::cli
