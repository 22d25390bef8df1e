#include "operator/kube/discovery.h"

#include <algorithm>
#include <utility>

#include "operator/kube/url.h"

namespace headroom::kube {

namespace {

constexpr std::chrono::seconds kAskAgainAfter{10};
// A cluster with many operators serves about a hundred; whoever asks for more is guessing.
constexpr std::size_t kMostGroupVersions = 256;

Error missing(const std::string& api_version, const std::string& kind) {
  return Error{ErrorCode::NotFound,
               "the cluster serves no kind " + kind + " in " + api_version +
                   ": check apiVersion and kind, or install the CustomResourceDefinition",
               404,
               {}};
}

std::string text_of(const nlohmann::json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::map<std::string, ResourceType> read_resources(const nlohmann::json& list, const std::string& group,
                                                   const std::string& version) {
  std::map<std::string, ResourceType> by_kind;
  const auto resources = list.is_object() ? list.find("resources") : list.end();
  if (resources == list.end() || !resources->is_array()) return by_kind;
  for (const nlohmann::json& resource : *resources) {
    if (!resource.is_object()) continue;
    const std::string plural = text_of(resource, "name"), kind = text_of(resource, "kind");
    // "deployments/scale" is served as kind Scale: a subresource, not a type.
    if (plural.empty() || kind.empty() || plural.find('/') != std::string::npos) continue;
    const auto namespaced = resource.find("namespaced");
    by_kind.try_emplace(
        kind, ResourceType{group, version, plural, kind,
                           namespaced != resource.end() && namespaced->is_boolean() && namespaced->get<bool>()});
  }
  return by_kind;
}

}  // namespace

Result<ResourceType> Discovery::find(const std::string& api_version, const std::string& kind, SteadyTime now,
                                     const Fetch& fetch) {
  const std::size_t slash = api_version.find('/');
  const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
  const std::string version = slash == std::string::npos ? api_version : api_version.substr(slash + 1);
  if (version.empty() || slash == 0 || version.find('/') != std::string::npos || kind.empty()) {
    return invalid("apiVersion \"" + api_version + "\" with kind \"" + kind +
                   "\" names no type; write group/version (or \"v1\") and a kind");
  }
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = known_.find(api_version); it != known_.end()) {
      if (const auto found = it->second.by_kind.find(kind); found != it->second.by_kind.end()) return found->second;
      if (now - it->second.fetched < kAskAgainAfter) return missing(api_version, kind);
    }
  }
  // Unlocked: several threads may ask at once, none waits for another's slow answer.
  GroupVersion answer{now, {}};
  Result<nlohmann::json> list =
      fetch((group.empty() ? "/api/" : "/apis/" + percent_encode(group) + "/") + percent_encode(version));
  if (list) {
    answer.by_kind = read_resources(list.value(), group, version);
  } else if (list.error().code != ErrorCode::NotFound) {
    return with_context(std::move(list).error(), "discovery of " + api_version);
  }
  const auto found = answer.by_kind.find(kind);
  Result<ResourceType> result =
      found != answer.by_kind.end() ? Result<ResourceType>(found->second) : missing(api_version, kind);

  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMostGroupVersions && !known_.contains(api_version)) {
    known_.erase(std::min_element(known_.begin(), known_.end(),
                                  [](const auto& a, const auto& b) { return a.second.fetched < b.second.fetched; }));
  }
  known_.insert_or_assign(api_version, std::move(answer));
  return result;
}

}  // namespace headroom::kube
