#include "operator/uninstall/uninstall.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/api/object.h"
#include "operator/uninstall/putting_back.h"
#include "tests/support/memory_api_server.h"

namespace headroom::uninstall {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kDeployments[] = "/apis/apps/v1/namespaces/headroom-system/deployments/";
constexpr char kConfiguration[] = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/headroom";
constexpr char kBinding[] = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/headroom-webhook";
constexpr char kOwnBinding[] =
    "/apis/rbac.authorization.k8s.io/v1/namespaces/headroom-system/rolebindings/headroom-webhook";
constexpr char kPolicies[] = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/";
constexpr char kPolicyBindings[] = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/";
constexpr char kLeases[] = "/apis/coordination.k8s.io/v1/namespaces/headroom-system/leases/";
constexpr char kLedger[] = "/apis/headroom.dev/v1alpha1/namespaces/headroom-system/limitledgers/storage";
constexpr char kTarget[] = "/apis/headroom.dev/v1alpha1/namespaces/shop/scaletargets/web";
constexpr char kSchedule[] = "/apis/headroom.dev/v1alpha1/namespaces/shop/festivalschedules/diwali";
constexpr char kRegion[] = "/apis/headroom.dev/v1alpha1/regions/east";

/// Time passes only where somebody waits.
class PlayedClock final : public Clock {
 public:
  void pass(milliseconds by) { now_ += by; }
  absl::Time wall_now() const override { return absl::UnixEpoch(); }
  SteadyTime steady_now() const override { return now_; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable_any&, absl::Time, std::stop_token,
                  const std::function<bool()>&) const override {}

 private:
  SteadyTime now_{};
};

json with_finalizer(const char* kind, json spec) {
  return {{"kind", kind},
          {"metadata", {{"finalizers", {"example.com/other", api::kFinalizer}}}},
          {"spec", std::move(spec)}};
}

class Uninstall : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"headroom-operator", "headroom-webhook"}) {
      server->put(std::string(kDeployments) + name, json::object());
    }
    server->put(kConfiguration, json::object());
    server->put(kBinding, json::object());
    server->put(kOwnBinding, json::object());
    const json labels = {{"metadata", {{"labels", {{"headroom.dev/component", "backstop"}}}}}};
    server->put(std::string(kPolicies) + "ours", labels);
    server->put(std::string(kPolicyBindings) + "ours", labels);
    server->put(std::string(kPolicies) + "theirs", json::object());
    server->put(kLedger, json::object());
    server->put(std::string(kLeases) + "headroom-webhook-a",
                {{"metadata", {{"labels", {{"headroom.dev/component", "webhook"}}}}}});
    server->put(std::string(kLeases) + "headroom-webhook-status", json::object());
    server->put(std::string(kLeases) + "somebody", json::object());
    server->put(std::string(kLeases) + "headroom-operator",
                {{"spec", {{"holderIdentity", ""}, {"leaseDurationSeconds", 15}}}});
    server->put(kTarget, with_finalizer("ScaleTarget", {{"suspend", "Hold"}}));
    server->put(kSchedule, with_finalizer("FestivalSchedule", json::object()));
    server->put(kRegion, with_finalizer("Region", json::object()));
  }

  Status run(Sizes sizes = Sizes::Keep) {
    UninstallOptions options;
    options.webhook_name = "headroom-webhook";
    options.webhook_configuration = "headroom";
    options.sizes = sizes;
    const UninstallHooks hooks{clock, [this](const std::string& line) { said.push_back(line); },
                               [this](milliseconds by) {
                                 clock.pass(by);
                                 ++waits;
                                 if (meanwhile) meanwhile();
                               }};
    return uninstall(client, options, hooks, {});
  }

  /// What an operator does with a suspended object.
  void put_back(const char* path) {
    const json object = server->get(path);
    if (object["spec"].value("suspend", "") != "Restore") return;
    server->edit(path, {{"status",
                         {{"inForce", nullptr},
                          {"conditions",
                           {{{"type", "Ready"},
                             {"status", "True"},
                             {"reason", "Suspended"},
                             {"observedGeneration", object["metadata"]["generation"]}}}}}}});
  }

  std::size_t place_of(const std::string& write) const {
    const auto writes = server->writes();
    return static_cast<std::size_t>(std::ranges::find(writes, write) - writes.begin());
  }

  std::shared_ptr<testing::MemoryApiServer> server = testing::MemoryApiServer::make();
  kube::Client client{server, {}, 1};
  PlayedClock clock;
  std::function<void()> meanwhile;
  std::vector<std::string> said;
  int waits = 0;
};

