// What one pod of a template asks of a namespace's quota and of a node. Pure.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "operator/base/quantity.h"

namespace headroom::plan {

/// The sums that ResourceQuota counts for one pod of `pod_spec`: "requests.cpu", "limits.memory", …, and "pods": 1. As
/// Kubernetes adds them up: containers and sidecars together, or an init container where that needs more, plus
/// overhead; a request that is not given is its limit. Quantities that do not parse count nothing.
std::map<std::string, Quantity> pod_requests(const nlohmann::json& pod_spec);

/// Null: not known. Shared: most workloads of a cluster are of few sizes, and ten thousand maps weigh 3 MB.
using PodRequests = std::shared_ptr<const std::map<std::string, Quantity>>;

/// Makes equal requests the same object. One thread.
class SharedRequests {
 public:
  PodRequests share(const PodRequests& requests);

 private:
  std::map<std::map<std::string, Quantity>, std::weak_ptr<const std::map<std::string, Quantity>>> known_;
};

}  // namespace headroom::plan
