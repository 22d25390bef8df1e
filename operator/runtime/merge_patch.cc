#include "operator/runtime/merge_patch.h"

#include <nlohmann/json.hpp>

namespace headroom::runtime {

std::optional<nlohmann::json> merge_patch_between(const nlohmann::json& before, const nlohmann::json& after) {
  if (before == after) return std::nullopt;
  if (!before.is_object() || !after.is_object()) return after;
  nlohmann::json patch = nlohmann::json::object();
  for (const auto& [field, value] : after.items()) {
    const auto former = before.find(field);
    if (former == before.end()) {
      patch[field] = value;
    } else if (auto inner = merge_patch_between(*former, value)) {
      patch[field] = std::move(*inner);
    }
  }
  for (const auto& [field, value] : before.items()) {
    if (!after.contains(field)) patch[field] = nullptr;
  }
  return patch;
}

std::optional<nlohmann::json> status_patch_between(const nlohmann::json& before, const nlohmann::json& after) {
  const auto conditions = before.find("conditions");
  const bool written = conditions != before.end() && !conditions->empty();
  return merge_patch_between(written ? before : nlohmann::json::object(), after);
}

}  // namespace headroom::runtime
