// No webhook is alive: what uses less goes on, what uses more is refused, by the API server's failure policy or by the
// policies that the operator keeps up behind the limits.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/limits_home.h"
#include "tests/e2e/operators.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;
using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

// Of the machine that other tests share.
constexpr int kPatience = 60;

Cluster& home_with_controllers() {
  static bool furnished = false;
  Cluster& cluster = Cluster::named("no-webhook", {"--nodes", "1", "--apiserver-flag=--request-timeout=10s"});
  if (!std::exchange(furnished, true)) cluster.rights().let_limit("", {kube::types::kSecret.plural});
  return cluster;
}

json limit_of(const std::string& ns, const std::string& name, const char* spec) {
  return {{"apiVersion", kScaleLimit.api_version()},
          {"kind", kScaleLimit.kind},
          {"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec", json::parse(spec)}};
}

constexpr char kFleet[] = R"({
  "match": {"resources": [{"group": "apps", "version": "v1", "resource": "deployments", "subresources": ["scale"]}]},
  "object": {"replicas": {"max": 5}},
  "total": {"sums": [{"name": "replicas", "path": ".spec.replicas", "hard": 20}]}})";
constexpr char kConfigMaps[] = R"({
  "match": {"resources": [{"group": "", "version": "v1", "resource": "configmaps"}]}, "total": {"count": 6}})";
constexpr char kScalers[] = R"({
  "match": {"resources": [{"group": "autoscaling", "version": "v2", "resource": "horizontalpodautoscalers"}]},
  "object": {"fields": [{"name": "replicas", "path": ".spec.maxReplicas", "max": 50, "code": 403,
                         "message": "ask for more"}]},
  "unavailable": "Ignore"})";
constexpr char kHalting[] = R"({
  "match": {"labelSelector": {"matchLabels": {"counted": "yes"}},
            "resources": [{"group": "", "version": "v1", "resource": "secrets"}]},
  "total": {"count": 2}, "unavailable": "Ignore",
  "thresholds": [{"name": "full", "percent": 100, "level": "Red", "action": "Halt"}]})";

json config_map(const std::string& ns, const std::string& name, const json& finalizers = json::array()) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"namespace", ns}, {"name", name}, {"finalizers", finalizers}}}};
}
json secret(const std::string& ns, const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", {{"namespace", ns}, {"name", name}, {"labels", {{"counted", "yes"}}}}}};
}
json deployment(const std::string& ns, const std::string& name, int replicas) {
  const json container = {{"name", "main"}, {"image", "registry.k8s.io/pause:3.10"}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", name}}}}},
            {"template",
             {{"metadata", {{"labels", {{"app", name}}}}}, {"spec", {{"containers", json::array({container})}}}}}}}};
}
json scaler(const std::string& ns, const std::string& name, int most) {
  return {{"apiVersion", "autoscaling/v2"},
          {"kind", "HorizontalPodAutoscaler"},
          {"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec",
           {{"maxReplicas", most},
            {"scaleTargetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", "workers"}}}}}};
}

class NoWebhook : public ::testing::Test {
 protected:
  NoWebhook() {
    kube::ClientLimits impatient;
    impatient.retry_for = std::chrono::milliseconds(0);
    client_ = std::make_unique<kube::Client>(kube::make_transport(home_.config()).value(), impatient, 1);
  }

  void make_namespace(const std::string& ns, const std::vector<json>& limits) {
    home_.kubectl("create namespace " + ns);
    for (const json& limit : limits) {
      const auto made = client_->create(kScaleLimit, limit, {});
      ASSERT_TRUE(made) << made.error().message;
    }
  }
  static AssertionResult passes(const Result<json>& result) {
    if (result) return AssertionSuccess();
    return AssertionFailure() << result.error().message;
  }
  static AssertionResult refused(const Result<json>& result, const std::string& message) {
    if (result) return AssertionFailure() << "it was let through";
    if (absl::StrContains(result.error().message, message)) return AssertionSuccess();
    return AssertionFailure() << result.error().message;
  }
  Result<json> change(const kube::ResourceType& type, const std::string& ns, const std::string& name, const json& patch,
                      kube::WriteOptions options = {}) {
    return client_->patch(type, {ns, name}, kube::PatchType::Merge, patch, {}, options);
  }
  Result<json> scale(const std::string& ns, const std::string& name, int replicas, bool dry = false) {
    return change(kube::types::kDeployment, ns, name, {{"spec", {{"replicas", replicas}}}},
                  {.dry_run = dry, .force = false, .subresource = "scale"});
  }
  Result<json> set_replicas(const std::string& ns, const std::string& name, int replicas) {
    return change(kube::types::kDeployment, ns, name, {{"spec", {{"replicas", replicas}}}});
  }
  bool gone(const kube::ResourceType& type, const std::string& ns, const std::string& name) {
    const auto found = client_->get(type, {ns, name}, {});
    return !found && found.error().code == ErrorCode::NotFound;
  }
  std::string backstop(const std::string& ns, const std::string& name) {
    return home_.status_of(kScaleLimit, ns, name).value("backstop", "");
  }

