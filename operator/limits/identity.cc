#include "operator/limits/identity.h"

#include <absl/hash/hash.h>

#include <charconv>
#include <optional>
#include <system_error>

namespace headroom::limits {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

std::optional<Uid> parse_uuid(std::string_view text) {
  constexpr std::size_t kLength = 36;
  if (text.size() != kLength) return std::nullopt;
  Uid uid;
  int digits = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const auto digit = hex_digit(text[i]);
    if (!digit) return std::nullopt;
    std::uint64_t& half = digits++ < 16 ? uid.high : uid.low;
    half = half << 4 | *digit;
  }
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
