#include "webhook/json_view.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "operator/limits/stored_object.h"
#include "tests/webhook/random_json.h"

namespace headroom::webhook {
namespace {

using Json = nlohmann::ordered_json;
using Kind = limits::ObjectView::Scalar::Kind;
/// Kinds and texts of all values at a path.
using Found = std::vector<std::pair<Kind, std::string>>;

// A document {"x": 0, "request": {"y": 0, "object": ...}} and the view of its object.
class Viewed {
 public:
  explicit Viewed(const std::string& object)
      : text_(R"( {"x" : 0, "request": { "y":[0], "object" : )" + object + R"( , "z":0}})") {
    text_.reserve(text_.size() + simdjson::SIMDJSON_PADDING);
    view_.look_at(parser_.parse(text_).value()["request"]["object"].value(), std::string_view(text_).substr(1), {1, 1});
  }

  const JsonView& operator*() const { return view_; }
  const JsonView* operator->() const { return &view_; }

 private:
  std::string text_;
  simdjson::dom::parser parser_;
  JsonView view_;
};

Found at(const JsonView& view, const std::string& path) {
  Found found;
  view.each(api::JsonPath::parse(path).value(),
            [&](const limits::ObjectView::Scalar& scalar) { found.emplace_back(scalar.kind, scalar.text); });
  return found;
}

TEST(JsonView, finds_scalars_by_their_path) {
  const Viewed object(R"({"spec": {"replicas": 5, "name": "c\u0061rt", "on": true, "off": false, "nothing": null,
      "list": [{"size": "1Gi"}, {"size": 0.50}, []], "a.b": {"c/d": -7}, "empty": "", "esc\u0061ped": "yes"},
      "_0": "zero"})");
  const struct {
    const char* path;
    Found found;
  } table[] = {
      {".spec.replicas", {{Kind::Number, "5"}}},
      {".spec.name", {{Kind::Text, "cart"}}},
      {".spec.on", {{Kind::Boolean, "true"}}},
      {".spec.off", {{Kind::Boolean, "false"}}},
      {".spec.empty", {{Kind::Text, ""}}},
      {".spec.list[0].size", {{Kind::Text, "1Gi"}}},
      {".spec.list[1].size", {{Kind::Number, "0.5"}}},
      {R"(.spec['a.b']['c/d'])", {{Kind::Number, "-7"}}},
      {".spec.list[*].size", {{Kind::Text, "1Gi"}, {Kind::Number, "0.5"}}},
      {".spec.escaped", {{Kind::Text, "yes"}}},
      {"._0", {{Kind::Text, "zero"}}},
      {".spec.nothing", {}},
      {".spec.missing", {}},
      {".spec.replicas.deeper", {}},
      {".spec.replicas[0]", {}},
      {".spec.nothing.deeper", {}},
      {".spec.list[3]", {}},
      {".spec.list.size", {}},
      {".spec.list['0']", {}},
      {".spec[0]", {}},
      {".spec", {{Kind::Other, ""}}},
      {".spec.list", {{Kind::Other, ""}}},
      {".spec.list[2]", {{Kind::Other, ""}}},
  };
  for (const auto& row : table) EXPECT_EQ(at(*object, row.path), row.found) << row.path;
}

TEST(JsonView, gives_numbers_as_the_api_server_writes_them) {
  const struct {
    const char *sent, *given;
  } table[] = {
      {"0", "0"},
      {"-0", "0"},
      {"-1", "-1"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"9223372036854775808", "9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"0.1", "0.1"},
      {"0.10", "0.1"},
      {"-0.0", "-0"},
      {"1e3", "1000"},
      {"1E+3", "1000"},
      {"25e-3", "0.025"},
      {"0.30000000000000000000000000001", "0.3"},
      {"100000000000000000000.5", "100000000000000000000"},
      {"1e21", "1e+21"},
      {"1e300", "1e+300"},
      {"0.00005", "0.00005"},
      {"1e-6", "0.000001"},
      {"1.5e-7", "1.5e-7"},
      {"1e-300", "1e-300"},
      {"0.30000000000000004", "0.30000000000000004"},
      {"-123456789012345.67", "-123456789012345.67"},
  };
  for (const auto& row : table) {
    const Viewed object(R"({"a": "x", "spec": {"b": [ 1.5, {"size" : )" + std::string(row.sent) + " }]}}");
    EXPECT_EQ(at(*object, ".spec.b[1].size"), (Found{{Kind::Number, row.given}})) << row.sent;
    const auto stored = nlohmann::json::parse(R"({"size": )" + std::string(row.sent) + "}");
    limits::StoredObject(stored).each(api::JsonPath::parse(".size").value(), [&](const auto& scalar) {
      EXPECT_EQ(scalar.text, row.given) << "the cache reads the same";
    });
  }
}

TEST(JsonView, knows_the_metadata) {
  const Viewed object(R"({"metadata": {"name": "cart", "namespace": "shop", "uid": "u-1", "resourceVersion": "7",
      "labels": {"app": "cart", "example.com/tier": "web", "empty": "", "bad": 3}}})");
  EXPECT_EQ(object->name(), "cart");
  EXPECT_EQ(object->ns(), "shop");
  EXPECT_EQ(object->uid(), "u-1");
  EXPECT_EQ(object->resource_version(), "7");
  EXPECT_FALSE(object->deleting());
  EXPECT_EQ(object->label("app"), "cart");
  EXPECT_EQ(object->label("example.com/tier"), "web");
  EXPECT_EQ(object->label("empty"), "");
  EXPECT_EQ(object->label("bad"), std::nullopt);
  EXPECT_EQ(object->label("missing"), std::nullopt);
  EXPECT_TRUE(Viewed(R"({"metadata": {"deletionTimestamp": "2026-11-08T00:00:00Z"}})")->deleting());
  EXPECT_FALSE(Viewed(R"({"metadata": {"deletionTimestamp": null}})")->deleting());
}

