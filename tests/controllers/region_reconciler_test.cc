// A region from the controller's first sight to its removal, against API servers in memory.
#include "operator/controllers/region_reconciler.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/controllers/region_access.h"
#include "operator/runtime/work_queue.h"
#include "tests/controllers/test_world.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

struct SilentQueries final : monitoring::QuerySource {
  std::map<std::string, Answer> answers;
  Answer ask(const std::string& /*region*/, const std::string& query) override {
    const auto it = answers.find(query);
    return it == answers.end() ? Answer{std::nullopt, "nobody there", true} : it->second;
  }
};

std::string base64(const std::string& text) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      encoded.push_back(at + i <= text.size() ? kDigits[group >> (18 - 6 * i) & 0x3F] : '=');
    }
  }
  return encoded;
}

std::string kubeconfig(const std::string& token, const std::string& extra = "") {
  return "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
         "clusters: [{name: c, cluster: {server: 'https://mumbai.example:6443'" +
         extra + "}}]\nusers: [{name: u, user: {token: " + token +
         "}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n";
}

constexpr char kMumbai[] = "/apis/headroom.dev/v1alpha1/regions/mumbai";

/// A home cluster, one more cluster, and the reconciler between them.
struct Stage {
  TestWorld home;
  std::shared_ptr<testing::MemoryApiServer> remote = testing::MemoryApiServer::make();
  SilentQueries queries;
  std::atomic<int> replans{0};
  std::vector<std::string> opened;  ///< kubeconfigs
  runtime::WorkQueue queue{home.clock, {}, 1};
  std::unique_ptr<RegionReconciler> reconciler;

  Stage() {
    remote->answer("/version", 200, R"({"gitVersion":"v1.35.1"})");
    remote->answer("/readyz", 200, "ok");
    reconciler = std::make_unique<RegionReconciler>(
        *home.world, queries,
        [this](const std::string& region, const std::string& text) -> Result<std::shared_ptr<Cluster>> {
          opened.push_back(text);
          auto cluster = std::make_shared<Cluster>(
              region, client_of(text.empty() ? home.server : remote), home.clock, home.metrics,
              [](const api::ObjectKey&) {}, 1);
          cluster->start();
          return cluster;
        },
        [this] { ++replans; });
    reconciler->use_queue(queue);
  }
  ~Stage() {
    reconciler->stop();
    for (const auto& [name, link] : home.world->links.all()) {
      if (link.cluster) link.cluster->stop();
    }
  }

  /// As a user would apply it.
  void apply(const json& spec) {
    if (home.server->get(kMumbai).is_null()) {
      home.server->put(kMumbai, {{"spec", spec}});
    } else {
      home.server->edit(kMumbai, {{"spec", spec}});
    }
    see();
  }
  /// As the operator's watch would bring it.
  void see() { home.load(api::region_from_json(home.server->get(kMumbai)).value()); }

  runtime::ReconcileResult reconcile(const std::string& name = "mumbai") {
    auto result = reconciler->reconcile({"sync", {"", name}}, "id", {});
    EXPECT_TRUE(result) << result.error().message;
    return result ? result.value() : runtime::ReconcileResult{};
  }
  /// Reconciles until the stored condition says so.
  bool await(const std::string& type, const std::string& status, const std::string& reason = "") {
    return home.server->await([&] {
      reconcile();
      const json now = condition(type);
      return now.value("status", "") == status && (reason.empty() || now.value("reason", "") == reason);
    });
  }
  json condition(const std::string& type) const {
    for (const json& one : home.server->get(kMumbai).value("/status/conditions"_json_pointer, json::array())) {
      if (one["type"] == type) return one;
    }
    return json::object();
  }
  void put_kubeconfig(const std::string& text) {
    home.server->put(secret_path("headroom-system", "mumbai-kubeconfig"), {{"data", {{"value", base64(text)}}}});
  }
};

const json kRemote = {{"cluster",
                       {{"type", "Kubeconfig"},
                        {"kubeconfigSecretRef", {{"namespace", "headroom-system"}, {"name", "mumbai-kubeconfig"}}}}}};

