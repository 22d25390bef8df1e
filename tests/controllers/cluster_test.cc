// Caches of one cluster against an API server in memory.
#include "operator/controllers/cluster.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "operator/controllers/scaled_object_watch.h"
#include "operator/controllers/workload_caches.h"
#include "tests/controllers/simulated_objects.h"
#include "tests/controllers/test_world.h"
#include "tests/support/faulty_transport.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using std::chrono::seconds;

const api::TargetRef kWeb{"apps/v1", "Deployment", "web"};
const api::TargetRef kOrders{"postgresql.cnpg.io/v1", "Cluster", "orders"};
constexpr char kCrdPath[] = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusters.postgresql.cnpg.io";
constexpr char kGroupPath[] = "/apis/postgresql.cnpg.io/v1";

std::string hpa_path(const std::string& name) {
  return "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/" + name;
}
std::string scaled_object_path(const std::string& name) {
  return "/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects/" + name;
}

/// Monotonic time moved by hand, so that "every five minutes" needs no waiting.
class SteadyByHand final : public Clock {
 public:
  void advance(seconds by) { now_.fetch_add(by.count()); }
  absl::Time wall_now() const override { return absl::UnixEpoch(); }
  SteadyTime steady_now() const override { return SteadyTime(seconds(now_.load())); }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable_any&, absl::Time, std::stop_token,
                  const std::function<bool()>&) const override {}

 private:
  std::atomic<std::int64_t> now_{1'000};
};

struct ClusterCaches : ::testing::Test {
  std::shared_ptr<testing::MemoryApiServer> server = testing::MemoryApiServer::make();
  SteadyByHand clock;
  runtime::Metrics metrics;
  std::mutex mutex;
  std::multiset<api::ObjectKey> changed;

  void note(const api::ObjectKey& key) {
    const std::lock_guard lock(mutex);
    changed.insert(key);
  }
  bool heard_of(const std::string& name) {
    const std::lock_guard lock(mutex);
    return changed.contains({"shop", name});
  }
  void serve_databases(const json& subresources) {
    server->answer(kGroupPath, 200,
                   json{{"groupVersion", "postgresql.cnpg.io/v1"},
                        {"resources", {{{"name", "clusters"}, {"kind", "Cluster"}, {"namespaced", true}}}}}
                       .dump());
    server->put(
        kCrdPath,
        {{"spec",
          {{"versions",
            {{{"name", "v1"},
              {"subresources", subresources},
              {"schema",
               {{"openAPIV3Schema",
                 {{"properties", {{"status", {{"properties", {{"readyInstances", json::object()}}}}}}}}}}}}}}}}});
    server->put("/apis/postgresql.cnpg.io/v1/namespaces/shop/clusters/orders", a_database("orders", 3));
  }
  bool await(const std::function<bool()>& holds) { return server->await(holds); }
};

const json kScale = {{"scale", {{"specReplicasPath", ".spec.instances"}, {"statusReplicasPath", ".status.instances"}}}};

struct WholeCluster : ClusterCaches {
  std::unique_ptr<Cluster> cluster = std::make_unique<Cluster>(
      "mumbai", client_of(server), clock, metrics, [this](const api::ObjectKey& key) { note(key); }, 1);
  ~WholeCluster() override { cluster->stop(); }
};

TEST_F(WholeCluster, knows_nothing_until_its_caches_are_filled) {
  EXPECT_FALSE(cluster->health().synced);
  EXPECT_FALSE(cluster->health().reachable);
  EXPECT_FALSE(cluster->autoscaler({"shop", "a"}).synced);
  EXPECT_FALSE(cluster->scaled_object({"shop", "a"}).synced);
}

TEST_F(WholeCluster, finds_autoscalers_by_name_and_by_what_they_scale) {
  server->put(hpa_path("web-hpa"), an_autoscaler("web-hpa", "web", 10, 100));
  cluster->start();
  ASSERT_TRUE(await([&] { return cluster->health().synced; }));
  EXPECT_TRUE(cluster->health().reachable);
  ASSERT_TRUE(cluster->autoscaler({"shop", "web-hpa"}).object);
  EXPECT_FALSE(cluster->autoscaler({"shop", "other"}).object);
  EXPECT_EQ(cluster->autoscalers_of("shop", kWeb).size(), 1U);
  EXPECT_TRUE(await([&] { return heard_of("web-hpa") && heard_of("web"); })) << "of it and of what it scales";
  server->put(hpa_path("web-cpu"), an_autoscaler("web-cpu", "web", 1, 5));
  EXPECT_TRUE(await([&] { return cluster->autoscalers_of("shop", kWeb).size() == 2; }));
}

TEST_F(WholeCluster, works_where_keda_is_not_installed) {
  cluster->start();
  ASSERT_TRUE(await([&] { return cluster->scaled_object({"shop", "a"}).synced; }));
  EXPECT_EQ(cluster->scaled_object({"shop", "a"}).reason, "KindNotServed");
  EXPECT_TRUE(cluster->scaled_objects_of("shop", kWeb).empty());
}

