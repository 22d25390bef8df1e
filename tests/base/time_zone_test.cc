#include "operator/base/time_zone.h"

#include <gtest/gtest.h>

#include <string>

#include "operator/base/duration.h"

namespace headroom {
namespace {

TEST(TimeZone, gives_each_civil_time_an_instant_also_inside_gaps_and_folds) {
  const struct {
    const char* zone;
    const char* civil;
    Fold fold;
    const char* instant;
  } table[] = {
      // No clock changes.
      {"Asia/Kolkata", "2026-11-08T00:00:00", Fold::Earlier, "2026-11-07T18:30:00Z"},
      {"UTC", "2026-11-08T00:00:00", Fold::Earlier, "2026-11-08T00:00:00Z"},
      // Gap: 02:00 to 03:00 do not exist; any time inside is the first instant after it.
      {"Europe/Berlin", "2026-03-29T01:59:59", Fold::Earlier, "2026-03-29T00:59:59Z"},
      {"Europe/Berlin", "2026-03-29T02:00:00", Fold::Earlier, "2026-03-29T01:00:00Z"},
      {"Europe/Berlin", "2026-03-29T02:30:00", Fold::Earlier, "2026-03-29T01:00:00Z"},
      {"Europe/Berlin", "2026-03-29T02:30:00", Fold::Later, "2026-03-29T01:00:00Z"},
      {"Europe/Berlin", "2026-03-29T03:00:00", Fold::Earlier, "2026-03-29T01:00:00Z"},
      // Fold: 02:00 to 03:00 come twice.
      {"Europe/Berlin", "2026-10-25T02:30:00", Fold::Earlier, "2026-10-25T00:30:00Z"},
      {"Europe/Berlin", "2026-10-25T02:30:00", Fold::Later, "2026-10-25T01:30:00Z"},
      {"Europe/Berlin", "2026-10-25T03:00:00", Fold::Earlier, "2026-10-25T02:00:00Z"},
      // Midnight itself is missing.
      {"America/Santiago", "2026-09-06T00:00:00", Fold::Earlier, "2026-09-06T04:00:00Z"},
      // Half an hour instead of a whole one.
      {"Australia/Lord_Howe", "2026-10-04T02:15:00", Fold::Earlier, "2026-10-03T15:30:00Z"},
      {"Australia/Lord_Howe", "2026-04-05T01:45:00", Fold::Earlier, "2026-04-04T14:45:00Z"},
      {"Australia/Lord_Howe", "2026-04-05T01:45:00", Fold::Later, "2026-04-04T15:15:00Z"},
      // A whole day is missing: Samoa crossed the date line.
      {"Pacific/Apia", "2011-12-30T12:00:00", Fold::Earlier, "2011-12-30T10:00:00Z"},
      // Daylight saving beyond 2037, where the tables of the zone files end.
      {"Europe/Berlin", "2045-07-01T12:00:00", Fold::Earlier, "2045-07-01T10:00:00Z"},
  };
  for (const auto& row : table) {
    const auto zone = load_time_zone(row.zone);
    ASSERT_TRUE(zone.has_value()) << zone.error().message;
    absl::CivilSecond civil;
    ASSERT_TRUE(absl::ParseCivilTime(row.civil, &civil)) << row.civil;
    EXPECT_EQ(format_rfc3339(instant_of(civil, zone.value(), row.fold)), row.instant) << row.zone << " " << row.civil;
  }
}

TEST(TimeZone, loads_only_names_of_the_database) {
  for (const char* name :
       {"", "Asia/Kolkatta", "asia/kolkata", "Asia", "Asia/", "/usr/share/zoneinfo/Asia/Kolkata", "file:Asia/Kolkata",
        "../zoneinfo/Asia/Kolkata", "Asia/../Asia/Kolkata", "localtime", "libc:localtime", "Fixed/UTC+05:30:00",
        "right/Asia/Kolkata", "posix/Asia/Kolkata", "zone.tab", "leapseconds", "Asia/Kolkata\n", "Asia/Kolkata "}) {
    const auto zone = load_time_zone(name);
    ASSERT_FALSE(zone.has_value()) << name;
    EXPECT_EQ(zone.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(zone.error().message.find(std::string("\"") + name + "\""), std::string::npos) << zone.error().message;
    EXPECT_NE(zone.error().message.find("IANA"), std::string::npos) << "no remedy: " << zone.error().message;
  }
  EXPECT_FALSE(load_time_zone(std::string(100'000, 'A')).has_value());
}

TEST(TimeZone, loads_links_and_offset_zones) {
  for (const char* name :
       {"Asia/Calcutta", "Etc/GMT+5", "US/Eastern", "America/Argentina/Buenos_Aires", "UTC", "Etc/UTC"}) {
    EXPECT_TRUE(load_time_zone(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace headroom
