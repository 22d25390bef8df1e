#include "tests/validation/objects.h"

#include <gtest/gtest.h>

#include <utility>

namespace headroom::validation {
namespace {

using nlohmann::json;

template <class T>
std::shared_ptr<const T> read(Result<T> (*from_json)(const json&), const char* kind, json metadata, json spec,
                              const json& patch) {
  if (!patch.is_null()) spec.merge_patch(patch);
  const json object = {{"apiVersion", "headroom.dev/v1alpha1"},
                       {"kind", kind},
                       {"metadata", std::move(metadata)},
                       {"spec", std::move(spec)}};
  auto result = from_json(object);
  EXPECT_TRUE(result) << result.error().message;
  return std::make_shared<const T>(result ? std::move(result).value() : T());
}

json in_shop(const std::string& name) { return {{"namespace", "shop"}, {"name", name}}; }

json over_artifacts() {
  return {{"match", {{"resources", {{{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}}}}}}};
}

}  // namespace

std::shared_ptr<const api::ScaleTarget> a_target(const std::string& name, const json& spec, const json& labels) {
  json metadata = in_shop(name);
  if (!labels.is_null()) metadata["labels"] = labels;
  return read(api::scale_target_from_json, "ScaleTarget", metadata,
              {{"targetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", name}}},
               {"engine", {{"type", "HorizontalPodAutoscaler"}}},
               {"replicas", {{"min", 1}, {"max", 10}}}},
              spec);
}

std::shared_ptr<const api::Region> a_region(const std::string& name, const json& spec) {
  const json cluster = {{"type", "Kubeconfig"},
                        {"kubeconfigSecretRef", {{"namespace", "headroom-system"}, {"name", name + "-kubeconfig"}}}};
  return read(api::region_from_json, "Region", {{"name", name}}, {{"cluster", cluster}}, spec);
}

std::shared_ptr<const api::FestivalSchedule> a_schedule(const std::string& name, const json& spec) {
  return read(api::festival_schedule_from_json, "FestivalSchedule", in_shop(name),
              {{"timeZone", "Asia/Kolkata"},
               {"occurrences", {{{"name", "diwali"}, {"day", "2026-11-08"}}}},
               {"phases",
                {{{"name", "peak"}, {"from", "P0D"}, {"to", "P1D"}, {"targets", json::object()}, {"multiplier", 2}}}}},
              spec);
}

std::shared_ptr<const api::ScaleLimit> a_limit(const std::string& name, const json& spec) {
  return read(api::scale_limit_from_json, "ScaleLimit", in_shop(name), over_artifacts(), spec);
}

std::shared_ptr<const api::ScaleLimit> a_cluster_limit(const std::string& name, const json& spec) {
  return read(api::cluster_scale_limit_from_json, "ClusterScaleLimit", {{"name", name}}, over_artifacts(), spec);
}

std::vector<std::string> texts(const std::vector<Finding>& findings) {
  std::vector<std::string> all;
  for (const Finding& one : findings) {
    all.push_back((one.severity == Finding::Severity::Error ? "error " : "warning ") + text_of(one));
  }
  return all;
}

}  // namespace headroom::validation
