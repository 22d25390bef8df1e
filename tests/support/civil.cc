#include "tests/support/civil.h"

#include <cstdio>
#include <cstdlib>

#include "operator/base/time_zone.h"

namespace headroom::testing_support {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  std::fprintf(stderr, "test is wrong: %s\n", what.c_str());
  std::abort();
}

}  // namespace

absl::TimeZone zone(const std::string& name) {
  auto loaded = load_time_zone(name);
  if (!loaded) refuse(loaded.error().message);
  return loaded.value();
}

absl::Time at(const std::string& civil, const std::string& zone_name) {
  absl::CivilSecond second;
  absl::CivilDay whole_day;
  std::string text = civil;
  if (text.size() == sizeof "2026-11-05 00:00" - 1) text += ":00";
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
  if (absl::ParseCivilTime(text, &whole_day)) {
    second = absl::CivilSecond(whole_day);
  } else if (!absl::ParseCivilTime(text, &second)) {
    refuse("\"" + civil + "\" is no civil time");
  }
  const auto info = zone(zone_name).At(second);
  if (info.kind != absl::TimeZone::TimeInfo::UNIQUE) refuse("\"" + civil + "\" is not one instant in " + zone_name);
  return info.pre;
}

absl::Time ist(const std::string& civil) { return at(civil, "Asia/Kolkata"); }

absl::CivilDay day(const std::string& civil) {
  absl::CivilDay parsed;
  if (!absl::ParseCivilTime(civil, &parsed)) refuse("\"" + civil + "\" is no day");
  return parsed;
}

std::string in_ist(absl::Time time) { return absl::FormatTime("%Y-%m-%d %H:%M:%S", time, zone("Asia/Kolkata")); }

}  // namespace headroom::testing_support
