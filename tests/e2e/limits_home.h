// A cluster with a type of its own to limit, and limits over it.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/clusters.h"
#include "tests/e2e/webhooks.h"

namespace headroom::e2e {

/// A namespaced type without rules: `spec` may hold anything. Its `/scale` writes `.spec.size`.
using kube::types::kLimitLedger;
using kube::types::kScaleLimit;

inline const kube::ResourceType kArtifact{"example.com", "v1", "artifacts", "Artifact", true};

/// The API server ends requests after ten seconds, so that what a dead replica held is free again soon. It stores JSON,
/// for those who read etcd.
Cluster& limits_home();
/// Makes a namespaced type without rules there, whose `/scale` writes `.spec.size`.
void define(const kube::ResourceType& type);
/// For webhooks before that API server.
std::vector<std::string> limits_arguments();

nlohmann::json artifact(const std::string& ns, const std::string& name, std::int64_t size = 1);
/// Over artifacts; `total` as in the spec: {"count": 5}, or {"sums": [sum(100)]}.
nlohmann::json scale_limit(const std::string& ns, const std::string& name, const nlohmann::json& total);
/// Of `.spec.size`, as dimension "size".
nlohmann::json sum(std::int64_t hard);

/// Makes the namespace and its limits.
void limit_namespace(const std::string& ns, const std::vector<nlohmann::json>& limits);

/// Waits until each replica judges by this generation of the limit.
::testing::AssertionResult judged_by(Webhooks& webhooks, std::size_t replicas, const std::string& kind,
                                     const std::string& ns, const std::string& limit, int generation);

/// Waits until the API server asks the webhooks, and each replica judges by this generation of the limits.
::testing::AssertionResult in_force(Webhooks& webhooks, std::size_t replicas, const std::string& ns,
                                    const std::vector<std::string>& limits, int generation = 1);

}  // namespace headroom::e2e
