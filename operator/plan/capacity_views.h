// The few fields of quotas, nodes and pods that tell how much further a region can grow. Pure decoding: the objects
// come from watches and lists and are not retained.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/api/object.h"
#include "operator/base/quantity.h"
#include "operator/base/result.h"

namespace headroom::plan {

/// Resource name → amount: "cpu", "requests.memory", "pods".
using ResourceList = std::map<std::string, Quantity>;

/// v1 ResourceQuota.
struct QuotaView {
  std::string name;
  ResourceList hard, used;          ///< from status, where the quota controller keeps what is enforced
  std::vector<std::string> scopes;  ///< scopeSelector's scopes included
  bool by_priority_class = false;   ///< selects pods by priority class, which we do not know of a workload
};
Result<QuotaView> quota_from_json(const nlohmann::json& quota);

/// v1 Node.
struct NodeView {
  std::string name;
  ResourceList allocatable;
  bool accepts_pods = false;  ///< ready, not cordoned, without NoSchedule and NoExecute taints
};
Result<NodeView> node_from_json(const nlohmann::json& node);

/// What a scheduled pod takes from its node.
struct PodUse {
  std::string node;       ///< empty: not scheduled
  ResourceList requests;  ///< as pod_requests() has them: "requests.cpu", "pods", …
};
Result<PodUse> pod_use_from_json(const nlohmann::json& pod);

/// A pending pod.
struct PendingPod {
  std::map<std::string, std::string> labels;
  bool unschedulable = false;  ///< the scheduler tried and found no node
};
Result<PendingPod> pending_pod_from_json(const nlohmann::json& pod);

}  // namespace headroom::plan
