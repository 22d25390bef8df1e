#include "tests/controllers/simulated_objects.h"

#include <stdexcept>

#include "operator/controllers/field_path.h"

namespace headroom::controllers {

using nlohmann::json;

namespace {

Error conflict() { return {ErrorCode::Conflict, "the object has been modified", 409, {}}; }

template <class T>
std::shared_ptr<const T> decoded(Result<T> value) {
  if (!value) throw std::runtime_error(value.error().message);
  return std::make_shared<const T>(std::move(value).value());
}

}  // namespace

void SimulatedObjects::add(json object) {
  json& meta = object["metadata"];
  if (!meta.contains("uid")) meta["uid"] = "uid-" + std::to_string(++uids_);
  if (!meta.contains("namespace")) meta["namespace"] = "shop";
  const std::pair key{object["kind"].get<std::string>(), meta["name"].get<std::string>()};
  touch(objects_[key] = std::move(object));
}

json& SimulatedObjects::at(const std::string& kind, const std::string& name) { return objects_.at({kind, name}); }

bool SimulatedObjects::has(const std::string& kind, const std::string& name) const {
  return objects_.contains({kind, name});
}

void SimulatedObjects::remove(const std::string& kind, const std::string& name) { objects_.erase({kind, name}); }

void SimulatedObjects::touch(json& object) { object["metadata"]["resourceVersion"] = std::to_string(++version_); }

void SimulatedObjects::edit(const std::string& kind, const std::string& name, const json& patch,
                            const std::string& manager) {
  json& object = at(kind, name);
  object.merge_patch(patch);
  if (!manager.empty() && patch.contains("spec")) {
    json owned = json::object();
    for (const auto& [field, value] : patch["spec"].items()) owned["f:" + field] = json::object();
    object["metadata"]["managedFields"] = json::array(
        {{{"manager", manager}, {"time", "2026-11-05T00:00:00Z"}, {"fieldsV1", {{"f:spec", std::move(owned)}}}}});
  }
  touch(object);
}

Result<json> SimulatedObjects::apply(const Write& write) {
  journal_.push_back(write.body.dump());
  if (write.kind == Write::Kind::Create) {
    if (has(write.type.kind, write.key.name)) return Error{ErrorCode::AlreadyExists, "exists", 409, {}};
    add(write.body);
    return at(write.type.kind, write.key.name);
  }
  if (!has(write.type.kind, write.key.name)) return Error{ErrorCode::NotFound, "not found", 404, {}};
  json& object = at(write.type.kind, write.key.name);
  if (write.body.at("metadata").at("resourceVersion") != object["metadata"]["resourceVersion"]) return conflict();
  if (write.kind == Write::Kind::Delete) {
    if (write.body.at("metadata").at("uid") != object["metadata"]["uid"]) return conflict();
    remove(write.type.kind, write.key.name);
    return json::object();
  }
  if (write.subresource == "scale") {
    const auto kind = kinds.find(write.type.kind);
    const std::string path = kind == kinds.end() ? ".spec.replicas" : kind->second.scale_path;
    object.merge_patch(field_patch(path, write.body.at("spec").at("replicas")));
    touch(object);
    return json{{"kind", "Scale"}, {"metadata", {{"resourceVersion", object["metadata"]["resourceVersion"]}}}};
  }
  const json before = object;
  json patch = write.body;
  patch["metadata"].erase("resourceVersion");
  object.merge_patch(patch);
  // The API server drops an empty map of annotations.
  if (object["metadata"].contains("annotations") && object["metadata"]["annotations"].empty()) {
    object["metadata"].erase("annotations");
  }
  if (object != before) touch(object);
  return object;
}

Status SimulatedObjects::apply(std::vector<Write> writes, std::size_t most) {
  for (std::size_t i = 0; i < writes.size() && i < most; ++i) {
    Result<json> answer = apply(writes[i]);
    if (!answer) return answer.error();
    if (writes[i].then_rebase) {
      writes.at(i + 1).body["metadata"]["resourceVersion"] = answer.value()["metadata"]["resourceVersion"];
    }
  }
  return ok();
}

EngineObjects SimulatedObjects::objects_of(const api::ScaleTarget& target) const {
  const api::TargetRef& ref = target.spec.target_ref;
  const api::Engine& engine = target.spec.engine;
  EngineObjects found;
  found.region = target.spec.region;
  found.autoscaler.synced = found.scaled_object.synced = found.workload.synced = true;
  const auto kind = kinds.find(ref.kind);
  found.kind = kind == kinds.end() ? built_in_kind(ref, engine.field_path) : std::optional(kind->second);
  for (const auto& [key, object] : objects_) {
    if (key.first == "HorizontalPodAutoscaler") {
      const auto autoscaler = decoded(autoscaler_from_json(object));
      if (autoscaler->target.kind == ref.kind && autoscaler->target.name == ref.name) {
        found.autoscalers.push_back(autoscaler);
      }
      if (key.second == (engine.owns_autoscaler() ? target.meta.name : engine.name)) {
        found.autoscaler.object = autoscaler;
      }
    }
    if (key.first == "ScaledObject") {
      const auto scaled = decoded(scaled_object_from_json(object));
      if (scaled->target.kind == ref.kind && scaled->target.name == ref.name) found.scaled_objects.push_back(scaled);
      if (key.second == engine.name) found.scaled_object.object = scaled;
    }
    if (key.first == ref.kind && key.second == ref.name) {
      found.workload.object = decoded(workload_from_json(object, found.kind->paths));
    }
  }
  return found;
}

EngineView SimulatedObjects::view(const api::ScaleTarget& target, const OperatorOptions& options) const {
  return view_of(target, objects_of(target), options);
}

std::string SimulatedObjects::face(const std::string& kind, const std::string& name) const {
  const json& object = objects_.at({kind, name});
  json meta = object["metadata"];
  for (const char* field : {"resourceVersion", "generation", "managedFields"}) meta.erase(field);
  return json{{"metadata", meta}, {"spec", object["spec"]}}.dump();
}

json a_deployment(const std::string& name, int replicas) {
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", name}, {"labels", {{"app", name}}}}},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", name}}}}},
            {"template", {{"spec", {{"containers", {{{"name", "main"}, {"image", "example/web:1"}}}}}}}}}},
          {"status", {{"replicas", replicas}, {"readyReplicas", replicas}}}};
}

