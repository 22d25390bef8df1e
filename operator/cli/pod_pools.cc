#include "operator/cli/pod_pools.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/cli/cluster_contents.h"
#include "operator/plan/capacity_math.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using plan::concat;
using plan::ResourceList;

std::size_t index(int number) { return static_cast<std::size_t>(number); }

/// What pods take of each resource of a quota.
std::map<std::string, Quantity> charges(const plan::QuotaView& quota, const ResourceList& pod) {
  std::map<std::string, Quantity> by_resource;
  for (const plan::QuotaRoom& room : plan::rooms_of_quotas({&quota, 1}, pod)) {
    if (room.per_replica > Quantity()) by_resource[room.resource] = room.per_replica;
  }
  return by_resource;
}

/// One of as many as would fit.
Quantity part_of_places(const std::vector<plan::NodeRoom>& nodes, const ResourceList& pod) {
  constexpr int kNoPlace = 1'000'000;
  const int fit = plan::room_on_nodes(nodes, pod).replicas;
  return fit > 0 ? Quantity::from_nano(Quantity::kNano / fit) : Quantity::from_int(kNoPlace);
}

void add(ResourceList& sums, const ResourceList& amounts) {
  for (const auto& [resource, amount] : amounts) sums[resource] = sums[resource] + amount;
}

class PoolMaker {
 public:
  explicit PoolMaker(const std::vector<api::ScaleTarget>& targets) : targets_(targets) {}

  void add_quota(const std::string& region, const ClusterContents& cluster, const api::ObjectKey& key,
                 const plan::QuotaView& quota) {
    std::map<std::string, PodPool> by_resource;
    std::map<std::string, Quantity> present, others;
    for (const auto& [t, workload] : cluster.sized) {
      if (targets_[index(t)].meta.ns != key.ns) continue;
      for (const auto& [resource, each] : charges(quota, workload.requests)) {
        by_resource[resource].shares.push_back({t, each});
        present[resource] = present[resource] + each * workload.replicas;
      }
    }
    for (const auto& [ns, workload] : cluster.others) {
      if (ns != key.ns) continue;
      for (const auto& [resource, each] : charges(quota, workload.requests)) {
        others[resource] = others[resource] + each * workload.replicas;
      }
    }
    for (auto& [resource, pool] : by_resource) {
      pool.kind = PodPool::Kind::Quota;
      pool.region = region;
      pool.ns = key.ns;
      pool.quota = key.name;
      pool.resource = resource;
      pool.hard = quota.hard.at(resource);
      pool.others = others[resource];
      if (cluster.counted.contains(key)) {
        const auto used = quota.used.find(resource);
        pool.others = std::max(Quantity(), (used == quota.used.end() ? Quantity() : used->second) - present[resource]);
      }
      pools_.push_back(std::move(pool));
    }
  }

  void add_nodes(const std::string& region, const ClusterContents& cluster) {
    if (cluster.nodes.empty() || cluster.sized.empty()) return;
    const std::vector<plan::NodeRoom> rooms = rooms_of(cluster);
    std::map<std::string, PodPool> by_resource;
    PodPool places;
    for (const auto& [t, workload] : cluster.sized) {
      for (const auto& [resource, each] : plan::node_requests(workload.requests)) {
        by_resource[resource].shares.push_back({t, each});
      }
      places.shares.push_back({t, part_of_places(rooms, workload.requests)});
    }
    ResourceList hard, free;
    for (const auto& [name, node] : cluster.nodes) {
      if (node.accepts_pods) add(hard, node.allocatable);
    }
    for (const plan::NodeRoom& room : rooms) add(free, room.free);
    // Pods stand on their nodes; workloads stand for pods that are not given.
    if (cluster.pods.empty()) {
      for (const auto& [ns, workload] : cluster.others) {
        for (const auto& [resource, each] : plan::node_requests(workload.requests)) {
          free[resource] = free[resource] - each * workload.replicas;
        }
        places.others = places.others + part_of_places(rooms, workload.requests) * workload.replicas;
      }
    }
    for (auto& [resource, pool] : by_resource) {
      pool.kind = PodPool::Kind::Nodes;
      pool.region = region;
      pool.resource = resource;
      pool.hard = hard[resource];
      pool.others = hard[resource] - free[resource];
      pools_.push_back(std::move(pool));
    }
    places.kind = PodPool::Kind::Places;
    places.region = region;
    places.resource = "pods";
    places.hard = Quantity::from_int(1);
    pools_.push_back(std::move(places));
  }

