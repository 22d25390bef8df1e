// What the pods of targets draw on together: ResourceQuotas and nodes of each cluster, with what others take of them.
// From plain objects. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/base/quantity.h"

namespace headroom::cli {

struct GivenObject;

struct PodPool {
  enum class Kind {
    Quota,  ///< one resource of a ResourceQuota
    Nodes,  ///< one resource of all nodes that accept pods, added up
    Places  ///< whole pods on those nodes: `hard` is 1, a replica takes one part of as many as would fit alone
  };
  struct Share {
    int target = 0;  ///< index into the targets
    Quantity per_replica;
  };

  Kind kind = Kind::Quota;
  std::string region;         ///< whose cluster it is; empty: the home cluster
  std::string ns, quota;      ///< of a quota
  std::string resource;       ///< "requests.cpu"; of nodes "cpu", of places "pods"
  Quantity hard, others;      ///< `others` is taken by whoever is not in `shares`
  std::vector<Share> shares;  ///< ascending by target, never empty

  /// "ResourceQuota shop/compute", "nodes of region chennai".
  std::string name() const;
};

struct PodPools {
  std::vector<PodPool> pools;                      ///< by region; its quotas by namespace and name, then its nodes
  bool quotas_known = false, nodes_known = false;  ///< there are such objects at all
  std::vector<std::string> assumptions;            ///< what was taken for granted, a sentence each
  std::vector<std::string> problems;               ///< objects that could not be read, and are left out
};

/// Others take what a quota's status counts as used, less what the targets' replicas take of it now. Without that
/// status, and on nodes without any Pod beside them, they are the workloads among the objects that no target sizes.
/// Objects that name no namespace are of `default_namespace`.
PodPools pod_pools(const std::vector<api::ScaleTarget>& targets, const std::vector<api::Region>& regions,
                   const std::vector<GivenObject>& objects, const std::string& default_namespace);

/// How people write its amounts: memory in powers of two.
QuantityFormat format_of(const PodPool& pool);

/// "shop/api, shop/web, shop/x and 2 more" of the targets with these indices.
std::string names_of(const std::vector<api::ScaleTarget>& targets, const std::vector<int>& chosen);

}  // namespace headroom::cli
