#include "operator/base/time_zone.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace headroom {
namespace {

// The zone database's longest name has 32 characters.
constexpr std::size_t kLongestName = 64;

bool is_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
         c == '-' || c == '/';
}

// Abseil would open absolute paths, understands names of its own, and remembers every name it was ever asked for.
// Names arrive from custom resources, so only those that the zone database holds get through.
bool is_in_database(const std::string& name) {
  if (name == "UTC") return true;
  constexpr std::array<std::string_view, 2> kVariants = {"posix/", "right/"};  // "right" counts leap seconds
  if (name.empty() || name.size() > kLongestName || name.front() == '/' || name == "localtime" ||
      !std::ranges::all_of(name, is_name_character) ||
      std::ranges::any_of(kVariants, [&](std::string_view prefix) { return name.starts_with(prefix); })) {
    return false;
  }
  static const std::filesystem::path directory = [] {
    const char* configured = std::getenv("TZDIR");  // NOLINT(concurrency-mt-unsafe): nobody sets variables
    return std::filesystem::path(configured != nullptr && *configured != '\0' ? configured : "/usr/share/zoneinfo");
  }();
  std::error_code unreadable;
  return std::filesystem::is_regular_file(directory / name, unreadable);
}

}  // namespace

Result<absl::TimeZone> load_time_zone(const std::string& name) {
  absl::TimeZone zone;
  if (!is_in_database(name) || !absl::LoadTimeZone(name, &zone)) {
    return invalid("time zone \"" + name.substr(0, kLongestName) +
                   "\" is unknown: use a name of the IANA database such as Asia/Kolkata (case matters)");
  }
  return zone;
}

absl::Time instant_of(absl::CivilSecond civil, const absl::TimeZone& zone, Fold fold) {
  const absl::TimeZone::TimeInfo info = zone.At(civil);
  switch (info.kind) {
    case absl::TimeZone::TimeInfo::SKIPPED:
      return info.trans;
    case absl::TimeZone::TimeInfo::REPEATED:
      return fold == Fold::Earlier ? info.pre : info.post;
    case absl::TimeZone::TimeInfo::UNIQUE:
      break;
  }
  return info.pre;
}

}  // namespace headroom
