// The client against a real API server.
#include "operator/kube/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "operator/kube/config.h"
#include "operator/kube/cpprest_transport.h"
#include "tests/support/test_cluster.h"

namespace headroom::kube {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using testing::eventually;
using testing::TestCluster;
using testing::TestNamespace;

class KubeClient : public ::testing::Test {
 protected:
  json config_map(const std::string& name, const std::string& value = "1") const {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", {{"namespace", ns.name()}, {"name", name}}},
            {"data", {{"key", value}}}};
  }
  json deployment(const std::string& name) const {
    const json labels{{"app", name}};
    return {{"apiVersion", "apps/v1"},
            {"kind", "Deployment"},
            {"metadata", {{"namespace", ns.name()}, {"name", name}}},
            {"spec",
             {{"replicas", 1},
              {"selector", {{"matchLabels", labels}}},
              {"template",
               {{"metadata", {{"labels", labels}}},
                {"spec", {{"containers", {{{"name", "c"}, {"image", "example.com/none:1"}}}}}}}}}}};
  }
  api::ObjectKey key(const std::string& name) const { return {ns.name(), name}; }

  // A write by somebody else.
  Result<Response> apply_as(const std::string& manager, const std::string& name, const json& object) {
    Request request;
    request.method = Method::Patch;
    request.path = object_path(types::kConfigMap, key(name)) + "?fieldManager=" + manager + "&force=true";
    request.content_type = "application/apply-patch+yaml";
    request.body = object.dump();
    return cluster.transport()->send(request, {});
  }

  TestCluster& cluster = TestCluster::get();
  const std::shared_ptr<Client> client = cluster.client();
  const TestNamespace ns = cluster.new_namespace();
};

json next_event(Stream& stream) {
  const auto line = stream.read_line(seconds(20));
  if (!line || !line.value()) return nullptr;
  return json::parse(*line.value());
}

TEST_F(KubeClient, creates_reads_changes_and_removes) {
  const auto created = client->create(types::kConfigMap, config_map("a"), {});
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_FALSE(created.value()["metadata"]["uid"].get<std::string>().empty());
  EXPECT_EQ(created.value()["metadata"]["managedFields"][0]["manager"], "headroom");
  EXPECT_EQ(client->create(types::kConfigMap, config_map("a"), {}).error().code, ErrorCode::AlreadyExists);

  const auto patched = client->patch(types::kConfigMap, key("a"), PatchType::Merge, {{"data", {{"key", "2"}}}}, {});
  ASSERT_TRUE(patched) << patched.error().message;
  json object = client->get(types::kConfigMap, key("a"), {}).value();
  EXPECT_EQ(object["data"]["key"], "2");
  object["data"]["key"] = "3";
  EXPECT_TRUE(client->update(types::kConfigMap, object, {}));

  EXPECT_TRUE(client->remove(types::kConfigMap, key("a"), {}, {}));
  EXPECT_EQ(client->get(types::kConfigMap, key("a"), {}).error().code, ErrorCode::NotFound);
  EXPECT_TRUE(client->remove(types::kConfigMap, key("a"), {}, {})) << "gone already is fine";
}

TEST_F(KubeClient, meets_a_conflict_wherever_a_precondition_fails) {
  const json old = client->create(types::kConfigMap, config_map("a"), {}).value();
  ASSERT_TRUE(client->patch(types::kConfigMap, key("a"), PatchType::Merge, {{"data", {{"key", "2"}}}}, {}));
  const json& version = old["metadata"]["resourceVersion"];
  EXPECT_EQ(client
                ->patch(types::kConfigMap, key("a"), PatchType::Merge,
                        {{"metadata", {{"resourceVersion", version}}}, {"data", {{"key", "4"}}}}, {})
                .error()
                .code,
            ErrorCode::Conflict);
  EXPECT_EQ(client
                ->patch(types::kConfigMap, key("a"), PatchType::Json,
                        {{{"op", "replace"}, {"path", "/metadata/resourceVersion"}, {"value", version}},
                         {{"op", "replace"}, {"path", "/data/key"}, {"value", "4"}}},
                        {})
                .error()
                .code,
            ErrorCode::Conflict);
  EXPECT_EQ(client->update(types::kConfigMap, old, {}).error().code, ErrorCode::Conflict);
  EXPECT_EQ(client->remove(types::kConfigMap, key("a"), {"", version}, {}).error().code, ErrorCode::Conflict);
  EXPECT_EQ(client->remove(types::kConfigMap, key("a"), {"00000000-0000-0000-0000-000000000000", ""}, {}).error().code,
            ErrorCode::Conflict);
  EXPECT_EQ(client->get(types::kConfigMap, key("a"), {}).value()["data"]["key"], "2") << "nothing landed";
  EXPECT_EQ(client
                ->patch(types::kConfigMap, key("a"), PatchType::Json,
                        {{{"op", "test"}, {"path", "/data/key"}, {"value", "1"}},
                         {{"op", "replace"}, {"path", "/data/key"}, {"value", "5"}}},
                        {})
                .error()
                .code,
            ErrorCode::Unprocessable);
  EXPECT_TRUE(client->patch(types::kConfigMap, key("a"), PatchType::Json,
                            {{{"op", "test"}, {"path", "/data/key"}, {"value", "2"}},
                             {{"op", "replace"}, {"path", "/data/key"}, {"value", "5"}}},
                            {}));
}

