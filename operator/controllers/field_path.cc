#include "operator/controllers/field_path.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace headroom::controllers {
namespace {

constexpr std::size_t kLongestPath = 512, kDeepestPath = 16;

bool is_field_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

Error bad_path(const std::string& path) {
  return invalid("path \"" + path.substr(0, kLongestPath) +
                 "\" is not a chain of field names; write it like .spec.replicas, without lists");
}

}  // namespace

Result<std::vector<std::string>> parse_field_path(const std::string& path) {
  if (path.size() > kLongestPath || path.empty() || path.front() != '.') return bad_path(path);
  std::vector<std::string> fields;
  for (std::size_t start = 1; start <= path.size();) {
    const std::size_t end = std::min(path.find('.', start), path.size());
    fields.push_back(path.substr(start, end - start));
    if (!is_field_name(fields.back()) || fields.size() > kDeepestPath) return bad_path(path);
    start = end + 1;
  }
  if (fields.empty()) return bad_path(path);
  return fields;
}

const nlohmann::json* find_field(const nlohmann::json& object, const std::string& path) {
  const auto fields = parse_field_path(path);
  if (!fields) return nullptr;
  const nlohmann::json* at = &object;
  for (const std::string& field : fields.value()) {
    if (!at->is_object()) return nullptr;
    const auto it = at->find(field);
    if (it == at->end()) return nullptr;
    at = &*it;
  }
  return at->is_null() ? nullptr : at;
}

std::string text_at(const nlohmann::json& object, const std::string& path) {
  const nlohmann::json* value = find_field(object, path);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::string version_of(const nlohmann::json& object) { return text_at(object, ".metadata.resourceVersion"); }

nlohmann::json field_patch(const std::string& path, nlohmann::json value) {
  const std::vector<std::string> fields = parse_field_path(path).value();
  for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
    value = nlohmann::json::object({{*field, std::move(value)}});
  }
  return value;
}

}  // namespace headroom::controllers
