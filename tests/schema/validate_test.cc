// One schema, one value, what an API server says of it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/schema/schema.h"

namespace headroom::schema {
namespace {

using nlohmann::json;

/// "field: message" of each violation of the member `a`.
std::string violations_of(const char* schema, const char* value) {
  const json root = {{"type", "object"}, {"properties", {{"a", json::parse(schema)}}}};
  const auto compiled = Schema::compile(root);
  if (!compiled) return "malformed: " + compiled.error().message;
  std::vector<Violation> violations;
  json object = {{"a", json::parse(value)}};
  compiled.value().prune(object, violations);
  compiled.value().validate(object, violations);
  std::vector<std::string> skipped;
  compiled.value().judge_rules(object, {}, violations, skipped);
  std::string text;
  for (const Violation& each : violations) text += (text.empty() ? "" : " | ") + each.field + ": " + each.message;
  return text;
}

struct Row {
  const char* schema;
  const char* value;
  const char* said;  ///< a part; empty: nothing is wrong
};

TEST(Schema, says_what_an_api_server_says) {
  constexpr Row kRows[] = {
      {R"({"type":"integer"})", "5", ""},
      {R"({"type":"integer"})", "5.0", ""},
      {R"({"type":"integer"})", "5.5", "a: Invalid value: 5.5: must be of type integer, not number"},
      {R"({"type":"integer"})", R"("5")", "a: Invalid value: \"5\": must be of type integer, not string"},
      {R"({"type":"integer"})", "true", "must be of type integer, not boolean"},
      {R"({"type":"number"})", "5", ""},
      {R"({"type":"string"})", "5", "must be of type string, not integer"},
      {R"({"type":"boolean"})", R"("yes")", "must be of type boolean"},
      {R"({"type":"array","items":{"type":"string"}})", R"("x")", "must be of type array"},
      {R"({"type":"array","items":{"type":"string"}})", R"(["x",1])", "a[1]: Invalid value: 1: must be of type string"},
      {R"({"type":"object"})", "[]", "must be of type object"},
      {R"({"type":"string","nullable":true})", "null", ""},
      {R"({"x-kubernetes-int-or-string":true})", "5", ""},
      {R"({"x-kubernetes-int-or-string":true})", R"("5")", ""},
      {R"({"x-kubernetes-int-or-string":true})", "0.5", "must be of type integer,string"},
      {R"({"type":"string","enum":["Local","Kubeconfig"]})", R"("local")",
       "Unsupported value: \"local\": supported values: \"Local\", \"Kubeconfig\""},
      {R"({"type":"integer","enum":[1,2]})", "2", ""},
      {R"({"type":"string","pattern":"^a+$"})", R"("aab")", "should match '^a+$'"},
      {R"({"type":"string","pattern":"a"})", R"("xay")", ""},
      {R"({"type":"string","maxLength":3})", R"("äöü")", ""},
      {R"({"type":"string","maxLength":3})", R"("abcd")", "Too long: may not be more than 3 bytes"},
      {R"({"type":"string","minLength":1})", R"("")", "should be at least 1 chars long"},
      {R"({"type":"integer","minimum":0})", "-1", "should be greater than or equal to 0"},
      {R"({"type":"integer","minimum":0,"exclusiveMinimum":true})", "0", "should be greater than 0"},
      {R"({"type":"integer","maximum":5})", "6", "should be less than or equal to 5"},
      {R"({"type":"integer","maximum":5,"exclusiveMaximum":true})", "5", "should be less than 5"},
      {R"({"type":"integer","multipleOf":5})", "6", "should be a multiple of 5"},
      {R"({"type":"integer","format":"int32"})", "2147483648", "must fit the type int32"},
      {R"({"type":"integer","format":"int32"})", "-2147483648", ""},
      {R"({"type":"array","items":{"type":"integer"},"maxItems":1})", "[1,2]",
       "Too many: 2: must have at most 1 items"},
      {R"({"type":"array","items":{"type":"integer"},"minItems":1})", "[]", "should have at least 1 items"},
      {R"({"type":"array","items":{"type":"integer"},"x-kubernetes-list-type":"set"})", "[1,2,1]",
       "a[2]: Duplicate value: 1"},
      {R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
           "items":{"type":"object","properties":{"name":{"type":"string"},"x":{"type":"integer"}}}})",
       R"([{"name":"a"},{"name":"b"},{"name":"a","x":1}])", "a[2]: Duplicate value: {\"name\":\"a\"}"},
      {R"({"type":"object","additionalProperties":{"type":"string"},"maxProperties":1})", R"({"x":"1","y":"2"})",
       "Too many: 2"},
      {R"({"type":"object","additionalProperties":{"type":"string"}})", R"({"x.y/z":1})", "a[x.y/z]: Invalid value: 1"},
      {R"({"type":"object","required":["x"],"properties":{"x":{"type":"string"}}})", "{}", "a.x: Required value"},
      {R"({"type":"object","properties":{"replicas":{"type":"integer"}}})", R"({"replica":1})",
       "a.replica: unknown field \"a.replica\""},
      {R"({"type":"object","x-kubernetes-preserve-unknown-fields":true})", R"({"x":{"y":1}})", ""},
      {R"({"type":"string","format":"date-time"})", R"("2026-11-08")", "must be of type date-time"},
      {R"({"type":"string","format":"date-time"})", R"("2026-11-08T00:00:00Z")", ""},
      {R"({"type":"string","format":"date"})", R"("2026-02-30")", "must be of type date"},
      {R"({"type":"string","format":"byte"})", R"("?")", "must be of type byte"},
      {R"({"anyOf":[{"type":"string"},{"type":"integer"}]})", "true", "at least one schema (anyOf)"},
      {R"({"type":"integer","oneOf":[{"minimum":1},{"minimum":2}]})", "2", "one and only one schema (oneOf)"},
      {R"({"type":"integer","not":{"minimum":2}})", "2", "must not validate the schema (not)"},
      {R"({"type":"integer","allOf":[{"minimum":2}]})", "1", "greater than or equal to 2"},
      // Rules.
      {R"({"type":"integer","x-kubernetes-validations":[{"rule":"self > 1","message":"too small"}]})", "1",
       "a: too small"},
      {R"({"type":"integer","x-kubernetes-validations":[{"rule":"self > 1"}]})", "1", "a: failed rule: self > 1"},
      {R"j({"type":"integer","x-kubernetes-validations":[{"rule":"self > 1","message":"m",
           "messageExpression":"'%d is too small'.format([self])"}]})j",
       "1", "a: 1 is too small"},
      {R"j({"type":"integer","x-kubernetes-validations":[{"rule":"self > 1","message":"m",
           "messageExpression":"string(self / 0)"}]})j",
       "1", "a: m"},
      {R"({"type":"object","properties":{"x":{"type":"integer"}},
           "x-kubernetes-validations":[{"rule":"self.x > 1","fieldPath":".x","message":"m"}]})",
       R"({"x":1})", "a.x: m"},
      {R"({"type":"object","properties":{"x":{"type":"integer"}},
           "x-kubernetes-validations":[{"rule":"self.x > 1"}]})",
       "{}", "cannot be judged: no such key: x"},
      {R"({"type":"integer","x-kubernetes-validations":[{"rule":"self == oldSelf"}]})", "1", ""},
      {R"({"type":"array","items":{"type":"integer","x-kubernetes-validations":[{"rule":"self < 2"}]}})", "[1,2]",
       "a[1]: failed rule"},
      {R"({"type":"object","additionalProperties":{"type":"integer","x-kubernetes-validations":[{"rule":"self < 2"}]}})",
       R"({"k":2})", "a[k]: failed rule"},
      {R"({"type":"object","properties":{"a-b":{"type":"integer"},"namespace":{"type":"integer"}},
           "x-kubernetes-validations":[{"rule":"self.a__dash__b + self.__namespace__ == 3"}]})",
       R"({"a-b":1,"namespace":2})", ""},
      {R"({"type":"string","format":"date-time","x-kubernetes-validations":[{"rule":"self.getFullYear() == 2026"}]})",
       R"("2026-11-08T00:00:00Z")", ""},
      {R"({"type":"string","pattern":"["})", R"("x")", "malformed: pattern of the object.a"},
      {R"({"type":"string","x-kubernetes-validations":[{"rule":"self +"}]})", R"("x")",
       "malformed: rule of the object.a"},
  };
  for (const Row& row : kRows) {
    const std::string said = violations_of(row.schema, row.value);
    if (*row.said == '\0') {
      EXPECT_EQ(said, "") << row.schema << " of " << row.value;
    } else {
      EXPECT_NE(said.find(row.said), std::string::npos) << row.schema << " of " << row.value << " says: " << said;
    }
  }
}

TEST(Schema, suggests_what_was_probably_meant) {
  const std::vector<std::string> fields = {"replicas", "region", "timeZone"};
  EXPECT_EQ(nearest("replica", fields), "replicas");
  EXPECT_EQ(nearest("timezone", fields), "timeZone");
  EXPECT_EQ(nearest("regoin", fields), "region");
  EXPECT_EQ(nearest("somethingElse", fields), "");
}

}  // namespace
}  // namespace headroom::schema
