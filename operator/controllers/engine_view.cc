#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "operator/controllers/engine_objects.h"
#include "operator/controllers/engine_writes.h"

namespace headroom::controllers {
namespace {

using api::EngineType;

void view_pods(const EngineObjects& objects, EngineView& view) {
  if (!objects.workload.object) return;
  const Workload& workload = *objects.workload.object;
  view.current = workload.current;
  view.ready = workload.ready;
  view.selector = workload.selector;
  view.pod_requests = workload.pod_requests;
}

}  // namespace

Reach EngineView::reach() const {
  Reach reach = Reach::Full;
  for (const Obstacle& obstacle : obstacles) reach = std::min(reach, obstacle.leaves);
  return reach;
}

const Obstacle* EngineView::obstacle(std::string_view reason) const {
  const auto it = std::ranges::find_if(obstacles, [&](const Obstacle& obstacle) { return obstacle.reason == reason; });
  return it == obstacles.end() ? nullptr : &*it;
}

void add_obstacle(EngineView& view, const std::string& reason, const std::string& message, Reach leaves) {
  view.obstacles.push_back({reason, message, leaves});
}

std::string described(const std::string& kind, const api::ObjectKey& key) {
  return absl::StrCat(kind, " ", key.to_string());
}

std::string described(const api::TargetRef& target, const std::string& ns) {
  return described(target.kind, {ns, target.name});
}

std::vector<std::string> rivals(const EngineObjects& objects, const std::string& except_autoscaler,
                                const std::string& except_scaled_object) {
  std::vector<std::string> names;
  for (const auto& autoscaler : objects.autoscalers) {
    if (autoscaler->object.key.name == except_autoscaler) continue;
    const auto& owner = autoscaler->object.controller;
    const bool made_by_listed = owner && owner->kind == kube::types::kScaledObject.kind &&
                                std::ranges::any_of(objects.scaled_objects, [&](const auto& scaled) {
                                  return scaled->object.key.name == owner->name;
                                });
    if (!made_by_listed) names.push_back(described("HorizontalPodAutoscaler", autoscaler->object.key));
  }
  for (const auto& scaled : objects.scaled_objects) {
    if (scaled->object.key.name != except_scaled_object) names.push_back(described("ScaledObject", scaled->object.key));
  }
  return names;
}

void view_written(const api::ScaleTarget& target, const kube::ResourceType& type, const ObjectView& object,
                  const Size& now, EngineView& view) {
  view.exists = true;
  view.type = type;
  view.key = object.key;
  view.resource_version = object.resource_version;
  view.annotated = !object.original_annotation.empty();
  view.size.uid = object.uid;
  view.size.now = now;
  view.size.other_manager = object.other_manager;
  view.size.status_originals = target.status.originals;
  view.size.status_in_force = target.status.in_force;
  view.size.status_since = target.status.in_force_since;
  view.size.status_max = target.status.bounds_max;
  if (view.annotated) {
    Result<OriginalRecord> record = record_from_annotation(object.original_annotation);
    if (!record) {
      add_obstacle(view, "OriginalUnreadable",
                   absl::StrCat("what ", described(type.kind, object.key),
                                " said before cannot be known: ", record.error().message));
      return;
    }
    // Another namespace's ScaleTarget cannot reach this object (tenancy), so its record came along with a copy.
    const std::string own = target.meta.key().to_string();
    const bool same_namespace = record.value().target.starts_with(target.meta.ns + "/");
    if (record.value().target != own && same_namespace) {
      view.claimed_by = api::ObjectKey{target.meta.ns, record.value().target.substr(target.meta.ns.size() + 1)};
      add_obstacle(view, "NotOurs",
                   absl::StrCat(described(type.kind, object.key), " is already sized by ScaleTarget ",
                                record.value().target, "; delete one of the two"));
    }
    view.size.annotation = std::move(record).value();
  }
  view.ownership = resolve_ownership(view.size);
  // What another ScaleTarget holds is not in force for this one: stored as such, it would pass for an override of its
  // own once the other's record is gone.
  if (view.claimed_by) view.ownership.held = false;
  view.known = true;
}

EngineObjects gather_objects(const api::ScaleTarget& target, Cluster& cluster) {
  const std::string& ns = target.meta.ns;
  const api::ScaleTargetSpec& spec = target.spec;
  const api::Engine& engine = spec.engine;
  EngineObjects objects;
  objects.region = cluster.region();
  objects.autoscaler = cluster.autoscaler({ns, engine.owns_autoscaler() ? target.meta.name : engine.name});
  objects.autoscalers = cluster.autoscalers_of(ns, spec.target_ref);
  objects.scaled_object = cluster.scaled_object({ns, engine.name});
  objects.scaled_objects = cluster.scaled_objects_of(ns, spec.target_ref);
  objects.workload = cluster.workload(ns, spec.target_ref, engine.field_path);
  objects.kind = cluster.kind_of(spec.target_ref, engine.field_path);
  return objects;
}

EngineView view_of(const api::ScaleTarget& target, const EngineObjects& objects, const OperatorOptions& options) {
  EngineView view;
  view_pods(objects, view);
  switch (target.spec.engine.type) {
    case EngineType::HorizontalPodAutoscaler:
      view_autoscaler(target, objects, view);
      break;
    case EngineType::ScaledObject:
      view_scaled_object(target, objects, view);
      break;
    case EngineType::Scale:
    case EngineType::Field:
      view_workload(target, objects, options, view);
      break;
    case EngineType::Advise:
      view_advised(target, objects, view);
      break;
  }
  return view;
}

EngineView view_engine(const api::ScaleTarget& target, Cluster* cluster, const OperatorOptions& options) {
  if (cluster != nullptr) return view_of(target, gather_objects(target, *cluster), options);
  EngineView view;
  add_obstacle(view, "RegionNotConnected",
               absl::StrCat("region ", target.spec.region, " is not connected; see its Region object"));
  return view;
}

void take_over_orphan(EngineView& view) {
  if (!view.claimed_by) return;
  const bool out_of_reach = std::ranges::any_of(view.obstacles, [](const Obstacle& obstacle) {
    return obstacle.reason != "NotOurs" && obstacle.leaves == Reach::Nothing;
  });
  if (out_of_reach) return;
  std::erase_if(view.obstacles, [](const Obstacle& obstacle) { return obstacle.reason == "NotOurs"; });
  view.claimed_by.reset();
  view.ownership = resolve_ownership(view.size);
}

void show_landed(const api::ScaleTarget& target, const Size& size, const std::optional<OriginalRecord>& record,
                 const std::string& resource_version, const std::string& uid, EngineView& view) {
  view.exists = true;
  view.resource_version = resource_version;
  view.size.uid = uid;
  view.size.now = size;
  view.size.annotation = record;
  view.annotated = record.has_value();
  if (target.spec.engine.owns_autoscaler()) {
    view.made_from = made_from(target.spec.engine);
    view.ownership = ownership_of_own(target, view.size);
  } else {
    view.ownership = resolve_ownership(view.size);
  }
}

api::Originals originals_of(const api::ScaleTarget& target, const EngineView& view) {
  const bool keda = target.spec.engine.type == EngineType::ScaledObject;
  api::Originals originals;
  originals.min = view.ownership.original.min.value_or(kKedaMin);
  originals.max = view.ownership.original.max.value_or(keda ? kKedaMax : originals.min);
  originals.uid = view.size.uid;
  return originals;
}

std::optional<int> approved_scale_down(const api::ScaleTarget& target) {
  const auto it = target.meta.annotations.find(api::kApproveScaleDownAnnotation);
  int size = 0;
  if (it == target.meta.annotations.end() || !absl::SimpleAtoi(it->second, &size) || size < 0) return std::nullopt;
  return size;
}

plan::TargetObservation observation_of(const api::ScaleTarget& target, const EngineView& view) {
  const api::ScaleTargetStatus& status = target.status;
  plan::TargetObservation seen;
  if (view.known) seen.originals = originals_of(target, view);
  seen.current = view.current;
  seen.ready = view.ready;
  if (target.spec.engine.type == EngineType::Advise) {
    // Nothing is written, so what was last advised is what ramps and holds go on from.
    seen.in_force = status.in_force;
    seen.in_force_since = status.in_force_since;
  } else if (view.ownership.held) {
    const bool ours_stands = !view.ownership.foreign_edit && view.size.now.min;
    seen.in_force = ours_stands ? view.size.now.min : view.ownership.written.min;
    seen.in_force_since = view.ownership.written_at;
  }
  seen.decided_by_schedule = plan::schedule_in_decided_by(status.decided_by, target.meta.ns);
  seen.rule_size = status.rules.size;
  seen.started_leads = status.started_leads;
  seen.warm_up = status.warm_up;
  seen.approved_size = approved_scale_down(target);
  return seen;
}

}  // namespace headroom::controllers
