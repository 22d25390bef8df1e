// What the client asks of a server, request by request, and what it makes of the answers.
#include "operator/kube/client.h"

#include <gtest/gtest.h>

#include "tests/kube/client_fixture.h"

namespace headroom::kube {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// --- reads ---

TEST_F(ClientTest, gets_an_object_and_its_subresources) {
  server->expect(Method::Get, web_path).answer(200, object);
  server->expect(Method::Get, web_path + "/scale").answer(200, {{"kind", "Scale"}});
  EXPECT_EQ(client.get(types::kDeployment, web, {}).value(), object);
  EXPECT_EQ(client.get(types::kDeployment, web, {}, "scale").value()["kind"], "Scale");
}

TEST_F(ClientTest, lists_page_by_page) {
  server->expect(Method::Get, "/apis/apps/v1/namespaces/shop/deployments")
      .with_query("limit", "2")
      .with_query("labelSelector", "app=web,tier in (a,b)")
      .with_query("fieldSelector", "metadata.name!=x")
      .with_query("resourceVersion", "5")
      .with_query("resourceVersionMatch", "NotOlderThan")
      .without_query("continue")
      .with_accept("application/json")
      .answer(200, {{"metadata", {{"resourceVersion", "9"}, {"continue", "t/1="}, {"remainingItemCount", 1}}},
                    {"items", {{{"a", 1}}, {{"a", 2}}}}});
  server->expect(Method::Get, "/apis/apps/v1/namespaces/shop/deployments")
      .with_query("limit", "2")
      .with_query("continue", "t/1=")
      .without_query("resourceVersion")
      .without_query("resourceVersionMatch")
      .answer(200, {{"metadata", {{"resourceVersion", "9"}}}, {"items", {{{"a", 3}}}}});
  ListOptions options;
  options.limit = 2;
  options.label_selector = "app=web,tier in (a,b)";
  options.field_selector = "metadata.name!=x";
  options.resource_version = "5";
  options.resource_version_match = "NotOlderThan";
  const auto first = client.list(types::kDeployment, "shop", options, {});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first.value().items.size(), 2U);
  EXPECT_EQ(first.value().resource_version, "9");
  EXPECT_EQ(first.value().remaining, 1);
  options.continue_token = first.value().continue_token;
  const auto second = client.list(types::kDeployment, "shop", options, {});
  ASSERT_TRUE(second);
  EXPECT_EQ(second.value().items.front()["a"], 3);
  EXPECT_EQ(second.value().continue_token, "");
}

TEST_F(ClientTest, lists_all_namespaces_without_pages_when_asked) {
  server->expect(Method::Get, "/api/v1/pods").without_query("limit").answer(200, {{"items", json::array()}});
  ListOptions options;
  options.limit = 0;
  EXPECT_TRUE(client.list(types::kPod, "", options, {}));
}

TEST_F(ClientTest, gives_listed_items_the_type_that_the_server_leaves_out) {
  server->expect(Method::Get, "/apis/apps/v1/deployments")
      .answer(200, {{"items", {{{"a", 1}}, {{"apiVersion", "apps/v1beta1"}, {"kind", "Own"}}}}});
  const auto page = client.list(types::kDeployment, "", {}, {});
  ASSERT_TRUE(page);
  EXPECT_EQ(page.value().items[0], (json{{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"a", 1}}));
  EXPECT_EQ(page.value().items[1]["kind"], "Own");
}

