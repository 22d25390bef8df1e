#include <gtest/gtest.h>

#include <string>

#include "operator/cel/program.h"

namespace headroom::cel {
namespace {

struct Row {
  const char* expression;
  const char* problem;
};

TEST(CelSyntax, faults_name_the_place_and_what_is_wrong) {
  constexpr Row kRows[] = {
      {"", "at character 1: the expression ends too early"},
      {"1 +", "at character 4: the expression ends too early"},
      {"1 2", "at character 3: unexpected value"},
      {"(1", "at character 3: the expression ends too early"},
      {"[1, 2", "at character 6: the expression ends too early"},
      {"{1}", "at character 3: \":\" expected"},
      {"self.", "at character 6: the name of a field"},
      {"self.?a", "optionals are not understood"},
      {"selff", "at character 1: the name \"selff\" is not known"},
      {"has(self)", "has() takes a field"},
      {"frobnicate(self)", "the function frobnicate is not known"},
      {"self.matches()", "the function matches is not called in this way"},
      {"self.matches('[')", "no regular expression"},
      {"'abc", "at character 1: the text has no end"},
      {"'\\q'", "at character 2: bad escape"},
      {"'\\ud800'", "bad escape"},
      {"99999999999999999999", "does not fit 64 bits"},
      {"9223372036854775808", "does not fit an int"},
      {"if", "reserved word"},
      {"self @ 1", "at character 6: \"@\" is no part"},
      {"self.all(in, true)", "cannot name a variable"},
      {"[1].transformList(x, x)", "takes two variables"},
  };
  for (const Row& row : kRows) {
    const auto program = Program::compile(row.expression, {"self"});
    ASSERT_FALSE(program) << row.expression;
    EXPECT_NE(program.error().message.find(row.problem), std::string::npos)
        << row.expression << ": " << program.error().message;
  }
}

TEST(CelSyntax, nesting_is_bounded_but_chains_may_be_long) {
  EXPECT_FALSE(Program::compile(std::string(100'000, '('), {}));
  EXPECT_FALSE(Program::compile(std::string(50'000, '!') + "true", {}));
  EXPECT_FALSE(Program::compile(std::string(50'000, '[') + std::string(50'000, ']'), {}));
  std::string sum = "1";
  for (int i = 0; i < 10'000; ++i) sum += "+1";
  EXPECT_FALSE(Program::compile(sum, {}));
  std::string chain = "true";
  for (int i = 0; i < 5'000; ++i) chain += " && true";
  EXPECT_TRUE(Program::compile(chain, {}));
  EXPECT_FALSE(Program::compile(std::string(100'001, ' ') + "1", {}));
}

TEST(CelSyntax, a_program_knows_what_it_reads) {
  const auto program = Program::compile("self.all(x, x == oldSelf)", {"self", "oldSelf"});
  ASSERT_TRUE(program);
  EXPECT_TRUE(program.value().uses("oldSelf"));
  EXPECT_FALSE(program.value().uses("y"));
}

TEST(CelSyntax, comments_and_line_breaks_are_white_space) { EXPECT_TRUE(Program::compile("1 + // one\n 2", {})); }

}  // namespace
}  // namespace headroom::cel
