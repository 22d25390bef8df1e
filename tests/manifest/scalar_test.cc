// Values are typed as kubectl types them: asserted as the JSON that sigs.k8s.io/yaml makes of the same text.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "operator/manifest/reader.h"

namespace headroom::manifest {
namespace {

constexpr char kHead[] = "apiVersion: v1\nkind: A\n";

std::string read_value(const std::string& yaml) {
  const ReadResult result = read_text(kHead + ("a: " + yaml), "a.yaml");
  if (result.documents.size() != 1) return result.problems.empty() ? "nothing" : result.problems[0].message;
  return result.documents[0].object().at("a").dump();
}

struct Row {
  const char* yaml;
  const char* json;
};

TEST(Scalars, are_typed_as_kubectl_types_them) {
  constexpr Row kRows[] = {
      {"text", R"("text")"},
      {"yes", "true"},
      {"Off", "false"},
      {"on", "true"},
      {"n", "false"},
      {"Y", "true"},
      {"yEs", R"("yEs")"},
      {"'yes'", R"("yes")"},
      {"\"no\"", R"("no")"},
      {"~", "null"},
      {"", "null"},
      {"Null", "null"},
      {"5", "5"},
      {"-5", "-5"},
      {"+5", "5"},
      {"0600", "384"},
      {"0o600", "384"},
      {"0x1F", "31"},
      {"-0x1F", "-31"},
      {"0b101", "5"},
      {"089", "89"},  // no octal digits, but the shape of a float: kubectl sends 89
      {"1_000", "1000"},
      {"1_000.5", "1000.5"},
      {"1e3", "1000"},
      {".5", "0.5"},
      {"5.", "5"},
      {"0.5", "0.5"},
      {"'0.5'", R"("0.5")"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551615", "1.8446744073709552e+19"},
      {"100000000000000000000", "1e+20"},
      {"2026-11-08", R"("2026-11-08")"},
      {"2026-11-08T00:00:00+05:30", R"("2026-11-08T00:00:00+05:30")"},
      {"12:30", R"("12:30")"},
      {"1.2.3", R"("1.2.3")"},
      {"-", R"("malformed")"},
      {"-P3D", R"("-P3D")"},
      {"500m", R"("500m")"},
      {"1e400", R"("1e400")"},
      {"!!str 5", R"("5")"},
      {"!!int '5'", "5"},
      {"!!float 5", "5"},
      {"!!binary aGVsbG8=", R"("hello")"},
      {"!ours 5", R"("5")"},
      {"|\n  one\n  two\n", R"("one\ntwo\n")"},
      {">-\n  one\n  two\n", R"("one two")"},
      {"[1, two, {three: 3}]", R"([1,"two",{"three":3}])"},
  };
  for (const Row& row : kRows) {
    if (std::string(row.json) == R"("malformed")") {
      EXPECT_NE(read_value(row.yaml).front(), '"') << row.yaml;
    } else {
      EXPECT_EQ(read_value(row.yaml), row.json) << row.yaml;
    }
  }
}

TEST(Scalars, that_json_cannot_hold_are_refused) {
  for (const char* yaml : {".inf", "-.Inf", ".nan"}) {
    EXPECT_NE(read_value(yaml).find("infinite or no number"), std::string::npos) << yaml;
  }
  EXPECT_NE(read_value("!!int five").find("!!int does not go with"), std::string::npos);
}

TEST(Scalars, as_keys_are_texts) {
  EXPECT_EQ(read_value("{1: a, yes: b, 0x10: c, 2026-11-08: d, 'on': e}"),
            R"({"1":"a","16":"c","2026-11-08":"d","on":"e","true":"b"})");
  EXPECT_NE(read_value("{~: a}").find("a key is null"), std::string::npos);
  EXPECT_NE(read_value("{[a]: b}").find("used as a key"), std::string::npos);
}

}  // namespace
}  // namespace headroom::manifest
