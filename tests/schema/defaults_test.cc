#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/schema/schema.h"

namespace headroom::schema {
namespace {

using nlohmann::json;

constexpr char kSchema[] = R"({"type": "object", "properties": {
  "mode": {"type": "string", "default": "Enforce"},
  "none": {"type": "string"},
  "maybe": {"type": "string", "nullable": true, "default": "x"},
  "inner": {"type": "object", "default": {}, "properties": {"size": {"type": "integer", "default": 3}}},
  "absent": {"type": "object", "properties": {"size": {"type": "integer", "default": 3}}},
  "list": {"type": "array", "items": {"type": "object", "properties": {"on": {"type": "boolean", "default": true}}}},
  "map": {"type": "object", "additionalProperties": {"type": "object",
          "properties": {"on": {"type": "boolean", "default": true}}}}}})";

TEST(Defaults, are_set_as_an_api_server_sets_them) {
  struct Row {
    const char* given;
    const char* stored;
  };
  constexpr Row kRows[] = {
      {"{}", R"({"inner":{"size":3},"maybe":"x","mode":"Enforce"})"},
      {R"({"mode":"Warn","inner":{"size":4}})", R"({"inner":{"size":4},"maybe":"x","mode":"Warn"})"},
      // null where none may be: the default where there is one, else nothing; where it may be, it stays.
      {R"({"mode":null,"none":null,"maybe":null})", R"({"inner":{"size":3},"maybe":null,"mode":"Enforce"})"},
      {R"({"list":[{},{"on":false}],"map":{"a":{}}})",
       R"({"inner":{"size":3},"list":[{"on":true},{"on":false}],"map":{"a":{"on":true}},"maybe":"x","mode":"Enforce"})"},
  };
  const auto schema = Schema::compile(json::parse(kSchema));
  ASSERT_TRUE(schema);
  for (const Row& row : kRows) {
    json object = json::parse(row.given);
    schema.value().apply_defaults(object);
    EXPECT_EQ(object.dump(), row.stored) << row.given;
  }
}

}  // namespace
}  // namespace headroom::schema
