#include "webhook/app/webhook_configuration.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "operator/api/object.h"
#include "webhook/app/match_conditions.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using Unavailable = api::ScaleLimitSpec::Unavailable;

constexpr int kTimeoutSeconds = 5;

/// What the limits of one entry ask of one resource.
struct Rule {
  std::set<std::string> resources;  ///< with subresources: "deployments", "deployments/scale"
  std::set<std::string> operations;
  std::string scope;
};

using ResourceKey = std::tuple<std::string, std::string, std::string>;  ///< group, version, resource

struct Entry {
  std::map<ResourceKey, Rule> rules;
  LimitsByResource limits;
};

ResourceKey key_of(const api::MatchedResource& resource) {
  return {resource.group, resource.version, resource.resource};
}

json rule_json(const ResourceKey& resource, const Rule& rule) {
  const auto& [group, version, plural] = resource;
  return {{"apiGroups", {group}},
          {"apiVersions", {version}},
          {"resources", rule.resources},
          {"operations", rule.operations},
          {"scope", rule.scope}};
}

json entry_json(const char* name, const char* policy, const Entry& entry, const WebhookAddress& address) {
  json rules = json::array();
  for (const auto& [resource, rule] : entry.rules) rules.push_back(rule_json(resource, rule));
  return {
      {"name", name},
      {"admissionReviewVersions", {"v1"}},
      {"clientConfig", client_config(address, kReviewPath)},
      {"failurePolicy", policy},
      {"matchPolicy", "Equivalent"},
      {"sideEffects", "NoneOnDryRun"},
      {"timeoutSeconds", kTimeoutSeconds},
      {"namespaceSelector",
       {{"matchExpressions",
         {{{"key", "kubernetes.io/metadata.name"}, {"operator", "NotIn"}, {"values", address.excluded_namespaces}}}}}},
      {"objectSelector", json::object()},
      {"matchConditions", match_conditions(entry.limits)},
      {"rules", rules}};
}

}  // namespace

json client_config(const WebhookAddress& address, const std::string& path) {
  json config = json::object();
  if (!address.ca_pem.empty()) config["caBundle"] = absl::Base64Escape(address.ca_pem);
  if (!address.url.empty()) {
    config["url"] = absl::StrCat(address.url.substr(0, address.url.rfind('/')), path);
  } else {
    config["service"] = {{"namespace", address.service_ns}, {"name", address.service}, {"path", path}, {"port", 443}};
  }
  return config;
}

json webhook_configuration(const std::string& name, const limits::LimitSet& limits, const WebhookAddress& address) {
  std::set<ResourceKey> fails;
  for (const auto& limit : limits.limits()) {
    if (limit->limit().spec.unavailable != Unavailable::Fail) continue;
    for (const api::MatchedResource& resource : limit->limit().spec.match.resources) fails.insert(key_of(resource));
  }
  Entry failing, ignoring;
  for (const auto& limit : limits.limits()) {
    for (const api::MatchedResource& resource : limit->limit().spec.match.resources) {
      Entry& entry = fails.contains(key_of(resource)) ? failing : ignoring;
      Rule& rule = entry.rules[key_of(resource)];
      rule.resources.insert(resource.resource);
      for (const std::string& sub : resource.subresources) {
        rule.resources.insert(absl::StrCat(resource.resource, "/", sub));
      }
      for (const api::Operation operation : resource.operations) rule.operations.insert(api::to_string(operation));
      const std::string scope = resource.scope == api::MatchedResource::Scope::Cluster ? "Cluster" : "Namespaced";
      // A limit that is wrong about a type takes the other limits nothing.
      rule.scope = rule.scope.empty() || rule.scope == scope ? scope : "*";
      entry.limits[{resource.group, resource.resource}].push_back({&limit->limit(), &resource});
    }
  }
  json webhooks = json::array();
  if (!failing.rules.empty()) webhooks.push_back(entry_json("fail.limits.headroom.dev", "Fail", failing, address));
  if (!ignoring.rules.empty()) {
    webhooks.push_back(entry_json("ignore.limits.headroom.dev", "Ignore", ignoring, address));
  }
  json metadata = {{"name", name}, {"labels", {{"app.kubernetes.io/managed-by", "headroom"}}}};
  if (!address.inject_ca_from.empty()) {
    metadata["annotations"] = {{"cert-manager.io/inject-ca-from", address.inject_ca_from}};
  }
  return {{"apiVersion", "admissionregistration.k8s.io/v1"},
          {"kind", "ValidatingWebhookConfiguration"},
          {"metadata", metadata},
          {"webhooks", webhooks}};
}

}  // namespace headroom::webhook
