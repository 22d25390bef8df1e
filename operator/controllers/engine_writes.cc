#include "operator/controllers/engine_writes.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>

#include "operator/controllers/field_path.h"

namespace headroom::controllers {
namespace {

using api::EngineType;
using nlohmann::json;

json number_or_null(const std::optional<int>& value) { return value ? json(*value) : json(nullptr); }

Write patch_of(const kube::ResourceType& type, const api::ObjectKey& key, const std::string& resource_version) {
  Write write;
  write.type = type;
  write.key = key;
  write.body = {{"metadata", {{"resourceVersion", resource_version}}}};
  return write;
}

void annotate(json& body, const std::optional<OriginalRecord>& record) {
  body["metadata"]["annotations"][api::kOriginalAnnotation] = record ? json(to_annotation(*record)) : json(nullptr);
}

Write scale_patch(const kube::ResourceType& type, const api::ObjectKey& key, const std::string& resource_version,
                  int replicas) {
  Write write = patch_of(type, key, resource_version);
  write.subresource = "scale";
  write.body["spec"]["replicas"] = replicas;
  return write;
}

/// The record on the object and the size behind /scale, in the order in which a crash between them loses nothing.
std::vector<Write> scale_writes(const kube::ResourceType& type, const api::ObjectKey& key,
                                const std::string& resource_version, std::optional<int> replicas, bool record_changes,
                                const std::optional<OriginalRecord>& record) {
  std::vector<Write> writes;
  if (replicas) writes.push_back(scale_patch(type, key, resource_version, *replicas));
  if (record_changes) {
    Write note = patch_of(type, key, resource_version);
    annotate(note.body, record);
    writes.insert(record ? writes.begin() : writes.end(), std::move(note));
  }
  if (writes.size() == 2) writes.front().then_rebase = true;
  return writes;
}

/// Names of the two bounds under spec.
struct BoundNames {
  const char *min, *max;
};
BoundNames bound_names(EngineType type) {
  if (type == EngineType::ScaledObject) return {"minReplicaCount", "maxReplicaCount"};
  return {"minReplicas", "maxReplicas"};
}

void set_size(const api::ScaleTarget& target, const Size& from, const Size& to, json& body) {
  const api::Engine& engine = target.spec.engine;
  if (engine.type == EngineType::Field) {
    if (from.min != to.min) body.update(field_patch(engine.field_path, number_or_null(to.min)), /*merge_objects=*/true);
    return;
  }
  const BoundNames names = bound_names(engine.type);
  if (from.min != to.min) body["spec"][names.min] = number_or_null(to.min);
  if (from.max != to.max) body["spec"][names.max] = number_or_null(to.max);
}

/// Null when absent. The text came out of a parser, so it goes into one.
json passed_through(const api::JsonText& text) { return text.empty() ? json(nullptr) : json::parse(text.text); }

/// As a merge patch: fields that are not wanted any more have to be named to go.
json behavior_patch(json patch) {
  if (!patch.is_object()) return nullptr;
  for (const char* direction : {"scaleUp", "scaleDown"}) {
    if (!patch.contains(direction)) patch[direction] = nullptr;
    json& rules = patch[direction];
    if (!rules.is_object()) continue;
    for (const char* field : {"stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance"}) {
      if (!rules.contains(field)) rules[field] = nullptr;
    }
  }
  return patch;
}

}  // namespace

SizeFields size_fields(const api::Engine& engine) {
  if (engine.type == EngineType::Field) return {std::string(absl::StripPrefix(engine.field_path, ".")), ""};
  if (engine.type == EngineType::Scale) return {"spec.replicas", ""};
  const BoundNames names = bound_names(engine.type);
  return {absl::StrCat("spec.", names.min), absl::StrCat("spec.", names.max)};
}

std::string made_from(const api::Engine& engine) { return digest(engine.metrics.text + engine.behavior.text); }

std::vector<Write> write_move(const api::ScaleTarget& target, const EngineView& view, const Move& move) {
  const Size& now = view.size.now;
  const bool record_changes = move.record ? move.record != view.size.annotation : view.annotated;
  const bool size_changes = move.size != now;
  if (!record_changes && !size_changes) return {};
  if (target.spec.engine.type == EngineType::Scale) {
    return scale_writes(view.type, view.key, view.resource_version, size_changes ? move.size.min : std::nullopt,
                        record_changes, move.record);
  }
  Write write = patch_of(view.type, view.key, view.resource_version);
  if (record_changes) annotate(write.body, move.record);
  set_size(target, now, move.size, write.body);
  return {std::move(write)};
}

Write create_autoscaler(const api::ScaleTarget& target, const Size& bounds) {
  const api::ScaleTargetSpec& spec = target.spec;
  const kube::ResourceType& type = kube::types::kHorizontalPodAutoscaler;
  Write write;
  write.kind = Write::Kind::Create;
  write.type = type;
  write.key = {target.meta.ns, target.meta.name};
  write.body = {
      {"apiVersion", type.api_version()},
      {"kind", type.kind},
      {"metadata",
       {{"name", target.meta.name},
        {"namespace", target.meta.ns},
        {"labels", {{kScaleTargetLabel, label_of(target.meta.name)}, {"app.kubernetes.io/managed-by", "headroom"}}},
        {"annotations", {{kMadeFromAnnotation, made_from(spec.engine)}}}}},
      {"spec",
       {{"scaleTargetRef",
         {{"apiVersion", spec.target_ref.api_version}, {"kind", spec.target_ref.kind}, {"name", spec.target_ref.name}}},
        {"minReplicas", number_or_null(bounds.min)},
        {"maxReplicas", number_or_null(bounds.max)},
        {"metrics", passed_through(spec.engine.metrics)}}}};
  if (!spec.engine.behavior.empty()) write.body["spec"]["behavior"] = passed_through(spec.engine.behavior);
  return write;
}

std::vector<Write> update_autoscaler(const api::ScaleTarget& target, const EngineView& view, const Size& bounds) {
  const std::string made = made_from(target.spec.engine);
  if (bounds == view.size.now && made == view.made_from) return {};
  Write write = patch_of(view.type, view.key, view.resource_version);
  set_size(target, view.size.now, bounds, write.body);
  if (made != view.made_from) {
    write.body["metadata"]["annotations"][kMadeFromAnnotation] = made;
    write.body["spec"]["metrics"] = passed_through(target.spec.engine.metrics);
    write.body["spec"]["behavior"] = behavior_patch(passed_through(target.spec.engine.behavior));
  }
  return {std::move(write)};
}

Write delete_autoscaler(const EngineView& view) {
  Write write = patch_of(view.type, view.key, view.resource_version);
  write.kind = Write::Kind::Delete;
  write.body["metadata"]["uid"] = view.size.uid;
  return write;
}

std::vector<Write> wake(const api::ScaleTarget& target, const Sleeper& sleeper, absl::Time now) {
  const OriginalRecord record{sleeper.object.uid, {0, {}}, {1, {}}, Size{0, {}}, now, target.meta.key().to_string()};
  return scale_writes(sleeper.type, sleeper.object.key, sleeper.object.resource_version, 1, true, record);
}

std::vector<Write> put_to_sleep(const Sleeper& sleeper) {
  return scale_writes(sleeper.type, sleeper.object.key, sleeper.object.resource_version,
                      sleeper.at_zero ? std::nullopt : std::optional(0), true, std::nullopt);
}

}  // namespace headroom::controllers
