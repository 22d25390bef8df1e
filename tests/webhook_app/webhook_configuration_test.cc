#include "webhook/app/webhook_configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/webhook_app/a_limit.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

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
  ASSERT_EQ(webhooks.size(), 2u);
  EXPECT_EQ(webhooks[0]["rules"], json::parse(R"([
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"],
     "scope": "Namespaced"},
    {"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["artifacts"],
     "scope": "Namespaced"}])"));
  EXPECT_EQ(webhooks[1]["rules"], json::parse(R"([
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["DELETE", "UPDATE"],
     "resources": ["deployments", "deployments/scale"], "scope": "Namespaced"},
    {"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["UPDATE"],
     "resources": ["artifacts"], "scope": "Namespaced"}])"));
}

TEST(WebhookConfiguration, has_no_condition_evaluated_for_creates) {
  const json webhooks = configured({a_limit("a")});
  ASSERT_EQ(webhooks.size(), 2u);
  EXPECT_EQ(webhooks[0]["name"], "fail.limits.headroom.dev");
  EXPECT_EQ(webhooks[0]["matchConditions"], json::array());
  EXPECT_EQ(webhooks[1]["name"], "changes.fail.limits.headroom.dev");
  EXPECT_FALSE(webhooks[1]["matchConditions"].empty());
}

TEST(WebhookConfiguration, names_one_version_of_a_type_so_that_nobody_takes_the_writes_of_others_away) {
  const json newer = {
      {"match", {{"resources", {{{"group", "example.com"}, {"version", "v2"}, {"resource", "artifacts"}}}}}}};
  const auto versions = [&](const std::vector<std::shared_ptr<const api::ScaleLimit>>& limits) {
    std::set<std::string> named;
    for (const json& entry : configured(limits)) {
      for (const json& rule : entry.at("rules")) named.insert(rule.at("apiVersions").front());
    }
    return named;
  };
  const auto created = [](std::shared_ptr<const api::ScaleLimit> limit, int day) {
    api::ScaleLimit dated = *limit;
    dated.meta.created = absl::FromUnixSeconds(day);
    return std::make_shared<const api::ScaleLimit>(dated);
  };
  const auto old = created(a_limit("old"), 1), young = created(a_limit("young", newer), 2);
  EXPECT_THAT(versions({young, old}), ElementsAre("v1")) << "the oldest";
  EXPECT_THAT(versions({old, created(a_cluster_limit("everywhere", newer), 3)}), ElementsAre("v2"))
      << "a ClusterScaleLimit goes before";
}

TEST(WebhookConfiguration, asks_in_every_scope_where_limits_do_not_agree_about_it) {
  const json webhooks =
      configured({a_limit("right"),
                  a_cluster_limit("wrong", resources({resource("example.com", "artifacts", {{"scope", "Cluster"}})}))});
  ASSERT_EQ(webhooks.size(), 2u);
  EXPECT_EQ(webhooks[0]["rules"].at(0)["scope"], "*");
  EXPECT_EQ(webhooks[1]["rules"].at(0)["scope"], "*");
}

TEST(WebhookConfiguration, sends_a_resource_to_the_entry_that_fails_where_any_limit_wants_that) {
  const json webhooks = configured(
      {a_limit("strict"), a_limit("lax", {{"unavailable", "Ignore"}}),
       a_limit("other", {{"unavailable", "Ignore"}, {"match", resources({resource("", "configmaps")}).at("match")}})});
  ASSERT_EQ(webhooks.size(), 4u);
  std::set<std::string> names;
  for (std::size_t i = 0; i < webhooks.size(); ++i) {
    EXPECT_EQ(webhooks[i]["failurePolicy"], i < 2 ? "Fail" : "Ignore");
    ASSERT_EQ(webhooks[i]["rules"].size(), 1u);
    EXPECT_EQ(webhooks[i]["rules"][0]["resources"], json::array({i < 2 ? "artifacts" : "configmaps"}));
    names.insert(webhooks[i]["name"]);
  }
  EXPECT_EQ(names.size(), 4u);
}

