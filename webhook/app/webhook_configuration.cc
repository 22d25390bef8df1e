#include "webhook/app/webhook_configuration.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "operator/api/object.h"
#include "operator/validation/limits.h"
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
  LimitsByResource limits;  ///< that conditions are made of
};

/// Of one failure policy. No create is ever left out by a condition, and to evaluate one costs the API server a tenth
/// of what a create does: creates have an entry without any.
struct Entries {
  Entry creates, changes;
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

void put(Entries& entries, const api::ScaleLimit& limit, const api::MatchedResource& resource) {
  bool changes = false;
  for (const api::Operation operation : resource.operations) {
    const bool creates = operation == api::Operation::Create;
    changes = changes || !creates;
    Rule& rule = (creates ? entries.creates : entries.changes).rules[key_of(resource)];
    rule.operations.insert(api::to_string(operation));
    rule.resources.insert(resource.resource);
    const std::string scope = resource.scope == api::MatchedResource::Scope::Cluster ? "Cluster" : "Namespaced";
    // A limit that is wrong about a type takes the other limits nothing.
    rule.scope = rule.scope.empty() || rule.scope == scope ? scope : "*";
    if (creates) continue;  // subresources are only ever updated
    for (const std::string& sub : resource.subresources) {
      rule.resources.insert(absl::StrCat(resource.resource, "/", sub));
    }
  }
  if (changes) entries.changes.limits[{resource.group, resource.resource}].push_back({&limit, &resource});
}

json entry_json(const std::string& name, const char* policy, const Entry& entry, const WebhookAddress& address) {
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
  const validation::LeadingLimits leading = validation::leading_limits(limits.objects());
  Entries failing, ignoring;
  for (const auto& limit : limits.limits()) {
    for (const api::MatchedResource& resource : limit->limit().spec.match.resources) {
      if (!validation::in_force(resource, leading)) continue;
      put(fails.contains(key_of(resource)) ? failing : ignoring, limit->limit(), resource);
    }
  }
  json webhooks = json::array();
  for (const auto& [policy, entries] : {std::pair("Fail", &failing), std::pair("Ignore", &ignoring)}) {
    const std::string name_of_policy = absl::StrCat(absl::AsciiStrToLower(policy), ".limits.headroom.dev");
    if (!entries->creates.rules.empty()) {
      webhooks.push_back(entry_json(name_of_policy, policy, entries->creates, address));
    }
    if (!entries->changes.rules.empty()) {
      webhooks.push_back(entry_json(absl::StrCat("changes.", name_of_policy), policy, entries->changes, address));
    }
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