TEST(JsonView, digests_differ_where_more_than_managed_fields_differs) {
  const char* const plain = R"({"metadata":{"managedFields":[1],"name":"x"},"spec":{"a":1}})";
  EXPECT_EQ(Viewed(plain)->digest(),
            Viewed(R"({"metadata":{"managedFields":[22,3],"name":"x"},"spec":{"a":1}})")->digest());
  for (const char* other : {R"({"metadata":{"managedFields":[1],"name":"y"},"spec":{"a":1}})",
                            R"({"metadata":{"managedFields":[1],"name":"x"},"spec":{"a":2}})",
                            R"({"metadata":{"managedFields":[1],"name":"x"}})",
                            R"({"metadata":{"name":"x"},"spec":{"a":1,"managedFields":[1]}})"}) {
    EXPECT_NE(Viewed(plain)->digest(), Viewed(other)->digest()) << other;
  }
}

TEST(JsonView, takes_metadata_that_is_missing_or_of_another_type_for_empty) {
  for (const char* text : {"{}", R"({"metadata": null})", R"({"metadata": "x"})", R"({"metadata": []})",
                           R"({"metadata": {"name": 3, "labels": [], "uid": null}})"}) {
    const Viewed object(text);
    EXPECT_EQ(object->name(), "") << text;
    EXPECT_EQ(object->uid(), "") << text;
    EXPECT_EQ(object->label("app"), std::nullopt) << text;
    EXPECT_FALSE(object->deleting()) << text;
    EXPECT_EQ(object->compact_bytes(), Json::parse(text).dump().size()) << text;
  }
}

TEST(JsonView, measures_an_object_without_its_managed_fields) {
  const struct {
    const char *object, *without;
  } table[] = {
      {R"({"a": 1})", R"({"a":1})"},
      {R"({"metadata": {"managedFields": [{"a": 1}]}, "b" : 2})", R"({"metadata":{},"b":2})"},
      {R"({"metadata": {"managedFields": [{"a": 1}], "name": "x"}})", R"({"metadata":{"name":"x"}})"},
      {R"({"metadata": {"name": "x", "managedFields" : [ ] }})", R"({"metadata":{"name":"x"}})"},
      {R"({"metadata": {"name": "x", "managedFields": null, "uid": "u"}})", R"({"metadata":{"name":"x","uid":"u"}})"},
      {R"({"metadata": {"managed\u0046ields": [1, 2], "name": "x"}})", R"({"metadata":{"name":"x"}})"},
      {R"({"managedFields": [1], "spec": {"metadata": {"managedFields": [2]}}})",
       R"({"managedFields":[1],"spec":{"metadata":{"managedFields":[2]}}})"},
      {R"({"metadata": ["managedFields", 1]})", R"({"metadata":["managedFields",1]})"},
      {R"({"text": "  two  blanks\n ", "n": 1.50})", R"({"text":"  two  blanks\n ","n":1.50})"},
      {"{ }", "{}"},
  };
  for (const auto& row : table) {
    const Viewed object(row.object);
    EXPECT_EQ(object->compact_bytes(), std::string(row.without).size()) << row.object;
    EXPECT_EQ(object->compact_bytes(), std::string(row.without).size()) << "asked again: " << row.object;
  }
}

// Compares every value below `value` that a path can name with what the view finds there; how many there were.
int compare(const JsonView& view, const Json& value, const std::string& path) {
  int compared = 0;
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      // What else a key may hold would read as further steps.
      if (key.find_first_of(path.empty() ? "'[]." : "'[]") != std::string::npos) continue;
      const std::string step = path.empty() ? "." + key : "['" + key + "']";
      compared += compare(view, inner, path + step);
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      compared += compare(view, value[i], path + "[" + std::to_string(i) + "]");
    }
  }
  if (path.empty() || !api::JsonPath::parse(path)) return compared;
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  Found expected;
  if (value.is_string()) expected = {{Kind::Text, text}};
  if (value.is_number()) expected = {{Kind::Number, text}};
  if (value.is_boolean()) expected = {{Kind::Boolean, text}};
  if (value.is_structured()) expected = {{Kind::Other, ""}};
  EXPECT_EQ(at(view, path), expected) << path;
  return compared + 1;
}

TEST(JsonView, agrees_with_another_parser_about_generated_objects) {
  std::mt19937_64 random(7);
  int compared = 0;
  for (int i = 0; i < 300; ++i) {
    Json object = random_object(random, 5, 3);
    object["metadata"] = random_object(random, 4, 2);
    if (i % 2 == 0) object["metadata"]["managedFields"] = random_object(random, 4, 2);
    object.update(random_object(random, 3, 1));
    const Viewed viewed(spaced_out(object, random));
    compared += compare(*viewed, object, "");
    ASSERT_FALSE(HasFailure()) << object;
    Json without = object;
    if (without["metadata"].is_object()) without["metadata"].erase("managedFields");
    ASSERT_EQ(viewed->compact_bytes(), without.dump().size()) << object;
  }
  EXPECT_GT(compared, 500);
}

}  // namespace
}  // namespace headroom::webhook