TEST(WebhookConfiguration, leaves_out_the_excluded_namespaces_and_nothing_else) {
  const json one = configured({a_limit("a", {{"match", {{"labelSelector", {{"matchLabels", {{"a", "b"}}}}}}}})})[0];
  EXPECT_EQ(one["namespaceSelector"], json::parse(R"({"matchExpressions": [{"key": "kubernetes.io/metadata.name",
                                        "operator": "NotIn", "values": ["headroom-system", "kube-system"]}]})"));
  EXPECT_EQ(one["objectSelector"], json::object()) << "an update may take labels off";
  EXPECT_EQ(one["matchPolicy"], "Equivalent");
  EXPECT_EQ(one["sideEffects"], "NoneOnDryRun");
  EXPECT_EQ(one["timeoutSeconds"], 5);
  EXPECT_EQ(one["clientConfig"], json::parse(R"({"caBundle": "Q0E=", "service": {"namespace": "headroom-system",
                                   "name": "headroom-webhook", "path": "/validate", "port": 443}})"));
}

std::vector<std::string> conditions(const json& spec) {
  std::vector<std::string> names;
  const json webhooks = configured({a_limit("a", spec)});
  for (const json& one : webhooks.back().at("matchConditions")) names.push_back(one.at("name"));
  return names;
}

TEST(WebhookConfiguration, leaves_out_updates_that_use_no_more) {
  EXPECT_THAT(conditions(json::object()), ElementsAre("may-use-more"));
  const json scaled = resources({resource("apps", "deployments", {{"subresources", json::array({"scale"})}})});
  EXPECT_THAT(conditions(scaled), ElementsAre("may-use-more", "not-scaled-down"));
}

TEST(WebhookConfiguration, hears_of_every_write_where_limits_look_at_every_write) {
  const std::vector<const char*> specs = {R"({"rate": {"writesPerSecond": 5}})", R"({"concurrency": {"max": 5}})",
                                          R"({"object": {"maxBytes": 5}})",
                                          R"({"deny": [{"name": "all", "operations": ["UPDATE"], "message": "no"}]})",
                                          R"({"total": null, "observed": [{"name": "used", "query": "up", "hard": 5}],
          "thresholds": [{"name": "full", "percent": 90, "level": "Red", "action": "Halt"}]})"};
  for (const char* const text : specs) {
    const json spec = json::parse(text);
    EXPECT_THAT(conditions(spec), ElementsAre("not-ending")) << spec;
  }
}

TEST(WebhookConfiguration, leaves_nothing_out_of_what_only_deletes_and_creates_are_judged_by) {
  EXPECT_THAT(conditions(resources({resource("", "configmaps", {{"operations", {"CREATE", "DELETE"}}})})),
              ElementsAre());
}

TEST(WebhookConfiguration, splits_conditions_that_the_API_server_would_not_compile_in_one) {
  const auto sums = [](int count, const std::string& longest) {
    json list = json::array();
    for (int i = 0; i < count; ++i) {
      list.push_back(
          {{"name", "s" + std::to_string(i)}, {"path", ".spec." + longest + std::to_string(i)}, {"hard", 1}});
    }
    return json{{"total", {{"sums", list}}}};
  };
  std::vector<json> types;
  types.reserve(16);
  for (int i = 0; i < 16; ++i) types.push_back(resource("example.com", "artifacts" + std::to_string(i)));
  json wide = sums(4, std::string(100, 'a'));
  wide.update(resources(types));
  const json found = configured({a_limit("a", wide)})[1]["matchConditions"];
  ASSERT_GT(found.size(), 1u);
  for (const json& one : found) EXPECT_LT(one.at("expression").get<std::string>().size(), 100'000u);
  EXPECT_EQ(found[1]["name"], "may-use-more-2");
  EXPECT_THAT(conditions(sums(30, std::string(100, 'a'))), ElementsAre()) << "rather asks than breaks";
}

}  // namespace
}  // namespace headroom::webhook
