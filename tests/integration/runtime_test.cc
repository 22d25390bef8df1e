// Reflector, leader election and events against a real API server that crashes, and a real etcd that compacts. A
// cluster of its own: other tests' servers are not to be shot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "operator/kube/client.h"
#include "operator/kube/cpprest_transport.h"
#include "operator/runtime/events.h"
#include "operator/runtime/leader_election.h"
#include "operator/runtime/reflector.h"
#include "tests/support/test_cluster.h"

namespace headroom::runtime {
namespace {

using headroom::testing::eventually;
using headroom::testing::TestCluster;
using headroom::testing::TestNamespace;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr seconds kSoon{60};

/// The way to the server, which can be barred, and which counts lists and lets a test step in between two pages.
class Road final : public kube::Transport {
 public:
  explicit Road(std::shared_ptr<kube::Transport> inner) : inner_(std::move(inner)) {}

  std::atomic<bool> barred{false};
  std::atomic<int> first_pages{0}, unpaged{0}, gone{0};
  std::function<void()> before_second_page;  ///< once

  Result<kube::Response> send(const kube::Request& request, std::stop_token stop) override {
    if (barred) return Error{ErrorCode::Unavailable, "barred", 0, {}};
    const bool later_page = request.path.find("continue=") != std::string::npos;
    if (later_page && before_second_page) std::exchange(before_second_page, nullptr)();
    if (!later_page) ++(request.path.find("limit=") == std::string::npos ? unpaged : first_pages);
    Result<kube::Response> response = inner_->send(request, std::move(stop));
    if (response && response.value().status == 410) ++gone;
    return response;
  }
  Result<std::unique_ptr<kube::Stream>> open_stream(const kube::Request& request, std::stop_token stop) override {
    if (barred) return Error{ErrorCode::Unavailable, "barred", 0, {}};
    return inner_->open_stream(request, std::move(stop));
  }

 private:
  const std::shared_ptr<kube::Transport> inner_;
};

struct Note {
  std::string text;
};

Result<Note> decode_note(const json& object) { return Note{object.at("data").at("text").get<std::string>()}; }

class RuntimeIntegration : public ::testing::Test {
 protected:
  json config_map(const std::string& name, const std::string& text) const {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", {{"namespace", ns.name()}, {"name", name}}},
            {"data", {{"text", text}}}};
  }
  void create(const std::string& name, const std::string& text = "1") {
    const auto created = client->create(kube::types::kConfigMap, config_map(name, text), {});
    ASSERT_TRUE(created) << created.error().message;
  }
  void create_many(int count) {
    constexpr int kThreads = 8;
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, t, count] {
        for (int i = t; i < count; i += kThreads) create("note-" + std::to_string(i));
      });
    }
  }
  void change(const std::string& name, const std::string& text) {
    const auto changed = client->patch(kube::types::kConfigMap, {ns.name(), name}, kube::PatchType::Merge,
                                       {{"data", {{"text", text}}}}, {});
    ASSERT_TRUE(changed) << changed.error().message;
  }
  void remove(const std::string& name) {
    ASSERT_TRUE(client->remove(kube::types::kConfigMap, {ns.name(), name}, {}, {}));
  }

  void start_reflector(int page_size = 500) {
    ReflectorOptions options;
    options.type = kube::types::kConfigMap;
    options.ns = ns.name();
    options.page_size = page_size;
    options.backoff = Backoff{milliseconds(50), 2, milliseconds(1000), 0.2};
    reflector = std::make_unique<Reflector>(
        std::make_shared<kube::Client>(road, kube::ClientLimits{}, 5), options, store_sink<Note>(store, decode_note),
        [this](const api::ObjectKey& key) {
          std::lock_guard lock(mutex);
          ++changes[key.name];
        },
        clock, 7);
    reflector->start();
    ASSERT_TRUE(reflector->wait_synced(kSoon)) << reflector->health().last_error;
  }
  std::string text_of(const std::string& name) const {
    const auto note = store->get({ns.name(), name});
    return note ? note->text : "none";
  }
  bool becomes(const std::string& name, const std::string& text) const {
    return eventually(kSoon, [&] { return text_of(name) == text; });
  }
  int changes_of(const std::string& name) {
    std::lock_guard lock(mutex);
    return changes[name];
  }

  /// Makes etcd forget all before now, as the API server itself does every five minutes.
  void compact() {
    const json now = client->create(kube::types::kConfigMap, config_map("now-" + std::to_string(++compactions), ""), {})
                         .value()["metadata"]["resourceVersion"];
    std::ifstream ports(std::filesystem::path(cluster.kubeconfig_path()).parent_path() / "ports");
    int etcd_port = 0;
    ports >> etcd_port;
    kube::ClusterConfig etcd;
    etcd.server = "http://127.0.0.1:" + std::to_string(etcd_port);
    kube::Request request;
    request.method = kube::Method::Post;
    request.path = "/v3/kv/compaction";
    request.content_type = "application/json";
    request.body = json{{"revision", now}, {"physical", true}}.dump();
    const auto response = kube::make_transport(etcd).value()->send(request, {});
    ASSERT_TRUE(response) << response.error().message;
    ASSERT_EQ(response.value().status, 200) << response.value().body;
  }
  void crash_and_restart() {
    cluster.kill_apiserver();
    cluster.start_apiserver();
  }

  TestCluster& cluster = TestCluster::get("runtime-integration", {"--without-controllers"});
  const std::shared_ptr<kube::Client> client = cluster.client();
  const TestNamespace ns = cluster.new_namespace();
  const SystemClock clock;
  const std::shared_ptr<Road> road = std::make_shared<Road>(cluster.transport());
  const std::shared_ptr<Store<Note>> store = std::make_shared<Store<Note>>();
  int compactions = 0;
  std::mutex mutex;
  std::map<std::string, int> changes;  // guarded by mutex
  std::unique_ptr<Reflector> reflector;
};

