#include "operator/backstop/policy.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/api/limit_ledger.h"
#include "operator/backstop/validations.h"

namespace headroom::backstop {
namespace {

using api::LimitKind;
using nlohmann::json;

constexpr std::string_view kPrefix = "headroom.", kScaleLimits = "sl.", kClusterScaleLimits = "csl.";
constexpr char kNamespaceName[] = "kubernetes.io/metadata.name";

json metadata(const api::ScaleLimit& limit) {
  return {{"name", policy_name({limit.kind, limit.meta.key()})},
          {"labels", {{"app.kubernetes.io/managed-by", "headroom"}, {kComponentLabel, kComponent}}},
          {"annotations", {{"headroom.dev/limit", limit_text(limit)}}}};
}

json not_in(const std::vector<std::string>& namespaces) {
  return {
      {"matchExpressions", json::array({{{"key", kNamespaceName}, {"operator", "NotIn"}, {"values", namespaces}}})}};
}

json selector_json(const api::LabelSelector& selector) {
  json written = json::object();
  if (!selector.match_labels.empty()) written["matchLabels"] = selector.match_labels;
  for (const auto& requirement : selector.match_expressions) {
    using Operator = api::LabelSelector::Requirement::Operator;
    json one = {{"key", requirement.key}};
    switch (requirement.op) {
      case Operator::In:
        one["operator"] = "In";
        break;
      case Operator::NotIn:
        one["operator"] = "NotIn";
        break;
      case Operator::Exists:
        one["operator"] = "Exists";
        break;
      case Operator::DoesNotExist:
        one["operator"] = "DoesNotExist";
        break;
    }
    if (!requirement.values.empty()) one["values"] = requirement.values;
    written["matchExpressions"].push_back(std::move(one));
  }
  return written;
}

/// Which writes of the limit's own a policy judges.
json resource_rules(const api::ScaleLimit& limit) {
  const api::ScaleLimitSpec& spec = limit.spec;
  json rules = json::array();
  for (const api::MatchedResource& resource : spec.match.resources) {
    const bool cluster_wide = resource.scope == api::MatchedResource::Scope::Cluster;
    // Objects outside of namespaces are in none that a selector picks; namespaces themselves are in their own.
    if (cluster_wide && spec.match.namespaces && !(resource.group.empty() && resource.resource == "namespaces"))
      continue;
    json operations = json::array(), resources = json::array({resource.resource});
    for (const api::Operation operation : resource.operations) {
      if (operation != api::Operation::Delete) operations.push_back(api::to_string(operation));
    }
    if (operations.empty()) continue;
    for (const std::string& sub : resource.subresources) {
      if (sub != "scale" || judges_scale(spec)) resources.push_back(absl::StrCat(resource.resource, "/", sub));
    }
    rules.push_back({{"apiGroups", json::array({resource.group})},
                     {"apiVersions", json::array({resource.version})},
                     {"operations", std::move(operations)},
                     {"resources", std::move(resources)},
                     {"scope", cluster_wide ? "Cluster" : "Namespaced"}});
  }
  return rules;
}

json param_ref(const api::ScaleLimit& limit) {
  // A limit that is gone limits nothing, whatever is left of it elsewhere.
  json reference = {{"name", limit.meta.name}, {"parameterNotFoundAction", "Allow"}};
  if (limit.kind == LimitKind::ScaleLimit) reference["namespace"] = limit.meta.ns;
  return reference;
}

json namespaces_of(const api::ScaleLimit& limit) {
  if (limit.kind == LimitKind::ScaleLimit) return {{"matchLabels", {{kNamespaceName, limit.meta.ns}}}};
  return limit.spec.match.namespaces ? selector_json(*limit.spec.match.namespaces) : json::object();
}

}  // namespace

std::string policy_name(const LimitName& limit) {
  return absl::StrCat(std::string(kPrefix), api::ledger_name(limit.kind, limit.key));
}

std::optional<LimitName> limit_of_policy(const std::string& name) {
  std::string_view rest = name;
  const auto take = [&](std::string_view prefix) {
    if (!rest.starts_with(prefix)) return false;
    rest.remove_prefix(prefix.size());
    return true;
  };
  if (!take(kPrefix)) return std::nullopt;
  if (take(kClusterScaleLimits)) {
    if (rest.empty()) return std::nullopt;
    return LimitName{LimitKind::ClusterScaleLimit, {"", std::string(rest)}};
  }
  if (!take(kScaleLimits)) return std::nullopt;
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == rest.size()) return std::nullopt;
  return LimitName{LimitKind::ScaleLimit, {std::string(rest.substr(0, dot)), std::string(rest.substr(dot + 1))}};
}

std::optional<Backstop> backstop_of(const api::ScaleLimit& limit, const std::vector<std::string>& excluded_namespaces) {
  const api::ScaleLimitSpec& spec = limit.spec;
  if (spec.mode != api::ScaleLimitSpec::Mode::Enforce) return std::nullopt;
  json rules = resource_rules(limit), checks = validations(limit);
  if (rules.empty() || checks.empty()) return std::nullopt;
  const std::string api_version = absl::StrCat(api::kGroup, "/", api::kVersion);
  Backstop backstop;
  backstop.policy = {
      {"apiVersion", "admissionregistration.k8s.io/v1"},
      {"kind", "ValidatingAdmissionPolicy"},
      {"metadata", metadata(limit)},
      {"spec",
       {{"failurePolicy", spec.unavailable == api::ScaleLimitSpec::Unavailable::Fail ? "Fail" : "Ignore"},
        {"paramKind", {{"apiVersion", api_version}, {"kind", api::to_string(limit.kind)}}},
        {"matchConstraints",
         {{"matchPolicy", "Equivalent"},
          {"namespaceSelector", not_in(excluded_namespaces)},
          {"objectSelector", json::object()},
          {"resourceRules", std::move(rules)}}},
        {"matchConditions", match_conditions(spec)},
        {"variables", variables(spec)},
        {"validations", std::move(checks)}}}};
  backstop.binding = {{"apiVersion", "admissionregistration.k8s.io/v1"},
                      {"kind", "ValidatingAdmissionPolicyBinding"},
                      {"metadata", metadata(limit)},
                      {"spec",
                       {{"policyName", policy_name({limit.kind, limit.meta.key()})},
                        {"paramRef", param_ref(limit)},
                        {"validationActions", json::array({"Deny"})},
                        {"matchResources",
                         {{"matchPolicy", "Equivalent"},
                          {"namespaceSelector", namespaces_of(limit)},
                          {"objectSelector", json::object()}}}}}};
  return backstop;
}

}  // namespace headroom::backstop
