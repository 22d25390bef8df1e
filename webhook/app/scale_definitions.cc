#include "webhook/app/scale_definitions.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "operator/base/log.h"
#include "operator/limits/compiled_limit.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

// Definitions hardly ever change; one that is not there yet, or may not be read yet, is waited for.
constexpr absl::Duration kLookAgain = absl::Minutes(5), kLookForMissing = absl::Seconds(15);

/// Null where the version has no scale subresource.
std::optional<std::string> replicas_path_of(const json& version) {
  const json::json_pointer place("/subresources/scale/specReplicasPath");
  if (!version.contains(place) || !version.at(place).is_string()) return std::nullopt;
  return version.at(place).get<std::string>();
}

}  // namespace

std::optional<api::JsonPath> scaled_field_of(const json& definition, const std::string& version) {
  const json::json_pointer versions("/spec/versions");
  if (!definition.contains(versions) || !definition.at(versions).is_array()) return std::nullopt;
  std::optional<std::string> wanted;
  std::set<std::string> all;
  for (const json& one : definition.at(versions)) {
    const auto path = replicas_path_of(one);
    if (!path) continue;
    all.insert(*path);
    if (one.value("name", "") == version) wanted = path;
  }
  if (!wanted || all.size() > 1) return std::nullopt;
  auto path = api::JsonPath::parse(*wanted);
  return path ? std::optional(std::move(path).value()) : std::nullopt;
}

void ScaleDefinitions::look(const Key& key, const api::MatchedResource& resource, const std::stop_token& stop) {
  const std::string name = absl::StrCat(resource.resource, ".", resource.group);
  const auto definition = reader_->get(kube::types::kCustomResourceDefinition, {"", name}, stop);
  if (!definition && definition.error().code != ErrorCode::NotFound) {
    log::warning("it is not known which field /scale writes",
                 {{"resource", name}, {"error", definition.error().message}});
    return;
  }
  auto field = definition ? scaled_field_of(definition.value(), resource.version) : std::nullopt;
  if (field) {
    fields_.insert_or_assign(key, *std::move(field));
  } else {
    fields_.erase(key);
  }
}

bool ScaleDefinitions::refresh(const std::vector<std::shared_ptr<const api::ScaleLimit>>& limits, limits::BootTime now,
                               const std::stop_token& stop) {
  const limits::ScaledFields before = fields_;
  std::map<Key, limits::BootTime> looked;
  for (const auto& limit : limits) {
    for (const api::MatchedResource& resource : limit->spec.match.resources) {
      if (limits::ScaledField::of(resource, {}).path() || !limits::has_scale(resource)) continue;
      const Key key{resource.group, resource.version, resource.resource};
      if (looked.contains(key)) continue;
      const auto former = looked_.find(key);
      const absl::Duration pause = fields_.contains(key) ? kLookAgain : kLookForMissing;
      if (former != looked_.end() && now < former->second + pause) {
        looked.insert(*former);
        continue;
      }
      look(key, resource, stop);
      looked.emplace(key, now);
    }
  }
  looked_ = std::move(looked);
  std::erase_if(fields_, [this](const auto& entry) { return !looked_.contains(entry.first); });
  return fields_ != before;
}

}  // namespace headroom::webhook
