#include "operator/api/json_reader.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

namespace headroom::api {
namespace {

using nlohmann::json;

/// The fault that reading `field` of {"field": <value>} leaves; empty without one.
std::string fault_of(const char* value, const std::function<void(const JsonReader&)>& read) {
  const json document = json::parse(std::string(R"({"field": )") + value + "}");
  JsonFault fault;
  read(JsonReader(document, "", fault));
  return fault.found() ? fault.error().message : "";
}

TEST(JsonReader, takes_absent_and_null_for_the_same) {
  const json document = json::parse(R"({"null": null})");
  JsonFault fault;
  const JsonReader reader(document, "", fault);
  for (const char* field : {"null", "absent"}) {
    EXPECT_FALSE(reader.has(field));
    EXPECT_EQ(reader.text(field, "fallback"), "fallback");
    EXPECT_EQ(reader.integer(field, 7), 7);
    EXPECT_EQ(reader.duration(field, absl::Minutes(5)), absl::Minutes(5));
    EXPECT_FALSE(reader.quantity(field));
    EXPECT_FALSE(reader.time(field));
    EXPECT_TRUE(reader.texts(field).empty());
    reader.object(field, [](const JsonReader&) { FAIL() << "there is no object"; });
    reader.list(field, [](const JsonReader&) { FAIL() << "there is no list"; });
  }
  EXPECT_FALSE(fault.found());
}

TEST(JsonReader, names_path_value_and_remedy) {
  const auto integer = [](const JsonReader& reader) { reader.integer("field", 0, {1, 100}); };
  const auto any_integer = [](const JsonReader& reader) { reader.integer("field", 0); };
  const auto text = [](const JsonReader& reader) { reader.text("field"); };
  const auto required = [](const JsonReader& reader) { reader.required_text("field"); };
  const auto quantity = [](const JsonReader& reader) { reader.quantity("field"); };
  const auto day = [](const JsonReader& reader) { reader.day("field"); };
  const auto counter = [](const JsonReader& reader) { reader.counter("field"); };
  const auto required_counter = [](const JsonReader& reader) { reader.required_counter("field"); };
  const auto quantities = [](const JsonReader& reader) { reader.quantities("field"); };
  const auto boolean = [](const JsonReader& reader) { reader.boolean("field"); };
  struct Row {
    const char* value;
    std::function<void(const JsonReader&)> read;
    const char* error;
  };
  const Row table[] = {
      {"1", integer, ""},
      {"100", integer, ""},
      {"0", integer, "field: must be a whole number from 1 to 100, not 0"},
      {"101", integer, "field: must be a whole number from 1 to 100, not 101"},
      {"1.5", integer, "field: must be a whole number from 1 to 100, not 1.5"},
      {"\"7\"", integer, "field: must be a whole number from 1 to 100, not \"7\""},
      {"[]", integer, "field: must be a whole number from 1 to 100, not a list"},
      {"18446744073709551615", integer, "field: must be a whole number from 1 to 100, not 18446744073709551615"},
      {"-9223372036854775808", integer, "field: must be a whole number from 1 to 100, not -9223372036854775808"},
      {"-2147483648", any_integer, ""},
      {"18446744073709551615", any_integer, "field: must be a whole number from -2147483648 to 2147483647, not 1844"},
      {"7", text, "field: must be a string, not 7"},
      {"{}", text, "field: must be a string, not an object"},
      {"\"\"", required, "field: must be a string that is not empty, not \"\""},
      {"null", required, "field: must be a string that is not empty, not absent"},
      {"-3", quantity, ""},
      {"\"1.5Gi\"", quantity, ""},
      {"1.5", quantity, "field: must be a quantity: a whole number, or a string such as \"0.5\", \"1500m\" or "},
      {"18446744073709551615", quantity, "field: must be a quantity below 2^63, not 18446744073709551615"},
      {"null", quantities, ""},
      {"[]", quantities, ""},
      {"[7, \"1.5Gi\"]", quantities, ""},
      {"7", quantities, "field: must be a list, not 7"},
      {"[7, null]", quantities, "field[1]: must be a quantity: a whole number, or a string such as"},
      {"[18446744073709551615]", quantities, "field[0]: must be a quantity below 2^63"},
      {"\"2026-11-08\"", day, ""},
      {"\"2026-02-30\"", day, "field: must be a day of the calendar such as 2026-11-08, not \"2026-02-30\""},
      {"\"2026-2-3\"", day, "field: must be a day of the calendar such as 2026-11-08, not \"2026-2-3\""},
      {"\" 2026-1-08\"", day, "field: must be a day of the calendar such as 2026-11-08"},
      {"20261108", day, "field: must be a string, not 20261108"},
      {"-1", counter, "field: must be a whole number that is not negative, not -1"},
      {"18446744073709551615", counter, "field: must be a whole number that is not negative"},
      {"null", counter, ""},
      {"0", required_counter, ""},
      {"null", required_counter, "field: must be a whole number that is not negative, not absent"},
      {"-1", required_counter, "field: must be a whole number that is not negative, not -1"},
      {"\"true\"", boolean, "field: must be true or false, not \"true\""},
  };
  for (const Row& row : table) {
    const std::string message = fault_of(row.value, row.read);
    if (*row.error == '\0') {
      EXPECT_EQ(message, "") << row.value;
    } else {
      EXPECT_EQ(message.find(row.error), 0u) << row.value << ": " << message;
    }
  }
}

TEST(JsonReader, passes_on_what_the_parsers_of_durations_offsets_and_times_say) {
  const auto message = [](const char* value, const std::function<void(const JsonReader&)>& read) {
    return fault_of(value, read);
  };
  EXPECT_NE(message("\"5 minutes\"", [](auto& reader) { reader.duration("field", {}); }).find("field: duration"),
            std::string::npos);
  EXPECT_NE(message("\"P3M\"", [](auto& reader) { reader.required_offset("field"); }).find("field: offset \"P3M\""),
            std::string::npos);
  EXPECT_NE(message("\"noon\"", [](auto& reader) { reader.time("field"); }).find("field: time \"noon\""),
            std::string::npos);
  EXPECT_NE(message("\"x\"", [](auto& reader) { reader.quantity("field"); }).find("field: "), std::string::npos);
}

TEST(JsonReader, shortens_long_values) {
  const std::string value = "\"" + std::string(1000, 'x') + "\"";
  const std::string message = fault_of(value.c_str(), [](auto& reader) { reader.integer("field", 0); });
  EXPECT_LT(message.size(), 200u);
  EXPECT_NE(message.find("…"), std::string::npos);
}

TEST(JsonReader, survives_bytes_that_are_no_text) {
  json document;
  document["field"] = std::string("\xff\xfe");
  JsonFault fault;
  JsonReader(document, "", fault).integer("field", 0);
  EXPECT_TRUE(fault.found());
}

TEST(JsonReader, says_where_in_lists_and_maps_something_is_wrong) {
  const json document = json::parse(R"({"spec": {"phases": [{"targets": {"names": ["a", 7]}}], "map": {"k": []}}})");
  JsonFault names, map;
  JsonReader(document, "", names).object("spec", [](const JsonReader& spec) {
    spec.list("phases", [](const JsonReader& phase) {
      phase.object("targets", [](const JsonReader& targets) { targets.texts("names"); });
    });
  });
  EXPECT_EQ(names.error().message, "spec.phases[0].targets.names[1]: must be a string, not 7");
  JsonReader(document, "", map).object("spec", [](const JsonReader& spec) { spec.text_map("map"); });
  EXPECT_EQ(map.error().message, "spec.map.k: must be a string, not a list");
}

TEST(JsonReader, keeps_the_first_fault) {
  const json document = json::parse(R"({"a": 1, "b": 2})");
  JsonFault fault;
  const JsonReader reader(document, "object", fault);
  reader.text("a");
  reader.text("b");
  EXPECT_EQ(fault.error().message, "object.a: must be a string, not 1");
}

TEST(JsonReader, refuses_a_document_that_is_no_object) {
  for (const char* text : {"null", "7", "[]", "\"x\""}) {
    const json document = json::parse(text);
    JsonFault fault;
    const JsonReader reader(document, "", fault);
    EXPECT_TRUE(fault.found()) << text;
    EXPECT_EQ(reader.text("field"), "") << text;
  }
}

TEST(JsonReader, hands_through_what_it_does_not_read) {
  const json document = json::parse(R"({"metrics": [{"type": "Resource", "n": 1.5}]})");
  JsonFault fault;
  EXPECT_EQ(JsonReader(document, "", fault).raw("metrics"), R"([{"n":1.5,"type":"Resource"}])");
  EXPECT_EQ(JsonReader(document, "", fault).raw("absent"), "");
}

}  // namespace
}  // namespace headroom::api
