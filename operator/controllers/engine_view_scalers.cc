// Views of targets whose size lies in an autoscaler: HorizontalPodAutoscaler and KEDA's ScaledObject.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "operator/controllers/engine_objects.h"

namespace headroom::controllers {
namespace {

constexpr char kHpa[] = "HorizontalPodAutoscaler";

/// Whether an object's annotation names this ScaleTarget; an unreadable one does not.
bool holds(const ObjectView& object, const api::ScaleTarget& target) {
  if (object.original_annotation.empty()) return false;
  const Result<OriginalRecord> record = record_from_annotation(object.original_annotation);
  return record && record.value().target == target.meta.key().to_string();
}

/// Of several candidates the one that we hold an override on, else the only one.
template <class T>
const T* choose(const std::vector<std::shared_ptr<const T>>& candidates, const api::ScaleTarget& target) {
  for (const auto& candidate : candidates) {
    if (holds(candidate->object, target)) return candidate.get();
  }
  return candidates.size() == 1 ? candidates.front().get() : nullptr;
}

bool same_workload(const api::TargetRef& a, const api::TargetRef& b) { return a.kind == b.kind && a.name == b.name; }

void refuse_ambiguity(const api::ScaleTarget& target, const std::vector<std::string>& names, EngineView& view) {
  add_obstacle(view, "AmbiguousScaler",
               absl::StrCat(absl::StrJoin(names, " and "), " both scale ",
                            described(target.spec.target_ref, target.meta.ns), "; delete all but one of them"),
               Reach::PutBack);
}

void refuse_owned_scaler(const ObjectView& object, const std::string& kind, EngineView& view) {
  const api::OwnerReference& owner = *object.controller;
  const std::string remedy = owner.kind == kube::types::kScaledObject.kind
                                 ? "use engine ScaledObject"
                                 : absl::StrCat("change its size through that ", owner.kind);
  add_obstacle(view, "RivalScaler",
               absl::StrCat(described(kind, object.key), " belongs to ", owner.kind, " ", owner.name,
                            ", which would write over any change; ", remedy));
}

/// An HPA does nothing while its workload stands at 0, so a higher minimum would stay without effect.
void view_sleep(const api::ScaleTarget& target, const EngineObjects& objects, const Autoscaler* autoscaler,
                EngineView& view) {
  const Workload* workload = objects.workload.object.get();
  const bool at_zero =
      workload != nullptr ? workload->replicas == 0 : autoscaler != nullptr && autoscaler->scaling_disabled;
  view.scaling_disabled = at_zero;
  const bool raise = target.spec.engine.when_scaled_to_zero == api::Engine::ZeroPolicy::Raise;
  if (at_zero && !raise) {
    add_obstacle(view, "ScalingDisabled",
                 absl::StrCat(described(target.spec.target_ref, target.meta.ns),
                              " stands at 0, which switches its autoscaler off; scale it to 1, or set "
                              "engine.whenScaledToZero: Raise"),
                 Reach::PutBack);
  }
  if (!raise || workload == nullptr || !objects.kind) return;
  Sleeper sleeper{objects.kind->type, workload->object, at_zero, std::nullopt};
  if (const auto record = record_from_annotation(workload->object.original_annotation);
      record && record.value().uid == workload->object.uid && record.value().target == target.meta.key().to_string()) {
    sleeper.woken = record.value();
  }
  view.sleeper = std::move(sleeper);
}

void view_own_autoscaler(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view) {
  const Autoscaler* own = objects.autoscaler.object.get();
  const api::ObjectKey key{target.meta.ns, target.meta.name};
  if (const std::vector<std::string> others = rivals(objects, key.name, ""); !others.empty()) {
    std::vector<std::string> names = others;
    if (own != nullptr) names.insert(names.begin(), described(kHpa, key));
    if (own != nullptr) {
      refuse_ambiguity(target, names, view);
    } else {
      add_obstacle(view, "RivalScaler",
                   absl::StrCat(absl::StrJoin(names, " and "), " already scales ",
                                described(target.spec.target_ref, target.meta.ns),
                                "; delete it, or drop metrics from engine.horizontalPodAutoscaler to adopt it"));
    }
  }
  view.known = true;
  view.type = kube::types::kHorizontalPodAutoscaler;
  view.key = key;
  view.ownership.original = {target.spec.replicas.min, target.spec.replicas.max};
  if (own == nullptr) {
    if (objects.workload.synced && !objects.workload.object) {
      add_obstacle(view, "TargetNotFound",
                   absl::StrCat(described(target.spec.target_ref, target.meta.ns), " does not exist in region ",
                                objects.region, "; create it, or delete this ScaleTarget when it is gone for good"));
    }
    return;
  }
  if (own->managed_by != label_of(target.meta.name)) {
    add_obstacle(view, "NotOurs",
                 absl::StrCat(described(kHpa, key),
                              " exists and was not made for this ScaleTarget; delete it, or adopt "
                              "it by name instead of giving metrics"));
    return;
  }
  if (own->object.controller) refuse_owned_scaler(own->object, kHpa, view);
  view.exists = true;
  view.made_from = own->made_from;
  view.resource_version = own->object.resource_version;
  view.size.uid = own->object.uid;
  view.size.now = {own->min, own->max};
  view.size.other_manager = own->object.other_manager;
  view.ownership = ownership_of_own(target, view.size);
}

void view_adopted_autoscaler(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view) {
  const std::string& name = target.spec.engine.name;
  const std::string workload = described(target.spec.target_ref, target.meta.ns);
  const Autoscaler* adopted = name.empty() ? choose(objects.autoscalers, target) : objects.autoscaler.object.get();
  if (!name.empty() && adopted == nullptr) {
    add_obstacle(view, "AutoscalerNotFound",
                 absl::StrCat(described(kHpa, {target.meta.ns, name}), " does not exist in region ", objects.region,
                              "; correct the name in engine"));
  } else if (adopted != nullptr && !same_workload(adopted->target, target.spec.target_ref)) {
    add_obstacle(
        view, "AutoscalerNotFound",
        absl::StrCat(described(kHpa, adopted->object.key), " scales ", described(adopted->target, target.meta.ns),
                     ", not ", workload, "; correct the name in engine, or targetRef"));
    return;
  } else if (adopted == nullptr && objects.autoscalers.empty()) {
    add_obstacle(
        view, "AutoscalerNotFound",
        absl::StrCat("no HorizontalPodAutoscaler scales ", workload, " in region ", objects.region,
                     "; create one, or give metrics in engine.horizontalPodAutoscaler so that Headroom makes one"));
  }
  const std::vector<std::string> all = rivals(objects, "", "");
  if (all.size() > 1) refuse_ambiguity(target, all, view);
  if (adopted == nullptr) return;
  if (adopted->object.controller) refuse_owned_scaler(adopted->object, kHpa, view);
  view_written(target, kube::types::kHorizontalPodAutoscaler, adopted->object, {adopted->min, adopted->max}, view);
}

}  // namespace

Ownership ownership_of_own(const api::ScaleTarget& target, const SizeObservation& size) {
  const api::ScaleTargetStatus& status = target.status;
  const bool written = status.bounds_min && status.bounds_max && status.originals && status.originals->uid == size.uid;
  Ownership ownership;
  ownership.original = {target.spec.replicas.min, target.spec.replicas.max};
  ownership.written = written ? Size{status.bounds_min, status.bounds_max} : size.now;
  ownership.held = size.now != ownership.original;
  ownership.written_at = status.in_force_since.value_or(absl::UnixEpoch());
  ownership.foreign_edit = size.now != ownership.written;
  return ownership;
}

void view_autoscaler(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view) {
  if (unanswered(objects.autoscaler, "HorizontalPodAutoscalers", view)) return;
  const bool own = target.spec.engine.owns_autoscaler();
  if (own) {
    view_own_autoscaler(target, objects, view);
  } else {
    view_adopted_autoscaler(target, objects, view);
  }
  const Autoscaler* autoscaler = objects.autoscaler.object.get();
  if (!own && target.spec.engine.name.empty()) autoscaler = choose(objects.autoscalers, target);
  if (!view.current && autoscaler != nullptr) view.current = autoscaler->current;
  view_sleep(target, objects, autoscaler, view);
}

void view_scaled_object(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view) {
  const std::string& name = target.spec.engine.name;
  const std::string workload = described(target.spec.target_ref, target.meta.ns);
  if (unanswered(objects.scaled_object, "ScaledObjects", view)) return;
  if (!objects.scaled_object.reason.empty()) {
    add_obstacle(view, objects.scaled_object.reason, objects.scaled_object.problem);
    return;
  }
  const ScaledObject* scaled =
      name.empty() ? choose(objects.scaled_objects, target) : objects.scaled_object.object.get();
  if (scaled == nullptr && (!name.empty() || objects.scaled_objects.empty())) {
    add_obstacle(view, "AutoscalerNotFound",
                 name.empty()
                     ? absl::StrCat("no ScaledObject scales ", workload, " in region ", objects.region)
                     : absl::StrCat(described("ScaledObject", {target.meta.ns, name}), " does not exist in region ",
                                    objects.region, "; correct the name in engine"));
  } else if (scaled != nullptr && !same_workload(scaled->target, target.spec.target_ref)) {
    add_obstacle(view, "AutoscalerNotFound",
                 absl::StrCat(described("ScaledObject", scaled->object.key), " scales ",
                              described(scaled->target, target.meta.ns), ", not ", workload,
                              "; correct the name in engine, or targetRef"));
    return;
  }
  const std::vector<std::string> all = rivals(objects, "", "");
  if (all.size() > 1) refuse_ambiguity(target, all, view);
  if (scaled == nullptr) return;
  if (scaled->object.controller) refuse_owned_scaler(scaled->object, "ScaledObject", view);
  if (scaled->paused) {
    add_obstacle(view, "Paused",
                 absl::StrCat(described("ScaledObject", scaled->object.key),
                              " is paused by an annotation autoscaling.keda.sh/paused…; remove it to let the size "
                              "change"),
                 Reach::PutBack);
  }
  view_written(target, kube::types::kScaledObject, scaled->object, {scaled->min, scaled->max}, view);
}

}  // namespace headroom::controllers
