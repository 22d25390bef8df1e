// The samples' limits, enforced on a cluster by headroom-webhook.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/clusters.h"
#include "tests/e2e/webhooks.h"

namespace headroom::e2e {

using kube::types::kClusterScaleLimit;

/// For hack/cluster and for the webhooks before it: requests end after ten seconds, so that limits are exact soon.
std::vector<std::string> prompt_cluster(std::vector<std::string> more = {});
std::vector<std::string> prompt_webhooks();

/// kubectl apply of files of manifests/samples, or of a whole folder.
void apply_sample(const Cluster& cluster, const std::vector<std::string>& files);

/// Of whom what is refused comes back at once.
std::unique_ptr<kube::Client> impatient_client(const Cluster& cluster);
/// One that repeats what gets a 429 or 503, as clients do.
std::unique_ptr<kube::Client> patient_client(const Cluster& cluster);

nlohmann::json object_of(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                         const nlohmann::json& spec);

/// Waits until the limit's status promises, for its present generation, that it is exact; or, of one that only counts
/// in Prometheus or in another mode, that it is in force.
::testing::AssertionResult enforced(const Cluster& cluster, const kube::ResourceType& kind, const std::string& ns,
                                    const std::string& name);
/// The same of all limits that there are.
::testing::AssertionResult all_enforced(const Cluster& cluster);
/// Waits until `holds` is true of the limit's status.
::testing::AssertionResult status_reaches(const Cluster& cluster, const kube::ResourceType& kind, const std::string& ns,
                                          const std::string& name,
                                          const std::function<bool(const nlohmann::json&)>& holds, int seconds = 20);
/// Changes the limit, and waits until each replica judges by it.
::testing::AssertionResult change_limit(const Cluster& cluster, Webhooks& webhooks, std::size_t replicas,
                                        const kube::ResourceType& kind, const std::string& ns, const std::string& name,
                                        const nlohmann::json& merge_patch);

::testing::AssertionResult lands(const Result<nlohmann::json>& result);
/// By its HTTP status, with a message that has this in it.
::testing::AssertionResult refused(const Result<nlohmann::json>& result, int status, const std::string& message);

}  // namespace headroom::e2e
