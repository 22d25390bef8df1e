// Times in flags.
#include "operator/cli/when.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/civil.h"

namespace headroom::cli {
namespace {

using testing::HasSubstr;
using testing_support::ist;

absl::TimeZone zone_named(const char* name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone));
  return zone;
}

absl::Time when(const std::string& text) {
  const Result<absl::Time> read = parse_when(text, "--at", zone_named("Asia/Kolkata"), ist("2026-11-22 10:00"));
  EXPECT_TRUE(read) << read.error().message;
  return read ? read.value() : absl::InfinitePast();
}

TEST(When, is_an_instant_a_date_or_now) {
  EXPECT_EQ(when("now"), ist("2026-11-22 10:00"));
  EXPECT_EQ(when("2027-10-29"), ist("2027-10-29"));
  EXPECT_EQ(when("2027-10-29 18:00"), ist("2027-10-29 18:00"));
  EXPECT_EQ(when("2027-10-29T12:30:00Z"), ist("2027-10-29 18:00"));
}

TEST(When, is_weeks_days_and_hours_from_now_or_before_it) {
  EXPECT_EQ(when("+36h"), ist("2026-11-23 22:00"));
  EXPECT_EQ(when("+30d"), ist("2026-12-22 10:00"));
  EXPECT_EQ(when("+2w"), ist("2026-12-06 10:00"));
  EXPECT_EQ(when("+1w1d1h30m"), ist("2026-11-30 11:30"));
  EXPECT_EQ(when("-2w"), ist("2026-11-08 10:00"));
  EXPECT_EQ(when("-1d12h"), ist("2026-11-20 22:00"));
}

TEST(When, counts_days_of_the_calendar_and_hours_of_the_clock) {
  const absl::TimeZone berlin = zone_named("Europe/Berlin");
  // Summer time begins on 28 March 2027.
  const absl::Time noon_before = absl::FromCivil(absl::CivilHour(2027, 3, 27, 12), berlin);
  EXPECT_EQ(parse_when("+1d", "--to", berlin, noon_before).value(),
            absl::FromCivil(absl::CivilHour(2027, 3, 28, 12), berlin));
  EXPECT_EQ(parse_when("+24h", "--to", berlin, noon_before).value(),
            absl::FromCivil(absl::CivilHour(2027, 3, 28, 13), berlin));
}

TEST(When, refuses_anything_else_with_flag_value_and_remedy) {
  for (const char* wrong :
       {"+", "+d", "+30", "+30x", "+1d2w", "+-3d", "+ 3d", "+3661d", "+99999999999w", "+1.5d", "-"}) {
    const Result<absl::Time> read = parse_when(wrong, "--to", absl::UTCTimeZone(), ist("2026-11-22"));
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error().message, HasSubstr(std::string("--to: '") + wrong + "' is no distance from now"));
    EXPECT_THAT(read.error().message, HasSubstr("+30d"));
  }
  const Result<absl::Time> read = parse_when("tomorrow", "--from", absl::UTCTimeZone(), ist("2026-11-22"));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("--from: 'tomorrow' is no time; write 2027-10-29"));
}

}  // namespace
}  // namespace headroom::cli
