#include "operator/runtime/reflector.h"

namespace headroom::runtime {
namespace {

std::string string_at(const nlohmann::json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

ObjectIdentity identity_of(const nlohmann::json& object) {
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return {};
  return {{string_at(*metadata, "namespace"), string_at(*metadata, "name")},
          string_at(*metadata, "resourceVersion"),
          string_at(*metadata, "uid")};
}

}  // namespace headroom::runtime
