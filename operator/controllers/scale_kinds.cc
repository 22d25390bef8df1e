#include "operator/controllers/scale_kinds.h"

#include <absl/strings/str_cat.h>

#include <array>
#include <nlohmann/json.hpp>

#include "operator/controllers/field_path.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

const kube::ResourceType kReplicationController{"", "v1", "replicationcontrollers", "ReplicationController", true};

const json* served_version(const json& crd, const std::string& version) {
  const json* versions = find_field(crd, ".spec.versions");
  if (versions == nullptr || !versions->is_array()) return nullptr;
  for (const json& candidate : *versions) {
    if (text_at(candidate, ".name") == version) return &candidate;
  }
  return nullptr;
}

/// Whether the schema declares `.status.<field>`.
bool declares_status(const json& version, const std::string& field) {
  return find_field(version, ".schema.openAPIV3Schema.properties.status.properties." + field) != nullptr;
}

bool status_is_open(const json& version) {
  const json* status = find_field(version, ".schema.openAPIV3Schema.properties.status");
  if (status == nullptr) return true;
  const json* open = find_field(*status, ".x-kubernetes-preserve-unknown-fields");
  return open != nullptr && *open == true;
}

std::string ready_path(const json& version, const std::string& status_path) {
  for (const char* field : {"readyReplicas", "readyInstances"}) {
    if (declares_status(version, field)) return std::string(".status.") + field;
  }
  return status_is_open(version) ? "" : status_path;
}

/// For a kind without /scale: the status field that is named as the size field, else the usual names.
std::string status_path_beside(const json& version, const std::string& field_path) {
  const std::string leaf = field_path.substr(field_path.rfind('.') + 1);
  for (const std::string& field : {leaf, std::string("replicas"), std::string("instances")}) {
    if (declares_status(version, field)) return ".status." + field;
  }
  return "";
}

}  // namespace

std::optional<ScaleKind> built_in_kind(const api::TargetRef& target, const std::string& field_path) {
  static const std::array<kube::ResourceType, 4> kBuiltIn{kube::types::kDeployment, kube::types::kStatefulSet,
                                                          kube::types::kReplicaSet, kReplicationController};
  for (const kube::ResourceType& type : kBuiltIn) {
    if (type.api_version() != target.api_version || type.kind != target.kind) continue;
    ScaleKind kind{
        type, {".spec.replicas", ".status.replicas", ".status.readyReplicas", ".spec.selector"}, ".spec.replicas"};
    if (!field_path.empty()) kind.paths.spec = field_path;
    // The oldest kind's selector is a plain map of labels, which a LabelSelector is not.
    if (type.kind == kReplicationController.kind) kind.paths.selector.clear();
    return kind;
  }
  return std::nullopt;
}

Result<ScaleKind> kind_from_crd(const kube::ResourceType& type, const json& crd, const std::string& field_path) {
  const json* version = served_version(crd, type.version);
  if (version == nullptr) {
    return Error{ErrorCode::NotFound,
                 absl::StrCat("CustomResourceDefinition ", type.to_string(), " has no version ", type.version),
                 0,
                 {}};
  }
  ScaleKind kind = kind_without_crd(type, field_path);
  kind.scale_path = text_at(*version, ".subresources.scale.specReplicasPath");
  if (field_path.empty() && kind.scale_path.empty()) {
    return Error{ErrorCode::NotFound,
                 absl::StrCat(type.kind, " of ", type.api_version(),
                              " has no scale subresource; use engine Field and name the field that holds its size"),
                 0,
                 {}};
  }
  if (field_path.empty()) kind.paths.spec = kind.scale_path;
  if (kind.paths.spec == kind.scale_path) {
    kind.paths.status = text_at(*version, ".subresources.scale.statusReplicasPath");
  }
  if (kind.paths.status.empty()) kind.paths.status = status_path_beside(*version, kind.paths.spec);
  kind.paths.selector = text_at(*version, ".subresources.scale.labelSelectorPath");
  kind.paths.ready = ready_path(*version, kind.paths.status);
  return kind;
}

ScaleKind kind_without_crd(const kube::ResourceType& type, const std::string& field_path) {
  return ScaleKind{type, {field_path, "", "", ""}, ""};
}

bool is_protected_group(const std::string& group) {
  const auto lies_in = [&](const std::string& domain) { return group == domain || group.ends_with("." + domain); };
  return group.find('.') == std::string::npos || lies_in("k8s.io") || lies_in(api::kGroup);
}

}  // namespace headroom::controllers
