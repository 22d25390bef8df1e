// What unquoted YAML scalars mean. kubectl reads YAML through sigs.k8s.io/yaml, which resolves scalars as YAML 1.1 with
// Go's number literals; these are its rules in the order in which it tries them.
#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_replace.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "operator/manifest/node.h"

namespace headroom::manifest {
namespace {

using nlohmann::json;

template <std::size_t N>
bool one_of(std::string_view text, const std::array<const char*, N>& words) {
  for (const char* word : words) {
    if (text == word) return true;
  }
  return false;
}

constexpr std::array<const char*, 11> kTrue = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
constexpr std::array<const char*, 11> kFalse = {"n",     "N",     "no",  "No",  "NO", "false",
                                                "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<const char*, 5> kNull = {"", "~", "null", "Null", "NULL"};
constexpr std::array<const char*, 3> kNotANumber = {".nan", ".NaN", ".NAN"};
constexpr std::array<const char*, 9> kInfinite = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                                  "+.INF", "-.inf", "-.Inf", "-.INF"};

/// A date, or date and time, unquoted: stays a text. Only the digits' shape is looked at: what is no number anyway
/// becomes a text in the end, and every timestamp has a "-" inside, which no number has.
bool looks_like_timestamp(std::string_view text) {
  if (text.size() < 8 || text[4] != '-') return false;
  for (std::size_t i = 0; i < 4; ++i) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

/// Go's strconv.ParseInt and ParseUint with base 0: 0x1F, 0o17, 017, 0b11; the magnitude.
std::optional<std::uint64_t> magnitude(std::string_view digits) {
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char letter = absl::ascii_tolower(static_cast<unsigned char>(digits[1]));
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    digits.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<json> integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  const bool sign = negative || text.starts_with('+');
  const auto value = magnitude(text.substr(sign ? 1 : 0));
  if (!value) return std::nullopt;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (negative) {
    if (*value > kMost + 1) return std::nullopt;
    return json(static_cast<std::int64_t>(~*value + 1));
  }
  if (*value <= kMost) return json(static_cast<std::int64_t>(*value));
  return sign ? std::nullopt : std::optional<json>(*value);
}

/// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool has_shape_of_float(std::string_view text) {
  const auto digits = [&] {
    std::size_t count = 0;
    while (!text.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) {
      text.remove_prefix(1);
      ++count;
    }
    return count;
  };
  const auto skip = [&](std::string_view any_of) {
    if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
  };
  skip("+-");
  const std::size_t whole = digits();
  if (skip(".")) {
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (skip("eE")) {
    skip("+-");
    if (digits() == 0) return false;
  }
  return text.empty();
}

/// Go's strconv.FormatFloat(number, 'g', -1, 32), which sigs.k8s.io/yaml makes keys with.
std::string key_of(float number) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific);
  std::string text(buffer.data(), end.ptr);
  int exponent = 0;
  const char* const digits = text.c_str() + text.find('e') + 1;
  std::from_chars(*digits == '+' ? digits + 1 : digits, text.c_str() + text.size(), exponent);
  if (exponent < -4 || exponent >= 6) return text;
  const auto plain = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed);
  return {buffer.data(), plain.ptr};
}

}  // namespace

json as_sent(json number) {
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (number.is_number_unsigned()) {
    const auto whole = number.get<std::uint64_t>();
    return whole <= kMost ? json(static_cast<std::int64_t>(whole)) : json(static_cast<double>(whole));
  }
  if (!number.is_number_float()) return number;
  const auto real = number.get<double>();
  const bool whole = std::isfinite(real) && std::trunc(real) == real && real >= -kEnd && real < kEnd;
  return whole ? json(static_cast<std::int64_t>(real)) : number;
}

json resolve_plain(std::string_view text) {
  if (one_of(text, kNull)) return nullptr;
  if (one_of(text, kTrue)) return true;
  if (one_of(text, kFalse)) return false;
  if (one_of(text, kNotANumber)) return std::numeric_limits<double>::quiet_NaN();
  if (one_of(text, kInfinite)) {
    return text[0] == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  const char first = text[0];
  const bool number = absl::ascii_isdigit(static_cast<unsigned char>(first)) || first == '+' || first == '-';
  if ((!number && first != '.') || looks_like_timestamp(text)) return std::string(text);
  const std::string plain = first == '.' ? std::string(text) : absl::StrReplaceAll(std::string(text), {{"_", ""}});
  if (number) {
    if (auto whole = integer(plain)) return *std::move(whole);
  }
  double value = 0;
  // Beyond the range of a double Go reports an error, and the scalar stays a text.
  if (has_shape_of_float(plain) && absl::SimpleAtod(plain, &value) && std::isfinite(value)) return value;
  return std::string(text);
}

std::string resolve_plain_key(std::string_view text) {
  const json value = resolve_plain(text);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_float()) return key_of(static_cast<float>(value.get<double>()));
  return value.is_null() ? std::string(text) : value.dump();
}

}  // namespace headroom::manifest