TEST_F(ClientTest, lists_and_watches_metadata_only_by_content_type) {
  server->expect(Method::Get, "/api/v1/pods")
      .with_accept("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
      .answer(200, {{"items", {{{"kind", "PartialObjectMetadata"}}}}});
  server->expect(Method::Get, "/api/v1/pods")
      .with_accept("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
      .stream_of({});
  ListOptions list;
  list.metadata_only = true;
  EXPECT_EQ(client.list(types::kPod, "", list, {}).value().items.front()["kind"], "PartialObjectMetadata");
  WatchOptions watch;
  watch.metadata_only = true;
  EXPECT_TRUE(client.watch(types::kPod, "", watch, {}));
}

TEST_F(ClientTest, takes_a_null_list_for_an_empty_one_and_refuses_what_is_no_list) {
  server->expect(Method::Get, "/api/v1/pods")
      .answer(200, {{"metadata", {{"resourceVersion", "7"}}}, {"items", nullptr}});
  server->expect(Method::Get, "/api/v1/pods").answer(200, {{"kind", "Pod"}});
  server->expect(Method::Get, "/api/v1/pods").answer(200, {{"items", 5}});
  const auto empty = client.list(types::kPod, "", {}, {});
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty.value().items.empty());
  EXPECT_EQ(empty.value().resource_version, "7");
  EXPECT_EQ(client.list(types::kPod, "", {}, {}).error().code, ErrorCode::Internal);
  EXPECT_EQ(client.list(types::kPod, "", {}, {}).error().code, ErrorCode::Internal);
}

TEST_F(ClientTest, watches_with_bookmarks_and_a_time_limit) {
  server->expect(Method::Get, "/apis/apps/v1/namespaces/shop/deployments")
      .with_query("watch", "1")
      .with_query("allowWatchBookmarks", "true")
      .with_query("timeoutSeconds", "290")
      .with_query("resourceVersion", "42")
      .with_query("labelSelector", "a=b")
      .stream_of({{{"type", "ADDED"}}});
  WatchOptions options;
  options.resource_version = "42";
  options.label_selector = "a=b";
  auto stream = client.watch(types::kDeployment, "shop", options, {});
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream.value()->read_line(seconds(1)).value(), R"({"type":"ADDED"})");
  EXPECT_EQ(stream.value()->read_line(seconds(1)).value(), std::nullopt);
}

TEST_F(ClientTest, never_retries_the_start_of_a_watch) {
  server->expect(Method::Get, "/api/v1/pods").fail({ErrorCode::Unavailable, "refused", 0, {}});
  EXPECT_EQ(client.watch(types::kPod, "", {}, {}).error().code, ErrorCode::Unavailable);
  EXPECT_TRUE(timing->pauses().empty());
}

TEST_F(ClientTest, returns_any_status_of_a_raw_get_without_a_retry) {
  server->expect(Method::Get, "/readyz?verbose").answer_text(500, "[-]etcd failed");
  const auto response = client.raw_get("/readyz?verbose", {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response.value().status, 500);
  EXPECT_EQ(response.value().body, "[-]etcd failed");
}

TEST_F(ClientTest, refuses_an_answer_that_is_no_json_object_and_does_not_ask_again) {
  for (const char* body : {"<html>login</html>", "{\"cut\":", "[]", ""}) {
    server->expect(Method::Get, web_path).answer_text(200, body);
    const auto got = client.get(types::kDeployment, web, {});
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().code, ErrorCode::Internal) << body;
  }
}

// --- writes ---

TEST_F(ClientTest, names_its_field_manager_in_every_write) {
  server->expect(Method::Post, "/apis/apps/v1/namespaces/shop/deployments?fieldManager=headroom")
      .with_content_type("application/json")
      .with_body(object)
      .answer(201, object);
  server->expect(Method::Put, web_path + "?fieldManager=headroom")
      .with_content_type("application/json")
      .with_body(object)
      .answer(200, object);
  server->expect(Method::Patch, web_path + "?fieldManager=headroom")
      .with_content_type("application/merge-patch+json")
      .with_body({{"spec", {{"replicas", 5}}}})
      .answer(200, object);
  server->expect(Method::Patch, web_path + "?fieldManager=headroom")
      .with_content_type("application/json-patch+json")
      .answer(200, object);
  server->expect(Method::Patch, web_path + "?fieldManager=headroom")
      .with_content_type("application/apply-patch+yaml")
      .answer(200, object);
  EXPECT_TRUE(client.create(types::kDeployment, object, {}));
  EXPECT_TRUE(client.update(types::kDeployment, object, {}));
  EXPECT_TRUE(client.patch(types::kDeployment, web, PatchType::Merge, {{"spec", {{"replicas", 5}}}}, {}));
  EXPECT_TRUE(client.patch(types::kDeployment, web, PatchType::Json, json::array(), {}));
  EXPECT_TRUE(client.patch(types::kDeployment, web, PatchType::Apply, object, {}));
}