  std::vector<PodPool> take() && { return std::move(pools_); }

 private:
  /// What others leave of each node. Targets' own pods are what the plan is about: they are not counted.
  std::vector<plan::NodeRoom> rooms_of(const ClusterContents& cluster) const {
    plan::NodeTally tally;
    for (const auto& [name, node] : cluster.nodes) tally.add(node);
    for (const auto& [ns, pod] : cluster.pods) {
      if (is_of_a_target(cluster, ns, *pod)) continue;
      if (const auto use = plan::pod_use_from_json(*pod)) tally.add(use.value());
    }
    return std::move(tally).rooms();
  }

  bool is_of_a_target(const ClusterContents& cluster, const std::string& ns, const json& pod) const {
    const std::map<std::string, std::string> labels = api::meta_from_json(pod).labels;
    return std::ranges::any_of(cluster.sized, [&](const auto& target) {
      const auto& [t, workload] = target;
      return targets_[index(t)].meta.ns == ns && workload.selector && workload.selector->matches(labels);
    });
  }

  const std::vector<api::ScaleTarget>& targets_;
  std::vector<PodPool> pools_;
};

}  // namespace

std::string PodPool::name() const {
  const std::string where = region.empty() ? std::string() : concat(" of region ", region);
  if (kind == Kind::Quota) return concat("ResourceQuota ", ns, "/", quota, where);
  return concat("nodes", where);
}

QuantityFormat format_of(const PodPool& pool) {
  for (const char* bytes : {"memory", "storage", "hugepages"}) {
    if (pool.resource.find(bytes) != std::string::npos) return QuantityFormat::BinarySI;
  }
  return QuantityFormat::DecimalSI;
}

std::string names_of(const std::vector<api::ScaleTarget>& targets, const std::vector<int>& chosen) {
  constexpr std::size_t kMostNames = 3;
  std::string names;
  for (std::size_t i = 0; i < std::min(chosen.size(), kMostNames); ++i) {
    plan::append_text(names, i == 0 ? "" : ", ", targets[index(chosen[i])].meta.key().to_string());
  }
  if (chosen.size() > kMostNames) plan::append_text(names, " and ", chosen.size() - kMostNames, " more");
  return names;
}

PodPools pod_pools(const std::vector<api::ScaleTarget>& targets, const std::vector<api::Region>& regions,
                   const std::vector<GivenObject>& objects, const std::string& default_namespace) {
  Clusters clusters = sort_by_cluster(targets, regions, objects, default_namespace);
  PodPools result;
  PoolMaker maker(targets);
  for (const auto& [region, cluster] : clusters.by_region) {
    result.quotas_known |= !cluster.quotas.empty();
    result.nodes_known |= !cluster.nodes.empty();
    for (const auto& [key, quota] : cluster.quotas) maker.add_quota(region, cluster, key, quota);
    maker.add_nodes(region, cluster);
  }
  result.pools = std::move(maker).take();
  result.problems = std::move(clusters.problems);
  if (!clusters.unknown.empty()) {
    result.assumptions.push_back(concat("Quotas and nodes are not looked at for ", names_of(targets, clusters.unknown),
                                        ": what a replica requests is not known."));
  }
  return result;
}

}  // namespace headroom::cli
