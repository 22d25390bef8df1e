// The limits of whatsapp-erp on a real API server with its controllers: replica caps, however a size is asked for, and
// no new marketing in an emergency.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "tests/e2e/limit_samples.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kNamespace[] = "whatsapp-erp";
const kube::ResourceType kCampaign{"erp.example.com", "v1", "marketingcampaigns", "MarketingCampaign", true};

/// All of the system before its limits, then the limits. `inventory-service` wants 60 by an autoscaler that is older
/// than they are, and stands at 0, where autoscalers leave workloads alone.
Cluster& mumbai() {
  static bool furnished = false;
  Cluster& cluster = Cluster::named("mumbai", prompt_cluster());
  if (furnished) return cluster;
  furnished = true;
  cluster.rights().let_limit(kCampaign.group, {kCampaign.plural});
  apply_sample(cluster,
               {"whatsapp-erp/00-namespace.yaml", "whatsapp-erp/10-workloads.yaml", "whatsapp-erp/13-campaigns.yaml"});
  cluster.kubectl(absl::StrCat("-n ", kNamespace, " scale deployment inventory-service --replicas=0"));
  apply_sample(cluster, {"whatsapp-erp/11-autoscalers.yaml"});
  cluster.kubectl(absl::StrCat("-n ", kNamespace, " patch hpa inventory-service --type=merge -p ",
                               R"('{"spec":{"minReplicas":60,"maxReplicas":80}}')"));
  apply_sample(cluster, {"whatsapp-erp/50-limits.yaml"});
  return cluster;
}

class WhatsappLimits : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    webhooks_ = std::make_unique<Webhooks>(mumbai(), 2, prompt_webhooks());
    ASSERT_TRUE(webhooks_->wait_ready(30));
    ASSERT_TRUE(all_enforced(mumbai()));
  }
  static void TearDownTestSuite() { webhooks_.reset(); }

  /// What `kubectl scale` says: its output and its errors.
  std::string kubectl_scale(const std::string& deployment, int replicas) {
    return home_.kubectl(
        absl::StrCat("-n ", kNamespace, " scale deployment ", deployment, " --replicas=", replicas, " 2>&1 || true"));
  }
  int replicas(const std::string& deployment) {
    return home_.get(kube::types::kDeployment, kNamespace, deployment).at("spec").value("replicas", -1);
  }
  Result<json> patch(const kube::ResourceType& type, const std::string& name, const json& spec) {
    return client_->patch(type, {kNamespace, name}, kube::PatchType::Merge, {{"spec", spec}}, {});
  }
  Result<json> campaign(const std::string& name) {
    return client_->create(kCampaign, object_of(kCampaign, kNamespace, name, {{"template", "t"}, {"recipients", 10}}),
                           {});
  }
  /// An HPA's condition AbleToScale.
  json able_to_scale(const std::string& hpa) {
    return home_.condition(kube::types::kHorizontalPodAutoscaler, kNamespace, hpa, "AbleToScale");
  }

  static std::unique_ptr<Webhooks> webhooks_;
  Cluster& home_ = mumbai();
  std::unique_ptr<kube::Client> client_ = impatient_client(home_);
};
std::unique_ptr<Webhooks> WhatsappLimits::webhooks_;

TEST_F(WhatsappLimits, kubectl_scale_goes_up_to_the_cap_and_reads_why_no_further) {
  for (const auto& [deployment, most, limit] :
       {std::tuple("order-service", 100, "replicas-100"), std::tuple("invoice-service", 50, "replicas-50")}) {
    const std::string before = std::to_string(replicas(deployment));
    const std::string denial = kubectl_scale(deployment, most + 1);
    EXPECT_TRUE(absl::StrContains(denial, absl::StrCat("ScaleLimit whatsapp-erp/", limit, ": .spec.replicas is ",
                                                       most + 1, ", at most ", most, " is allowed")))
        << denial;
    EXPECT_TRUE(absl::StrContains(denial, "admission webhook")) << denial;
    EXPECT_LE(replicas(deployment), most);
    const std::string said = kubectl_scale(deployment, most);
    EXPECT_TRUE(absl::StrContains(said, "scaled")) << said;
    EXPECT_EQ(replicas(deployment), most) << "before: " << before;
    EXPECT_TRUE(refused(patch(kube::types::kDeployment, deployment, {{"replicas", most + 1}}), 403,
                        absl::StrCat("ScaleLimit whatsapp-erp/", limit, ": .spec.replicas is ", most + 1)))
        << "it is not only /scale that is capped";
  }
}

