// A hash that is the same in every process and release, for names of objects that must be found again.
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::controllers {

/// FNV-1a, 64 bits. std::hash promises nothing beyond one process.
constexpr std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

}  // namespace headroom::controllers
