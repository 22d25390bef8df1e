// What Headroom's programs ask of an API server and may not, as its audit log tells.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "operator/kube/client.h"

namespace headroom::e2e {

/// Arguments of `hack/cluster up` that have an API server keep such a log: one for each `program_name` of a cluster.
std::vector<std::string> audit_arguments(const std::string& program_name);

/// Requests of the accounts of headroom-system that RBAC has refused and still would, each once: "headroom-operator may
/// not patch statefulsets.apps/scale in shop". One that is allowed by now came before its right, or asked a server that
/// had just started and knew of no rights yet. Empty where there is no log.
std::set<std::string> forbidden_requests(const std::string& program_name, kube::Client& administrator);

}  // namespace headroom::e2e