  /// Whatever somebody does to a policy.
  void expect_put_right(const std::string& policy) {
    const json spec = home_.get(kube::types::kValidatingAdmissionPolicy, "", policy).at("spec");
    const json never = {{"name", "never"}, {"expression", "false"}};
    const json add = {{"op", "add"}, {"path", "/spec/matchConditions/-"}, {"value", never}};
    const auto added = client_->patch(kube::types::kValidatingAdmissionPolicy, {"", policy}, kube::PatchType::Json,
                                      json::array({add}), {});
    EXPECT_TRUE(passes(added));
    EXPECT_TRUE(eventually(
        kPatience, [&] { return home_.get(kube::types::kValidatingAdmissionPolicy, "", policy).at("spec") == spec; }));
    const json unlabelled = {{"metadata", {{"labels", {{"headroom.dev/component", nullptr}}}}}};
    EXPECT_TRUE(passes(change(kube::types::kValidatingAdmissionPolicy, "", policy, unlabelled)));
    EXPECT_TRUE(eventually(kPatience, [&] {
      return home_.get(kube::types::kValidatingAdmissionPolicy, "", policy)
          .at("metadata")
          .value("labels", json())
          .contains("headroom.dev/component");
    }));
    EXPECT_TRUE(client_->remove(kube::types::kValidatingAdmissionPolicy, {"", policy}, {}, {}));
    EXPECT_TRUE(eventually(kPatience, [&] { return !gone(kube::types::kValidatingAdmissionPolicy, "", policy); }));
  }

  Cluster& home_ = home_with_controllers();
  std::unique_ptr<kube::Client> client_;
  OperatorProcess operator_{home_, {}};
  Webhooks webhooks_{home_, 2, {"--request-deadline-seconds", "12", "--lease-seconds", "3"}};
};

constexpr char kNobodyAnswers[] = "failed calling webhook";

TEST_F(NoWebhook, lets_what_uses_less_go_on_and_nothing_that_uses_more) {
  make_namespace("down", {limit_of("down", "fleet", kFleet), limit_of("down", "configmaps", kConfigMaps),
                          limit_of("down", "scalers", kScalers)});
  ASSERT_TRUE(webhooks_.wait_ready(kPatience));
  // Until the API server asks the webhooks, and judges by the policies.
  ASSERT_TRUE(eventually(kPatience, [&] {
    return bool(passes(client_->create(kube::types::kDeployment, deployment("down", "workers", 4), {})));
  }));
  ASSERT_TRUE(passes(client_->create(kube::types::kConfigMap, config_map("down", "a"), {})));
  ASSERT_TRUE(passes(client_->create(kube::types::kConfigMap, config_map("down", "held", {"example.com/hold"}), {})));
  ASSERT_TRUE(eventually(kPatience, [&] {
    return refused(scale("down", "workers", 6, true), "ValidatingAdmissionPolicy 'headroom.sl.down.fleet'") &&
           refused(client_->create(kube::types::kHorizontalPodAutoscaler, scaler("down", "probe", 51), {}),
                   "ValidatingAdmissionPolicy 'headroom.sl.down.scalers'");
  }));
  ASSERT_TRUE(eventually(kPatience, [&] {
    return home_.get(kube::types::kValidatingAdmissionPolicy, "", "headroom.sl.down.fleet").contains("status");
  }));
  for (const char* const name : {"headroom.sl.down.fleet", "headroom.sl.down.scalers"}) {
    const json policy = home_.get(kube::types::kValidatingAdmissionPolicy, "", name);
    EXPECT_FALSE(policy.contains("/status/typeChecking/expressionWarnings"_json_pointer)) << policy["status"].dump(1);
  }
  expect_put_right("headroom.sl.down.fleet");
  webhooks_.replica(0).kill_now();
  webhooks_.replica(1).kill_now();

  EXPECT_TRUE(refused(client_->create(kube::types::kConfigMap, config_map("down", "b"), {}), kNobodyAnswers));
  EXPECT_TRUE(passes(scale("down", "workers", 3)));
  EXPECT_TRUE(passes(set_replicas("down", "workers", 2)));
  EXPECT_TRUE(refused(scale("down", "workers", 3), kNobodyAnswers));
  EXPECT_TRUE(refused(set_replicas("down", "workers", 3), kNobodyAnswers));
  EXPECT_TRUE(refused(scale("down", "workers", 6), "ScaleLimit down/fleet: .spec.replicas is 6, at most 5 is allowed"));
  EXPECT_TRUE(refused(client_->create(kube::types::kHorizontalPodAutoscaler, scaler("down", "workers", 51), {}),
                      "ScaleLimit down/scalers: .spec.maxReplicas is 51, at most 50 is allowed: ask for more"));
  EXPECT_TRUE(passes(client_->create(kube::types::kHorizontalPodAutoscaler, scaler("down", "workers", 50), {})));
  EXPECT_TRUE(passes(change(kube::types::kConfigMap, "down", "a", {{"data", {{"k", "v"}}}})))
      << "a count does not care";
  EXPECT_TRUE(client_->remove(kube::types::kConfigMap, {"down", "a"}, {}, {}));
  ASSERT_TRUE(client_->remove(kube::types::kConfigMap, {"down", "held"}, {}, {}));
  EXPECT_FALSE(gone(kube::types::kConfigMap, "down", "held"));
  EXPECT_TRUE(passes(change(kube::types::kConfigMap, "down", "held", {{"metadata", {{"finalizers", nullptr}}}})));
  EXPECT_TRUE(gone(kube::types::kConfigMap, "down", "held"));
  EXPECT_TRUE(eventually(kPatience, [&] { return backstop("down", "fleet") == "Active"; }));

  webhooks_.restart(0);
  ASSERT_TRUE(webhooks_.wait_ready(kPatience));
  EXPECT_TRUE(eventually(kPatience, [&] { return backstop("down", "fleet") == "Inactive"; }));
  EXPECT_TRUE(eventually(
      kPatience, [&] { return bool(passes(client_->create(kube::types::kConfigMap, config_map("down", "b"), {}))); }));
  EXPECT_TRUE(passes(scale("down", "workers", 3)));

  webhooks_.replica(0).kill_now();
  ASSERT_TRUE(client_->remove(kube::types::kNamespace, {"", "down"}, {}, {}));
  EXPECT_TRUE(eventually(2 * kPatience, [&] { return gone(kube::types::kNamespace, "", "down"); }));
  EXPECT_TRUE(eventually(kPatience, [&] {
    return gone(kube::types::kValidatingAdmissionPolicy, "", "headroom.sl.down.fleet");
  })) << "what stood behind its limits goes with them";
}

