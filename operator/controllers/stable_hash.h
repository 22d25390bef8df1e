// A hash that is the same in every process and release, for names of objects that must be found again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::controllers {

/// FNV-1a, 64 bits. std::hash promises nothing beyond one process.
constexpr std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

/// The hash in 16 hexadecimal digits.
inline std::string stable_hash_text(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits(16, '0');
  std::uint64_t hash = stable_hash(text);
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, hash >>= 4U) *digit = kDigits[hash & 0xFU];
  return digits;
}

}  // namespace headroom::controllers
