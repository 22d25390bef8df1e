// A region's parameters as ConfigMaps that its workloads read: `headroom-region` in each of spec.parameterNamespaces.
// What to write and what to remove is pure; write_parameters does it.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/api/region.h"
#include "operator/kube/client.h"

namespace headroom::controllers {

inline constexpr char kParametersConfigMap[] = "headroom-region";
/// On every such ConfigMap: the Region that it was made from.
inline constexpr char kRegionLabel[] = "headroom.dev/region";

/// A ConfigMap `headroom-region` as found in the region's cluster.
struct FoundParameters {
  std::string ns, uid, resource_version, region;  ///< region: by its label
  std::map<std::string, std::string> data;
};
FoundParameters found_parameters_from_json(const nlohmann::json& config_map);

struct ParameterPlan {
  std::vector<std::string> apply;  ///< namespaces whose ConfigMap is missing or differs
  std::vector<FoundParameters> remove;
  std::vector<std::string> problems;
};
/// `found` are those labelled with `region`, and in the wanted namespaces also others of that name. A ConfigMap that
/// belongs to another Region is left alone and told as a problem.
ParameterPlan plan_parameters(const std::string& region, const api::RegionSpec& spec,
                              std::span<const FoundParameters> found);

/// The ConfigMap to apply.
nlohmann::json parameter_config_map(const std::string& region, const std::string& ns,
                                    const std::map<std::string, std::string>& parameters);

/// The label value that stands for a region: its name, or a shortened one with a hash where the name is too long.
std::string region_label_value(const std::string& region);

/// Reads, plans, writes. Returns what could not be done, for people; empty: everything is as it should be. An error:
/// nothing could be done.
Result<std::vector<std::string>> write_parameters(kube::Client& client, const std::string& region,
                                                  const api::RegionSpec& spec, const std::stop_token& stop);

}  // namespace headroom::controllers
