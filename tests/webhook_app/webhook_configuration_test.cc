#include "webhook/app/webhook_configuration.h"

#include <gtest/gtest.h>

#include "tests/webhook_app/a_limit.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

json configured(const std::vector<std::shared_ptr<const api::ScaleLimit>>& limits) {
  std::vector<std::shared_ptr<const limits::CompiledLimit>> compiled;
  for (const auto& limit : limits) {
    const std::vector<limits::TypeId> types(limit->spec.match.resources.size(), 0);
    compiled.push_back(std::make_shared<const limits::CompiledLimit>(static_cast<limits::LimitId>(compiled.size() + 1),
                                                                     limit, types, std::vector<std::string>(),
                                                                     std::vector<std::string>()));
  }
  WebhookAddress address;
  address.service_ns = "headroom-system";
  address.service = "headroom-webhook";
  address.ca_pem = "CA";
  address.excluded_namespaces = {"headroom-system", "kube-system"};
  return webhook_configuration("headroom", limits::LimitSet(compiled), address).at("webhooks");
}

json resources(const std::vector<json>& list) { return {{"match", {{"resources", list}}}}; }
json resource(const std::string& group, const std::string& plural, const json& more = json::object()) {
  json one = {{"group", group}, {"version", "v1"}, {"resource", plural}};
  one.update(more);
  return one;
}

TEST(WebhookConfiguration, asks_for_nothing_without_limits) { EXPECT_TRUE(configured({}).empty()); }

TEST(WebhookConfiguration, has_one_rule_per_resource_with_all_that_the_limits_ask_of_it) {
  const json webhooks = configured(
      {a_limit("a", resources({resource("apps", "deployments", {{"subresources", json::array({"scale"})}})})),
       a_limit("b", resources({resource("apps", "deployments", {{"operations", {"CREATE", "DELETE"}}}),
                               resource("example.com", "artifacts")}))});
  ASSERT_EQ(webhooks.size(), 1u);
  EXPECT_EQ(webhooks[0]["rules"], json::parse(R"([
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "DELETE", "UPDATE"],
     "resources": ["deployments", "deployments/scale"], "scope": "Namespaced"},
    {"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
     "resources": ["artifacts"], "scope": "Namespaced"}])"));
}

TEST(WebhookConfiguration, sends_a_resource_to_the_entry_that_fails_where_any_limit_wants_that) {
  const json webhooks = configured(
      {a_limit("strict"), a_limit("lax", {{"unavailable", "Ignore"}}),
       a_limit("other", {{"unavailable", "Ignore"}, {"match", resources({resource("", "configmaps")}).at("match")}})});
  ASSERT_EQ(webhooks.size(), 2u);
  EXPECT_EQ(webhooks[0]["failurePolicy"], "Fail");
  EXPECT_EQ(webhooks[0]["rules"][0]["resources"], json::array({"artifacts"}));
  EXPECT_EQ(webhooks[1]["failurePolicy"], "Ignore");
  ASSERT_EQ(webhooks[1]["rules"].size(), 1u);
  EXPECT_EQ(webhooks[1]["rules"][0]["resources"], json::array({"configmaps"}));
  EXPECT_NE(webhooks[0]["name"], webhooks[1]["name"]);
}

TEST(WebhookConfiguration, leaves_out_the_excluded_namespaces_and_nothing_else) {
  const json one = configured({a_limit("a", {{"match", {{"labelSelector", {{"matchLabels", {{"a", "b"}}}}}}}})})[0];
  EXPECT_EQ(one["namespaceSelector"], json::parse(R"({"matchExpressions": [{"key": "kubernetes.io/metadata.name",
                                        "operator": "NotIn", "values": ["headroom-system", "kube-system"]}]})"));
  EXPECT_FALSE(one.contains("objectSelector")) << "an update may take labels off";
  EXPECT_EQ(one["matchPolicy"], "Equivalent");
  EXPECT_EQ(one["sideEffects"], "NoneOnDryRun");
  EXPECT_EQ(one["timeoutSeconds"], 5);
  EXPECT_EQ(one["clientConfig"], json::parse(R"({"caBundle": "Q0E=", "service": {"namespace": "headroom-system",
                                   "name": "headroom-webhook", "path": "/validate", "port": 443}})"));
}

TEST(WebhookConfiguration, lets_scaling_down_and_the_end_of_objects_pass_without_the_webhook) {
  const json scaled = configured(
      {a_limit("a", resources({resource("apps", "deployments", {{"subresources", json::array({"scale"})}})}))})[0];
  ASSERT_EQ(scaled["matchConditions"].size(), 2u);
  EXPECT_EQ(scaled["matchConditions"][0]["name"], "not-scaled-down");
  EXPECT_EQ(scaled["matchConditions"][1]["name"], "not-ending");
  const json plain = configured({a_limit("a")})[0];
  ASSERT_EQ(plain["matchConditions"].size(), 1u);
  EXPECT_EQ(plain["matchConditions"][0]["name"], "not-ending");
}

TEST(WebhookConfiguration, hears_of_every_change_of_what_limits_look_at_even_when_the_object_is_ending) {
  const json sums = {{"total", {{"sums", {{{"name", "size"}, {"path", ".data.size"}, {"hard", 10}}}}}}};
  const std::string condition = configured({a_limit("a", sums)})[0]["matchConditions"][0]["expression"];
  EXPECT_NE(condition.find("object['data'] == oldObject['data']"), std::string::npos) << condition;
  EXPECT_NE(condition.find("metadata.labels"), std::string::npos) << condition;
}

}  // namespace
}  // namespace headroom::webhook
