#include "operator/cel/text.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace headroom::cel {
namespace {

constexpr bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// The shortest digits that read back as the number, without an exponent, as Go's FormatFloat(v, 'f', -1, 64).
std::string decimal(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Inf" : "+Inf";
  std::array<char, 512> buffer{};  // 1e308 has 309 digits, 5e-324 has 326 behind the point
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed);
  return error == std::errc() ? std::string(buffer.data(), end) : absl::StrCat(number);
}

}  // namespace

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xC2 && lead < 0xE0 ? 2
                               : lead >= 0xE0 && lead < 0xF0 ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t j = 1; j < length; ++j) {
      if (!continues_character(text[i + j])) return false;
    }
    if (length > 2) {  // overlong forms, surrogates, beyond U+10FFFF
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) || (lead == 0xF0 && second < 0x90) ||
          (lead == 0xF4 && second >= 0x90)) {
        return false;
      }
    }
    i += length;
  }
  return true;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char byte) { return !continues_character(byte); }));
}

Characters::Characters(std::string_view text) : text_(text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!continues_character(text[i])) starts_.push_back(i);
  }
  starts_.push_back(text.size());
}

std::int64_t Characters::find(std::string_view part, std::size_t from) const {
  const std::size_t found = text_.find(part, starts_[from]);
  if (found == std::string_view::npos) return -1;
  return std::ranges::lower_bound(starts_, found) - starts_.begin();
}

std::int64_t Characters::find_last(std::string_view part, std::size_t from) const {
  const std::size_t found = text_.rfind(part, starts_[from]);
  if (found == std::string_view::npos) return -1;
  return std::ranges::lower_bound(starts_, found) - starts_.begin();
}

std::string plain_text(const Value& value) {
  if (const auto* number = value.as<std::int64_t>()) return absl::StrCat(*number);
  if (const auto* number = value.as<std::uint64_t>()) return absl::StrCat(*number);
  if (const auto* number = value.as<double>()) return decimal(*number);
  if (const auto* flag = value.as<bool>()) return *flag ? "true" : "false";
  if (const auto* time = value.as<absl::Time>()) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", *time, absl::UTCTimeZone());
  }
  if (const auto* duration = value.as<absl::Duration>())
    return absl::StrCat(decimal(absl::ToDoubleSeconds(*duration)), "s");
  if (const auto* text = value.as<std::string>()) return *text;
  return to_text(value);
}

}  // namespace headroom::cel
