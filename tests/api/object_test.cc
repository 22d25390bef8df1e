#include "operator/api/object.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "operator/base/duration.h"

namespace headroom::api {
namespace {

using nlohmann::json;

TEST(ObjectKey, is_written_as_kubectl_writes_it) {
  EXPECT_EQ((ObjectKey{"erp", "orders"}).to_string(), "erp/orders");
  EXPECT_EQ((ObjectKey{"", "mumbai"}).to_string(), "mumbai");
}

TEST(ObjectKey, tells_namespace_and_name_apart_when_hashed) {
  const std::unordered_set<ObjectKey> keys = {{"a", "b"}, {"b", "a"}, {"", "ab"}, {"a", "b"}};
  EXPECT_EQ(keys.size(), 3u);
}

TEST(ObjectMeta, reads_what_the_api_server_sends) {
  const ObjectMeta meta = meta_from_json(json::parse(R"({"metadata": {
    "namespace": "erp", "name": "orders", "uid": "u-1", "resourceVersion": "77", "generation": 3,
    "creationTimestamp": "2026-11-01T10:00:00Z", "deletionTimestamp": "2026-11-02T10:00:00Z",
    "labels": {"tier": "erp"}, "annotations": {"headroom.dev/original": "x"},
    "finalizers": ["headroom.dev/restore"],
    "ownerReferences": [
      {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u-2"},
      {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "s", "uid": "u-3", "controller": true}]}})"));

  EXPECT_EQ(meta.key(), (ObjectKey{"erp", "orders"}));
  EXPECT_EQ(meta.uid, "u-1");
  EXPECT_EQ(meta.resource_version, "77");
  EXPECT_EQ(meta.generation, 3);
  EXPECT_EQ(format_rfc3339(meta.created.value()), "2026-11-01T10:00:00Z");
  EXPECT_EQ(format_rfc3339(meta.deleted.value()), "2026-11-02T10:00:00Z");
  EXPECT_EQ(meta.labels.at("tier"), "erp");
  EXPECT_EQ(meta.annotations.at(kOriginalAnnotation), "x");
  EXPECT_TRUE(meta.has_finalizer(kFinalizer));
  EXPECT_FALSE(meta.has_finalizer("foregroundDeletion"));
  ASSERT_NE(meta.controller(), nullptr);
  EXPECT_EQ(meta.controller()->name, "s");
}

TEST(ObjectMeta, treats_parts_of_a_wrong_type_as_absent) {
  const ObjectMeta meta = meta_from_json(json::parse(R"({"metadata": {
    "namespace": 1, "name": null, "generation": "3", "creationTimestamp": "yesterday", "labels": ["a"],
    "annotations": {"a": 1, "b": "2"}, "finalizers": {"a": 1}, "ownerReferences": [7, {"controller": "yes"}]}})"));

  EXPECT_EQ(meta.key(), ObjectKey());
  EXPECT_EQ(meta.generation, 0);
  EXPECT_FALSE(meta.created);
  EXPECT_TRUE(meta.labels.empty());
  EXPECT_EQ(meta.annotations, (std::map<std::string, std::string>{{"b", "2"}}));
  EXPECT_TRUE(meta.finalizers.empty());
  EXPECT_EQ(meta.controller(), nullptr);
}

TEST(ObjectMeta, is_empty_where_there_is_no_object) {
  for (const char* text : {"null", "7", "[]", "{}", R"({"metadata": []})"}) {
    EXPECT_EQ(meta_from_json(json::parse(text)).name, "") << text;
  }
}

}  // namespace
}  // namespace headroom::api