TEST(RegionReconciler, connects_a_local_region_and_says_so) {
  Stage stage;
  stage.apply(json::object());
  ASSERT_TRUE(stage.await("Ready", "True")) << stage.home.server->get(kMumbai).dump(1);
  EXPECT_EQ(stage.opened, std::vector<std::string>{""});
  EXPECT_TRUE(stage.home.world->links.get("mumbai")->cluster);
  EXPECT_TRUE(stage.home.server->await([&] {
    stage.reconcile();
    return stage.home.server->get(kMumbai)["status"].value("kubernetesVersion", "") == "v1.36.3";
  }));
  EXPECT_GT(stage.replans, 0);
}

TEST(RegionReconciler, region_local_exists_without_an_object_and_writes_nothing_then) {
  Stage stage;
  stage.reconcile("local");
  EXPECT_TRUE(stage.home.world->links.get("local")->cluster);
  stage.reconcile("local");
  EXPECT_EQ(stage.opened.size(), 1U);
  EXPECT_TRUE(stage.home.server->writes().empty());
}

TEST(RegionReconciler, a_settled_region_is_not_written_again) {
  Stage stage;
  stage.apply(json::object());
  ASSERT_TRUE(stage.await("Ready", "True"));
  // What the first looks bring (version, usage) comes when it comes.
  std::size_t writes = 0;
  ASSERT_TRUE(stage.home.server->await([&] {
    writes = stage.home.server->writes().size();
    for (int i = 0; i < 5; ++i) stage.reconcile();
    return stage.home.server->get(kMumbai)["status"].contains("kubernetesVersion") &&
           stage.home.server->writes().size() == writes;
  }));
  for (int i = 0; i < 5; ++i) stage.reconcile();
  EXPECT_EQ(stage.home.server->writes().size(), writes);
}

TEST(RegionReconciler, follows_the_kubeconfig_from_its_secret) {
  Stage stage;
  stage.apply(kRemote);
  ASSERT_TRUE(stage.await("Reachable", "False", "SecretNotFound"));
  EXPECT_EQ(stage.condition("Stalled")["status"], "True");
  EXPECT_NE(stage.condition("Reachable")["message"].get<std::string>().find("headroom-system/mumbai-kubeconfig"),
            std::string::npos);
  EXPECT_FALSE(stage.home.world->links.get("mumbai")->cluster);

  stage.put_kubeconfig(kubeconfig("one"));
  ASSERT_TRUE(stage.await("Ready", "True"));
  ASSERT_EQ(stage.opened.size(), 1U);
  const auto first = stage.home.world->links.get("mumbai")->cluster;

  stage.put_kubeconfig(kubeconfig("two"));
  EXPECT_TRUE(stage.home.server->await([&] {
    stage.reconcile();
    return stage.opened.size() == 2;
  }));
  EXPECT_NE(stage.home.world->links.get("mumbai")->cluster, first);

  stage.home.server->erase(secret_path("headroom-system", "mumbai-kubeconfig"));
  ASSERT_TRUE(stage.await("Reachable", "False", "SecretNotFound"));
  EXPECT_FALSE(stage.home.world->links.get("mumbai")->cluster) << "withdrawn credentials are not used on";
}

TEST(RegionReconciler, a_change_of_the_secret_queues_its_region) {
  Stage stage;
  stage.apply(kRemote);
  ASSERT_TRUE(stage.await("Reachable", "False", "SecretNotFound"));
  stage.put_kubeconfig(kubeconfig("one"));
  const auto woken = stage.queue.take({});
  ASSERT_TRUE(woken);
  EXPECT_EQ(woken->object.name, "mumbai");
  EXPECT_EQ(woken->kind, "sync");
}

TEST(RegionReconciler, refuses_dangerous_kubeconfigs_by_field_and_drops_the_former_connection) {
  Stage stage;
  stage.apply(kRemote);
  stage.put_kubeconfig(kubeconfig("one"));
  ASSERT_TRUE(stage.await("Ready", "True"));
  struct Row {
    std::string text;
    const char* told;
  };
  const Row table[] = {{kubeconfig("two", ", insecure-skip-tls-verify: true"), "insecure-skip-tls-verify"},
                       {kubeconfig("two", ", certificate-authority: /etc/ca.pem"), "certificate-authority"},
                       {"not: [a kubeconfig", "mumbai-kubeconfig"}};
  for (const Row& row : table) {
    stage.put_kubeconfig(row.text);
    ASSERT_TRUE(stage.await("Reachable", "False", "KubeconfigInvalid")) << row.told;
    EXPECT_NE(stage.condition("Reachable")["message"].get<std::string>().find(row.told), std::string::npos)
        << stage.condition("Reachable");
    EXPECT_FALSE(stage.home.world->links.get("mumbai")->cluster);
    stage.put_kubeconfig(kubeconfig("good"));
    ASSERT_TRUE(stage.await("Ready", "True"));
  }
}

