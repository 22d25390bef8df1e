// What one pod of a template asks of a namespace's quota and of a node. Pure.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "operator/base/quantity.h"

namespace headroom::controllers {

/// The sums that ResourceQuota counts for one pod of `pod_spec`: "requests.cpu", "limits.memory", …, and "pods": 1. As
/// Kubernetes adds them up: containers and sidecars together, or an init container where that needs more, plus
/// overhead; a request that is not given is its limit. Quantities that do not parse count nothing.
std::map<std::string, Quantity> pod_requests(const nlohmann::json& pod_spec);

}  // namespace headroom::controllers
