// The backstop follows the limits, and the lives of the webhooks.
#include "operator/controllers/backstop_control.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>

#include "operator/controllers/backstop_reconciler.h"
#include "tests/controllers/test_world.h"
#include "tests/support/faulty_transport.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

constexpr char kLimit[] = "/apis/headroom.dev/v1alpha1/namespaces/shop/scalelimits/caps";
constexpr char kPolicies[] = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/";
constexpr char kBindings[] = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/";
constexpr char kLease[] = "/apis/coordination.k8s.io/v1/namespaces/headroom-system/leases/headroom-webhook-a";
const std::string kName = "headroom.sl.shop.caps";

json capped(const std::string& mode = "Enforce") {
  return {
      {"apiVersion", "headroom.dev/v1alpha1"},
      {"kind", "ScaleLimit"},
      {"spec",
       {{"mode", mode},
        {"match",
         {{"resources",
           json::array(
               {{{"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}, {"subresources", {"scale"}}}})}}},
        {"object", {{"replicas", {{"max", 5}}}}}}}};
}
/// Of one second.
json lease(const std::string& renewed) {
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata", {{"labels", {{"headroom.dev/component", "webhook"}}}}},
          {"spec", {{"renewTime", renewed}, {"leaseDurationSeconds", 1}}}};
}

/// Who is told of how many alerts. Thread-safe.
class KeepingNotifier final : public Notifier {
 public:
  void set_active(const std::string& owner, std::vector<Alert> alerts) override {
    const std::lock_guard lock(mutex_);
    active_[owner] = std::move(alerts);
  }
  std::size_t active(const std::string& owner) const {
    const std::lock_guard lock(mutex_);
    const auto known = active_.find(owner);
    return known == active_.end() ? 0 : known->second.size();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Alert>> active_;
};

class BackstopControlTest : public ::testing::Test {
 protected:
  ~BackstopControlTest() override {
    if (!control_) return;
    control_->stop(std::chrono::milliseconds(100));
    control_->stop_watches();
  }
  void lead() { lead_through(client_of(world_.server)); }
  void lead_through(const std::shared_ptr<kube::Client>& home) {
    control_ = std::make_unique<BackstopControl>(world_.options, home, notifier_, world_.clock, world_.metrics, 1);
    control_->start_watches();
    control_->lead();
  }
  json policy() const { return world_.server->get(kPolicies + kName); }
  json binding() const { return world_.server->get(kBindings + kName); }
  std::string status() const {
    const json limit = world_.server->get(kLimit);
    return limit.is_object() ? limit.value("/status/backstop"_json_pointer, "") : "";
  }
  bool await(const std::function<bool()>& holds) const { return world_.server->await(holds); }

  TestWorld world_;
  KeepingNotifier notifier_;
  std::unique_ptr<BackstopControl> control_;
};

TEST_F(BackstopControlTest, puts_a_policy_and_a_binding_behind_a_limit_and_takes_them_away_with_it) {
  world_.server->put(kLimit, capped());
  lead();
  ASSERT_TRUE(await([&] { return policy().is_object() && binding().is_object(); }));
  EXPECT_EQ(policy()["metadata"]["labels"]["headroom.dev/component"], "backstop");
  world_.server->erase(kLimit);
  EXPECT_TRUE(await([&] { return policy().is_null() && binding().is_null(); }));
}

TEST_F(BackstopControlTest, takes_away_what_a_limit_left_behind_while_nobody_led) {
  world_.server->put(kPolicies + kName, {{"metadata", {{"labels", {{"headroom.dev/component", "backstop"}}}}}});
  world_.server->put(kPolicies + std::string("of.others"), {{"metadata", {{"labels", {{"a", "b"}}}}}});
  lead();
  EXPECT_TRUE(await([&] { return policy().is_null(); }));
  EXPECT_TRUE(world_.server->get(kPolicies + std::string("of.others")).is_object());
}

TEST_F(BackstopControlTest, has_none_for_a_limit_that_does_not_enforce) {
  world_.server->put(kLimit, capped());
  lead();
  ASSERT_TRUE(await([&] { return binding().is_object(); }));
  world_.server->edit(kLimit, {{"spec", {{"mode", "Warn"}}}, {"metadata", {{"generation", 2}}}});
  EXPECT_TRUE(await([&] { return policy().is_null() && binding().is_null(); }));
}

TEST_F(BackstopControlTest, puts_right_what_somebody_changes_or_deletes) {
  world_.server->put(kLimit, capped());
  lead();
  ASSERT_TRUE(await([&] { return binding().is_object(); }));
  const json before = policy()["spec"], bound = binding()["spec"];
  world_.server->edit(kPolicies + kName, {{"spec", {{"failurePolicy", "Ignore"}}}});
  EXPECT_TRUE(await([&] { return policy()["spec"] == before; }));
  world_.server->edit(kBindings + kName, {{"spec", {{"validationActions", {"Audit"}}}}});
  EXPECT_TRUE(await([&] { return binding()["spec"] == bound; }));
  world_.server->erase(kPolicies + kName);
  EXPECT_TRUE(await([&] { return policy().is_object() && policy()["spec"] == before; }));
}

TEST_F(BackstopControlTest, is_active_while_no_webhook_renews_its_lease) {
  world_.server->put(kLimit, capped());
  world_.server->put(kLease, lease("1"));
  lead();
  ASSERT_TRUE(await([&] { return binding().is_object(); }));
  EXPECT_EQ(status(), "") << "whoever lives gets the time to show it";
  for (const char* const renewed : {"2", "3"}) {
    world_.server->edit(kLease, {{"spec", {{"renewTime", renewed}}}});
    EXPECT_TRUE(await([&] { return status() == "Active"; }));
    world_.server->edit(kLease, {{"spec", {{"renewTime", std::string(renewed) + " again"}}}});
    EXPECT_TRUE(await([&] { return status() == "Inactive"; }));
  }
}

TEST_F(BackstopControlTest, is_not_active_because_the_watch_of_leases_hangs) {
  constexpr int kRenewals = 3;
  std::atomic<int> looks = -1;  // the watch's own list is none
  const auto of_leases = [](const kube::Request& request, bool watch) {
    return request.path.find("/leases?") != std::string::npos &&
           (request.path.find("watch=") != std::string::npos) == watch;
  };
  const auto watches = [&](const kube::Request& request) { return of_leases(request, true); };
  const auto renewed_late = [&](const kube::Request& request) {
    if (of_leases(request, false) && ++looks > 0 && looks <= kRenewals) {
      world_.server->edit(kLease, {{"spec", {{"renewTime", "late " + std::to_string(looks)}}}});
    }
    return false;
  };
  using testing::Fault;
  const auto cut = std::make_shared<testing::FaultyTransport>(
      world_.server,
      std::vector<testing::FaultRule>{{.matches = renewed_late},
                                      {.fault = Fault::CutStream, .matches = watches, .at_most = 1, .lines = 1},
                                      {.fault = Fault::Hang, .matches = watches}},
      1);
  world_.server->put(kLimit, capped());
  world_.server->put(kLease, lease("1"));
  lead_through(std::make_shared<kube::Client>(cut, kube::ClientLimits{}, 1));
  ASSERT_TRUE(await([&] { return binding().is_object(); }));
  world_.server->edit(kLease, {{"spec", {{"renewTime", "2"}}}});
  EXPECT_TRUE(await([&] { return status() == "Active"; }));
  EXPECT_EQ(looks, kRenewals + 1);
}

TEST_F(BackstopControlTest, leaves_the_status_as_it_is_until_it_is_known_whether_a_webhook_lives) {
  json stored = capped();
  stored["status"] = {{"backstop", "Active"}};
  world_.server->put(kLimit, stored);
  const auto limits = std::make_shared<runtime::Store<api::ScaleLimit>>();
  limits->apply(
      {"shop", "caps"}, "1",
      std::make_shared<const api::ScaleLimit>(api::scale_limit_from_json(world_.server->get(kLimit)).value()));
  const auto reconcile = [&](std::optional<bool> needed) {
    BackstopReconciler reconciler(client_of(world_.server),
                                  {limits, limits, std::make_shared<runtime::Store<StoredPolicy>>(),
                                   std::make_shared<runtime::Store<StoredPolicy>>(),
                                   [](api::LimitKind, const api::ObjectKey&) { return false; }, [=] { return needed; }},
                                  {}, "");
    EXPECT_TRUE(reconciler.reconcile({"ScaleLimit", {"shop", "caps"}}, {}));
    return status();
  };
  EXPECT_EQ(reconcile(std::nullopt), "Active") << "an operator that starts knows of no webhook yet";
  EXPECT_EQ(reconcile(false), "Inactive");
}

TEST_F(BackstopControlTest, tells_receivers_of_crossed_thresholds_while_they_are_crossed) {
  json limit = capped();
  limit["spec"]["total"] = {{"count", 5}};
  limit["spec"]["thresholds"] = json::array({{{"name", "full"},
                                              {"percent", 100},
                                              {"level", "Red"},
                                              {"action", "Notify"},
                                              {"escalation", {{"to", {"ops"}}}}}});
  const json crossed = json::array(
      {{{"threshold", "full"}, {"dimension", "count"}, {"state", "Crossed"}, {"since", "2026-11-01T09:00:00Z"}}});
  limit["metadata"]["generation"] = 1;
  limit["status"] = {{"observedGeneration", 1}, {"thresholds", crossed}};
  world_.server->put(kLimit, limit);
  lead();
  const auto told = [&] { return notifier_.active("ScaleLimit shop/caps"); };
  EXPECT_TRUE(await([&] { return told() == 1; }));
  world_.server->edit(kLimit, {{"status", {{"thresholds", json::array()}}}});
  EXPECT_TRUE(await([&] { return told() == 0; }));
  world_.server->edit(kLimit, {{"status", {{"thresholds", crossed}}}});
  EXPECT_TRUE(await([&] { return told() == 1; }));
  world_.server->erase(kLimit);
  EXPECT_TRUE(await([&] { return told() == 0; }));
}

TEST_F(BackstopControlTest, leaves_a_limit_alone_that_it_cannot_read) {
  world_.server->put(kLimit, capped());
  lead();
  ASSERT_TRUE(await([&] { return binding().is_object(); }));
  control_.reset();
  world_.server->edit(kLimit, {{"spec", {{"object", {{"replicas", {{"max", "many"}}}}}}}});
  lead();
  world_.server->put("/apis/headroom.dev/v1alpha1/namespaces/shop/scalelimits/other", capped());
  ASSERT_TRUE(await([&] { return world_.server->get(kBindings + std::string("headroom.sl.shop.other")).is_object(); }));
  EXPECT_TRUE(policy().is_object());
}

}  // namespace
}  // namespace headroom::controllers
