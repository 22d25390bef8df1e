#include "webhook/json_view.h"

#include <gtest/gtest.h>

#include <ostream>

#include "tests/webhook/random_json.h"

namespace headroom::limits {

// For messages of failed expectations.
static bool operator==(const ObjectView::Scalar& a, const ObjectView::Scalar& b) {
  return a.kind == b.kind && a.text == b.text;
}
static std::ostream& operator<<(std::ostream& out, const ObjectView::Scalar& scalar) {
  return out << "kind " << static_cast<int>(scalar.kind) << " \"" << scalar.text << '"';
}

}  // namespace headroom::limits

namespace headroom::webhook {
namespace {

using Json = nlohmann::ordered_json;
using limits::Path;
using Scalar = limits::ObjectView::Scalar;
using Kind = Scalar::Kind;

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

Path path(const std::string& text) { return Path::parse(text).value(); }

TEST(JsonView, finds_scalars_by_their_path) {
  const Viewed object(R"({"spec": {"replicas": 5, "name": "c\u0061rt", "on": true, "off": false, "nothing": null,
      "list": [{"size": "1Gi"}, {"size": 0.50}, []], "a.b": {"it's": -7}, "empty": "", "esc\u0061ped": "yes"},
      "0": "zero"})");
  const struct {
    const char* path;
    Scalar scalar;
  } table[] = {
      {".spec.replicas", {Kind::Number, "5"}},
      {".spec.name", {Kind::Text, "cart"}},
      {".spec.on", {Kind::Boolean, "true"}},
      {".spec.off", {Kind::Boolean, "false"}},
      {".spec.empty", {Kind::Text, ""}},
      {".spec.list[0].size", {Kind::Text, "1Gi"}},
      {".spec.list[1].size", {Kind::Number, "0.50"}},
      {R"(.spec['a.b']['it\'s'])", {Kind::Number, "-7"}},
      {".spec.escaped", {Kind::Text, "yes"}},
      {".0", {Kind::Text, "zero"}},
      {".spec.nothing", {Kind::Absent, ""}},
      {".spec.missing", {Kind::Absent, ""}},
      {".spec.replicas.deeper", {Kind::Absent, ""}},
      {".spec.replicas[0]", {Kind::Absent, ""}},
      {".spec.nothing.deeper", {Kind::Absent, ""}},
      {".spec.list[3]", {Kind::Absent, ""}},
      {".spec.list.size", {Kind::Absent, ""}},
      {".spec.list['0']", {Kind::Absent, ""}},
      {".spec[0]", {Kind::Absent, ""}},
      {".spec", {Kind::Other, ""}},
      {".spec.list", {Kind::Other, ""}},
      {".spec.list[2]", {Kind::Other, ""}},
  };
  for (const auto& row : table) EXPECT_EQ(object->at(path(row.path)), row.scalar) << row.path;
}

TEST(JsonView, gives_numbers_without_loss) {
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
      {"0.10", "0.10"},
      {"-0.0", "-0.0"},
      {"1e3", "1e3"},
      {"1E+3", "1E+3"},
      {"25e-3", "25e-3"},
      {"0.30000000000000000000000000001", "0.30000000000000000000000000001"},
      {"100000000000000000000.5", "100000000000000000000.5"},
      {"1e300", "1e300"},
  };
  for (const auto& row : table) {
    const Viewed object(R"({"a": "x", "spec": {"b": [ 1.5, {"size" : )" + std::string(row.sent) + " }]}}");
    EXPECT_EQ(object->at(path(".spec.b[1].size")), (Scalar{Kind::Number, row.given})) << row.sent;
  }
}

TEST(JsonView, keeps_the_numbers_that_it_gave_out) {
  Json object;
  for (int i = 0; i < 200; ++i) object["n" + std::to_string(i)] = 1'000'000 + i;
  const Viewed viewed(object.dump());
  std::vector<std::string_view> given;
  given.reserve(200);
  for (int i = 0; i < 200; ++i) given.push_back(viewed->at(path(".n" + std::to_string(i))).text);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(given[static_cast<std::size_t>(i)], std::to_string(1'000'000 + i));
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

// Compares every value below `value` with what the view finds at its path.
void compare(const JsonView& view, const Json& value, const std::string& at) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      if (key.empty()) continue;  // no path names it
      std::string inside = at + "['";
      for (const char c : key) {
        if (c == '\'' || c == '\\') inside += '\\';
        inside += c;
      }
      compare(view, inner, inside + "']");
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) compare(view, value[i], at + "[" + std::to_string(i) + "]");
  }
  if (at.empty()) return;
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  Scalar expected;
  if (value.is_string()) expected = {Kind::Text, text};
  if (value.is_number()) expected = {Kind::Number, text};
  if (value.is_boolean()) expected = {Kind::Boolean, text};
  if (value.is_structured()) expected = {Kind::Other, ""};
  ASSERT_EQ(view.at(path(at)), expected) << at;
}

TEST(JsonView, agrees_with_another_parser_about_generated_objects) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 300; ++i) {
    Json object = random_object(random, 5, 3);
    object["metadata"] = random_object(random, 4, 2);
    if (i % 2 == 0) object["metadata"]["managedFields"] = random_object(random, 4, 2);
    object.update(random_object(random, 3, 1));
    const Viewed viewed(spaced_out(object, random));
    ASSERT_NO_FATAL_FAILURE(compare(*viewed, object, ""));
    Json without = object;
    if (without["metadata"].is_object()) without["metadata"].erase("managedFields");
    ASSERT_EQ(viewed->compact_bytes(), without.dump().size()) << object;
  }
}

}  // namespace
}  // namespace headroom::webhook
