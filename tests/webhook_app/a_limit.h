// Limits as the webhook's tests write them.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/api/scale_limit.h"

namespace headroom::webhook {

/// Over artifacts.example.com/v1 in namespace shop; `spec` is merged over a match of these and a count of ten.
inline std::shared_ptr<const api::ScaleLimit> a_limit(const std::string& name, const nlohmann::json& spec = {},
                                                      const std::string& uid = "u-1", int generation = 1) {
  nlohmann::json object = {
      {"apiVersion", "headroom.dev/v1alpha1"},
      {"kind", "ScaleLimit"},
      {"metadata", {{"namespace", "shop"}, {"name", name}, {"uid", uid}, {"generation", generation}}},
      {"spec",
       {{"match", {{"resources", {{{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}}}}}},
        {"total", {{"count", 10}}}}}};
  if (spec.is_object()) object["spec"].merge_patch(spec);
  return std::make_shared<const api::ScaleLimit>(api::scale_limit_from_json(object).value());
}

/// The same, cluster-wide.
inline std::shared_ptr<const api::ScaleLimit> a_cluster_limit(const std::string& name,
                                                              const nlohmann::json& spec = {}) {
  nlohmann::json object = {
      {"apiVersion", "headroom.dev/v1alpha1"},
      {"kind", "ClusterScaleLimit"},
      {"metadata", {{"name", name}, {"uid", "u-c"}, {"generation", 1}}},
      {"spec",
       {{"match", {{"resources", {{{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}}}}}},
        {"total", {{"count", 10}}}}}};
  if (spec.is_object()) object["spec"].merge_patch(spec);
  return std::make_shared<const api::ScaleLimit>(api::cluster_scale_limit_from_json(object).value());
}

}  // namespace headroom::webhook