TEST_F(RuntimeIntegration, reflector_sees_all_of_two_thousand_objects_and_every_change) {
  create_many(2000);
  start_reflector();
  EXPECT_EQ(store->size(), 2000u);
  EXPECT_EQ(road->first_pages, 1);
  change("note-7", "changed");
  create("late");
  remove("note-8");
  EXPECT_TRUE(becomes("note-7", "changed"));
  EXPECT_TRUE(becomes("late", "1"));
  EXPECT_TRUE(becomes("note-8", "none"));
  EXPECT_EQ(store->size(), 2000u);
  EXPECT_EQ(road->first_pages, 1) << "all of it came by the watch";
}

TEST_F(RuntimeIntegration, reflector_survives_a_crash_of_the_api_server) {
  create("a");
  start_reflector();
  cluster.kill_apiserver();
  EXPECT_TRUE(eventually(kSoon, [&] { return reflector->health().stale; }));
  EXPECT_EQ(text_of("a"), "1") << "what was last seen is still served";
  cluster.start_apiserver();
  change("a", "2");
  EXPECT_TRUE(becomes("a", "2"));
  EXPECT_FALSE(reflector->health().stale);
  EXPECT_EQ(reflector->health().last_error, "");
}

TEST_F(RuntimeIntegration, reflector_relists_after_a_gap_that_etcd_has_compacted_and_reports_what_vanished) {
  create("kept");
  create("changed");
  create("removed");
  start_reflector();
  change("kept", "2");
  ASSERT_TRUE(becomes("kept", "2"));
  road->barred = true;
  crash_and_restart();  // which ends the open stream
  ASSERT_TRUE(eventually(kSoon, [&] { return reflector->health().last_error.find("barred") != std::string::npos; }));
  change("changed", "2");
  remove("removed");
  create("added");
  compact();
  crash_and_restart();  // which empties its cache of past events
  const int lists = road->first_pages;
  road->barred = false;
  EXPECT_TRUE(becomes("added", "1"));
  EXPECT_TRUE(becomes("changed", "2"));
  EXPECT_TRUE(becomes("removed", "none"));
  EXPECT_EQ(road->first_pages, lists + 1);
  EXPECT_EQ(changes_of("removed"), 2);
  EXPECT_EQ(changes_of("kept"), 2) << "what stayed the same is no news";
  change("kept", "3");
  EXPECT_TRUE(becomes("kept", "3"));
}

TEST_F(RuntimeIntegration, reflector_lists_without_pages_when_its_continue_token_expired) {
  create_many(250);
  road->before_second_page = [this] {
    compact();
    crash_and_restart();  // whose cache could serve the token still
  };
  start_reflector(100);
  EXPECT_EQ(road->gone, 1);
  EXPECT_EQ(road->unpaged, 1);
  EXPECT_EQ(store->size(), 251u);
  change("note-249", "2");
  EXPECT_TRUE(becomes("note-249", "2"));
}

class Elector {
 public:
  Elector(std::shared_ptr<kube::Transport> transport, const std::string& ns, const std::string& identity,
          const Clock& clock)
      : elector_(
            std::make_shared<kube::Client>(std::move(transport), kube::ClientLimits{}, 1),
            {ns, "headroom", identity, seconds(4), seconds(3), milliseconds(300)}, clock, [this] { ++leading; },
            [this] { ++lost; }, std::hash<std::string>{}(identity)) {
    elector_.start();
  }
  LeaderElector* operator->() { return &elector_; }
  std::atomic<int> leading{0}, lost{0};

 private:
  LeaderElector elector_;
};

