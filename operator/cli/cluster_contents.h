// The quotas, nodes, pods and workloads of each cluster, sorted out of plain objects. Pure.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/plan/capacity_views.h"

namespace headroom::cli {

struct GivenObject;

/// Pods that are all alike.
struct Workload {
  plan::ResourceList requests;  ///< of one, as pod_requests() has them
  int replicas = 1;
  std::optional<api::LabelSelector> selector;
};

/// Pods of finished jobs are left out.
struct ClusterContents {
  std::map<api::ObjectKey, plan::QuotaView> quotas;
  std::set<api::ObjectKey> counted;  ///< those of which a status tells what is used
  std::map<std::string, plan::NodeView> nodes;
  std::vector<std::pair<std::string, const nlohmann::json*>> pods;  ///< by namespace; borrowed
  std::map<int, Workload> sized;                                    ///< by the index of the target that sizes it
  std::vector<std::pair<std::string, Workload>> others;             ///< by namespace; what no target sizes
};

struct Clusters {
  std::map<std::string, ClusterContents> by_region;  ///< empty: the home cluster
  std::vector<int> unknown;                          ///< targets with quotas or nodes whose pods are not known
  std::vector<std::string> problems;                 ///< objects that could not be read, and are left out
};

/// A second object of the same kind and name replaces the first. Objects that name no namespace are of
/// `default_namespace`. Amounts may be numbers; a node that does not say whether it is ready is taken as ready.
Clusters sort_by_cluster(const std::vector<api::ScaleTarget>& targets, const std::vector<api::Region>& regions,
                         const std::vector<GivenObject>& objects, const std::string& default_namespace);

}  // namespace headroom::cli