json an_autoscaler(const std::string& name, const std::string& deployment, int min, int max) {
  return {{"apiVersion", "autoscaling/v2"},
          {"kind", "HorizontalPodAutoscaler"},
          {"metadata", {{"name", name}, {"annotations", {{"team", "web"}}}}},
          {"spec",
           {{"scaleTargetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", deployment}}},
            {"minReplicas", min},
            {"maxReplicas", max},
            {"metrics", json::array()}}},
          {"status", {{"currentReplicas", min}, {"desiredReplicas", min}}}};
}

json a_scaled_object(const std::string& name, const std::string& deployment, std::optional<int> min,
                     std::optional<int> max) {
  json object = {{"apiVersion", "keda.sh/v1alpha1"},
                 {"kind", "ScaledObject"},
                 {"metadata", {{"name", name}}},
                 {"spec", {{"scaleTargetRef", {{"name", deployment}}}, {"triggers", json::array()}}}};
  if (min) object["spec"]["minReplicaCount"] = *min;
  if (max) object["spec"]["maxReplicaCount"] = *max;
  return object;
}

json a_database(const std::string& name, int instances) {
  return {{"apiVersion", "postgresql.cnpg.io/v1"},
          {"kind", "Cluster"},
          {"metadata", {{"name", name}}},
          {"spec", {{"instances", instances}, {"storage", {{"size", "10Gi"}}}}},
          {"status", {{"instances", instances}, {"readyInstances", instances}}}};
}

ScaleKind database_kind(const std::string& field_path) {
  const std::string path = field_path.empty() ? ".spec.instances" : field_path;
  return {{"postgresql.cnpg.io", "v1", "clusters", "Cluster", true},
          {path, ".status.instances", ".status.readyInstances", ".status.selector"},
          ".spec.instances"};
}

api::ScaleTarget a_target(const std::string& name, api::EngineType engine, const std::string& deployment) {
  api::ScaleTarget target;
  target.meta.ns = "shop";
  target.meta.name = name;
  target.meta.uid = "uid-of-" + name;
  target.spec.target_ref = {"apps/v1", "Deployment", deployment};
  target.spec.replicas.min = 1;
  target.spec.replicas.max = 100;
  target.spec.engine.type = engine;
  return target;
}

api::ScaleTarget a_database_target(const std::string& name, api::EngineType engine, const std::string& database) {
  api::ScaleTarget target = a_target(name, engine, database);
  target.spec.target_ref = {"postgresql.cnpg.io/v1", "Cluster", database};
  target.spec.role = api::Role::ReadReplica;
  target.spec.read_replica.scale_down = api::ReadReplicaPolicy::ScaleDown::Automatic;
  if (engine == api::EngineType::Field) target.spec.engine.field_path = ".spec.instances";
  return target;
}

plan::Decision a_decision(int original, int min, int max) {
  plan::Decision decision;
  decision.active = true;
  decision.size = decision.min = decision.wanted = min;
  decision.max = max;
  decision.decided_by = "FestivalSchedule/diwali peak";
  decision.reasons = {{api::Reason::Kind::Original, original, "", "original"},
                      {api::Reason::Kind::Schedule, min, "diwali", "diwali: peak"}};
  return decision;
}

plan::Decision no_decision(int original) {
  plan::Decision decision;
  decision.size = decision.min = decision.max = original;
  decision.decided_by = "Original";
  decision.reasons = {{api::Reason::Kind::Original, original, "", "original"}};
  return decision;
}

}  // namespace headroom::controllers