TEST_F(KubeClient, reports_what_the_server_finds_wrong_with_an_object) {
  const auto invalid = client->create(types::kConfigMap, config_map("Not A Name"), {});
  ASSERT_FALSE(invalid);
  EXPECT_EQ(invalid.error().code, ErrorCode::Unprocessable);
  EXPECT_NE(invalid.error().message.find("RFC 1123"), std::string::npos) << invalid.error().message;
  EXPECT_EQ(client->get({"no.such.group", "v1", "things", "Thing", true}, key("a"), {}).error().code,
            ErrorCode::NotFound);
}

TEST_F(KubeClient, lists_in_pages_that_are_one_snapshot) {
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(client->create(types::kConfigMap, config_map("cm-" + std::to_string(i)), {}));
  }
  ListOptions options;
  options.limit = 10;
  options.field_selector = "metadata.name!=kube-root-ca.crt";
  std::set<std::string> names;
  std::string version;
  int pages = 0;
  do {
    const auto page = client->list(types::kConfigMap, ns.name(), options, {});
    ASSERT_TRUE(page) << page.error().message;
    if (pages++ > 0) {
      EXPECT_EQ(page.value().resource_version, version);
    }
    version = page.value().resource_version;
    for (const json& item : page.value().items) {
      EXPECT_EQ(item["kind"], "ConfigMap");
      EXPECT_EQ(item["apiVersion"], "v1");
      names.insert(item["metadata"]["name"]);
    }
    options.continue_token = page.value().continue_token;
    // Written between the pages, so not in the snapshot.
    ASSERT_TRUE(client->create(types::kConfigMap, config_map("late-" + std::to_string(pages)), {}));
  } while (!options.continue_token.empty());
  EXPECT_GE(pages, 3);
  EXPECT_EQ(names.size(), 25U);
}

TEST_F(KubeClient, lists_metadata_only_and_empty_collections) {
  ASSERT_TRUE(client->create(types::kConfigMap, config_map("a"), {}));
  ListOptions options;
  options.metadata_only = true;
  const auto page = client->list(types::kConfigMap, ns.name(), options, {});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_FALSE(page.value().items.empty());
  EXPECT_EQ(page.value().items.front()["kind"], "PartialObjectMetadata");
  EXPECT_FALSE(page.value().items.front().contains("data"));
  const auto none = client->list(types::kLease, ns.name(), {}, {});
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_TRUE(none.value().items.empty());
  EXPECT_FALSE(none.value().resource_version.empty());
}

TEST_F(KubeClient, watches_what_happens_and_gets_a_bookmark_before_the_end) {
  WatchOptions options;
  options.resource_version = client->list(types::kConfigMap, ns.name(), {}, {}).value().resource_version;
  options.field_selector = "metadata.name=a";
  options.timeout = seconds(6);
  auto stream = client->watch(types::kConfigMap, ns.name(), options, {});
  ASSERT_TRUE(stream) << stream.error().message;
  ASSERT_TRUE(client->create(types::kConfigMap, config_map("a"), {}));
  ASSERT_TRUE(client->create(types::kConfigMap, config_map("not-selected"), {}));
  ASSERT_TRUE(client->patch(types::kConfigMap, key("a"), PatchType::Merge, {{"data", {{"key", "2"}}}}, {}));
  ASSERT_TRUE(client->remove(types::kConfigMap, key("a"), {}, {}));
  EXPECT_EQ(next_event(*stream.value())["type"], "ADDED");
  const json modified = next_event(*stream.value());
  EXPECT_EQ(modified["type"], "MODIFIED");
  EXPECT_EQ(modified["object"]["data"]["key"], "2");
  const json deleted = next_event(*stream.value());
  EXPECT_EQ(deleted["type"], "DELETED");
  const json bookmark = next_event(*stream.value());
  EXPECT_EQ(bookmark["type"], "BOOKMARK") << bookmark.dump();
  EXPECT_FALSE(bookmark["object"]["metadata"]["resourceVersion"].get<std::string>().empty());
  json more;
  while ((more = next_event(*stream.value())) != nullptr) EXPECT_EQ(more["type"], "BOOKMARK");
  const auto end = stream.value()->read_line(seconds(20));
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end.value(), std::nullopt) << "the server ends it in order";
}

