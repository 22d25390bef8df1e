// How many further replicas quotas and nodes hold. Pure.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operator/plan/capacity_views.h"
#include "operator/plan/readiness.h"

namespace headroom::plan {

/// How many more, and what holds them back, in words with numbers and the remedy.
struct Room {
  int replicas = 0;
  std::string text;  ///< "ResourceQuota compute: limits.cpu 96 of 100 used, ..."
};

/// Over all quotas of one namespace; empty when none speaks of what these pods need. `pod_requests` are those of one
/// replica as quotas name them ("requests.cpu", "limits.memory"). A quota on something that the pods do not declare is
/// passed over: a LimitRange fills it in with amounts unknown here. Quotas for pods of a priority class, and for
/// terminating pods, are passed over too.
std::optional<Room> room_in_quotas(std::span<const QuotaView> quotas, const ResourceList& pod_requests);

/// The same resource by resource, for plans of several targets that share a quota.
std::vector<QuotaRoom> rooms_of_quotas(std::span<const QuotaView> quotas, const ResourceList& pod_requests);

/// What one replica takes of its node, "requests.cpu" as "cpu".
ResourceList node_requests(const ResourceList& pod_requests);

/// A node's allocatable minus what its pods request; "pods" included.
struct NodeRoom {
  std::string name;
  ResourceList free;
};

/// Adds up nodes and the pods on them as lists stream by; all nodes before the first pod.
class NodeTally {
 public:
  void add(const NodeView& node);
  void add(const PodUse& pod);
  std::vector<NodeRoom> rooms() &&;

 private:
  std::map<std::string, ResourceList> free_;
};

/// Over all nodes that accept pods: the sum of what each holds, since replicas of one target are all alike. Node
/// selectors, affinity and spread are not known here and not considered; the text says so.
Room room_on_nodes(std::span<const NodeRoom> nodes, const ResourceList& pod_requests);

}  // namespace headroom::plan
