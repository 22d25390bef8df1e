#include "operator/limits/identity.h"

#include <absl/hash/hash.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

namespace headroom::limits {
namespace {

constexpr std::uint8_t kNoDigit = 0x80;

constexpr std::array<std::uint8_t, 256> kHexDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  for (std::size_t c = 0; c < digits.size(); ++c) {
    digits[c] = static_cast<std::uint8_t>(c >= '0' && c <= '9'   ? c - '0'
                                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                                 : kNoDigit);
  }
  return digits;
}();

// Eight groups of four digits; every write has some to read.
std::optional<Uid> parse_uuid(std::string_view text) {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return std::nullopt;
  std::uint8_t seen = 0;
  const auto four_digits = [&](std::size_t from) {
    std::uint64_t value = 0;
    for (std::size_t i = from; i < from + 4; ++i) {
      const std::uint8_t digit = kHexDigits[static_cast<unsigned char>(text[i])];
      seen |= digit;
      value = value << 4 | digit;
    }
    return value;
  };
  const Uid uid{four_digits(0) << 48 | four_digits(4) << 32 | four_digits(9) << 16 | four_digits(14),
                four_digits(19) << 48 | four_digits(24) << 32 | four_digits(28) << 16 | four_digits(32)};
  if ((seen & kNoDigit) != 0) return std::nullopt;
  return uid;
}

}  // namespace

Revision parse_revision(std::string_view resource_version) {
  Revision revision = 0;
  const char* const end = resource_version.data() + resource_version.size();
  const auto [stopped, failed] = std::from_chars(resource_version.data(), end, revision);
  return failed == std::errc() && stopped == end ? revision : 0;
}

Uid Uid::parse(std::string_view text) {
  if (const auto uuid = parse_uuid(text)) return *uuid;
  return {absl::Hash<std::pair<std::string_view, int>>{}({text, 1}),
          absl::Hash<std::pair<std::string_view, int>>{}({text, 2})};
}

}  // namespace headroom::limits
