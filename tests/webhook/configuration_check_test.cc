// Whether the API server is asked about all that a limit matches, by what is stored.
#include "webhook/app/configuration_check.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "tests/webhook/limits_for_tests.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

WebhookAddress address() {
  WebhookAddress address;
  address.service_ns = "headroom-system";
  address.service = "headroom-webhook";
  address.ca_pem = "authority";
  address.excluded_namespaces = {"kube-system"};
  return address;
}

/// As the API server stores it: with defaults.
json stored(const LimitPtr& limit) {
  json object = webhook_configuration("headroom", limits::LimitSet({limit}), address());
  for (json& entry : object["webhooks"]) entry["objectSelector"] = json::object();
  return object;
}

std::string left_out(const json& object, const LimitPtr& limit) {
  std::set<std::string> asking;
  return webhook::left_out(object, limit, address(), asking);
}

TEST(ConfigurationCheck, finds_nothing_left_out_of_what_was_generated) {
  const LimitPtr limit = compiled(deployments_limit());
  EXPECT_EQ(left_out(stored(limit), limit), "");
  json wide = stored(limit);
  wide["webhooks"].erase(1);
  wide["webhooks"][0]["rules"][0]["resources"] = {"*"};
  wide["webhooks"][0]["rules"][0]["operations"] = {"*"};
  EXPECT_EQ(left_out(wide, limit), "");
}

TEST(ConfigurationCheck, names_what_the_api_server_does_not_ask_about) {
  const LimitPtr limit = compiled(deployments_limit());
  struct Row {
    const char* path;
    json value;
    const char* left_out;
  };
  const char* const kCreates = "CREATE of deployments.apps";
  const char* const kChanges = "UPDATE of deployments.apps, UPDATE of deployments/scale.apps";
  const char* const kAll = "CREATE of deployments.apps, UPDATE of deployments.apps, UPDATE of deployments/scale.apps";
  const Row of_all[] = {
      {"/webhooks", json::array(), kAll},
      {"/webhooks", nullptr, kAll},
      {"/webhooks/1/rules/0/operations", {"CREATE"}, kChanges},
      {"/webhooks/1/rules/0/resources", {"deployments"}, "UPDATE of deployments/scale.apps"},
  };
  for (const Row& row : of_all) {
    json object = stored(limit);
    object[json::json_pointer(row.path)] = row.value;
    EXPECT_EQ(left_out(object, limit), row.left_out) << row.path;
  }
  const std::pair<const char*, json> of_an_entry[] = {
      {"/rules/0/apiVersions", {"v2"}},
      {"/rules/0/apiGroups", {"extensions"}},
      {"/rules/0/scope", "Cluster"},
      {"/rules", json::array()},
      {"/timeoutSeconds", 1},
      {"/sideEffects", "None"},
      {"/failurePolicy", "Ignore"},
      {"/matchPolicy", "Exact"},
      {"/clientConfig/service/name", "another"},
      {"/objectSelector", {{"matchLabels", {{"judged", "yes"}}}}},
      {"/namespaceSelector/matchExpressions/0/values", {"kube-system", "shop"}},
      {"", "no entry"},
  };
  for (const auto& [path, value] : of_an_entry) {
    for (const bool creates : {true, false}) {
      json object = stored(limit);
      object[json::json_pointer(absl::StrCat("/webhooks/", creates ? 0 : 1, path))] = value;
      EXPECT_EQ(left_out(object, limit), creates ? kCreates : kChanges) << path;
    }
  }
}

TEST(ConfigurationCheck, leaves_authorities_to_whoever_keeps_the_certificates) {
  const LimitPtr limit = compiled(deployments_limit());
  json rotated = stored(limit);
  for (json& entry : rotated["webhooks"]) entry["clientConfig"]["caBundle"] = "another";
  EXPECT_EQ(left_out(rotated, limit), "");
  for (json& entry : rotated["webhooks"]) entry["clientConfig"].erase("caBundle");
  EXPECT_EQ(left_out(rotated, limit), "");
}

TEST(ConfigurationCheck, a_limit_that_lets_writes_pass_without_a_webhook_may_share_an_entry_that_does_not) {
  api::ScaleLimit ignoring = deployments_limit();
  ignoring.spec.unavailable = api::ScaleLimitSpec::Unavailable::Ignore;
  EXPECT_EQ(left_out(stored(compiled(deployments_limit())), compiled(ignoring)), "");
}

TEST(ConfigurationCheck, tells_by_which_entries_the_api_server_asks) {
  const LimitPtr limit = compiled(deployments_limit());
  std::set<std::string> asking;
  webhook::left_out(stored(limit), limit, address(), asking);
  EXPECT_EQ(asking, std::set<std::string>({"changes.fail.limits.headroom.dev", "fail.limits.headroom.dev"}));
}

}  // namespace
}  // namespace headroom::webhook
