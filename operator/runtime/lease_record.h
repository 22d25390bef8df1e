// A coordination.k8s.io Lease as JSON and as the record that the election knows. Pure.
#pragma once

#include <absl/time/time.h>

#include <nlohmann/json_fwd.hpp>

#include "operator/runtime/leader_election.h"

namespace headroom::runtime {

/// Fields of another type than they should have read as absent.
LeaseRecord lease_from_json(const nlohmann::json& lease);

/// A whole new Lease, held by us.
nlohmann::json new_lease(const ElectionOptions& options, absl::Time now);
/// Merge patches, each with the version it is made for as its precondition.
nlohmann::json acquire_patch(const LeaseRecord& on, const ElectionOptions& options, absl::Time now);
nlohmann::json renew_patch(const LeaseRecord& on, const ElectionOptions& options, absl::Time now);
/// No holder and a second's duration, so that even a standby that ignores the holder need not wait.
nlohmann::json release_patch(const LeaseRecord& on, absl::Time now);

}  // namespace headroom::runtime
