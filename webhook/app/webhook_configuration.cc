#include "webhook/app/webhook_configuration.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "operator/api/object.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using Unavailable = api::ScaleLimitSpec::Unavailable;

constexpr int kTimeoutSeconds = 5;

using Resource = std::tuple<std::string, std::string, std::string>;  ///< group, version, resource

/// What the limits of one entry ask of one resource.
struct Rule {
  std::set<std::string> resources;  ///< with subresources: "deployments", "deployments/scale"
  std::set<std::string> operations;
  std::string scope;
};

struct Entry {
  std::map<Resource, Rule> rules;
  std::set<std::string> fields;  ///< top-level ones that limits look at, besides labels
  bool scales = false;
};

Resource key_of(const api::MatchedResource& resource) { return {resource.group, resource.version, resource.resource}; }

void add_fields(Entry& entry, const api::ScaleLimitSpec& spec) {
  const auto add = [&](const api::JsonPath& path) {
    if (!path.empty()) entry.fields.insert(path.steps().front().name);
  };
  for (const api::SumLimit& sum : spec.total.sums) add(sum.path);
  for (const api::FieldCap& field : spec.object.fields) add(field.path);
  for (const api::FieldRequirement& field : spec.match.fields) add(field.path);
  entry.fields.insert("spec");
}

json rule_json(const Resource& resource, const Rule& rule) {
  const auto& [group, version, plural] = resource;
  return {{"apiGroups", {group}},
          {"apiVersions", {version}},
          {"resources", rule.resources},
          {"operations", rule.operations},
          {"scope", rule.scope}};
}

/// Whether the field is the same before and after.
std::string unchanged(const std::string& field) {
  const std::string now = absl::StrCat("object['", field, "']");
  const std::string before = absl::StrCat("oldObject['", field, "']");
  const std::string has_now = absl::StrCat("'", field, "' in object");
  const std::string has_before = absl::StrCat("'", field, "' in oldObject");
  return absl::StrCat("((!(", has_now, ") && !(", has_before, ")) || ((", has_now, ") && (", has_before, ") && ", now,
                      " == ", before, "))");
}

// A request for the object itself has no such field, and reading it would refuse the write.
constexpr char kSubResource[] = "(has(request.subResource) ? request.subResource : '')";

json match_conditions(const Entry& entry) {
  json conditions = json::array();
  if (entry.scales) {
    conditions.push_back(
        {{"name", "not-scaled-down"},
         {"expression", absl::StrCat("!(request.operation == 'UPDATE' && ", kSubResource,
                                     " == 'scale' && has(object.spec) && "
                                     "has(oldObject.spec) && (has(object.spec.replicas) ? object.spec.replicas : 0) <= "
                                     "(has(oldObject.spec.replicas) ? oldObject.spec.replicas : 0))")}});
  }
  std::vector<std::string> same = {
      "((has(object.metadata.labels) ? object.metadata.labels : {}) == "
      "(has(oldObject.metadata.labels) ? oldObject.metadata.labels : {}))"};
  for (const std::string& field : entry.fields) {
    if (field != "metadata") same.push_back(unchanged(field));
  }
  if (!entry.fields.contains("metadata")) {
    conditions.push_back({{"name", "not-ending"},
                          {"expression", absl::StrCat("!(request.operation == 'UPDATE' && ", kSubResource,
                                                      " == '' && "
                                                      "has(oldObject.metadata.deletionTimestamp) && ",
                                                      absl::StrJoin(same, " && "), ")")}});
  }
  return conditions;
}

json client_config(const WebhookAddress& address) {
  json config = {{"caBundle", absl::Base64Escape(address.ca_pem)}};
  if (!address.url.empty()) {
    config["url"] = address.url;
  } else {
    config["service"] = {
        {"namespace", address.service_ns}, {"name", address.service}, {"path", "/validate"}, {"port", 443}};
  }
  return config;
}

json entry_json(const char* name, const char* policy, const Entry& entry, const WebhookAddress& address) {
  json rules = json::array();
  for (const auto& [resource, rule] : entry.rules) rules.push_back(rule_json(resource, rule));
  return {
      {"name", name},
      {"admissionReviewVersions", {"v1"}},
      {"clientConfig", client_config(address)},
      {"failurePolicy", policy},
      {"matchPolicy", "Equivalent"},
      {"sideEffects", "NoneOnDryRun"},
      {"timeoutSeconds", kTimeoutSeconds},
      {"namespaceSelector",
       {{"matchExpressions",
         {{{"key", "kubernetes.io/metadata.name"}, {"operator", "NotIn"}, {"values", address.excluded_namespaces}}}}}},
      {"matchConditions", match_conditions(entry)},
      {"rules", rules}};
}

}  // namespace

json webhook_configuration(const std::string& name, const limits::LimitSet& limits, const WebhookAddress& address) {
  std::set<Resource> fails;
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
        entry.scales = entry.scales || sub == "scale";
      }
      for (const api::Operation operation : resource.operations) rule.operations.insert(api::to_string(operation));
      rule.scope = resource.scope == api::MatchedResource::Scope::Cluster ? "Cluster" : "Namespaced";
      add_fields(entry, limit->limit().spec);
    }
  }
  json webhooks = json::array();
  if (!failing.rules.empty()) webhooks.push_back(entry_json("fail.limits.headroom.dev", "Fail", failing, address));
  if (!ignoring.rules.empty()) {
    webhooks.push_back(entry_json("ignore.limits.headroom.dev", "Ignore", ignoring, address));
  }
  return {{"apiVersion", "admissionregistration.k8s.io/v1"},
          {"kind", "ValidatingWebhookConfiguration"},
          {"metadata", {{"name", name}, {"labels", {{"app.kubernetes.io/managed-by", "headroom"}}}}},
          {"webhooks", webhooks}};
}

}  // namespace headroom::webhook
