#include "operator/controllers/managed_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/api/object.h"
#include "operator/controllers/field_path.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

std::string text_at(const json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

/// fieldsV1 nests "f:spec": {"f:replicas": {}}.
bool owns(const json& fields, const std::string& path) {
  const auto names = parse_field_path(path);
  if (!names) return false;
  const json* at = &fields;
  for (const std::string& name : names.value()) {
    if (!at->is_object()) return false;
    const auto it = at->find("f:" + name);
    if (it == at->end()) return false;
    at = &*it;
  }
  return true;
}

}  // namespace

std::string other_manager_of(const json& object, std::span<const std::string> paths) {
  const json* entries = find_field(object, ".metadata.managedFields");
  if (entries == nullptr || !entries->is_array()) return "";
  std::string newest, newest_time;
  for (const json& entry : *entries) {
    if (!entry.is_object()) continue;
    const std::string manager = text_at(entry, "manager");
    const auto fields = entry.find("fieldsV1");
    if (manager.empty() || manager == api::kFieldManager || fields == entry.end()) continue;
    if (std::none_of(paths.begin(), paths.end(), [&](const std::string& path) { return owns(*fields, path); }))
      continue;
    // metav1.Time is UTC and of fixed width, so it sorts as text.
    const std::string time = text_at(entry, "time");
    if (newest.empty() || time >= newest_time) {
      newest = manager;
      newest_time = time;
    }
  }
  return newest;
}

}  // namespace headroom::controllers