TEST_F(NoWebhook, keeps_a_halt_that_stands_until_a_webhook_can_end_it) {
  make_namespace("halted", {limit_of("halted", "secrets", kHalting)});
  ASSERT_TRUE(webhooks_.wait_ready(kPatience));
  const kube::ResourceType& type = kube::types::kSecret;
  for (const char* const name : {"a", "b"}) ASSERT_TRUE(passes(client_->create(type, secret("halted", name), {})));
  ASSERT_TRUE(
      eventually(kPatience, [&] { return home_.status_of(kScaleLimit, "halted", "secrets").contains("halted"); }));
  webhooks_.replica(0).kill_now();
  webhooks_.replica(1).kill_now();
  ASSERT_TRUE(eventually(kPatience, [&] { return backstop("halted", "secrets") == "Active"; }));
  EXPECT_TRUE(eventually(kPatience, [&] {
    return bool(
        refused(client_->create(type, secret("halted", "c"), {}), "ScaleLimit halted/secrets: count is 2 of 2"));
  }));
  json other = secret("halted", "other");
  other["metadata"].erase("labels");
  EXPECT_TRUE(passes(client_->create(type, other, {}))) << "not what the limit counts";
  EXPECT_TRUE(
      refused(change(type, "halted", "other", {{"metadata", {{"labels", {{"counted", "yes"}}}}}}), "count is 2 of 2"));
  EXPECT_TRUE(passes(change(type, "halted", "a", {{"data", {{"k", "dg=="}}}})));
  EXPECT_TRUE(client_->remove(type, {"halted", "a"}, {}, {}));
  EXPECT_TRUE(refused(client_->create(type, secret("halted", "c"), {}), "count is 2 of 2"))
      << "nobody has counted again";

  webhooks_.restart(0);
  ASSERT_TRUE(webhooks_.wait_ready(kPatience));
  EXPECT_TRUE(eventually(kPatience, [&] { return bool(passes(client_->create(type, secret("halted", "c"), {}))); }));
  EXPECT_TRUE(eventually(kPatience, [&] { return backstop("halted", "secrets") == "Inactive"; }));
  EXPECT_TRUE(eventually(kPatience, [&] {
    const auto asked = client_->create(type, secret("halted", "d"), {});
    if (asked) client_->remove(type, {"halted", "d"}, {}, {}).has_value();
    return !asked && (asked.error().http_status == 503 || asked.error().http_status == 403);
  }));
}

}  // namespace
}  // namespace headroom::e2e
