#include "operator/cli/cluster_contents.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "operator/api/json_reader.h"
#include "operator/api/label_selector.h"
#include "operator/cli/offline_sizes.h"
#include "operator/plan/pod_requests.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using plan::concat;

/// As an API server hands it out: amounts are texts, and a node is ready unless it says otherwise.
json as_served(json object) {
  for (const char* field : {"/spec/hard", "/status/hard", "/status/used", "/status/allocatable"}) {
    const json::json_pointer list(field);
    if (!object.contains(list) || !object[list].is_object()) continue;
    for (json& amount : object[list]) {
      if (amount.is_number()) amount = amount.dump();
    }
  }
  const bool silent = object.contains(json::json_pointer("/status/allocatable")) &&
                      !object.contains(json::json_pointer("/status/conditions"));
  if (silent) object["status"]["conditions"] = json::array({{{"type", "Ready"}, {"status", "True"}}});
  return object;
}

/// Nothing where it has no pods of its own, or says of them what makes no sense.
std::optional<Workload> workload_from_json(const json& object) {
  const json::json_pointer pod("/spec/template/spec");
  if (!object.contains(pod)) return std::nullopt;
  Workload workload;
  workload.requests = plan::pod_requests(object.at(pod));
  api::JsonFault fault;
  const api::JsonReader reader(object, "", fault);
  reader.object("spec", [&](const api::JsonReader& spec) {
    workload.replicas = spec.integer("replicas", 1);
    spec.object("selector", [&](const api::JsonReader& selector) { workload.selector = api::read_selector(selector); });
  });
  reader.object("status", [&](const api::JsonReader& status) {
    workload.replicas = status.integer("replicas", workload.replicas);
  });
  if (fault.found()) return std::nullopt;
  return workload;
}

bool is_over(const json& pod) {
  const json::json_pointer phase("/status/phase");
  return pod.contains(phase) && (pod.at(phase) == "Succeeded" || pod.at(phase) == "Failed");
}

bool is_bounded(const ClusterContents& cluster, const std::string& ns) {
  const auto in_namespace = [&](const auto& quota) { return quota.first.ns == ns; };
  return !cluster.nodes.empty() || std::ranges::any_of(cluster.quotas, in_namespace);
}

class Sorter {
 public:
  Sorter(const std::vector<api::ScaleTarget>& targets, const std::vector<api::Region>& regions,
         const std::vector<GivenObject>& objects, const std::string& default_namespace)
      : targets_(targets), regions_(regions), objects_(objects), sizes_(objects, regions, default_namespace) {}

  Clusters sort() {
    for (const GivenObject& given : objects_) take(given);
    find_sized();
    for (const auto& [cluster, workloads] : workloads_) {
      for (const auto& [name, object] : workloads) {
        if (sized_.contains(object)) continue;
        if (auto workload = workload_from_json(*object)) {
          cluster->others.emplace_back(std::get<0>(name), std::move(*workload));
        }
      }
    }
    return std::move(result_);
  }

 private:
  using Name = std::tuple<std::string, std::string, std::string>;  // namespace, kind, name

  std::string cluster_of(const std::string& region) const { return is_home(region, regions_) ? "" : region; }

  void take(const GivenObject& given) {
    const json& object = *given.object;
    if (!object.is_object()) return;
    const auto is = [&](const char* api_version, const char* kind) {
      return object.value("apiVersion", json()) == api_version && object.value("kind", json()) == kind;
    };
    const auto failed = [&](const Error& error) {
      result_.problems.push_back(concat(given.where, given.where.empty() ? "" : ": ", error.message));
    };
    ClusterContents& cluster = result_.by_region[given.region.empty() ? "" : cluster_of(given.region)];
    const std::string ns = sizes_.namespace_of(object);
    if (is("v1", "ResourceQuota")) {
      const auto quota = plan::quota_from_json(as_served(object));
      if (!quota) return failed(quota.error());
      const api::ObjectKey key{ns, quota.value().name};
      cluster.quotas[key] = quota.value();
      cluster.counted.erase(key);
      if (!quota.value().used.empty()) cluster.counted.insert(key);
    } else if (is("v1", "Node")) {
      const auto node = plan::node_from_json(as_served(object));
      if (!node) return failed(node.error());
      cluster.nodes[node.value().name] = node.value();
    } else if (is("v1", "Pod")) {
      if (!is_over(object)) cluster.pods.emplace_back(ns, &object);
    } else if (is("apps/v1", "Deployment") || is("apps/v1", "StatefulSet") || is("apps/v1", "ReplicaSet")) {
      const api::ObjectMeta meta = api::meta_from_json(object);
      if (meta.controller() == nullptr)
        workloads_[&cluster][{ns, object["kind"].get<std::string>(), meta.name}] = &object;
    }
  }

  void find_sized() {
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      const auto known = result_.by_region.find(cluster_of(targets_[t].spec.region));
      if (known == result_.by_region.end()) continue;
      const json* const object = sizes_.workload_of(targets_[t]);
      std::optional<Workload> workload = object == nullptr ? std::nullopt : workload_from_json(*object);
      if (workload) {
        sized_.insert(object);
        known->second.sized.emplace(static_cast<int>(t), std::move(*workload));
      } else if (is_bounded(known->second, targets_[t].meta.ns)) {
        result_.unknown.push_back(static_cast<int>(t));
      }
    }
  }

  const std::vector<api::ScaleTarget>& targets_;
  const std::vector<api::Region>& regions_;
  const std::vector<GivenObject>& objects_;
  const OfflineSizes sizes_;
  std::map<ClusterContents*, std::map<Name, const json*>> workloads_;
  std::set<const json*> sized_;
  Clusters result_;
};

}  // namespace

Clusters sort_by_cluster(const std::vector<api::ScaleTarget>& targets, const std::vector<api::Region>& regions,
                         const std::vector<GivenObject>& objects, const std::string& default_namespace) {
  return Sorter(targets, regions, objects, default_namespace).sort();
}

}  // namespace headroom::cli
