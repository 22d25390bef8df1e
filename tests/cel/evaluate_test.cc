// The language as its specification and Kubernetes' libraries have it: an expression, and what comes of it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "operator/base/time_zone.h"
#include "operator/cel/program.h"

namespace headroom::cel {
namespace {

/// The result as text, or "error: ..." .
std::string evaluated(const std::string& expression, const char* self = "null") {
  const auto program = Program::compile(expression, {"self"});
  if (!program) return "does not compile: " + program.error().message;
  Options options;
  options.zones = load_time_zone;
  const auto value = program.value().evaluate({{"self", from_json(nlohmann::json::parse(self))}}, options);
  return value ? to_text(value.value()) : "error: " + value.error().message;
}

struct Row {
  const char* expression;
  const char* result;  // how it begins, for errors
};

void expect_all(const std::vector<Row>& rows, const char* self = "null") {
  for (const Row& row : rows) {
    const std::string result = evaluated(row.expression, self);
    if (std::string(row.result).starts_with("error")) {
      EXPECT_TRUE(result.starts_with(row.result)) << row.expression << " gives " << result;
    } else {
      EXPECT_EQ(result, row.result) << row.expression;
    }
  }
}

TEST(Cel, arithmetic_is_exact_and_overflows_are_errors) {
  expect_all({
      {"1 + 2 * 3 - 4", "3"},
      {"(1 + 2) * 3", "9"},
      {"-7 / 2", "-3"},
      {"-7 % 2", "-1"},
      {"7u % 4u", "3u"},
      {"1 / 0", "error: division by zero"},
      {"1 % 0", "error: modulus by zero"},
      {"1.0 / 0.0 > 1e308", "true"},
      {"9223372036854775807 + 1", "error: integer overflow"},
      {"-9223372036854775808 - 1", "error: integer overflow"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"-(-9223372036854775808)", "error: integer overflow"},
      {"9223372036854775807 * 2", "error: integer overflow"},
      {"-9223372036854775808 / -1", "error: integer overflow"},
      {"-9223372036854775808 % -1", "error: integer overflow"},
      {"1u - 2u", "error: unsigned integer overflow"},
      {"18446744073709551615u + 1u", "error: unsigned integer overflow"},
      {"1 + 1.0", "error: no such overload"},
      {"0x10 + 0xfu", "error: no such overload"},
      {"'a' + 'b'", R"("ab")"},
      {"[1] + [2, 3]", "[1, 2, 3]"},
      {"-1.5", "-1.5"},
      {"- - 1", "1"},
      {"!!true", "true"},
      {"!1", "error: no such overload"},
  });
}

TEST(Cel, numbers_of_different_types_compare_by_value) {
  expect_all({
      {"1 == 1.0", "true"},
      {"1u == 1", "true"},
      {"1 < 1.5", "true"},
      {"-1 < 1u", "true"},
      {"18446744073709551615u > 9223372036854775807", "true"},
      {"9223372036854775807 < 9223372036854775808.0", "true"},
      {"0.0 / 0.0 == 0.0 / 0.0", "false"},
      {"0.0 / 0.0 < 1.0", "false"},
      {"1 == '1'", "false"},
      {"1 != '1'", "true"},
      {"1 < '1'", "error: no such overload"},
      {"'a' < 'b'", "true"},
      {"'b' <= 'a'", "false"},
      {"false < true", "true"},
      {"null == null", "true"},
      {"[1, [2]] == [1.0, [2u]]", "true"},
      {"{'a': 1} == {'a': 1.0}", "true"},
      {"{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"},
      {"{'a': 1} == {'b': 1}", "false"},
  });
}

TEST(Cel, errors_are_absorbed_by_what_settles_a_condition) {
  expect_all({
      {"true || 1 / 0 > 0", "true"},
      {"1 / 0 > 0 || true", "true"},
      {"1 / 0 > 0 || false", "error: division by zero"},
      {"false && 1 / 0 > 0", "false"},
      {"1 / 0 > 0 && false", "false"},
      {"1 / 0 > 0 && true", "error: division by zero"},
      {"1 || true", "true"},
      {"1 || false", "error: no such overload"},
      {"false || false || 1 / 0 > 0 || true", "true"},
      {"true ? 1 : 1 / 0", "1"},
      {"false ? 1 / 0 : 2", "2"},
      {"1 / 0 > 0 ? 1 : 2", "error: division by zero"},
      {"true ? (false ? 1 : 2) : 3", "2"},
      {"[1, 2, 0].exists(x, 10 / x == 5)", "true"},
      {"[0, 2].exists(x, 10 / x == 5)", "true"},
      {"[0, 1].exists(x, 10 / x == 5)", "error: division by zero"},
      {"[0, 1].all(x, 10 / x == 5)", "false"},
      {"[0, 2].all(x, 10 / x == 5)", "error: division by zero"},
      {"[0, 2].exists_one(x, 10 / x == 5)", "error: division by zero"},
      {"[0].map(x, 1 / x)", "error: division by zero"},
  });
}

TEST(Cel, macros_walk_lists_and_the_keys_of_maps) {
  expect_all(
      {
          {"[1, 2, 3].all(x, x > 0)", "true"},
          {"[].all(x, false)", "true"},
          {"[].exists(x, true)", "false"},
          {"[1, 2, 2].exists_one(x, x == 2)", "false"},
          {"[1, 2].exists_one(x, x == 2)", "true"},
          {"[1, 2, 3].filter(x, x % 2 == 1)", "[1, 3]"},
          {"[1, 2, 3].map(x, x * x)", "[1, 4, 9]"},
          {"[1, 2, 3].map(x, x > 1, x * x)", "[4, 9]"},
          {"{'a': 1, 'b': 2}.all(k, k < 'c')", "true"},
          {"{'a': 1}.map(k, k)", R"(["a"])"},
          {"[[1, 2], [3]].map(x, x.map(y, y + size(x)))", "[[3, 4], [4]]"},
          {"[1, 2].map(x, [3].map(x, x))", "[[3], [3]]"},
          {"[5, 6].all(i, v, v == i + 5)", "true"},
          {"{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true"},
          {"[5, 6].transformList(i, v, i > 0, v)", "[6]"},
          {"{'a': 1}.transformMap(k, v, v + 1)", R"({"a": 2})"},
          {"'abc'.all(x, true)", "error: no such overload"},
          {"has(self.a)", "true"},
          {"has(self.b)", "false"},
          {"has(self.a.c)", "false"},
          {"has(self.b.c)", "error: no such key: b"},
          {"self.b", "error: no such key: b"},
          {"self.a.b", "7"},
          {"self['a']['b']", "7"},
          {"'a' in self", "true"},
          {"7 in [1, 7.0]", "true"},
          {"self.list[1]", "2"},
          {"self.list[2]", "error: index out of bounds"},
          {"self.list[-1]", "error: index out of bounds"},
          {"self.list.self", "error: no such overload"},
      },
      R"({"a": {"b": 7}, "list": [1, 2]})");
}

TEST(Cel, texts_are_sequences_of_characters) {
  expect_all(
      {
          {"size('größe')", "5"},
          {"'größe'.size()", "5"},
          {"'größe'.substring(2, 4)", R"("öß")"},
          {"'abc'.substring(1)", R"("bc")"},
          {"'abc'.substring(4)", "error: index out of range"},
          {"'abc'.substring(2, 1)", "error: invalid substring range"},
          {"'größe'.charAt(3)", R"("ß")"},
          {"'größe'.indexOf('e')", "4"},
          {"'abab'.indexOf('b', 2)", "3"},
          {"'abab'.lastIndexOf('a')", "2"},
          {"'abab'.indexOf('x')", "-1"},
          {"'a,b,,c'.split(',')", R"(["a", "b", "", "c"])"},
          {"'a,b,c'.split(',', 2)", R"(["a", "b,c"])"},
          {"'äb'.split('')", R"(["ä", "b"])"},
          {"'a'.split(',', 0)", "[]"},
          {"'banana'.replace('an', 'u')", R"("buua")"},
          {"'banana'.replace('a', 'o', 2)", R"("bonona")"},
          {"'äb'.replace('', '-')", R"("-ä-b-")"},
          {"['a', 'b'].join('-')", R"("a-b")"},
          {"[1].join('-')", "error: no such overload"},
          {"' \\t\\u00a0a b\\n'.trim()", R"("a b")"},
          {"'aÄ'.upperAscii()", R"("AÄ")"},
          {"'AÄ'.lowerAscii()", R"("aÄ")"},
          {"'äb'.reverse()", R"("bä")"},
          {"'abc'.startsWith('ab') && 'abc'.endsWith('bc') && 'abc'.contains('b')", "true"},
          {"'abc'.matches('^a.c$')", "true"},
          {"matches('abc', 'b')", "true"},
          {"'abc'.matches('^b')", "false"},
          {"'a1b22'.find('[0-9]+')", R"("1")"},
          {"'ab'.find('[0-9]+')", R"("")"},
          {"'a1b22'.findAll('[0-9]+')", R"(["1", "22"])"},
          {"'a1b22'.findAll('[0-9]+', 1)", R"(["1"])"},
          {"'a'.matches(self)", "error: no regular expression"},
          {"'%s is %d of %.2f, %x %X %b %%'.format(['a', -5, 1.5, 255, 'k', 5])", R"("a is -5 of 1.50, ff 6B 101 %")"},
          {"'%s %s %s'.format([[1, 'a'], null, true])", R"("[1, a] null true")"},
          {"'%d'.format([])", "error: could not format"},
          {"'%d'.format(['a'])", "error: could not format"},
          {"'%q'.format([1])", "error: could not format"},
          {R"('\x41\u00e4\101\n'.size())", "4"},
          {R"(r'\n'.size())", "2"},
          {"'''a'b'''", R"("a'b")"},
          {"b'\\xff'.size()", "1"},
      },
      R"("[")");
}

TEST(Cel, conversions_say_what_does_not_fit) {
  expect_all({
      {"int('5') + int(5.9) + int(5u)", "15"},
      {"int('-5')", "-5"},
      {"int('5.0')", "error: type conversion error"},
      {"int('')", "error: type conversion error"},
      {"int(1e19)", "error: range error"},
      {"uint(-1)", "error: range error"},
      {"uint('5')", "5u"},
      {"double('1.5') + double(1)", "2.5"},
      {"string(5) + string(1.5) + string(true) + string(5u)", R"("51.5true5")"},
      {"string(1e21)", R"("1000000000000000000000")"},
      {"string(duration('90s'))", R"("90s")"},
      {"string(timestamp('2026-11-08T00:00:00+05:30'))", R"("2026-11-07T18:30:00Z")"},
      {"string(b'\\xff')", "error: invalid UTF-8"},
      {"bool('true') && !bool('0')", "true"},
      {"bool('yes')", "error: type conversion error"},
      {"type(1) == int && type('a') == string && type(1) != type(1u)", "true"},
      {"type([]) == list && type({}) == map && type(null) == null_type", "true"},
      {"int(timestamp('1970-01-01T00:01:00Z'))", "60"},
      {"dyn(1) == 1", "true"},
  });
}

TEST(Cel, times_and_durations_are_go_s) {
  expect_all({
      {"duration('1h30m') == duration('90m')", "true"},
      {"duration('1.5s') == duration('1500ms')", "true"},
      {"duration('-1h') < duration('0')", "true"},
      {"duration('1d')", "error: type conversion error"},
      {"duration('')", "error: type conversion error"},
      {"duration('.s')", "error: type conversion error"},
      {"duration('2562048h')", "error: type conversion error"},
      {"duration('2562047h') + duration('2562047h')", "error: duration overflow"},
      {"duration('3h30m').getHours()", "3"},
      {"duration('3h30m').getMinutes()", "210"},
      {"duration('1.5s').getSeconds()", "1"},
      {"duration('1.5s').getMilliseconds()", "500"},
      {"timestamp('2026-11-08T00:00:00Z') - timestamp('2026-11-07T00:00:00Z') == duration('24h')", "true"},
      {"timestamp('2026-11-08T00:00:00Z') + duration('1h') == timestamp('2026-11-08T01:00:00Z')", "true"},
      {"timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error: timestamp overflow"},
      {"timestamp('2026-11-08')", "error: type conversion error"},
      {"timestamp('2026-11-08T20:00:00Z').getFullYear()", "2026"},
      {"timestamp('2026-11-08T20:00:00Z').getDate('Asia/Kolkata')", "9"},
      {"timestamp('2026-11-08T20:00:00Z').getHours('+05:30')", "1"},
      {"timestamp('2026-11-08T20:00:00Z').getMonth()", "10"},
      {"timestamp('2026-11-08T20:00:00Z').getDayOfWeek()", "0"},
      {"timestamp('2026-11-08T20:00:00Z').getDayOfYear()", "311"},
      {"timestamp('2026-11-08T20:00:00Z').getDayOfMonth()", "7"},
      {"timestamp('2026-11-08T20:00:00Z').getHours('Mars/Olympus')", "error"},
  });
}

TEST(Cel, has_the_libraries_of_kubernetes) {
  expect_all({
      {"[1, 2, 2].isSorted()", "true"},
      {"['b', 'a'].isSorted()", "false"},
      {"[].isSorted()", "true"},
      {"[1, 'a'].isSorted()", "error: no such overload"},
      {"[1, 2, 3].sum()", "6"},
      {"[].sum()", "0"},
      {"[1, 3, 2].max() - [1, 3, 2].min()", "2"},
      {"[].max()", "error: min and max of an empty list"},
      {"[1, 2, 1].indexOf(1) + [1, 2, 1].lastIndexOf(1)", "2"},
      {"[1].indexOf(9)", "-1"},
      {"sets.contains([1, 2], [2]) && sets.equivalent([1, 2, 2], [2, 1]) && !sets.intersects([1], [2])", "true"},
      {"isQuantity('1.5Gi') && !isQuantity('1.5Gx')", "true"},
      {"quantity('1Gi').isGreaterThan(quantity('1G'))", "true"},
      {"quantity('0.5') == quantity('500m')", "true"},
      {"quantity('1').compareTo(quantity('2'))", "-1"},
      {"quantity('50k').add(quantity('50k')).sub(1).asInteger()", "99999"},
      {"quantity('0.5').asInteger()", "error: cannot convert value to integer"},
      {"quantity('-0.5').sign()", "-1"},
      {"quantity('x')", "error"},
      {"isURL('https://a.b:80/c?d=e') && isURL('/a/b')", "true"},
      {"isURL('prometheus:9090')", "false"},
      {"isURL('a/b') || isURL('') || isURL('http://a b/') || isURL('http://a:x/') || isURL('/%zz')", "false"},
      {"url('https://u@a.b:80/c%20d?e=f').getHost()", R"("a.b:80")"},
      {"url('https://a.b:80/c').getHostname() + url('https://a.b:80/c').getPort()", R"("a.b80")"},
      {"url('HTTPS://a.b/c%20d?e').getEscapedPath() + url('HTTPS://a').getScheme()", R"("/c%20dhttps")"},
      {"url('http://[::1]:80/').getHostname()", R"("::1")"},
  });
}

TEST(Cel, work_is_bounded) {
  const std::string squares = "[0,1,2,3,4,5,6,7,8,9]";
  std::string expression = "true";
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) {
    expression = squares + ".all(" + name + ", " + expression + ")";
  }
  EXPECT_NE(evaluated(expression).find("budget"), std::string::npos);
  std::string text = "'0123456789'";
  for (int i = 0; i < 40; ++i) text = "[" + text + "].map(x, x + x)[0]";
  EXPECT_NE(evaluated(text).find("budget"), std::string::npos);
}

}  // namespace
}  // namespace headroom::cel
