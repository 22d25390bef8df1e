#include "operator/controllers/constraint_watch.h"

#include <gtest/gtest.h>

#include "tests/controllers/test_world.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

const plan::PodRequests kPod = std::make_shared<const std::map<std::string, Quantity>>(
    std::map<std::string, Quantity>{{"requests.cpu", Quantity::from_int(1)}, {"pods", Quantity::from_int(1)}});

struct Stage {
  TestWorld home;
  std::shared_ptr<testing::MemoryApiServer> mumbai = testing::MemoryApiServer::make();
  std::shared_ptr<Cluster> cluster;
  std::unique_ptr<ConstraintWatch> watch;
  api::ScaleTarget target;

  Stage() {
    target.meta.ns = "shop";
    target.spec.region = "mumbai";
    mumbai->put("/api/v1/namespaces/shop/resourcequotas/compute",
                {{"spec", {{"hard", {{"requests.cpu", "20"}}}}},
                 {"status", {{"hard", {{"requests.cpu", "20"}}}, {"used", {{"requests.cpu", "17"}}}}}});
    mumbai->put("/api/v1/namespaces/other/resourcequotas/tight",
                {{"status", {{"hard", {{"requests.cpu", "1"}}}, {"used", {{"requests.cpu", "1"}}}}}});
    mumbai->put("/api/v1/nodes/a", {{"status",
                                     {{"allocatable", {{"cpu", "8"}, {"pods", "110"}}},
                                      {"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}});
    put_pod("running", "Running", json::object());
    put_pod("done", "Succeeded", json::object());
    connect();
    ConstraintWatchOptions options;
    options.times.nodes = std::chrono::milliseconds(50);
    options.times.after_failure = std::chrono::milliseconds(50);
    watch = std::make_unique<ConstraintWatch>(*home.world, std::function<void()>(), options);
  }
  void connect() {
    cluster = std::make_shared<Cluster>(
        "mumbai", client_of(mumbai), home.clock, home.metrics, [](const api::ObjectKey&) {}, 1);
    home.world->links.set("mumbai", {cluster, true, {}, {}});
  }
  void put_pod(const std::string& name, const std::string& phase, const json& condition) {
    mumbai->put("/api/v1/namespaces/shop/pods/" + name,
                {{"metadata", {{"labels", {{"app", "web"}}}}},
                 {"spec",
                  {{"nodeName", phase == "Pending" ? "" : "a"},
                   {"containers", {{{"name", "c"}, {"resources", {{"requests", {{"cpu", "2"}}}}}}}}}},
                 {"status", {{"phase", phase}, {"conditions", {condition}}}}});
  }
  plan::TargetConstraints ask(const std::string& selector = "app=web") {
    return watch->constraints(target, kPod, selector);
  }
  bool await(const std::function<bool(const plan::TargetConstraints&)>& holds) {
    return mumbai->await([&] { return holds(ask()); });
  }
};

TEST(ConstraintWatch, tells_what_quota_and_nodes_leave_once_it_knows) {
  Stage stage;
  ASSERT_TRUE(stage.await(
      [](const auto& now) { return now.quota_replicas_left && now.node_replicas_left && now.unschedulable; }));
  const plan::TargetConstraints known = stage.ask();
  EXPECT_EQ(known.quota_replicas_left, 3);
  EXPECT_NE(known.quota_text.find("ResourceQuota compute: requests.cpu 17 of 20"), std::string::npos);
  ASSERT_EQ(known.quotas.size(), 1U);
  EXPECT_EQ(known.quotas[0].free, Quantity::from_int(3));
  EXPECT_EQ(known.node_replicas_left, 6) << "a pod that has ended takes nothing";
  EXPECT_EQ(known.unschedulable, 0);
}

TEST(ConstraintWatch, does_not_wait_for_what_it_does_not_know) {
  Stage stage;
  stage.mumbai->set_hanging(true);
  const auto began = std::chrono::steady_clock::now();
  const plan::TargetConstraints unknown = stage.ask();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
  EXPECT_FALSE(unknown.quota_replicas_left);
  EXPECT_FALSE(unknown.node_replicas_left);
  EXPECT_FALSE(unknown.unschedulable);
  stage.watch->stop();
}

TEST(ConstraintWatch, follows_quota_pods_and_nodes_as_they_change) {
  Stage stage;
  ASSERT_TRUE(stage.await([](const auto& now) { return now.quota_replicas_left == 3 && now.node_replicas_left == 6; }));
  stage.mumbai->edit("/api/v1/namespaces/shop/resourcequotas/compute",
                     {{"status", {{"used", {{"requests.cpu", "20"}}}}}});
  EXPECT_TRUE(stage.await([](const auto& now) { return now.quota_replicas_left == 0; }));
  stage.put_pod("stuck", "Pending", {{"type", "PodScheduled"}, {"status", "False"}, {"reason", "Unschedulable"}});
  stage.put_pod("starting", "Pending", {{"type", "PodScheduled"}, {"status", "True"}});
  EXPECT_TRUE(stage.await([](const auto& now) { return now.unschedulable == 1; }));
  EXPECT_EQ(stage.ask("app=db").unschedulable, 0);
  EXPECT_FALSE(stage.ask("").unschedulable) << "without a selector the pods are not known";
  stage.mumbai->edit("/api/v1/nodes/a", {{"spec", {{"unschedulable", true}}}});
  EXPECT_TRUE(stage.await([](const auto& now) { return now.node_replicas_left == 0; }));
}

TEST(ConstraintWatch, says_nothing_of_room_before_the_pods_of_a_target_are_known) {
  Stage stage;
  ASSERT_TRUE(stage.await([](const auto& now) { return now.node_replicas_left.has_value(); }));
  const plan::TargetConstraints unknown = stage.watch->constraints(stage.target, {}, "app=web");
  EXPECT_FALSE(unknown.quota_replicas_left);
  EXPECT_FALSE(unknown.node_replicas_left);
}

TEST(ConstraintWatch, asks_nobody_in_a_region_that_is_not_connected_and_starts_anew_when_it_is) {
  Stage stage;
  ASSERT_TRUE(stage.await([](const auto& now) { return now.quota_replicas_left.has_value(); }));
  stage.home.world->links.set("mumbai", {nullptr, true, "gone", {}});
  EXPECT_FALSE(stage.ask().quota_replicas_left) << "what a former connection said is not true of this one";
  stage.connect();
  EXPECT_TRUE(stage.await([](const auto& now) { return now.quota_replicas_left.has_value(); }));
}

}  // namespace
}  // namespace headroom::controllers
