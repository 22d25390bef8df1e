// Headroom's own definitions, and what is the same for all kinds.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "operator/base/time_zone.h"
#include "operator/schema/definitions.h"

namespace headroom::schema {
namespace {

using nlohmann::json;

json target() {
  return json::parse(R"({"apiVersion": "headroom.dev/v1alpha1", "kind": "ScaleTarget",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "replicas": {"max": 5}}})");
}

Judgement judged(const json& object) {
  const Definition* definition =
      Definitions::own().find("headroom.dev", "v1alpha1", object.at("kind").get<std::string>());
  cel::Options options;
  options.zones = load_time_zone;
  return judge(*definition, object, options);
}

TEST(Definitions, are_part_of_the_program) {
  for (const char* kind :
       {"Region", "ScaleTarget", "FestivalSchedule", "ScaleLimit", "ClusterScaleLimit", "LimitLedger"}) {
    EXPECT_NE(Definitions::own().find("headroom.dev", "v1alpha1", kind), nullptr) << kind;
  }
  EXPECT_EQ(Definitions::own().find("headroom.dev", "v1", "Region"), nullptr);
  EXPECT_FALSE(Definitions::own().find("headroom.dev", "v1alpha1", "Region")->namespaced);
}

TEST(Judgement, gives_the_object_as_it_would_be_stored) {
  json object = target();
  object["status"] = {{"ready", 5}};
  const Judgement judgement = judged(object);
  EXPECT_TRUE(judgement.violations.empty()) << judgement.violations[0].message;
  EXPECT_EQ(judgement.object->at("spec").at("engine").at("type"), "HorizontalPodAutoscaler");
  EXPECT_EQ(judgement.object->at("spec").at("replicas").at("min"), 1);
  EXPECT_FALSE(judgement.object->contains("status")) << "what a writer puts there is dropped";
  EXPECT_FALSE(judgement.skipped.empty()) << "that region and targetRef do not change cannot be judged";
}

TEST(Judgement, leaves_rules_alone_where_the_object_is_malformed_anyway) {
  json object = target();
  object["spec"]["replicas"] = {{"min", 9}, {"max", 5}};
  EXPECT_EQ(judged(object).violations.size(), 1u);
  object["spec"].erase("targetRef");
  const Judgement judgement = judged(object);
  ASSERT_EQ(judgement.violations.size(), 1u);
  EXPECT_EQ(judgement.violations[0].field, "spec.targetRef");
}

TEST(Judgement, knows_what_metadata_may_be) {
  struct Row {
    const char* pointer;
    const char* value;
    const char* field;  ///< of the violation; empty: none
  };
  constexpr Row kRows[] = {
      {"/metadata/name", "\"Web\"", "metadata.name"},
      {"/metadata/name", "\"a_b\"", "metadata.name"},
      {"/metadata/name", "5", "metadata.name"},
      {"/metadata/name", "\"a.b-c.0\"", ""},
      {"/metadata/name", "\"\"", "metadata.name"},
      {"/metadata/namespace", "\"Shop\"", "metadata.namespace"},
      {"/metadata/namespace", "\"a.b\"", "metadata.namespace"},
      {"/metadata/labels", R"({"app": "web"})", ""},
      {"/metadata/labels", R"({"app": 5})", "metadata.labels[app]"},
      {"/metadata/labels", R"({"app": "a b"})", "metadata.labels[app]"},
      {"/metadata/labels", R"({"a b": "x"})", "metadata.labels[a b]"},
      {"/metadata/labels", R"({"example.com/app": ""})", ""},
      {"/metadata/labels", R"({"Example.com/app": ""})", "metadata.labels[Example.com/app]"},
      {"/metadata/labels", R"(["app"])", "metadata.labels"},
      {"/metadata/annotations", R"({"example.com/note": "any text, of course"})", ""},
      {"/metadata/annotations", R"({"a/b/c": ""})", "metadata.annotations[a/b/c]"},
      {"/metadata/annotations", R"({"x": true})", "metadata.annotations[x]"},
      {"/metadata/finalizers", R"(["a b"])", "metadata.finalizers[0]"},
      {"/metadata/lables", R"({"app": "web"})", "metadata.lables"},
      {"/metadata", "[]", "metadata"},
  };
  for (const Row& row : kRows) {
    json object = target();
    object[json::json_pointer(row.pointer)] = json::parse(row.value);
    const Judgement judgement = judged(object);
    if (*row.field == '\0') {
      EXPECT_TRUE(judgement.violations.empty()) << row.value << ": " << judgement.violations[0].message;
    } else {
      ASSERT_FALSE(judgement.violations.empty()) << row.pointer << " " << row.value;
      EXPECT_EQ(judgement.violations[0].field, row.field) << row.value;
    }
  }
  json region = json::parse(R"({"apiVersion": "headroom.dev/v1alpha1", "kind": "Region",
    "metadata": {"name": "local", "namespace": "shop"}, "spec": {}})");
  ASSERT_EQ(judged(region).violations.size(), 1u);
  EXPECT_EQ(judged(region).violations[0].field, "metadata.namespace");
}

}  // namespace
}  // namespace headroom::schema
