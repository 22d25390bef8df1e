#include "operator/api/object.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/base/duration.h"

namespace headroom::api {
namespace {

using nlohmann::json;

// The API server writes metadata itself, so a part of another type than the API's is treated as absent.

const json* member(const json& object, const char* field) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(field);
  return it == object.end() ? nullptr : &*it;
}

std::string text_of(const json& object, const char* field) {
  const json* value = member(object, field);
  const auto* text = value == nullptr ? nullptr : value->get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

std::optional<absl::Time> time_of(const json& object, const char* field) {
  const Result<absl::Time> parsed = parse_rfc3339(text_of(object, field));
  return parsed ? std::optional(parsed.value()) : std::nullopt;
}

std::map<std::string, std::string> text_map_of(const json& object, const char* field) {
  std::map<std::string, std::string> values;
  const json* map = member(object, field);
  if (map == nullptr || !map->is_object()) return values;
  for (const auto& [key, value] : map->items()) {
    if (const auto* text = value.get_ptr<const std::string*>()) values.emplace(key, *text);
  }
  return values;
}

}  // namespace

std::string ObjectKey::to_string() const { return ns.empty() ? name : ns + "/" + name; }

bool ObjectMeta::has_finalizer(std::string_view finalizer) const {
  return std::find(finalizers.begin(), finalizers.end(), finalizer) != finalizers.end();
}

const OwnerReference* ObjectMeta::controller() const {
  const auto it = std::find_if(owners.begin(), owners.end(), [](const auto& owner) { return owner.controller; });
  return it == owners.end() ? nullptr : &*it;
}

ObjectMeta meta_from_json(const json& object) {
  ObjectMeta meta;
  const json* metadata = member(object, "metadata");
  if (metadata == nullptr) return meta;
  meta.ns = text_of(*metadata, "namespace");
  meta.name = text_of(*metadata, "name");
  meta.uid = text_of(*metadata, "uid");
  meta.resource_version = text_of(*metadata, "resourceVersion");
  if (const json* generation = member(*metadata, "generation"); generation && generation->is_number_integer()) {
    meta.generation = generation->get<std::int64_t>();
  }
  meta.created = time_of(*metadata, "creationTimestamp");
  meta.deleted = time_of(*metadata, "deletionTimestamp");
  meta.labels = text_map_of(*metadata, "labels");
  meta.annotations = text_map_of(*metadata, "annotations");
  if (const json* finalizers = member(*metadata, "finalizers"); finalizers && finalizers->is_array()) {
    for (const json& finalizer : *finalizers) {
      if (const auto* text = finalizer.get_ptr<const std::string*>()) meta.finalizers.push_back(*text);
    }
  }
  if (const json* owners = member(*metadata, "ownerReferences"); owners && owners->is_array()) {
    for (const json& owner : *owners) {
      const json* controller = member(owner, "controller");
      meta.owners.push_back({text_of(owner, "apiVersion"), text_of(owner, "kind"), text_of(owner, "name"),
                             text_of(owner, "uid"),
                             controller != nullptr && controller->is_boolean() && controller->get<bool>()});
    }
  }
  return meta;
}

}  // namespace headroom::api
