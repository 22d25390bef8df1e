#include "operator/api/json_path.h"

#include <gtest/gtest.h>

namespace headroom::api {
namespace {

using Kind = JsonPath::Step::Kind;

JsonPath::Step member(const char* name) { return {Kind::Member, name, 0}; }
JsonPath::Step index(int index) { return {Kind::Index, "", index}; }
JsonPath::Step each() { return {Kind::Each, "", 0}; }

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(JsonPath, takes_fields_keys_indices_and_every_element) {
  struct Row {
    const char* text;
    std::vector<JsonPath::Step> steps;
  };
  const Row table[] = {
      {".spec.sizeBytes", {member("spec"), member("sizeBytes")}},
      {".data", {member("data")}},
      {".spec._internal-name_2", {member("spec"), member("_internal-name_2")}},
      {".spec.containers[0].image", {member("spec"), member("containers"), index(0), member("image")}},
      {".spec.containers[9999]", {member("spec"), member("containers"), index(9999)}},
      {".spec.containers[*].resources.requests['nvidia.com/gpu']",
       {member("spec"), member("containers"), each(), member("resources"), member("requests"),
        member("nvidia.com/gpu")}},
      {".spec.rows[*][*]", {member("spec"), member("rows"), each(), each()}},
      {".spec['0'].a", {member("spec"), member("0"), member("a")}},
  };
  for (const Row& row : table) {
    const Result<JsonPath> path = JsonPath::parse(row.text);
    ASSERT_TRUE(path) << row.text << ": " << path.error().message;
    EXPECT_EQ(path.value().steps(), row.steps) << row.text;
    EXPECT_EQ(path.value().text(), row.text);
  }
}

TEST(JsonPath, refuses_what_names_no_place_in_an_object_and_shows_how_to_write_it) {
  const std::string table[] = {"",
                               "spec",
                               "$.spec",
                               ".",
                               ".spec.",
                               ".spec..size",
                               "..size",
                               ".spec[]",
                               ".spec[-1]",
                               ".spec[01]",
                               ".spec[1:2]",
                               ".spec[10000]",
                               ".spec[1",
                               ".spec]",
                               ".spec['']",
                               ".spec['a",
                               ".spec['a'",
                               ".spec[a]",
                               ".spec[\"a\"]",
                               ".spec['a b']",
                               ".spec['a''b']",
                               ".spec['a']b",
                               ".spec[?(@.a)]",
                               ".spec.*",
                               "['spec'].a",
                               "[0].a",
                               ".0",
                               ".spec.9lives",
                               ".-a",
                               ".spec.größe",
                               " .spec",
                               ".spec ",
                               ".spec[ 0]",
                               ".spec['']",
                               ".a[*][*][*]",
                               ".spec[99999999999999999999]",
                               repeated(".a", 17),
                               "." + std::string(256, 'a'),
                               std::string(".a\0b", 4)};
  for (const std::string& text : table) {
    const Result<JsonPath> path = JsonPath::parse(text);
    ASSERT_FALSE(path) << text;
    EXPECT_EQ(path.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(path.error().message.find("such as .spec.sizeBytes"), std::string::npos) << path.error().message;
    EXPECT_LT(path.error().message.size(), 600u) << text;
  }
}

TEST(JsonPath, goes_to_its_bounds) {
  for (const std::string& text : {repeated(".a", 16), "." + std::string(255, 'a'), std::string(".a[*][*]")}) {
    EXPECT_TRUE(JsonPath::parse(text)) << text;
  }
}

TEST(JsonPath, knows_whether_it_names_many_values_and_whether_it_lies_in_status) {
  EXPECT_TRUE(JsonPath::parse(".spec.rows[*].size").value().names_many());
  EXPECT_FALSE(JsonPath::parse(".spec.rows[0].size").value().names_many());
  EXPECT_TRUE(JsonPath::parse(".status.phase").value().in_status());
  EXPECT_FALSE(JsonPath::parse(".statusPage.status").value().in_status());
  EXPECT_FALSE(JsonPath().in_status());
  EXPECT_TRUE(JsonPath().empty());
}

TEST(JsonPath, is_the_same_however_a_field_is_written) {
  EXPECT_EQ(JsonPath::parse(".spec['size']").value(), JsonPath::parse(".spec.size").value());
  EXPECT_NE(JsonPath::parse(".spec['0']").value(), JsonPath::parse(".spec[0]").value());
  EXPECT_NE(JsonPath::parse(".spec[*]").value(), JsonPath::parse(".spec[0]").value());
}

}  // namespace
}  // namespace headroom::api
