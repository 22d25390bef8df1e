// The policy and binding that a limit brings.
#include "operator/backstop/policy.h"

#include <gtest/gtest.h>

#include <string>

namespace headroom::backstop {
namespace {

using nlohmann::json;

api::ScaleLimit limit_of(const std::string& spec, const std::string& ns = "shop") {
  const json object = {{"apiVersion", "headroom.dev/v1alpha1"},
                       {"kind", ns.empty() ? "ClusterScaleLimit" : "ScaleLimit"},
                       {"metadata", {{"namespace", ns}, {"name", "caps"}, {"uid", "u"}}},
                       {"spec", json::parse(spec)}};
  return ns.empty() ? api::cluster_scale_limit_from_json(object).value() : api::scale_limit_from_json(object).value();
}

std::optional<Backstop> made(const api::ScaleLimit& limit) { return backstop_of(limit, {"headroom-system"}); }

constexpr char kMatch[] = R"("match": {"resources": [{"group": "apps", "version": "v1", "resource": "deployments",
  "subresources": ["scale"], "operations": ["CREATE", "UPDATE", "DELETE"]}]})";

std::string spec_with(const std::string& more) { return "{" + std::string(kMatch) + ", " + more + "}"; }
const std::string kCapped = spec_with(R"("object": {"replicas": {"max": 5}})");

TEST(BackstopPolicy, is_named_after_the_limit_and_found_by_that_name) {
  const LimitName names[] = {{api::LimitKind::ScaleLimit, {"shop", "caps"}},
                             {api::LimitKind::ScaleLimit, {"shop", "caps.v2"}},
                             {api::LimitKind::ClusterScaleLimit, {"", "caps"}},
                             {api::LimitKind::ClusterScaleLimit, {"", "shop.caps"}}};
  EXPECT_EQ(policy_name(names[0]), "headroom.sl.shop.caps");
  EXPECT_EQ(policy_name(names[2]), "headroom.csl.caps");
  for (const LimitName& name : names) EXPECT_EQ(limit_of_policy(policy_name(name)), name);
  for (const char* const other : {"", "headroom", "headroom.sl.", "headroom.sl.shop", "headroom.sl.shop.",
                                  "headroom.sl..caps", "headroom.csl.", "other.sl.shop.caps"}) {
    EXPECT_EQ(limit_of_policy(other), std::nullopt) << other;
  }
}

TEST(BackstopPolicy, is_there_only_where_it_has_something_to_hold) {
  EXPECT_TRUE(made(limit_of(kCapped)));
  EXPECT_TRUE(made(limit_of(spec_with(R"("object": {"fields": [{"name": "a", "path": ".spec.a", "max": 1}]})"))));
  const std::string full = R"("total": {"count": 5}, "thresholds": [{"name": "full", "percent": 90, "level": "Red")";
  EXPECT_TRUE(made(limit_of(spec_with(full + R"(, "action": "Halt"}])"))));
  EXPECT_TRUE(made(limit_of(spec_with(full + R"(, "action": "PauseWrites"}])"))));
  EXPECT_FALSE(made(limit_of(spec_with(full + R"(, "action": "Notify"}])"))));
  EXPECT_FALSE(made(limit_of(spec_with(R"("object": {"maxBytes": 5})"))));
  EXPECT_FALSE(made(limit_of(spec_with(R"("total": {"count": 5})"))));
  EXPECT_FALSE(made(limit_of(spec_with(R"("object": {"replicas": {"max": 5}}, "mode": "Warn")"))));
  EXPECT_FALSE(made(limit_of(R"({"match": {"resources": [{"version": "v1", "resource": "pods",
      "operations": ["DELETE"]}]}, "object": {"replicas": {"max": 5}}})")));
}

