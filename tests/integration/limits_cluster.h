// An API server with types to limit, for tests of what it makes of generated admission configuration.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/api/scale_limit.h"
#include "tests/support/test_cluster.h"

namespace headroom::testing {

/// Without rules, with `/scale` over `.spec.replicas` and `/status`.
inline const kube::ResourceType kArtifact{"example.com", "v1", "artifacts", "Artifact", true};

/// Without controllers: nothing changes but by the test's own hand.
TestCluster& limits_cluster();
/// Does not try again what was refused.
std::shared_ptr<kube::Client> impatient_client();

/// A limit of `ns`, named `name`, as the API server would give it to a client. `spec` is merged over a match of
/// artifacts, which are created and updated.
nlohmann::json limit_object(const std::string& ns, const std::string& name, const nlohmann::json& spec);

/// `body` with what says of which type it is, its namespace and name.
nlohmann::json object_of(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                         nlohmann::json body);
/// The least that a Deployment needs, with so many replicas.
nlohmann::json deployment_body(int replicas);

}  // namespace headroom::testing
