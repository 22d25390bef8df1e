#include "operator/controllers/region_parameters.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/api/object.h"
#include "operator/controllers/stable_hash.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestLabel = 63;

/// A foreign key beside ours is none of our business.
bool holds(const std::map<std::string, std::string>& data, const std::map<std::string, std::string>& parameters) {
  return std::ranges::all_of(parameters, [&](const auto& parameter) {
    const auto it = data.find(parameter.first);
    return it != data.end() && it->second == parameter.second;
  });
}

Result<std::vector<FoundParameters>> find_parameters(kube::Client& client, const std::string& region,
                                                     const api::RegionSpec& spec, const std::stop_token& stop) {
  std::vector<FoundParameters> found;
  kube::ListOptions options;
  options.label_selector = absl::StrCat(kRegionLabel, "=", region_label_value(region));
  options.field_selector = absl::StrCat("metadata.name=", kParametersConfigMap);
  do {
    BOOST_OUTCOME_TRY(page, client.list(kube::types::kConfigMap, "", options, stop));
    for (const json& item : page.items) found.push_back(found_parameters_from_json(item));
    options.continue_token = page.continue_token;
  } while (!options.continue_token.empty());
  for (const std::string& ns : spec.parameter_namespaces) {
    if (std::ranges::any_of(found, [&](const FoundParameters& one) { return one.ns == ns; })) continue;
    auto other = client.get(kube::types::kConfigMap, {ns, kParametersConfigMap}, stop);
    if (other) {
      found.push_back(found_parameters_from_json(other.value()));
    } else if (other.error().code != ErrorCode::NotFound) {
      return other.error();
    }
  }
  return found;
}

/// Failures that the next namespace would meet as well.
bool concerns_the_server(const Error& error) {
  return error.code == ErrorCode::Unavailable || error.code == ErrorCode::Timeout ||
         error.code == ErrorCode::Cancelled || error.code == ErrorCode::Unauthorized;
}

}  // namespace

std::string region_label_value(const std::string& region) {
  if (region.size() <= kLongestLabel) return region;
  return absl::StrCat(region.substr(0, kLongestLabel - 17), "-", stable_hash_text(region));
}

FoundParameters found_parameters_from_json(const json& config_map) {
  const api::ObjectMeta meta = api::meta_from_json(config_map);
  FoundParameters found{meta.ns, meta.uid, meta.resource_version, {}, {}};
  if (const auto label = meta.labels.find(kRegionLabel); label != meta.labels.end()) found.region = label->second;
  if (const auto data = config_map.find("data"); data != config_map.end() && data->is_object()) {
    for (const auto& [key, value] : data->items()) {
      if (value.is_string()) found.data[key] = value.get<std::string>();
    }
  }
  return found;
}

ParameterPlan plan_parameters(const std::string& region, const api::RegionSpec& spec,
                              std::span<const FoundParameters> found) {
  ParameterPlan plan;
  const std::string label = region_label_value(region);
  for (const std::string& ns : spec.parameter_namespaces) {
    const auto present = std::ranges::find(found, ns, &FoundParameters::ns);
    if (present == found.end()) {
      plan.apply.push_back(ns);
    } else if (!present->region.empty() && present->region != label) {
      plan.problems.push_back(absl::StrCat("ConfigMap ", ns, "/", kParametersConfigMap, " belongs to Region ",
                                           present->region, ": give each Region of one cluster its own namespaces"));
    } else if (present->region.empty() || !holds(present->data, spec.parameters) ||
               present->data.size() != spec.parameters.size()) {
      plan.apply.push_back(ns);
    }
  }
  for (const FoundParameters& one : found) {
    const bool wanted = std::ranges::find(spec.parameter_namespaces, one.ns) != spec.parameter_namespaces.end();
    if (!wanted && one.region == label) plan.remove.push_back(one);
  }
  return plan;
}

json parameter_config_map(const std::string& region, const std::string& ns,
                          const std::map<std::string, std::string>& parameters) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           {{"name", kParametersConfigMap},
            {"namespace", ns},
            {"labels", {{"app.kubernetes.io/managed-by", "headroom"}, {kRegionLabel, region_label_value(region)}}}}},
          {"data", parameters}};
}

Result<std::vector<std::string>> write_parameters(kube::Client& client, const std::string& region,
                                                  const api::RegionSpec& spec, const std::stop_token& stop) {
  BOOST_OUTCOME_TRY(found, find_parameters(client, region, spec, stop));
  ParameterPlan plan = plan_parameters(region, spec, found);
  for (const std::string& ns : plan.apply) {
    json config_map = parameter_config_map(region, ns, spec.parameters);
    // What was decided from this version must not undo what another process made of it since.
    if (const auto present = std::ranges::find(found, ns, &FoundParameters::ns); present != found.end()) {
      config_map["metadata"]["resourceVersion"] = present->resource_version;
    }
    const auto applied = client.patch(kube::types::kConfigMap, {ns, kParametersConfigMap}, kube::PatchType::Apply,
                                      config_map, stop, {.force = true, .subresource = {}});
    if (applied) continue;
    if (concerns_the_server(applied.error())) return applied.error();
    const bool no_namespace = applied.error().code == ErrorCode::NotFound;
    plan.problems.push_back(absl::StrCat("ConfigMap ", ns, "/", kParametersConfigMap, ": ",
                                         no_namespace
                                             ? "the namespace does not exist in this region; create it or drop "
                                               "it from spec.parameterNamespaces"
                                             : applied.error().message));
  }
  for (const FoundParameters& one : plan.remove) {
    const auto removed =
        client.remove(kube::types::kConfigMap, {one.ns, kParametersConfigMap}, {one.uid, one.resource_version}, stop);
    if (removed) continue;
    if (concerns_the_server(removed.error())) return removed.error();
    plan.problems.push_back(
        absl::StrCat("removing ConfigMap ", one.ns, "/", kParametersConfigMap, ": ", removed.error().message));
  }
  return plan.problems;
}

}  // namespace headroom::controllers
