#include "operator/controllers/projections.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "operator/api/json_reader.h"
#include "operator/controllers/field_path.h"
#include "operator/controllers/managed_fields.h"
#include "operator/controllers/stable_hash.h"
#include "operator/plan/pod_requests.h"

namespace headroom::controllers {
namespace {

using api::JsonFault;
using api::JsonReader;
using nlohmann::json;

constexpr api::IntegerRange kNotNegative{.low = 0};

ObjectView view_of(const json& object, std::span<const std::string> size_paths) {
  const api::ObjectMeta meta = api::meta_from_json(object);
  ObjectView view;
  view.key = meta.key();
  view.uid = meta.uid;
  view.resource_version = meta.resource_version;
  if (const auto it = meta.annotations.find(api::kOriginalAnnotation); it != meta.annotations.end()) {
    view.original_annotation = it->second;
  }
  if (const api::OwnerReference* owner = meta.controller()) view.controller = *owner;
  view.other_manager = other_manager_of(object, size_paths);
  view.being_deleted = meta.deleted.has_value();
  return view;
}

/// ScalingActive=False, ScalingDisabled: the HPA controller's word for a workload that stands at 0.
bool is_scaling_disabled(const JsonReader& status) {
  bool disabled = false;
  status.list("conditions", [&](const JsonReader& condition) {
    disabled = disabled || (condition.text("type") == "ScalingActive" && condition.text("status") == "False" &&
                            condition.text("reason") == "ScalingDisabled");
  });
  return disabled;
}

/// As KEDA reads them: `paused-replicas` pauses whatever it says; `paused` unless it is Go's notion of false.
bool is_paused(const std::map<std::string, std::string>& annotations) {
  if (annotations.contains("autoscaling.keda.sh/paused-replicas")) return true;
  const auto paused = annotations.find("autoscaling.keda.sh/paused");
  if (paused == annotations.end()) return false;
  static const std::set<std::string> kFalse{"0", "f", "F", "false", "False", "FALSE"};
  return !kFalse.contains(paused->second);
}

std::optional<int> count_at(const json& object, const std::string& path) {
  const json* value = find_field(object, path);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  const auto count = value->get<std::int64_t>();
  return count < 0 || count > INT32_MAX ? std::nullopt : std::optional(static_cast<int>(count));
}

/// The size field must hold a size; anything else would pass for "absent" and be put back by removing it.
std::optional<int> size_at(const json& object, const std::string& path, JsonFault& fault) {
  const json* value = find_field(object, path);
  const std::optional<int> count = count_at(object, path);
  if (value != nullptr && !count) fault.report(path.substr(path.empty() ? 0 : 1), "must be a count of replicas");
  return count;
}

int ready_in(const json& object, const SizePaths& paths, int current) {
  if (!paths.ready.empty()) return count_at(object, paths.ready).value_or(0);
  for (const char* path : {".status.readyReplicas", ".status.readyInstances"}) {
    if (const std::optional<int> ready = count_at(object, path)) return *ready;
  }
  return current;
}

std::string requirement_text(const api::LabelSelector::Requirement& requirement) {
  using Operator = api::LabelSelector::Requirement::Operator;
  switch (requirement.op) {
    case Operator::Exists:
      return requirement.key;
    case Operator::DoesNotExist:
      return "!" + requirement.key;
    case Operator::In:
      return absl::StrCat(requirement.key, " in (", absl::StrJoin(requirement.values, ","), ")");
    case Operator::NotIn:
      return absl::StrCat(requirement.key, " notin (", absl::StrJoin(requirement.values, ","), ")");
  }
  return "";
}

std::string selector_at(const json& object, const std::string& path) {
  const json* value = find_field(object, path);
  if (value == nullptr) return "";
  if (value->is_string()) return value->get<std::string>();
  const auto selector = api::selector_from_json(*value, path);
  if (!selector) return "";
  std::vector<std::string> parts;
  for (const auto& [label, wanted] : selector.value().match_labels) parts.push_back(absl::StrCat(label, "=", wanted));
  for (const auto& requirement : selector.value().match_expressions) parts.push_back(requirement_text(requirement));
  return absl::StrJoin(parts, ",");
}

}  // namespace

std::string label_of(const std::string& scale_target_name) {
  constexpr std::size_t kLongestLabel = 63, kHashDigits = 16;
  if (scale_target_name.size() <= kLongestLabel) return scale_target_name;
  return absl::StrCat(scale_target_name.substr(0, kLongestLabel - kHashDigits - 1), "-", digest(scale_target_name));
}

std::string digest(std::string_view text) { return absl::StrCat(absl::Hex(stable_hash(text), absl::kZeroPad16)); }

Result<Autoscaler> autoscaler_from_json(const json& object) {
  static const std::array<std::string, 2> kSizePaths{".spec.minReplicas", ".spec.maxReplicas"};
  JsonFault fault;
  const JsonReader reader(object, "", fault);
  Autoscaler autoscaler;
  autoscaler.object = view_of(object, kSizePaths);
  reader.object("spec", [&](const JsonReader& spec) {
    autoscaler.min = spec.integer("minReplicas", 1, kNotNegative);
    autoscaler.max = spec.integer("maxReplicas", 1, kNotNegative);
    spec.object("scaleTargetRef", [&](const JsonReader& ref) {
      autoscaler.target = {ref.text("apiVersion"), ref.required_text("kind"), ref.required_text("name")};
    });
  });
  reader.object("status", [&](const JsonReader& status) {
    autoscaler.current = status.integer("currentReplicas", 0, kNotNegative);
    autoscaler.desired = status.integer("desiredReplicas", 0, kNotNegative);
    autoscaler.scaling_disabled = is_scaling_disabled(status);
  });
  reader.object("metadata", [&](const JsonReader& metadata) {
    const auto labels = metadata.text_map("labels");
    if (const auto it = labels.find(kScaleTargetLabel); it != labels.end()) autoscaler.managed_by = it->second;
    const auto annotations = metadata.text_map("annotations");
    if (const auto it = annotations.find(kMadeFromAnnotation); it != annotations.end()) {
      autoscaler.made_from = it->second;
    }
  });
  if (fault.found()) return fault.error();
  return autoscaler;
}

Result<ScaledObject> scaled_object_from_json(const json& object) {
  static const std::array<std::string, 2> kSizePaths{".spec.minReplicaCount", ".spec.maxReplicaCount"};
  JsonFault fault;
  const JsonReader reader(object, "", fault);
  ScaledObject scaled;
  scaled.object = view_of(object, kSizePaths);
  reader.object("spec", [&](const JsonReader& spec) {
    scaled.min = spec.optional_integer("minReplicaCount", kNotNegative);
    scaled.max = spec.optional_integer("maxReplicaCount", kNotNegative);
    spec.object("scaleTargetRef", [&](const JsonReader& ref) {
      scaled.target = {ref.text("apiVersion", "apps/v1"), ref.text("kind", "Deployment"), ref.required_text("name")};
    });
  });
  reader.object("metadata",
                [&](const JsonReader& metadata) { scaled.paused = is_paused(metadata.text_map("annotations")); });
  if (fault.found()) return fault.error();
  return scaled;
}

Result<Workload> workload_from_json(const json& object, const SizePaths& paths) {
  JsonFault fault;
  Workload workload;
  workload.object = view_of(object, std::array{paths.spec});
  workload.replicas = size_at(object, paths.spec, fault);
  workload.current = paths.status.empty() ? workload.replicas.value_or(0) : count_at(object, paths.status).value_or(0);
  workload.ready = ready_in(object, paths, workload.current);
  workload.selector = selector_at(object, paths.selector);
  if (const json* pod = find_field(object, ".spec.template.spec")) {
    workload.pod_requests = std::make_shared<const std::map<std::string, Quantity>>(plan::pod_requests(*pod));
  }
  if (fault.found()) return fault.error();
  return workload;
}

}  // namespace headroom::controllers