TEST(BackstopPolicy, of_the_longest_selector_and_the_most_sums_has_expressions_that_the_api_server_reads) {
  constexpr std::size_t kMostCharacters = 100'000;
  json spec = json::parse(spec_with(R"("total": {"count": 5}, "thresholds": [
      {"name": "full", "percent": 90, "level": "Red", "action": "Halt"}])"));
  json values = json::array(), sums = json::array();
  for (char c = 'a'; values.size() < 32; c = c == 'z' ? 'A' : static_cast<char>(c + 1)) {
    values.push_back(std::string(253, c));
  }
  for (int i = 0; i < 16; ++i) {
    const std::string name = "sum" + std::to_string(i);
    sums.push_back({{"name", name}, {"path", ".spec." + name}, {"hard", 9}});
  }
  spec["match"]["fieldSelector"] = {{{"path", ".spec.kind"}, {"operator", "In"}, {"values", values}}};
  spec["total"]["sums"] = sums;
  const Backstop longest = *made(limit_of(spec.dump()));
  std::size_t selectors = 0;
  for (const char* const list : {"validations", "variables", "matchConditions"}) {
    for (const json& one : longest.policy["spec"][list]) {
      const auto expression = one.at("expression").get<std::string>();
      EXPECT_LT(expression.size(), kMostCharacters) << one.value("message", one.value("name", ""));
      selectors += expression.find(std::string(253, 'a')) != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_EQ(selectors, 2u) << "the object after the write, and before it";
}

TEST(BackstopPolicy, judges_the_limits_own_writes_in_its_own_namespaces) {
  const Backstop mine = *made(limit_of(kCapped));
  EXPECT_EQ(mine.policy["spec"]["matchConstraints"], json::parse(R"({
    "matchPolicy": "Equivalent", "objectSelector": {},
    "namespaceSelector": {"matchExpressions": [
      {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["headroom-system"]}]},
    "resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
      "resources": ["deployments", "deployments/scale"], "scope": "Namespaced"}]})"));
  EXPECT_EQ(mine.policy["spec"]["failurePolicy"], "Fail");
  EXPECT_EQ(mine.policy["spec"]["paramKind"],
            json::parse(R"({"apiVersion": "headroom.dev/v1alpha1", "kind": "ScaleLimit"})"));
  EXPECT_EQ(mine.binding["spec"], json::parse(R"({
    "policyName": "headroom.sl.shop.caps", "validationActions": ["Deny"],
    "paramRef": {"name": "caps", "namespace": "shop", "parameterNotFoundAction": "Allow"},
    "matchResources": {"matchPolicy": "Equivalent", "objectSelector": {},
      "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}})"));
  EXPECT_EQ(mine.policy["metadata"]["name"], mine.binding["metadata"]["name"]);
  EXPECT_EQ(mine.policy["metadata"]["labels"][kComponentLabel], "backstop");
}

TEST(BackstopPolicy, of_a_cluster_limit_goes_by_its_namespace_selector) {
  const Backstop wide = *made(limit_of(R"({"match": {"namespaceSelector": {"matchLabels": {"tier": "a"},
      "matchExpressions": [{"key": "team", "operator": "In", "values": ["x", "y"]}, {"key": "old", "operator": "DoesNotExist"}]},
      "resources": [{"version": "v1", "resource": "pods"}, {"version": "v1", "resource": "nodes", "scope": "Cluster"},
                    {"version": "v1", "resource": "namespaces", "scope": "Cluster"}]},
    "object": {"fields": [{"name": "a", "path": ".spec.a", "max": 1}]}, "unavailable": "Ignore"})",
                                       ""));
  EXPECT_EQ(wide.binding["spec"]["matchResources"]["namespaceSelector"], json::parse(R"({"matchLabels": {"tier": "a"},
      "matchExpressions": [{"key": "team", "operator": "In", "values": ["x", "y"]}, {"key": "old", "operator": "DoesNotExist"}]})"));
  EXPECT_EQ(wide.binding["spec"]["paramRef"], json::parse(R"({"name": "caps", "parameterNotFoundAction": "Allow"})"));
  EXPECT_EQ(wide.policy["spec"]["failurePolicy"], "Ignore");
  const json& rules = wide.policy["spec"]["matchConstraints"]["resourceRules"];
  ASSERT_EQ(rules.size(), 2u) << "nodes are in no namespace";
  EXPECT_EQ(rules[1]["resources"], json::array({"namespaces"}));
}

TEST(BackstopPolicy, leaves_scale_to_the_webhook_where_a_scale_does_not_show_what_selects) {
  const auto resources = [](const std::string& spec) {
    const Backstop one = *made(limit_of(spec));
    return one.policy["spec"]["matchConstraints"]["resourceRules"][0]["resources"];
  };
  EXPECT_EQ(resources(R"({"match": {"labelSelector": {"matchLabels": {"a": "b"}}, "resources": [{"group": "apps",
      "version": "v1", "resource": "deployments", "subresources": ["scale"]}]}, "object": {"replicas": {"max": 5}}})"),
            json::array({"deployments"}));
  EXPECT_EQ(resources(spec_with(R"("object": {"fields": [{"name": "a", "path": ".spec.a", "max": 1}]})")),
            json::array({"deployments"}));
}

TEST(BackstopPolicy, stays_the_same_when_only_numbers_change) {
  const auto policy = [](const std::string& max) {
    return made(limit_of(
                    spec_with(R"("object": {"fields": [{"name": "a", "path": ".spec.a", "max": ")" + max + R"("}]})")))
        ->policy;
  };
  EXPECT_EQ(policy("5"), policy("1Gi"));
}

}  // namespace
}  // namespace headroom::backstop