TEST_F(KubeClient, watches_metadata_only) {
  WatchOptions options;
  options.metadata_only = true;
  options.field_selector = "metadata.name=a";
  options.resource_version = client->list(types::kConfigMap, ns.name(), {}, {}).value().resource_version;
  auto stream = client->watch(types::kConfigMap, ns.name(), options, {});
  ASSERT_TRUE(stream) << stream.error().message;
  ASSERT_TRUE(client->create(types::kConfigMap, config_map("a"), {}));
  const json event = next_event(*stream.value());
  EXPECT_EQ(event["object"]["kind"], "PartialObjectMetadata");
  EXPECT_FALSE(event["object"].contains("data"));
}

TEST_F(KubeClient, takes_a_resource_version_from_the_future_for_gone) {
  ListOptions options;
  options.resource_version = "999999999999";
  options.resource_version_match = "NotOlderThan";
  const auto page = client->list(types::kConfigMap, ns.name(), options, {});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::Gone) << page.error().message;
}

TEST_F(KubeClient, meets_a_conflict_in_a_server_side_apply_and_can_force_it) {
  ASSERT_EQ(apply_as("git", "a", config_map("a", "theirs")).value().status, 201);
  const auto conflict = client->patch(types::kConfigMap, key("a"), PatchType::Apply, config_map("a", "ours"), {});
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code, ErrorCode::Conflict);
  EXPECT_NE(conflict.error().message.find("git"), std::string::npos)
      << "the other manager: " << conflict.error().message;
  const auto forced =
      client->patch(types::kConfigMap, key("a"), PatchType::Apply, config_map("a", "ours"), {}, {.force = true});
  ASSERT_TRUE(forced) << forced.error().message;
  EXPECT_EQ(forced.value()["data"]["key"], "ours");
  const auto created = client->patch(types::kConfigMap, key("b"), PatchType::Apply, config_map("b"), {});
  EXPECT_TRUE(created) << "an apply creates what is not there";
}

TEST_F(KubeClient, writes_scale_and_status) {
  ASSERT_TRUE(client->create(types::kDeployment, deployment("web"), {}));
  const auto scaled = client->patch(types::kDeployment, key("web"), PatchType::Merge, {{"spec", {{"replicas", 4}}}}, {},
                                    {.subresource = "scale"});
  ASSERT_TRUE(scaled) << scaled.error().message;
  EXPECT_EQ(scaled.value()["kind"], "Scale");
  EXPECT_EQ(client->get(types::kDeployment, key("web"), {}).value()["spec"]["replicas"], 4);
  EXPECT_EQ(client->get(types::kDeployment, key("web"), {}, "scale").value()["spec"]["replicas"], 4);

  ASSERT_TRUE(client->patch(types::kNamespace, {"", ns.name()}, PatchType::Merge,
                            {{"metadata", {{"annotations", {{"a", "b"}}}}}}, {}));
  const auto status = client->patch(
      types::kDeployment, key("web"), PatchType::Merge,
      {{"status", {{"conditions", {{{"type", "Own"}, {"status", "True"}, {"reason", "R"}, {"message", "m"}}}}}}}, {},
      {.subresource = "status"});
  ASSERT_TRUE(status) << status.error().message;
}

TEST_F(KubeClient, stores_nothing_in_a_dry_run) {
  const auto dry = client->create(types::kConfigMap, config_map("a"), {}, {.dry_run = true});
  ASSERT_TRUE(dry) << dry.error().message;
  EXPECT_FALSE(dry.value()["metadata"]["uid"].get<std::string>().empty()) << "the server went all the way";
  EXPECT_EQ(client->get(types::kConfigMap, key("a"), {}).error().code, ErrorCode::NotFound);
}

TEST_F(KubeClient, finds_kinds) {
  EXPECT_EQ(client->resource_for("apps/v1", "Deployment", {}).value(), types::kDeployment);
  EXPECT_EQ(client->resource_for("autoscaling/v2", "HorizontalPodAutoscaler", {}).value(),
            types::kHorizontalPodAutoscaler);
  EXPECT_EQ(client->resource_for("v1", "Node", {}).value(), types::kNode);
  EXPECT_EQ(client->resource_for("coordination.k8s.io/v1", "Lease", {}).value(), types::kLease);
  EXPECT_EQ(client->resource_for("events.k8s.io/v1", "Event", {}).value(), types::kEvent);
  EXPECT_EQ(client->resource_for("apps/v1", "Nothing", {}).error().code, ErrorCode::NotFound);
  EXPECT_EQ(client->resource_for("no.such.group/v1", "Nothing", {}).error().code, ErrorCode::NotFound);
}

