#include "webhook/app/configuration_entry.h"

#include <nlohmann/json.hpp>

namespace headroom::webhook {

using nlohmann::json;

const json& member_of(const json& object, const char* name) {
  static const json kNothing;
  if (!object.is_object()) return kNothing;
  const auto it = object.find(name);
  return it == object.end() ? kNothing : *it;
}

json reached(const json& entry) {
  json config = member_of(entry, "clientConfig");
  if (config.is_object()) config.erase("caBundle");
  return config;
}

}  // namespace headroom::webhook