TEST(RegionReconciler, a_lost_region_is_told_and_holds_nobody_up) {
  Stage stage;
  stage.apply(kRemote);
  stage.put_kubeconfig(kubeconfig("one"));
  ASSERT_TRUE(stage.await("Ready", "True"));
  stage.remote->set_down(true);
  ASSERT_TRUE(stage.await("Reachable", "False", "ApiServerAway"));
  EXPECT_EQ(stage.condition("Stalled")["status"], "False");
  stage.remote->set_hanging(true);
  stage.remote->set_down(false);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) stage.reconcile();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2)) << "no reconcile waits for the region";
  stage.remote->set_hanging(false);
  EXPECT_TRUE(stage.await("Reachable", "True"));
  const std::vector<std::string> told = stage.home.events.reasons("mumbai");
  EXPECT_NE(std::ranges::find(told, "RegionUnreachable"), told.end());
  EXPECT_NE(std::ranges::find(told, "RegionReachable"), told.end());
}

TEST(RegionReconciler, probes_decide_on_health_and_the_planner_hears_of_it) {
  Stage stage;
  json spec = kRemote;
  spec["health"] = {
      {"probes", {{{"name", "api"}, {"type", "APIServer"}, {"interval", "1s"}, {"failureThreshold", 1}}}}};
  stage.put_kubeconfig(kubeconfig("one"));
  stage.apply(spec);
  ASSERT_TRUE(stage.await("Healthy", "True", "ProbesPass"));
  const int replans = stage.replans;
  stage.remote->answer("/readyz", 500, "etcd failed");
  ASSERT_TRUE(stage.await("Healthy", "False", "ProbesFail"));
  EXPECT_NE(stage.condition("Healthy")["message"].get<std::string>().find("500"), std::string::npos);
  EXPECT_FALSE(stage.home.world->links.get("mumbai")->healthy);
  EXPECT_GT(stage.replans, replans);
  EXPECT_EQ(stage.home.server->get(kMumbai)["status"]["probes"][0]["healthy"], false);
  stage.remote->answer("/readyz", 200, "ok");
  EXPECT_TRUE(stage.await("Healthy", "True"));
}

TEST(RegionReconciler, renders_its_parameters_and_repairs_drift) {
  Stage stage;
  json spec = kRemote;
  spec["parameters"] = {{"epsilon", "1.0"}, {"redaction", "aggressive"}};
  spec["parameterNamespaces"] = {"shop", "pay"};
  stage.put_kubeconfig(kubeconfig("one"));
  stage.apply(spec);
  ASSERT_TRUE(stage.await("ParametersWritten", "True")) << stage.home.server->get(kMumbai).dump(1);
  const std::string shop = config_map_path("shop", "headroom-region");
  EXPECT_EQ(stage.remote->get(shop)["data"], spec["parameters"]);
  EXPECT_FALSE(stage.remote->get(config_map_path("pay", "headroom-region")).is_null());

  spec["parameters"] = {{"epsilon", "0.5"}, {"redaction", nullptr}};
  spec["parameterNamespaces"] = {"shop"};
  stage.apply(spec);
  stage.reconcile();
  EXPECT_TRUE(stage.remote->await([&] {
    return stage.remote->get(shop)["data"] == json{{"epsilon", "0.5"}} &&
           stage.remote->get(config_map_path("pay", "headroom-region")).is_null();
  })) << stage.remote->get(shop);
  stage.remote->edit(shop, {{"data", {{"epsilon", "9"}}}});
  stage.apply({{"compliance", {"EU_GDPR"}}});  // any change looks at once; without one it is within the minute
  stage.reconcile();
  EXPECT_TRUE(stage.remote->await([&] { return stage.remote->get(shop)["data"]["epsilon"] == "0.5"; }));
  EXPECT_EQ(stage.remote->unconditional_writes(), std::vector<std::string>()) << "a former leader's might come late";
}

/// A Region that renders its parameters into "shop" of its cluster, being deleted.
struct GoingRegion : Stage {
  const std::string shop = config_map_path("shop", "headroom-region");