TEST_F(ClientTest, writes_subresources_dry_runs_and_forced_applies) {
  server->expect(Method::Patch, web_path + "/scale?fieldManager=headroom&dryRun=All").answer(200, object);
  server->expect(Method::Patch, web_path + "/status?fieldManager=headroom&force=true").answer(200, object);
  server->expect(Method::Put, web_path + "/status?fieldManager=headroom").answer(200, object);
  server->expect(Method::Patch, web_path + "?fieldManager=headroom").answer(200, object);
  EXPECT_TRUE(
      client.patch(types::kDeployment, web, PatchType::Merge, {}, {}, {.dry_run = true, .subresource = "scale"}));
  EXPECT_TRUE(
      client.patch(types::kDeployment, web, PatchType::Apply, {}, {}, {.force = true, .subresource = "status"}));
  EXPECT_TRUE(client.update(types::kDeployment, object, {}, {.subresource = "status"}));
  EXPECT_TRUE(client.patch(types::kDeployment, web, PatchType::Merge, {}, {}, {.force = true}))
      << "force is for applies only, the server refuses it elsewhere";
}

TEST_F(ClientTest, creates_objects_with_generated_names_and_subresources_of_named_ones) {
  server->expect(Method::Post, "/apis/events.k8s.io/v1/namespaces/shop/events?fieldManager=headroom").answer(201, {});
  server->expect(Method::Post, "/api/v1/namespaces/shop/pods/p/eviction?fieldManager=headroom").answer(201, {});
  EXPECT_EQ(
      client.create(types::kEvent, {{"metadata", {{"namespace", "shop"}, {"generateName", "e-"}}}}, {}).error().code,
      ErrorCode::Internal)
      << "the script answered null";
  EXPECT_FALSE(client.create(types::kPod, {{"metadata", {{"namespace", "shop"}, {"name", "p"}}}}, {},
                             {.subresource = "eviction"}));
}

TEST_F(ClientTest, removes_with_preconditions_and_takes_not_found_for_done) {
  server->expect(Method::Delete, web_path)
      .with_body({{"kind", "DeleteOptions"}, {"preconditions", {{"uid", "u1"}, {"resourceVersion", "7"}}}})
      .answer(200, {{"kind", "Status"}});
  server->expect(Method::Delete, web_path)
      .where("no preconditions",
             [](const Request& request) { return request.body.find("preconditions") == std::string::npos; })
      .refuse(404, "NotFound", "gone");
  server->expect(Method::Delete, web_path).refuse(409, "Conflict", "precondition failed");
  EXPECT_TRUE(client.remove(types::kDeployment, web, {"u1", "7"}, {}));
  EXPECT_TRUE(client.remove(types::kDeployment, web, {}, {}));
  EXPECT_EQ(client.remove(types::kDeployment, web, {"u2", ""}, {}).error().code, ErrorCode::Conflict);
}

TEST_F(ClientTest, refuses_keys_that_would_name_something_else) {
  for (const api::ObjectKey& key : {api::ObjectKey{"shop", ""}, api::ObjectKey{"", "web"}, api::ObjectKey{"shop", ".."},
                                    api::ObjectKey{"..", "web"}, api::ObjectKey{"shop", "."}}) {
    EXPECT_EQ(client.get(types::kDeployment, key, {}).error().code, ErrorCode::InvalidArgument) << key.to_string();
    EXPECT_EQ(client.remove(types::kDeployment, key, {}, {}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(client.patch(types::kDeployment, key, PatchType::Merge, {}, {}).error().code, ErrorCode::InvalidArgument);
  }
  EXPECT_FALSE(client.create(types::kDeployment, json::object(), {}));
  EXPECT_FALSE(client.update(types::kNode, {{"metadata", json::object()}}, {}));
  EXPECT_FALSE(client.update(types::kNode, json("text"), {}));
  EXPECT_TRUE(server->requests().empty());
}

TEST_F(ClientTest, writes_text_that_is_no_utf8_without_falling_over) {
  server->expect(Method::Patch, web_path).answer(200, object);
  EXPECT_TRUE(client.patch(types::kDeployment, web, PatchType::Merge, {{"a", "\xff\xfe"}}, {}));
}

}  // namespace
}  // namespace headroom::kube