TEST_F(WholeCluster, watches_a_kind_from_its_first_use_on) {
  server->put("/apis/apps/v1/namespaces/shop/deployments/web", a_deployment("web", 7));
  cluster->start();
  cluster->workload("shop", kWeb, "");
  ASSERT_TRUE(await([&] { return cluster->workload("shop", kWeb, "").synced; }));
  ASSERT_TRUE(cluster->workload("shop", kWeb, "").object);
  EXPECT_EQ(cluster->workload("shop", kWeb, "").object->replicas, 7);
  EXPECT_FALSE(cluster->workload("shop", {"apps/v1", "Deployment", "none"}, "").object);
  EXPECT_EQ(cluster->kind_of(kWeb, "")->type, kube::types::kDeployment);
}

TEST_F(WholeCluster, finds_custom_kinds_in_the_background) {
  serve_databases(kScale);
  cluster->start();
  EXPECT_FALSE(cluster->workload("shop", kOrders, "").synced) << "the look-up itself never asks";
  ASSERT_TRUE(await([&] { return cluster->workload("shop", kOrders, "").object != nullptr; }));
  EXPECT_EQ(cluster->workload("shop", kOrders, "").object->replicas, 3);
  EXPECT_EQ(cluster->kind_of(kOrders, "")->paths.ready, ".status.readyInstances");
}

TEST_F(WholeCluster, tells_the_version_and_the_sizes_of_its_caches) {
  server->answer("/version", 200, R"({"gitVersion": "v1.36.3"})");
  server->put(hpa_path("web-hpa"), an_autoscaler("web-hpa", "web", 10, 100));
  cluster->start();
  ASSERT_TRUE(await([&] { return cluster->health().kubernetes_version == "v1.36.3" && cluster->health().synced; }));
  EXPECT_NE(metrics.serialize().find("headroom_cached_objects{region=\"mumbai\","
                                     "resource=\"horizontalpodautoscalers.autoscaling\"} 1"),
            std::string::npos);
}

TEST_F(WholeCluster, says_what_is_wrong_with_a_cluster_that_does_not_answer) {
  server->set_down(true);
  cluster->start();
  ASSERT_TRUE(await([&] { return !cluster->health().problem.empty(); }));
  EXPECT_FALSE(cluster->health().reachable);
  EXPECT_NE(cluster->autoscaler({"shop", "a"}).problem.find("refused"), std::string::npos);
}

TEST_F(WholeCluster, is_silent_after_it_was_stopped) {
  cluster->start();
  ASSERT_TRUE(await([&] { return cluster->health().synced; }));
  cluster->stop();
  server->put(hpa_path("late"), an_autoscaler("late", "late", 1, 2));
  EXPECT_FALSE(heard_of("late"));
}

struct KedaWatch : ClusterCaches {
  ScaledObjectWatch watch{client_of(server), [this](const api::ObjectKey& key) { note(key); }, {}, clock, 1};
};

TEST_F(KedaWatch, looks_again_every_five_minutes_for_an_installation) {
  EXPECT_EQ(watch.look_due({}), clock.steady_now() + seconds(300));
  EXPECT_TRUE(watch.get({"shop", "a"}).synced);
  server->answer("/apis/keda.sh/v1alpha1", 200, "{}");
  server->put(scaled_object_path("web-so"), a_scaled_object("web-so", "web", 1, 9));
  clock.advance(seconds(299));
  watch.look_due({});
  EXPECT_EQ(watch.get({"shop", "a"}).reason, "KindNotServed");
  clock.advance(seconds(1));
  watch.look_due({});
  ASSERT_TRUE(await([&] { return watch.get({"shop", "web-so"}).object != nullptr; }));
  EXPECT_EQ(watch.scaling("shop", kWeb).size(), 1U);
  EXPECT_TRUE(await([&] { return heard_of("web"); }));
}

TEST_F(KedaWatch, lets_go_when_keda_was_removed) {
  server->answer("/apis/keda.sh/v1alpha1", 200, "{}");
  watch.look_due({});
  ASSERT_TRUE(await([&] { return watch.get({"shop", "a"}).synced; }));
  server->answer("/apis/keda.sh/v1alpha1", 404, "{}");
  clock.advance(seconds(300));
  watch.look_due({});
  EXPECT_EQ(watch.get({"shop", "a"}).reason, "KindNotServed");
}

TEST_F(KedaWatch, knows_nothing_while_the_question_fails_and_asks_again_soon) {
  server->set_down(true);
  EXPECT_EQ(watch.look_due({}), clock.steady_now() + seconds(5));
  EXPECT_FALSE(watch.get({"shop", "a"}).synced);
  EXPECT_FALSE(watch.get({"shop", "a"}).problem.empty());
}