TEST_F(KubeClient, asks_for_version_and_readiness) {
  const auto version = client->raw_get("/version", {});
  ASSERT_TRUE(version);
  EXPECT_EQ(json::parse(version.value().body)["major"], "1");
  EXPECT_EQ(client->raw_get("/readyz", {}).value().body, "ok");
}

// --- credentials ---

TEST_F(KubeClient, proves_itself_with_a_token) {
  const auto config = load_kubeconfig(cluster.token_kubeconfig_path(), "");
  ASSERT_TRUE(config) << config.error().message;
  Client with_token(make_transport(config.value()).value(), {}, 1);
  EXPECT_TRUE(with_token.list(types::kNode, "", {}, {}));
  ClusterConfig bad = config.value();
  bad.token = "not.a.token";
  bad.token_file.clear();
  Client with_bad_token(make_transport(bad).value(), {}, 1);
  const auto refused = with_bad_token.list(types::kNode, "", {}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unauthorized) << refused.error().message;
}

TEST_F(KubeClient, refuses_a_server_of_another_authority) {
  ClusterConfig config = cluster.config();
  config.ca_pem = config.client_certificate_pem;  // some certificate, not the authority's
  config.tls_server_name = "";
  ClientLimits limits;
  limits.retry_for = std::chrono::milliseconds(0);
  Client wary(make_transport(config).value(), limits, 1);
  const auto refused = wary.list(types::kNode, "", {}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unavailable);
  EXPECT_NE(refused.error().message.find("authority that is not trusted"), std::string::npos)
      << refused.error().message;
}

// --- restarts ---

TEST_F(KubeClient, reads_on_after_the_server_was_restarted) {
  ASSERT_TRUE(client->create(types::kConfigMap, config_map("a"), {}));
  WatchOptions options;
  options.resource_version = client->list(types::kConfigMap, ns.name(), {}, {}).value().resource_version;
  auto stream = client->watch(types::kConfigMap, ns.name(), options, {});
  ASSERT_TRUE(stream);

  cluster.kill_apiserver();
  auto line = stream.value()->read_line(seconds(20));
  // Events that were under way come first.
  for (int i = 0; i < 20 && line && line.value(); ++i) line = stream.value()->read_line(seconds(20));
  EXPECT_TRUE(!line || !line.value()) << "the stream must end with the server";
  ClientLimits limits;
  limits.retry_for = std::chrono::milliseconds(0);
  const auto down = cluster.client(limits)->get(types::kConfigMap, key("a"), {});
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code, ErrorCode::Unavailable) << down.error().message;
  EXPECT_NE(down.error().message.find("127.0.0.1:"), std::string::npos) << down.error().message;

  // A read that began while it was down gets its answer once it is up.
  std::atomic<bool> answered{false};
  std::jthread reader([&] {
    ClientLimits patient;
    patient.retry_for = seconds(90);
    const auto got = cluster.client(patient)->get(types::kConfigMap, key("a"), {});
    EXPECT_TRUE(got) << got.error().message;
    answered = true;
  });
  cluster.start_apiserver();
  EXPECT_TRUE(eventually(seconds(60), [&] { return answered.load(); }));
  const auto patched = client->patch(types::kConfigMap, key("a"), PatchType::Merge, {{"data", {{"key", "2"}}}}, {});
  EXPECT_TRUE(patched) << "the connections of before are known to be gone: " << patched.error().message;
}

TEST_F(KubeClient, loses_no_write_to_connections_that_the_server_closed_in_order) {
  ASSERT_TRUE(client->create(types::kConfigMap, config_map("a"), {}));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] { EXPECT_TRUE(client->get(types::kConfigMap, key("a"), {})); });
    }
  }
  cluster.stop_apiserver();
  cluster.start_apiserver();
  for (int i = 0; i < 10; ++i) {
    const auto patched =
        client->patch(types::kConfigMap, key("a"), PatchType::Merge, {{"data", {{"key", std::to_string(i)}}}}, {});
    EXPECT_TRUE(patched) << patched.error().message;
  }
}

TEST_F(KubeClient, is_told_that_a_resource_version_from_before_the_servers_memory_is_gone) {
  // The server remembers what happened since it was started.
  cluster.stop_apiserver();
  cluster.start_apiserver();
  WatchOptions options;
  options.resource_version = "1";
  auto stream = client->watch(types::kConfigMap, ns.name(), options, {});
  if (!stream) {
    EXPECT_EQ(stream.error().code, ErrorCode::Gone) << stream.error().message;
    return;
  }
  const json event = next_event(*stream.value());
  EXPECT_EQ(event.value("type", ""), "ERROR") << event.dump();
  EXPECT_EQ(event.value("/object/code"_json_pointer, 0), 410) << event.dump();
}

}  // namespace
}  // namespace headroom::kube