TEST_F(Uninstall, leaves_nothing_that_blocks_and_nothing_that_hangs) {
  const auto done = run();
  ASSERT_TRUE(done.has_value()) << done.error().message;
  for (const std::string& path :
       {absl::StrCat(kDeployments, "headroom-operator"), absl::StrCat(kDeployments, "headroom-webhook"),
        std::string(kConfiguration), std::string(kBinding), std::string(kOwnBinding), absl::StrCat(kPolicies, "ours"),
        absl::StrCat(kPolicyBindings, "ours"), std::string(kLedger), absl::StrCat(kLeases, "headroom-webhook-a"),
        absl::StrCat(kLeases, "headroom-webhook-status"), absl::StrCat(kLeases, "headroom-operator")}) {
    EXPECT_TRUE(server->get(path).is_null()) << path;
  }
  EXPECT_FALSE(server->get(absl::StrCat(kPolicies, "theirs")).is_null());
  EXPECT_FALSE(server->get(absl::StrCat(kLeases, "somebody")).is_null());
  for (const char* path : {kTarget, kSchedule, kRegion}) {
    EXPECT_EQ(server->get(path)["metadata"]["finalizers"], json::array({"example.com/other"})) << path;
  }
  EXPECT_EQ(server->get(kTarget)["spec"]["suspend"], "Hold") << "the spec is its owner's";
  EXPECT_LT(place_of(absl::StrCat("DELETE ", kConfiguration)), place_of(absl::StrCat("PATCH ", kTarget)))
      << "nobody asks a webhook that is gone about the end of an object";
  EXPECT_TRUE(server->unconditional_writes().empty());
}

TEST_F(Uninstall, can_be_run_again) {
  ASSERT_TRUE(run().has_value());
  const auto again = run();
  EXPECT_TRUE(again.has_value()) << again.error().message;
}

TEST_F(Uninstall, removes_a_configuration_that_a_leaving_webhook_makes_anew) {
  int made = 0;
  meanwhile = [&] {
    if (waits == 4 && ++made == 1) server->put(kConfiguration, json::object());
  };
  ASSERT_TRUE(run().has_value());
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(server->get(kConfiguration).is_null());
}

TEST_F(Uninstall, leaves_webhooks_that_drain_without_the_right_to_make_their_leases_anew) {
  ASSERT_TRUE(run().has_value());
  EXPECT_LT(place_of(absl::StrCat("DELETE ", kConfiguration)), place_of(absl::StrCat("DELETE ", kOwnBinding)))
      << "as long as they are asked they need their Leases";
  EXPECT_LT(place_of(absl::StrCat("DELETE ", kOwnBinding)), place_of(absl::StrCat("DELETE ", kLedger)));
  EXPECT_LT(place_of(absl::StrCat("DELETE ", kOwnBinding)),
            place_of(absl::StrCat("DELETE ", kLeases, "headroom-webhook-a")));
}

TEST_F(Uninstall, goes_on_where_the_webhooks_rights_are_not_its_to_take) {
  server->refuse(
      [](const kube::Request& request) { return absl::StrContains(request.path, "bindings/headroom-webhook"); }, 403);
  EXPECT_TRUE(run().has_value());
  EXPECT_TRUE(server->get(absl::StrCat(kLeases, "headroom-webhook-a")).is_null());
}

TEST_F(Uninstall, gives_up_on_a_configuration_that_always_comes_back) {
  meanwhile = [&] { server->put(kConfiguration, json::object()); };
  const auto done = run();
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::Timeout);
  EXPECT_THAT(done.error().message, HasSubstr("ValidatingWebhookConfiguration headroom comes back"));
}

TEST_F(Uninstall, takes_finalizers_off_only_when_no_operator_can_put_them_on_again) {
  const std::string lease = absl::StrCat(kLeases, "headroom-operator");
  server->edit(lease, {{"spec", {{"holderIdentity", "pod-a"}, {"renewTime", "0"}}}});
  int renewals = 0;
  meanwhile = [&] {
    // It renews for a while, then it is killed.
    if (renewals < 20) server->edit(lease, {{"spec", {{"renewTime", std::to_string(++renewals)}}}});
    EXPECT_EQ(place_of(absl::StrCat("PATCH ", kTarget)), server->writes().size());
  };
  ASSERT_TRUE(run().has_value());
  EXPECT_EQ(renewals, 20);
  EXPECT_GT(waits, 20 + 30) << "half a second each, for longer than the Lease is renewed for";
}