/// The client's own monotonic time, moved along with the caches'.
class TimingByHand final : public kube::Timing {
 public:
  explicit TimingByHand(const Clock& clock) : clock_(clock) {}
  SteadyTime now() const override { return clock_.steady_now(); }
  bool pause(std::chrono::nanoseconds, const std::stop_token& stop) override { return !stop.stop_requested(); }

 private:
  const Clock& clock_;
};

struct Kinds : ClusterCaches {
  int calls = 0;
  std::shared_ptr<testing::FaultyTransport> wire =
      std::make_shared<testing::FaultyTransport>(server, std::vector<testing::FaultRule>{}, 1);
  std::shared_ptr<kube::Client> client() {
    kube::ClientLimits limits;
    limits.retry_for = std::chrono::milliseconds(0);
    return std::make_shared<kube::Client>(wire, limits, 1, std::make_shared<TimingByHand>(clock));
  }
  WorkloadCaches kinds{client(), [this](const api::ObjectKey& key) { note(key); }, {}, [this] { ++calls; }, clock, 1};
};

TEST_F(Kinds, asks_its_owner_to_look_when_a_new_kind_is_wanted) {
  kinds.get("shop", kWeb, "");
  EXPECT_EQ(calls, 0) << "what Kubernetes ships needs no looking for";
  kinds.get("shop", kOrders, "");
  kinds.get("shop", kOrders, "");
  EXPECT_EQ(calls, 1);
}

TEST_F(Kinds, says_that_a_kind_is_not_served_until_it_is) {
  kinds.get("shop", kOrders, "");
  kinds.resolve_due({});
  EXPECT_EQ(kinds.get("shop", kOrders, "").reason, "KindNotServed");
  EXPECT_NE(kinds.get("shop", kOrders, "").problem.find("Cluster"), std::string::npos);
  serve_databases(kScale);
  clock.advance(seconds(30));
  kinds.resolve_due({});
  EXPECT_TRUE(await([&] { return kinds.get("shop", kOrders, "").object != nullptr; }));
}

TEST_F(Kinds, says_that_a_kind_has_no_scale_subresource) {
  serve_databases(json::object());
  kinds.get("shop", kOrders, "");
  kinds.get("shop", kOrders, ".spec.instances");
  kinds.resolve_due({});
  EXPECT_EQ(kinds.get("shop", kOrders, "").reason, "NoScaleSubresource");
  EXPECT_TRUE(await([&] { return kinds.get("shop", kOrders, ".spec.instances").object != nullptr; }))
      << "a field needs none";
}

TEST_F(Kinds, names_the_right_that_is_missing_to_read_where_sizes_lie) {
  serve_databases(kScale);
  server->refuse([](const kube::Request& request) { return request.path == kCrdPath; }, 403);
  kinds.get("shop", kOrders, "");
  kinds.get("shop", kOrders, ".spec.instances");
  kinds.resolve_due({});
  EXPECT_NE(kinds.get("shop", kOrders, "").problem.find("customresourcedefinitions"), std::string::npos);
  EXPECT_TRUE(await([&] { return kinds.get("shop", kOrders, ".spec.instances").object != nullptr; }));
}

TEST_F(Kinds, tells_a_failed_question_from_a_missing_kind) {
  server->set_down(true);
  kinds.get("shop", kOrders, "");
  kinds.resolve_due({});
  EXPECT_EQ(kinds.get("shop", kOrders, "").reason, "CacheNotSynced");
  server->set_down(false);
  serve_databases(kScale);
  clock.advance(seconds(15));
  kinds.resolve_due({});
  EXPECT_TRUE(await([&] { return kinds.get("shop", kOrders, "").object != nullptr; }));
}

TEST_F(Kinds, lets_go_of_a_kind_whose_definition_was_removed) {
  serve_databases(kScale);
  kinds.get("shop", kOrders, "");
  kinds.resolve_due({});
  ASSERT_TRUE(await([&] { return kinds.get("shop", kOrders, "").object != nullptr; }));
  testing::FaultRule rule;
  rule.fault = testing::Fault::ResetBefore;
  rule.matches = [](const kube::Request& request) { return request.path.starts_with(kGroupPath); };
  wire->set_rules({rule});
  server->erase(kCrdPath);
  server->set_down(true);
  ASSERT_TRUE(await([&] { return wire->injected() > 0; })) << "the watch broke and could not be opened again";
  clock.advance(seconds(30));
  kinds.resolve_due({});
  EXPECT_TRUE(kinds.get("shop", kOrders, "").object) << "an outage is no proof that it is gone";
  server->set_down(false);
  EXPECT_TRUE(await([&] {
    clock.advance(seconds(30));
    kinds.resolve_due({});
    return kinds.get("shop", kOrders, "").reason == "NoScaleSubresource";
  }));
}

}  // namespace
}  // namespace headroom::controllers
