#include "webhook/raw_json.h"

#include <gtest/gtest.h>

#include "tests/webhook/random_json.h"

namespace headroom::webhook {
namespace {

using Json = nlohmann::ordered_json;

TEST(RawJson, finds_each_member_by_its_ordinal) {
  const struct {
    const char* container;
    std::size_t ordinal;
    const char *key, *value;
  } table[] = {
      {R"({"a":1})", 0, R"("a")", "1"},
      {R"( {"a":1})", 0, "", ""},  // nothing in front of the container
      {R"({ "a" : 1 , "b" : "x" })", 1, R"("b")", R"("x")"},
      {R"({"a":{"b":[1,{}]},"c":[[],{"d":"]}"}],"e":null})", 1, R"("c")", R"([[],{"d":"]}"}])"},
      {R"({"a":{"b":[1,{}]},"c":[[],{"d":"]}"}],"e":null})", 2, R"("e")", "null"},
      {R"({"\"":"\\","\\\"":"\\\""})", 1, R"("\\\"")", R"("\\\"")"},
      {R"({"":""})", 0, R"("")", R"("")"},
      {R"([1, -2.5e3 ,true])", 1, "", "-2.5e3"},
      {R"([1,2,true])", 2, "", "true"},
      {"[1,2]", 2, "", ""},
      {"{}", 0, "", ""},
      {"[]", 0, "", ""},
      {"3", 0, "", ""},
      {"", 0, "", ""},
  };
  for (const auto& row : table) {
    const RawMember member = nth_member(row.container, row.ordinal);
    EXPECT_EQ(member.key, row.key) << row.container << " " << row.ordinal;
    EXPECT_EQ(leading_value(member.from_value), row.value) << row.container << " " << row.ordinal;
  }
}

TEST(RawJson, stays_inside_text_that_is_cut_anywhere) {
  const std::string whole = R"({"a" : "x\"\\", "b": [1, {"c": -1.5e+20, "d": "\u00fc"}, [ ]], "e": false})";
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);  // on the heap, where the address sanitizer sees its end
    for (std::size_t ordinal = 0; ordinal < 4; ++ordinal) {
      const RawMember member = nth_member(cut, ordinal);
      EXPECT_LE(member.key.size() + member.from_value.size(), cut.size());
      EXPECT_LE(leading_value(member.from_value).size(), member.from_value.size());
    }
    EXPECT_LE(compact_size(cut), cut.size());
    std::string widened;
    EXPECT_FALSE(widen_large_integers(cut, widened));
  }
}

TEST(RawJson, measures_what_a_compact_encoder_would_write) {
  std::mt19937_64 random(20261108);
  for (int i = 0; i < 2000; ++i) {
    const Json document = random_object(random, 6, 4);
    const std::string compact = document.dump(), spaced = spaced_out(document, random);
    ASSERT_EQ(compact_size(spaced), compact.size()) << spaced;
    ASSERT_EQ(compact_size(spaced + " ,{}"), compact.size()) << "what follows does not count";
    ASSERT_EQ(compact_size(document.dump(4)), compact.size()) << compact;
    ASSERT_EQ(compact_size(document.dump(1, '\t', true)), document.dump(-1, ' ', true).size()) << compact;
    std::size_t ordinal = 0;
    for (const auto& [key, value] : document.items()) {
      const RawMember member = nth_member(spaced, ordinal++);
      ASSERT_EQ(member.key, Json(key).dump()) << spaced;
      ASSERT_EQ(Json::parse(leading_value(member.from_value)), value) << spaced;
    }
    ASSERT_TRUE(nth_member(spaced, ordinal).from_value.empty()) << spaced;
  }
}

TEST(RawJson, widens_integers_that_need_more_than_64_bits_and_nothing_else) {
  const std::string nineteen(19, '9'), twenty = "18446744073709551616", thirty(30, '1');
  const struct {
    std::string text, widened;
  } table[] = {
      {"[" + nineteen + ",-" + nineteen + "]", ""},
      {"[" + twenty + "]", "[" + twenty + "e0]"},
      {"{\"a\": -" + thirty + ", \"b\":" + twenty + "}", "{\"a\": -" + thirty + "e0, \"b\":" + twenty + "e0}"},
      {twenty, twenty + "e0"},
      {"[\"" + twenty + "\", \"\\\"" + twenty + "\"]", ""},
      {"[" + twenty + ".5, " + twenty + "e1, " + twenty + "E-1]", ""},
      {"[0." + twenty + ", 1e" + twenty + ", 1e-" + twenty + ", 1E+" + twenty + "]", ""},
      {"", ""},
  };
  for (const auto& row : table) {
    std::string widened = "what was here before";
    EXPECT_EQ(widen_large_integers(row.text, widened), !row.widened.empty()) << row.text;
    EXPECT_EQ(widened, row.widened);
  }
}

}  // namespace
}  // namespace headroom::webhook
