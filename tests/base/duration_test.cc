#include "operator/base/duration.h"

#include <gtest/gtest.h>

#include <string>

namespace headroom {
namespace {

TEST(Duration, reads_and_writes_the_notation_of_go) {
  const struct {
    const char* text;
    absl::Duration duration;
    const char* shortest;
  } table[] = {
      {"0", absl::ZeroDuration(), "0s"},
      {"-0s", absl::ZeroDuration(), "0s"},
      {"90s", absl::Seconds(90), "1m30s"},
      {"1h30m", absl::Minutes(90), "1h30m"},
      {"+5m", absl::Minutes(5), "5m"},
      {"250ms", absl::Milliseconds(250), "250ms"},
      {"1.5h", absl::Minutes(90), "1h30m"},
      {".5s", absl::Milliseconds(500), "500ms"},
      {"1.s", absl::Seconds(1), "1s"},
      {"0.3s", absl::Milliseconds(300), "300ms"},
      {"1h1ns", absl::Hours(1) + absl::Nanoseconds(1), "1h0.000000001s"},
      {"3us", absl::Microseconds(3), "3us"},
      {"3\xC2\xB5s", absl::Microseconds(3), "3us"},
      {"3\xCE\xBCs", absl::Microseconds(3), "3us"},
      {"0.33333333333333333333h", absl::Nanoseconds(1'199'999'999'999), "19m59.999999999s"},
      {"1s1s", absl::Seconds(2), "2s"},
      {"87840h", absl::Hours(87840), "87840h"},
  };
  for (const auto& row : table) {
    const auto parsed = parse_duration(row.text);
    ASSERT_TRUE(parsed.has_value()) << row.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed.value(), row.duration) << row.text;
    EXPECT_EQ(format_duration(parsed.value()), row.shortest) << row.text;
    EXPECT_EQ(parse_duration(format_duration(parsed.value())).value(), row.duration) << row.text;
  }
}

TEST(Duration, refuses_other_notations_with_value_and_remedy) {
  for (const char* text : {"",
                           "-",
                           "10",
                           "s",
                           ".s",
                           "1.5",
                           "1d",
                           "1w",
                           "1h 30m",
                           " 1s",
                           "1s ",
                           "1S",
                           "-5s",
                           "-1ns",
                           "--1s",
                           "1e3s",
                           "PT5M",
                           "inf",
                           "87840h1ns",
                           "99999999999999999999h",
                           "9223372036854775807ns9h"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(parsed.error().message.find(std::string("\"") + text + "\""), std::string::npos)
        << parsed.error().message;
    EXPECT_NE(parsed.error().message.find("90s"), std::string::npos) << "no remedy: " << parsed.error().message;
  }
}

TEST(CalendarOffset, keeps_civil_days_apart_from_exact_time) {
  const struct {
    const char* text;
    CalendarOffset offset;
    const char* written;
  } table[] = {
      {"P0D", {0, absl::ZeroDuration()}, "P0D"},
      {"-P3D", {-3, absl::ZeroDuration()}, "-P3D"},
      {"+P3D", {3, absl::ZeroDuration()}, "P3D"},
      {"P1W", {7, absl::ZeroDuration()}, "P7D"},
      {"-P2W", {-14, absl::ZeroDuration()}, "-P14D"},
      {"-P1DT6H", {-1, absl::Hours(-6)}, "-P1DT6H"},
      {"PT90M", {0, absl::Minutes(90)}, "PT1H30M"},
      {"-PT15S", {0, absl::Seconds(-15)}, "-PT15S"},
      {"PT1H0M30S", {0, absl::Seconds(3630)}, "PT1H0M30S"},
      {"PT1H30S", {0, absl::Seconds(3630)}, "PT1H0M30S"},
      {"PT48H", {0, absl::Hours(48)}, "PT48H"},
      {"P3660D", {3660, absl::ZeroDuration()}, "P3660D"},
      {"PT0S", {0, absl::ZeroDuration()}, "P0D"},
  };
  for (const auto& row : table) {
    const auto parsed = parse_calendar_offset(row.text);
    ASSERT_TRUE(parsed.has_value()) << row.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed.value(), row.offset) << row.text;
    EXPECT_EQ(format_calendar_offset(parsed.value()), row.written);
    EXPECT_EQ(parse_calendar_offset(row.written).value(), row.offset) << row.written;
  }
}

TEST(CalendarOffset, refuses_other_notations_with_value_and_remedy) {
  for (const char* text : {"",
                           "P",
                           "-P",
                           "PT",
                           "P1DT",
                           "3D",
                           "P3",
                           "P3d",
                           "p3D",
                           "P1W2D",
                           "P1D1W",
                           "P1M",
                           "P1Y",
                           "PT6",
                           "PT1M1H",
                           "PT1H1H",
                           "P1DT6H ",
                           "P-1D",
                           "P1.5D",
                           "PT1.5H",
                           "P3661D",
                           "P523W1D",
                           "P3660DT1S",
                           "P99999999999999999999D",
                           "PT99999999999999999999S",
                           "--P1D",
                           "1h"}) {
    const auto parsed = parse_calendar_offset(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(parsed.error().message.find(std::string("\"") + text + "\""), std::string::npos)
        << parsed.error().message;
    EXPECT_NE(parsed.error().message.find("-P3D"), std::string::npos) << "no remedy: " << parsed.error().message;
  }
}

TEST(Rfc3339, reads_an_instant_with_its_zone) {
  const absl::Time midnight = absl::FromUnixSeconds(1'794'076'200);  // 2026-11-07T18:30:00Z
  for (const char* text :
       {"2026-11-08T00:00:00+05:30", "2026-11-07T18:30:00Z", "2026-11-07T18:30:00.000Z", "2026-11-07T13:30:00-05:00"}) {
    const auto parsed = parse_rfc3339(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.value(), midnight) << text;
  }
  EXPECT_EQ(parse_rfc3339("2026-11-07T18:30:00.25Z").value(), midnight + absl::Milliseconds(250));
  EXPECT_EQ(parse_rfc3339("2028-02-29T00:00:00Z").value(), absl::FromUnixSeconds(1'835'395'200));
}

TEST(Rfc3339, refuses_other_notations_with_value_and_remedy) {
  for (const char* text :
       {"", "2026-11-08", "2026-11-08T00:00:00", "2026-11-08 00:00:00Z", "2026-11-08t00:00:00z",
        " 2026-11-08T00:00:00Z", "2026-11-08T00:00:00Z ", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-11-08T24:00:00Z", "2026-11-08T00:60:00Z", "2026-11-08T00:00:00.Z", "2026-11-08T00:00:00+0530",
        "2026-11-08T00:00:00+5:30", "2026-11-08T00:00:00+99:30", "26-11-08T00:00:00Z", "+2026-11-08T00:00:00Z",
        "infinite-future"}) {
    const auto parsed = parse_rfc3339(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(parsed.error().message.find(std::string("\"") + text + "\""), std::string::npos)
        << parsed.error().message;
  }
}

TEST(Rfc3339, writes_times_as_kubernetes_does) {
  const absl::Time time = absl::FromUnixSeconds(1'794'076'200) + absl::Nanoseconds(1'234'567);
  EXPECT_EQ(format_rfc3339(time), "2026-11-07T18:30:00Z");
  EXPECT_EQ(format_rfc3339_micro(time), "2026-11-07T18:30:00.001234Z");
  EXPECT_EQ(format_rfc3339_micro(absl::FromUnixSeconds(1'794'076'200)), "2026-11-07T18:30:00.000000Z");
}

}  // namespace
}  // namespace headroom