TEST_F(RuntimeIntegration, one_of_two_electors_leads_and_the_other_takes_over_what_it_gives_back) {
  Elector a(cluster.transport(), ns.name(), "a", clock);
  ASSERT_TRUE(eventually(kSoon, [&] { return a->holds_lease(); }));
  Elector b(cluster.transport(), ns.name(), "b", clock);
  ASSERT_TRUE(eventually(kSoon, [&] { return b->leader() == "a"; }));
  EXPECT_FALSE(b->holds_lease());
  a->stop(/*release=*/true);
  ASSERT_TRUE(eventually(kSoon, [&] { return b->holds_lease(); }));
  EXPECT_EQ(a.lost, 0);
  const auto lease = client->get(kube::types::kLease, {ns.name(), "headroom"}, {});
  ASSERT_TRUE(lease) << lease.error().message;
  EXPECT_EQ(lease.value()["spec"]["holderIdentity"], "b");
  EXPECT_EQ(lease.value()["spec"]["leaseTransitions"], 1);
  EXPECT_EQ(lease.value()["spec"]["leaseDurationSeconds"], 4);
}

TEST_F(RuntimeIntegration, leader_that_is_cut_off_stops_leading_before_the_other_takes_over) {
  const auto road_of_a = std::make_shared<Road>(cluster.transport());
  Elector a(road_of_a, ns.name(), "a", clock);
  ASSERT_TRUE(eventually(kSoon, [&] { return a->holds_lease(); }));
  Elector b(cluster.transport(), ns.name(), "b", clock);
  ASSERT_TRUE(eventually(kSoon, [&] { return b->leader() == "a"; }));
  road_of_a->barred = true;
  bool both = false;
  ASSERT_TRUE(eventually(kSoon, [&] {
    const bool b_holds = b->holds_lease();
    both = both || (b_holds && a->holds_lease());
    return b_holds;
  }));
  EXPECT_FALSE(both);
  // Who holds the Lease is told so a moment later.
  EXPECT_TRUE(eventually(kSoon, [&] { return a.lost == 1 && b.leading == 1; }));
}

TEST_F(RuntimeIntegration, leader_whose_api_server_dies_loses_at_its_deadline_and_leads_again_in_its_next_life) {
  Elector a(cluster.transport(), ns.name(), "a", clock);
  ASSERT_TRUE(eventually(kSoon, [&] { return a->holds_lease(); }));
  cluster.kill_apiserver();
  ASSERT_TRUE(eventually(kSoon, [&] { return a.lost == 1; }));
  EXPECT_FALSE(a->holds_lease());
  EXPECT_FALSE(a->healthy());
  cluster.start_apiserver();
  Elector next_life(cluster.transport(), ns.name(), "a-2", clock);
  EXPECT_TRUE(eventually(kSoon, [&] { return next_life->holds_lease(); }));
  EXPECT_FALSE(a->holds_lease());
}

TEST_F(RuntimeIntegration, events_appear_with_their_series) {
  Metrics metrics;
  ApiEventRecorder recorder(client, {"headroom.dev/operator", "headroom-operator-0"}, clock, metrics, seconds(0));
  const EventSubject cart{"headroom.dev/v1alpha1", "ScaleTarget", {ns.name(), "cart"}, "a-uid"};
  const EventSubject west{"headroom.dev/v1alpha1", "Region", {"", "west-" + ns.name()}, "b-uid"};
  std::string long_note;
  while (long_note.size() < 1200) long_note += "दीवाली ";
  for (int i = 0; i < 3; ++i) recorder.record(cart, {EventText::Type::Normal, "Scaled", "Scale", "10 -> 60"});
  recorder.record(cart, {EventText::Type::Warning, "Refused", "Scale", long_note});
  recorder.record(west, {EventText::Type::Warning, "Unreachable", "Connect", "no route"});
  recorder.stop(kSoon);
  EXPECT_THAT(metrics.serialize(), HasSubstr("headroom_events_dropped_total{reason=\"failed\"} 0"));

  const auto listed = client->list(kube::types::kEvent, ns.name(), {}, {});
  ASSERT_TRUE(listed) << listed.error().message;
  std::map<std::string, json> events;
  for (const json& event : listed.value().items) events[event["reason"]] = event;
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events["Scaled"]["series"]["count"], 3);
  EXPECT_EQ(events["Scaled"]["regarding"]["name"], "cart");
  EXPECT_EQ(events["Scaled"]["reportingController"], "headroom.dev/operator");
  EXPECT_EQ(events["Refused"]["type"], "Warning");
  EXPECT_LE(events["Refused"]["note"].get<std::string>().size(), 1024u);
  EXPECT_GT(events["Refused"]["note"].get<std::string>().size(), 1000u);

  const auto cluster_scoped = client->list(kube::types::kEvent, "default", {}, {});
  ASSERT_TRUE(cluster_scoped);
  EXPECT_TRUE(std::ranges::any_of(cluster_scoped.value().items,
                                  [&](const json& event) { return event["regarding"]["name"] == west.key.name; }));
}

}  // namespace
}  // namespace headroom::runtime