TEST_F(WhatsappLimits, an_autoscaler_may_not_be_allowed_more_than_the_cap) {
  const auto allow = [&](const char* hpa, int most) {
    return patch(kube::types::kHorizontalPodAutoscaler, hpa, {{"maxReplicas", most}});
  };
  EXPECT_TRUE(refused(allow("webhook-workers", 101), 403,
                      "ScaleLimit whatsapp-erp/autoscalers-100: .spec.maxReplicas is 101, at most 100 is allowed"));
  EXPECT_TRUE(lands(allow("webhook-workers", 99)));
  EXPECT_TRUE(lands(allow("webhook-workers", 100)));
  EXPECT_TRUE(refused(allow("invoice-service", 51), 403, "autoscalers-50: .spec.maxReplicas is 51, at most 50"));
}

TEST_F(WhatsappLimits, the_autoscaler_controller_stops_at_the_cap_and_goes_on_once_it_wants_no_more) {
  ASSERT_EQ(replicas("inventory-service"), 0);
  ASSERT_TRUE(absl::StrContains(kubectl_scale("inventory-service", 5), "scaled"));
  EXPECT_TRUE(eventually(30, [&] {
    const json able = able_to_scale("inventory-service");
    return able.value("status", "") == "False" && able.value("reason", "") == "FailedUpdateScale" &&
           absl::StrContains(able.value("message", ""),
                             "ScaleLimit whatsapp-erp/replicas-50: .spec.replicas is 60, at most 50 is allowed");
  })) << able_to_scale("inventory-service");
  EXPECT_EQ(replicas("inventory-service"), 5);
  EXPECT_TRUE(refused(patch(kube::types::kHorizontalPodAutoscaler, "inventory-service", {{"maxReplicas", 81}}), 403,
                      ".spec.maxReplicas is 81, at most 50 is allowed"));
  EXPECT_TRUE(lands(patch(kube::types::kHorizontalPodAutoscaler, "inventory-service", {{"maxReplicas", 70}})))
      << "what is above the cap may come down in steps";
  EXPECT_TRUE(lands(
      patch(kube::types::kHorizontalPodAutoscaler, "inventory-service", {{"minReplicas", 50}, {"maxReplicas", 50}})));
  EXPECT_TRUE(eventually(30, [&] { return replicas("inventory-service") == 50; })) << replicas("inventory-service");
  EXPECT_TRUE(eventually(30, [&] { return able_to_scale("inventory-service").value("status", "") == "True"; }))
      << able_to_scale("inventory-service");
}

TEST_F(WhatsappLimits, a_new_campaign_is_refused_while_the_emergency_lasts) {
  EXPECT_TRUE(lands(campaign("before"))) << "without the ConfigMap the switch is off";
  home_.kubectl(absl::StrCat("create configmap surge -n ", kNamespace, " --from-literal=marketing=rejected"));
  int asked = 0;
  Result<json> last = json();
  EXPECT_TRUE(eventually(20, [&] {
    last = campaign(absl::StrCat("during-", ++asked));
    return bool(
        refused(last, 503,
                "ScaleLimit whatsapp-erp/marketing: rule \"emergency\" refuses this: no new campaigns until the "
                "message queue has drained"));
  })) << lands(last).message();
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(refused(campaign("during"), 503, "no new campaigns")) << "by either replica";
  EXPECT_TRUE(lands(patch(kCampaign, "before", {{"recipients", 5}}))) << "only new ones are refused";
  EXPECT_TRUE(client_->remove(kCampaign, {kNamespace, "before"}, {}, {}));
  home_.kubectl(
      absl::StrCat("patch configmap surge -n ", kNamespace, R"( --type=merge -p '{"data":{"marketing":"on"}}')"));
  EXPECT_TRUE(eventually(20, [&] { return bool(lands(campaign("after"))); }));
  home_.kubectl(absl::StrCat("delete configmap surge -n ", kNamespace));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(lands(campaign(absl::StrCat("later-", i))));
}

}  // namespace
}  // namespace headroom::e2e
