#include "operator/manifest/reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace headroom::manifest {
namespace {

std::vector<std::string> titles(const ReadResult& result) {
  std::vector<std::string> all;
  std::ranges::transform(result.documents, std::back_inserter(all), &Document::title);
  return all;
}

std::string object(const std::string& name) { return "apiVersion: v1\nkind: A\nmetadata: {name: " + name + "}\n"; }

TEST(Reader, takes_streams_of_documents_and_says_the_line_in_the_whole_text) {
  const ReadResult result =
      read_text("# first\n" + object("a") + "---\n---  # empty\n# nothing\n---\n" + object("b") + "...\n" + object("c"),
                "a.yaml");
  EXPECT_FALSE(result.failed());
  EXPECT_EQ(titles(result), (std::vector<std::string>{"A a", "A b", "A c"}));
  EXPECT_EQ(result.documents.at(1).where("metadata.name").to_string(), "a.yaml:11:18");
}

TEST(Reader, takes_lists_apart) {
  const ReadResult result = read_text(
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n  metadata: {name: a}\n"
      "- {apiVersion: v1, kind: ThingList, items: [{apiVersion: v1, kind: B, metadata: {name: b}}]}\n",
      "a.yaml");
  EXPECT_EQ(titles(result), (std::vector<std::string>{"A a", "B b"}));
  EXPECT_EQ(result.documents.at(0).start().to_string(), "a.yaml:4:3");
}

TEST(Reader, takes_json_values_one_after_the_other) {
  const ReadResult result = read_text(
      "{\"apiVersion\":\"v1\",\"kind\":\"A\"}\n {\"apiVersion\":\"v1\",\"kind\":\"B\",\"x\":-1.5e2,\"y\":[]}", "-");
  EXPECT_EQ(titles(result), (std::vector<std::string>{"A without a name", "B without a name"}));
  EXPECT_EQ(result.documents.at(1).object().at("x").dump(), "-150");
}

TEST(Reader, takes_yaml_that_begins_with_a_brace) {
  EXPECT_EQ(titles(read_text("{apiVersion: v1, kind: A}\n", "a.yaml")), (std::vector<std::string>{"A without a name"}));
}

TEST(Reader, reads_what_stands_around_a_broken_document) {
  const ReadResult result = read_text(object("a") + "---\nkind: [\n---\n" + object("c"), "a.yaml");
  EXPECT_EQ(titles(result), (std::vector<std::string>{"A a", "A c"}));
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].where.line, 6);
}

struct Mistake {
  const char* text;
  const char* where;    // line:column
  const char* message;  // a part
};

TEST(Reader, says_what_is_wrong_and_where) {
  constexpr Mistake kMistakes[] = {
      {"kind: A\n", "1:1", "apiVersion is missing"},
      {"apiVersion: v1\nkind: 5\n", "2:7", "kind must be a text"},
      {"- a\n", "1:1", "no Kubernetes object"},
      {"just words\n", "1:1", "no Kubernetes object"},
      {"apiVersion: v1\nkind: A\nspec:\n  a: 1\n  b: 2\n  a: 3\n", "6:3",
       "key \"a\" stands here twice, first at line 4 column 3"},
      {"{\"apiVersion\":\"v1\",\"kind\":\"A\",\"kind\":\"B\"}", "1:31", "stands here twice, first at line 1 column 20"},
      {"apiVersion: v1\nkind: A\nspec:\n\ta: 1\n", "4:1", "a tab indents"},
      {"apiVersion: v1\nkind: A\nspec: \"open\n", "3:7", "has no end"},
      {"apiVersion: v1\nkind: A\nspec: *nowhere\n", "3:7", "malformed YAML"},
      {"apiVersion: v1\nkind: A\nspec: {{ .Values.spec }}\n", "3:7", "template of a Helm chart"},
      {"apiVersion: v1\nkind: A\n{{- if .Values.on }}\nspec: 1\n{{- end }}\n", "3:1", "template of a Helm chart"},
      {"apiVersion: v1\nkind: A\nname: {{ include \"a\" . }}-b\n", "3:7", "template of a Helm chart"},
      {"apiVersion: v1\nkind: A\nspec: \x04\n", "3:7", "control character"},
      {"apiVersion: v1\nkind: A\nspec: \xff\n", "1:1", "not UTF-8"},
      {"{\"apiVersion\":\"v1\",\n \"kind\":}", "2:9", "kind must be a text"},
  };
  for (const Mistake& mistake : kMistakes) {
    const ReadResult result = read_text(mistake.text, "a.yaml");
    ASSERT_EQ(result.problems.size(), 1u) << mistake.text;
    EXPECT_TRUE(result.failed());
    EXPECT_EQ(result.problems[0].where.to_string(), std::string("a.yaml:") + mistake.where) << mistake.text;
    EXPECT_NE(result.problems[0].message.find(mistake.message), std::string::npos) << result.problems[0].message;
  }
}

TEST(Reader, calls_a_json_file_malformed_json) {
  const ReadResult result = read_text("{\"apiVersion\": \"v1\",\n \"kind\": \"A\", }", "a.json");
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].to_string(), "a.json:2:15: malformed JSON: a name in quotes should stand here");
}

TEST(Reader, leaves_braces_inside_texts_alone) {
  const ReadResult result =
      read_text("apiVersion: v1\nkind: A\nspec: {a: \"{{ $labels.x }}\", b: 'x'}\nc: |\n  {{ $value }}\n", "a.yaml");
  EXPECT_TRUE(result.problems.empty());
}

TEST(Reader, does_not_unfold_a_billion_laughs) {
  std::string text = "apiVersion: v1\nkind: A\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) text += ", " + before;
    text += "]\n";
  }
  const ReadResult result = read_text(text, "a.yaml");
  EXPECT_TRUE(result.documents.empty());
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_NE(result.problems[0].message.find("unfolds to more than 1000000 values"), std::string::npos);
}

TEST(Reader, bounds_depth_size_and_loops) {
  for (const char bracket : {'[', '{'}) {
    const std::string deep = "apiVersion: v1\nkind: A\nspec: " + std::string(20'000, bracket);
    EXPECT_TRUE(read_text(deep, "a.yaml").failed());
  }
  EXPECT_NE(read_text("apiVersion: v1\nspec: " + std::string(101, '[') + std::string(101, ']'), "a.yaml")
                .problems.at(0)
                .message.find("more than 100 deep"),
            std::string::npos);
  EXPECT_NE(read_text(std::string(20'000, '['), "a.json").problems.at(0).message.find("more than 100 deep"),
            std::string::npos);
  Bounds small;
  small.file_bytes = 10;
  EXPECT_EQ(read_text("apiVersion: v1\n", "a.yaml", small).problems.at(0).to_string(),
            "a.yaml: has 15 bytes, at most 10 are read; split it");
  EXPECT_NE(read_text("a: &a [*a]\n", "a.yaml").problems.at(0).message.find("inside the value that it names"),
            std::string::npos);
}

}  // namespace
}  // namespace headroom::manifest