  GoingRegion() {
    json spec = kRemote;
    spec["parameters"] = {{"epsilon", "1.0"}};
    spec["parameterNamespaces"] = {"shop"};
    put_kubeconfig(kubeconfig("one"));
    apply(spec);
    EXPECT_TRUE(await("ParametersWritten", "True"));
    see();
  }
  void erase() {
    home.server->erase(kMumbai);
    if (!home.server->get(kMumbai).is_null()) see();
  }
  /// Reconciles until the Region is gone from the server.
  bool goes() {
    return home.server->await([&] {
      if (home.server->get(kMumbai).is_null()) return true;
      see();
      reconcile();
      return false;
    });
  }
};

TEST(RegionReconciler, a_deleted_region_takes_its_parameters_with_it) {
  GoingRegion stage;
  EXPECT_EQ(stage.home.server->get(kMumbai)["metadata"]["finalizers"], json({api::kFinalizer}));
  stage.erase();
  ASSERT_TRUE(stage.goes()) << stage.home.server->get(kMumbai).dump(1);
  EXPECT_TRUE(stage.remote->get(stage.shop).is_null());
  EXPECT_EQ(stage.home.events.note("ParametersLeft"), "");
}

TEST(RegionReconciler, a_deleted_region_leaves_parameters_that_are_no_longer_its_own) {
  GoingRegion stage;
  stage.remote->edit(stage.shop, {{"metadata", {{"labels", {{"headroom.dev/region", "chennai"}}}}}});
  stage.erase();
  ASSERT_TRUE(stage.goes());
  EXPECT_FALSE(stage.remote->get(stage.shop).is_null());
}

TEST(RegionReconciler, a_lost_region_delays_its_deletion_for_a_while_only) {
  GoingRegion stage;
  stage.remote->set_down(true);
  stage.erase();
  const auto deleted = api::region_from_json(stage.home.server->get(kMumbai)).value().meta.deleted.value();
  stage.home.clock.advance_to(deleted + absl::Minutes(9));
  for (int look = 0; look < 3; ++look) EXPECT_TRUE(stage.reconcile().requeue_after);
  EXPECT_FALSE(stage.home.server->get(kMumbai).is_null());
  stage.home.clock.advance_to(deleted + absl::Minutes(11));
  ASSERT_TRUE(stage.goes());
  const std::string note = stage.home.events.note("ParametersLeft");
  EXPECT_NE(note.find("headroom-region may be left in namespaces shop"), std::string::npos) << note;
  EXPECT_NE(note.find("headroom.dev/region=mumbai"), std::string::npos) << note;
  EXPECT_FALSE(stage.remote->get(stage.shop).is_null());
}

TEST(RegionReconciler, a_lost_region_goes_at_once_when_told_to) {
  GoingRegion stage;
  stage.remote->set_down(true);
  stage.home.server->edit(kMumbai, {{"metadata", {{"annotations", {{api::kForceDeleteAnnotation, "true"}}}}}});
  stage.erase();
  ASSERT_TRUE(stage.goes());
  EXPECT_NE(stage.home.events.note("ParametersLeft"), "");
}

TEST(RegionReconciler, a_region_that_renders_nothing_is_not_held) {
  Stage stage;
  stage.apply(json::object());
  ASSERT_TRUE(stage.await("Ready", "True"));
  EXPECT_FALSE(stage.home.server->get(kMumbai)["metadata"].contains("finalizers"));
}

TEST(RegionReconciler, counts_what_is_planned_and_used_against_its_capacity) {
  Stage stage;
  stage.queries.answers["sum(rps)"] = {60.0, "", true};
  stage.apply({{"capacity", {{{"name", "rps"}, {"hard", "200"}, {"usedQuery", "sum(rps)"}}}}});
  auto plan = std::make_shared<PlanSnapshot>();
  plan->result.planned_use["mumbai"]["rps"] = Quantity::from_int(150);
  auto target = std::make_shared<api::ScaleTarget>();
  target->spec.region = "mumbai";
  plan->targets = {target, target, std::make_shared<api::ScaleTarget>()};
  stage.home.world->publish(plan);
  ASSERT_TRUE(stage.await("CapacityAvailable", "False", "CapacityExceeded"));
  const json status = stage.home.server->get(kMumbai)["status"];
  EXPECT_EQ(status["capacity"][0]["planned"], "150");
  EXPECT_EQ(status["capacity"][0]["used"], "60");
  EXPECT_EQ(status["targets"], 2);
  EXPECT_EQ(stage.home.world->links.get("mumbai")->used_elsewhere.at("rps"), Quantity::from_int(60));
}