TEST_F(Uninstall, puts_sizes_back_before_anything_is_removed_and_gives_specs_back) {
  server->edit(kTarget, {{"status", {{"inForce", 60}}}});
  meanwhile = [&] {
    put_back(kSchedule);
    if (waits > 3) put_back(kTarget);
    if (waits == 3) {
      EXPECT_EQ(server->get(kTarget)["spec"]["suspend"], "Restore");
      EXPECT_FALSE(server->get(kConfiguration).is_null());
      EXPECT_FALSE(server->get(absl::StrCat(kDeployments, "headroom-operator")).is_null());
    }
  };
  const auto done = run(Sizes::Restore);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(server->get(kTarget)["spec"]["suspend"], "Hold");
  EXPECT_EQ(server->get(kSchedule)["spec"]["suspend"], "None");
  EXPECT_FALSE(server->get(kTarget)["metadata"]["annotations"].contains(kSuspendedBefore));
}

TEST_F(Uninstall, removes_nothing_when_sizes_cannot_be_put_back_and_says_which) {
  meanwhile = [&] { put_back(kSchedule); };
  server->edit(kTarget, {{"status",
                          {{"inForce", 60},
                           {"conditions",
                            {{{"type", "Ready"},
                              {"reason", "RegionUnavailable"},
                              {"message", "Region east does not answer"},
                              {"observedGeneration", 99}}}}}}});
  const auto done = run(Sizes::Restore);
  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error().message,
              HasSubstr("1 could not be put back: ScaleTarget shop/web: Region east does not answer"));
  EXPECT_THAT(done.error().message, HasSubstr("--sizes=Keep"));
  EXPECT_FALSE(server->get(kConfiguration).is_null());
  for (const std::string& write : server->writes()) EXPECT_FALSE(absl::StartsWith(write, "DELETE")) << write;
}

TEST_F(Uninstall, does_without_kinds_that_are_not_defined) {
  server->refuse([](const kube::Request& request) { return absl::StrContains(request.path, "headroom.dev"); }, 404);
  EXPECT_TRUE(run().has_value());
}

TEST(PuttingBack, counts_only_what_was_seen_of_the_present_spec) {
  json target = with_finalizer("ScaleTarget", {{"suspend", "Restore"}});
  target["metadata"].update({{"namespace", "shop"}, {"name", "web"}, {"generation", 3}});
  EXPECT_EQ(not_put_back(target), "ScaleTarget shop/web: not yet looked at");
  json ready = {{"type", "Ready"}, {"reason", "Suspended"}, {"message", "m"}, {"observedGeneration", 2}};
  target["status"]["conditions"] = json::array({ready});
  EXPECT_EQ(not_put_back(target), "ScaleTarget shop/web: not yet looked at");
  ready["observedGeneration"] = 3;
  target["status"]["conditions"] = json::array({ready});
  EXPECT_EQ(not_put_back(target), std::nullopt);
  target["status"]["originals"] = {{"min", 2}};
  EXPECT_EQ(not_put_back(target), std::nullopt) << "what it was without us stays known";
  target["status"]["inForce"] = 60;
  EXPECT_EQ(not_put_back(target), "ScaleTarget shop/web: m");
  json adviser = target;
  adviser["spec"]["engine"]["type"] = "Advise";
  EXPECT_EQ(not_put_back(adviser), std::nullopt) << "it has nothing to put back";
  target["metadata"]["finalizers"] = json::array();
  EXPECT_EQ(not_put_back(target), std::nullopt) << "it has never changed anything";
}

TEST(PuttingBack, leaves_a_suspend_alone_that_somebody_has_set_meanwhile) {
  json target = with_finalizer("ScaleTarget", {{"suspend", "None"}});
  target["metadata"]["annotations"] = {{kSuspendedBefore, "Hold"}};
  const json patch = releasing_patch(target);
  EXPECT_FALSE(patch.contains("spec"));
  EXPECT_TRUE(patch["metadata"]["annotations"][kSuspendedBefore].is_null());
  EXPECT_TRUE(releasing_patch({{"metadata", json::object()}}).is_null());
}

}  // namespace
}  // namespace headroom::uninstall
