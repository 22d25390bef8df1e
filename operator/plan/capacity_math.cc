#include "operator/plan/capacity_math.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <string_view>

namespace headroom::plan {
namespace {

constexpr int kPlenty = 1'000'000;  ///< replicas beyond any real target; keeps sums in range
constexpr char kPods[] = "pods";

int times_that_fit(Quantity free, Quantity each) {
  if (each.nano() <= 0) return kPlenty;
  if (free.nano() <= 0) return 0;
  return static_cast<int>(std::min<Int128>(free.nano() / each.nano(), kPlenty));
}

/// What one replica takes of a quota's resource, empty when that is not known.
std::optional<Quantity> need_of(const std::string& resource, const ResourceList& pod_requests) {
  if (resource == kPods || resource == "count/pods") return Quantity::from_int(1);
  if (const auto it = pod_requests.find(resource); it != pod_requests.end()) return it->second;
  // "cpu" in a quota is short for "requests.cpu".
  if (const auto it = pod_requests.find("requests." + resource); it != pod_requests.end()) return it->second;
  return std::nullopt;
}

bool declares_resources(const ResourceList& pod_requests) {
  return std::ranges::any_of(pod_requests, [](const auto& entry) { return entry.first != kPods; });
}

bool applies(const QuotaView& quota, const ResourceList& pod_requests) {
  if (quota.by_priority_class) return false;
  return std::ranges::all_of(quota.scopes, [&](const std::string& scope) {
    if (scope == "NotTerminating") return true;
    if (scope == "BestEffort") return !declares_resources(pod_requests);
    if (scope == "NotBestEffort") return declares_resources(pod_requests);
    return false;
  });
}

/// One resource of one quota that these pods are charged to.
struct Charge {
  Quantity hard, used, per_replica;
};

template <class Visitor>
void for_each_charge(std::span<const QuotaView> quotas, const ResourceList& pod_requests, Visitor visit) {
  for (const QuotaView& quota : quotas) {
    if (!applies(quota, pod_requests)) continue;
    for (const auto& [resource, hard] : quota.hard) {
      const std::optional<Quantity> need = need_of(resource, pod_requests);
      if (!need) continue;
      const auto used = quota.used.find(resource);
      visit(quota, resource, Charge{hard, used == quota.used.end() ? Quantity() : used->second, *need});
    }
  }
}

/// Bytes in the unit people write them in.
std::string readable(const std::string& resource, Quantity amount) {
  if (absl::StrContains(resource, "memory") || absl::StrContains(resource, "storage")) {
    const double gibibytes = amount.to_double() / (1 << 30);
    // Six digits at most, as StrCat has it.
    return gibibytes >= 1 ? absl::StrCat(gibibytes, "Gi") : absl::StrCat(gibibytes * 1024, "Mi");
  }
  return amount.to_string();
}

int replicas_on(const NodeRoom& node, const ResourceList& needs) {
  const auto free = [&](const std::string& resource) {
    const auto it = node.free.find(resource);
    return it == node.free.end() ? Quantity() : it->second;
  };
  int fit = times_that_fit(free(kPods), Quantity::from_int(1));
  for (const auto& [resource, amount] : needs) fit = std::min(fit, times_that_fit(free(resource), amount));
  return fit;
}

}  // namespace

ResourceList node_requests(const ResourceList& pod_requests) {
  ResourceList needs;
  constexpr std::string_view kRequests = "requests.";
  for (const auto& [name, amount] : pod_requests) {
    if (name.starts_with(kRequests)) needs[name.substr(kRequests.size())] = amount;
  }
  return needs;
}

std::optional<Room> room_in_quotas(std::span<const QuotaView> quotas, const ResourceList& pod_requests) {
  std::optional<Room> tightest;
  for_each_charge(quotas, pod_requests, [&](const QuotaView& quota, const std::string& resource, const Charge& charge) {
    const int fit = times_that_fit(charge.hard - charge.used, charge.per_replica);
    if (fit == kPlenty || (tightest && tightest->replicas <= fit)) return;
    tightest = Room{
        fit, absl::StrCat("ResourceQuota ", quota.name, ": ", resource, " ", readable(resource, charge.used), " of ",
                          readable(resource, charge.hard), " used, ", readable(resource, charge.per_replica),
                          " per replica, so ", fit, " more; raise its ", resource)};
  });
  return tightest;
}

std::vector<QuotaRoom> rooms_of_quotas(std::span<const QuotaView> quotas, const ResourceList& pod_requests) {
  std::vector<QuotaRoom> rooms;
  for_each_charge(quotas, pod_requests, [&](const QuotaView& quota, const std::string& resource, const Charge& charge) {
    rooms.push_back({quota.name, resource, std::max(charge.hard - charge.used, Quantity()), charge.per_replica});
  });
  return rooms;
}

void NodeTally::add(const NodeView& node) {
  if (node.accepts_pods) free_[node.name] = node.allocatable;
}

void NodeTally::add(const PodUse& pod) {
  const auto it = free_.find(pod.node);
  if (it == free_.end()) return;
  ResourceList& free = it->second;
  for (const auto& [resource, amount] : node_requests(pod.requests)) free[resource] = free[resource] - amount;
  free[kPods] = free[kPods] - Quantity::from_int(1);
}

std::vector<NodeRoom> NodeTally::rooms() && {
  std::vector<NodeRoom> rooms;
  rooms.reserve(free_.size());
  for (auto& [name, free] : free_) rooms.push_back({name, std::move(free)});
  free_.clear();
  return rooms;
}

Room room_on_nodes(std::span<const NodeRoom> nodes, const ResourceList& pod_requests) {
  const ResourceList needs = node_requests(pod_requests);
  int fit = 0;
  for (const NodeRoom& node : nodes) fit = std::min(fit + replicas_on(node, needs), kPlenty);
  std::vector<std::string> each;
  for (const auto& [resource, amount] : needs) each.push_back(absl::StrCat(readable(resource, amount), " ", resource));
  const std::string size = each.empty() ? "no declared requests" : absl::StrJoin(each, ", ");
  return {fit, absl::StrCat(nodes.size(), " nodes have room for ", fit, " more replicas of ", size,
                            " each, node selectors and affinity not considered; add nodes")};
}

}  // namespace headroom::plan
