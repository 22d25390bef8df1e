// Where kinds keep their size: known for what Kubernetes ships, read from the CustomResourceDefinition for all others.
// Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "operator/api/scale_target.h"
#include "operator/controllers/projections.h"
#include "operator/kube/client.h"

namespace headroom::controllers {

/// A kind whose objects can be read as Workloads.
struct ScaleKind {
  kube::ResourceType type;
  SizePaths paths;
  /// The field that the kind's own /scale writes; empty where it has none. What HPAs of this kind scale.
  std::string scale_path;
};

/// Deployment, StatefulSet, ReplicaSet, ReplicationController. `field_path` as in kind_from_crd.
std::optional<ScaleKind> built_in_kind(const api::TargetRef& target, const std::string& field_path);

/// `field_path` empty: the size lies where the CRD's scale subresource says; NotFound when it has none. Otherwise it
/// lies at `field_path`, and the CRD only tells where status is to be found.
Result<ScaleKind> kind_from_crd(const kube::ResourceType& type, const nlohmann::json& crd,
                                const std::string& field_path);

/// A kind of which nothing but its type is known: only the field can be read, and what is written counts as ready.
ScaleKind kind_without_crd(const kube::ResourceType& type, const std::string& field_path);

/// Groups that Kubernetes itself and Headroom own; no `Field` engine may write there.
bool is_protected_group(const std::string& group);

}  // namespace headroom::controllers
