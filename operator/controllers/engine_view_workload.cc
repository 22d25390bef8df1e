// Views of targets whose size lies in the workload itself: /scale, a field, and those that are only advised.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "operator/controllers/engine_objects.h"

namespace headroom::controllers {
namespace {

using api::EngineType;

bool is_allowed(const OperatorOptions& options, const kube::ResourceType& type, const std::string& path) {
  if (is_protected_group(type.group)) return false;
  return std::ranges::any_of(options.allowed_fields, [&](const AllowedField& field) {
    return field.group == type.group && field.resource == type.plural && field.path == path;
  });
}

void check_field(const api::ScaleTarget& target, const EngineObjects& objects, const OperatorOptions& options,
                 EngineView& view) {
  const std::string& path = target.spec.engine.field_path;
  const kube::ResourceType& type = objects.kind->type;
  if (is_allowed(options, type, path)) return;
  add_obstacle(view, "FieldNotAllowed",
               is_protected_group(type.group)
                   ? absl::StrCat("fields of ", type.to_string(), " are never written; use engine Scale or ",
                                  "HorizontalPodAutoscaler")
                   : absl::StrCat("field ", path, " of ", type.to_string(),
                                  " is not among the fields that the administrator allows; have group \"", type.group,
                                  "\", resource \"", type.plural, "\", path \"", path,
                                  "\" added to allowedFields of the operator's configuration"));
}

/// Rivals are those that write the very field: through /scale, which is all that autoscalers know.
void check_rivals(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view) {
  const EngineType engine = target.spec.engine.type;
  if (engine == EngineType::Field && objects.kind->scale_path != target.spec.engine.field_path) return;
  const std::vector<std::string> names = rivals(objects, "", "");
  if (names.empty()) return;
  add_obstacle(view, "RivalScaler",
               absl::StrCat(absl::StrJoin(names, " and "), names.size() == 1 ? " scales " : " scale ",
                            described(target.spec.target_ref, target.meta.ns),
                            "; let this ScaleTarget adopt it with engine HorizontalPodAutoscaler or ScaledObject"),
               Reach::Forget);
}

/// Whether all that could be a rival has been read. KEDA's own HPAs betray ScaledObjects that may not be read.
bool rivals_unknown(const EngineObjects& objects, EngineView& view) {
  if (unanswered(objects.autoscaler, "HorizontalPodAutoscalers", view)) return true;
  return objects.scaled_object.problem.empty() && unanswered(objects.scaled_object, "ScaledObjects", view);
}

bool workload_missing(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view) {
  const std::string workload = described(target.spec.target_ref, target.meta.ns);
  if (unanswered(objects.workload, workload, view)) return true;
  if (objects.workload.object) return false;
  add_obstacle(view, "TargetNotFound",
               absl::StrCat(workload, " does not exist in region ", objects.region,
                            "; create it, or delete this ScaleTarget when it is gone for good"));
  return true;
}

}  // namespace

void view_workload(const api::ScaleTarget& target, const EngineObjects& objects, const OperatorOptions& options,
                   EngineView& view) {
  if (rivals_unknown(objects, view) || workload_missing(target, objects, view) || !objects.kind) return;
  const Workload& workload = *objects.workload.object;
  if (target.spec.engine.type == EngineType::Field) {
    check_field(target, objects, options, view);
  } else if (!workload.replicas) {
    add_obstacle(view, "NoScaleSubresource",
                 absl::StrCat(described(target.spec.target_ref, target.meta.ns), " leaves ", objects.kind->paths.spec,
                              " out, so its /scale cannot be used; write a size there"));
    return;
  }
  check_rivals(target, objects, view);
  view_written(target, objects.kind->type, workload.object, {workload.replicas, std::nullopt}, view);
}

void view_advised(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view) {
  if (rivals_unknown(objects, view)) return;
  if (objects.autoscalers.size() == 1) {
    const Autoscaler& autoscaler = *objects.autoscalers.front();
    view.size.uid = autoscaler.object.uid;
    view.size.now = {autoscaler.min, autoscaler.max};
  } else {
    if (workload_missing(target, objects, view)) return;
    view.size.uid = objects.workload.object->object.uid;
    view.size.now = {objects.workload.object->replicas, std::nullopt};
  }
  view.exists = view.known = true;
  view.ownership.original = view.size.now;
}

}  // namespace headroom::controllers