TEST(RegionReconciler, a_region_that_selects_namespaces_is_connected_once_their_labels_are_known) {
  Stage stage;
  stage.home.server->put("/api/v1/namespaces/shop", {{"metadata", {{"labels", {{"tier", "gold"}}}}}});
  stage.home.server->set_down(true);
  api::Region region;
  region.meta.name = "mumbai";
  region.spec.allowed_namespaces.from = api::AllowedNamespaces::From::Selector;
  region.spec.allowed_namespaces.selector.emplace().match_labels = {{"tier", "gold"}};
  stage.home.load(region);
  EXPECT_FALSE(stage.reconciler->reconcile({"sync", {"", "mumbai"}}, "id", {})) << "the status cannot be written";
  EXPECT_TRUE(stage.opened.empty());
  stage.home.server->set_down(false);
  EXPECT_TRUE(stage.home.server->await([&] {
    stage.reconcile();
    return stage.opened.size() == 1;
  }));
  api::ScaleTarget target;
  target.meta.ns = "shop";
  target.spec.region = "mumbai";
  EXPECT_FALSE(refusal_of(*stage.home.world, target, &region));
  target.meta.ns = "elsewhere";
  EXPECT_TRUE(refusal_of(*stage.home.world, target, &region));
}

TEST(RegionReconciler, writes_a_status_onto_the_version_that_it_was_made_for_or_not_at_all) {
  Stage stage;
  stage.apply({{"cluster", {{"type", "Local"}}}});
  ASSERT_TRUE(stage.await("Ready", "True"));
  stage.see();
  stage.home.server->edit(kMumbai, {{"status", {{"version", "of the next leader"}}}});
  api::Region region = *stage.home.world->regions->get({"", "mumbai"});
  ++region.meta.generation;  // which goes into each condition
  stage.home.load(region);
  EXPECT_LE(stage.reconcile().requeue_after, std::chrono::milliseconds(200));
  EXPECT_EQ(stage.home.server->get(kMumbai)["status"]["version"], "of the next leader");
  EXPECT_EQ(stage.condition("Ready")["observedGeneration"], region.meta.generation - 1);
  stage.see();
  region = *stage.home.world->regions->get({"", "mumbai"});
  ++region.meta.generation;
  stage.home.load(region);
  stage.reconcile();
  EXPECT_EQ(stage.condition("Ready")["observedGeneration"], region.meta.generation);
}

TEST(RegionReconciler, a_removed_region_is_disconnected) {
  Stage stage;
  stage.apply(json::object());
  ASSERT_TRUE(stage.await("Ready", "True"));
  stage.home.world->regions->remove({"", "mumbai"});
  stage.reconcile();
  EXPECT_FALSE(stage.home.world->links.get("mumbai"));
}

TEST(RegionReconciler, a_region_that_is_not_connected_yet_is_not_called_missing) {
  Stage stage;
  const auto told = [&](const std::string& region) {
    return unconnected_problem(*stage.home.world, region, stage.home.world->links.get(region));
  };
  EXPECT_NE(told("mumbai").find("there is no Region mumbai: create it"), std::string::npos);
  EXPECT_EQ(told("local").find("create it"), std::string::npos);
  stage.apply(json::object());
  EXPECT_EQ(told("mumbai"), "region mumbai is being connected");
  stage.home.world->links.set("mumbai", RegionLink{nullptr, true, "no such Secret", {}});
  EXPECT_EQ(told("mumbai"), "region mumbai is not connected: no such Secret");
}

TEST(RegionReconciler, a_status_that_could_not_be_written_is_written_later) {
  Stage stage;
  stage.apply(json::object());
  stage.home.server->refuse([](const kube::Request& request) { return request.method == kube::Method::Patch; }, 403);
  EXPECT_FALSE(stage.reconciler->reconcile({"sync", {"", "mumbai"}}, "id", {}));
  EXPECT_TRUE(stage.home.world->links.get("mumbai")) << "the region works all the same";
  stage.home.server->refuse_nothing();
  EXPECT_TRUE(stage.await("Ready", "True"));
}

}  // namespace
}  // namespace headroom::controllers
