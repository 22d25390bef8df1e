#include "operator/manifest/document.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "operator/manifest/reader.h"

namespace headroom::manifest {
namespace {

Document read_one(const std::string& text) {
  ReadResult result = read_text(text, "a.yaml");
  EXPECT_TRUE(result.problems.empty()) << result.problems[0].to_string();
  EXPECT_EQ(result.documents.size(), 1u);
  return result.documents.at(0);
}

constexpr char kSchedule[] = R"(# a comment
apiVersion: headroom.dev/v1alpha1
kind: FestivalSchedule
metadata:
  name: diwali
  namespace: shop
  labels:
    example.com/tier: "1"
    größe: {a: b}
spec:
  phases:
    - name: peak
      from: P0D
    -   name: after
        targets:
          names: [web, worker]
  note: >-
    long
)";

TEST(Document, knows_where_each_field_stands) {
  const Document document = read_one(kSchedule);
  struct Row {
    const char* field;
    const char* value;  // where()
    const char* key;    // where_key()
  };
  constexpr Row kRows[] = {
      {"", "2:1", "2:1"},
      {"kind", "3:7", "3:1"},
      {"metadata.name", "5:9", "5:3"},
      {".metadata.namespace", "6:14", "6:3"},
      {"metadata.labels", "7:3", "7:3"},
      {"metadata.labels[example.com/tier]", "8:23", "8:5"},
      {"metadata.labels['example.com/tier']", "8:23", "8:5"},
      {"metadata.labels.example.com/tier", "8:23", "8:5"},
      {"metadata.labels.größe.a", "9:16", "9:13"},
      {"spec.phases[0]", "12:7", "12:7"},
      {"spec.phases[0].from", "13:13", "13:7"},
      {"spec.phases[1].name", "14:15", "14:9"},
      {"spec.phases[1].targets.names[1]", "16:24", "16:24"},
      {"spec.note", "17:9", "17:3"},
      // What is not there is told at what is around it.
      {"spec.phases[1].from", "14:9", "14:9"},
      {"spec.phases[7].from", "11:3", "11:3"},
      {"spec.timeZone", "10:1", "10:1"},
      {"status.x", "2:1", "2:1"},
      {"spec.phases[", "11:3", "11:3"},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(document.where(row.field).to_string(), std::string("a.yaml:") + row.value) << row.field;
    EXPECT_EQ(document.where_key(row.field).to_string(), std::string("a.yaml:") + row.key) << row.field;
  }
}

TEST(Document, tells_what_it_is) {
  const Document document = read_one(kSchedule);
  EXPECT_EQ(document.title(), "FestivalSchedule shop/diwali");
  EXPECT_EQ(document.group(), "headroom.dev");
  EXPECT_EQ(document.version(), "v1alpha1");
  EXPECT_EQ(document.object().at("spec").at("phases").at(1).at("targets").at("names").at(0), "web");
  const Document core =
      read_one("{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"generateName\": \"a-\"}}");
  EXPECT_EQ(core.title(), "Pod a-");
  EXPECT_EQ(core.group(), "");
  EXPECT_EQ(core.version(), "v1");
}

TEST(Document, of_json_knows_its_places_too) {
  const Document document =
      read_one("{\n  \"apiVersion\": \"v1\", \"kind\": \"A\",\n  \"ä\": [1, {\"b\\u0063\": \"x\"}]\n}\n");
  EXPECT_EQ(document.where("kind").to_string(), "a.yaml:2:31");
  EXPECT_EQ(document.where("ä[1].bc").to_string(), "a.yaml:3:24");
  EXPECT_EQ(document.where_key("ä[1].bc").to_string(), "a.yaml:3:13");
}

TEST(Document, that_uses_aliases_points_at_what_they_name) {
  const Document document =
      read_one("apiVersion: v1\nkind: A\nbase: &base {size: 1, name: a}\nuse:\n  <<: *base\n  size: 2\nsame: *base\n");
  EXPECT_EQ(document.object().at("use").dump(), R"({"name":"a","size":2})");
  EXPECT_EQ(document.where("use.name").to_string(), "a.yaml:3:29");
  EXPECT_EQ(document.where("use.size").to_string(), "a.yaml:6:9");
  EXPECT_EQ(document.object().at("same").at("size"), 1);
}

}  // namespace
}  // namespace headroom::manifest
