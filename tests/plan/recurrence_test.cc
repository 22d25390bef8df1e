// RRULEs as RFC 5545 means them. The oracle test compares many more against another implementation.
#include "operator/plan/recurrence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing_support::day;

std::string dates(const std::string& rrule, const std::string& start, const std::string& to = "2028-12-31",
                  const std::vector<std::string>& exdates = {}, const std::string& from = "1900-01-01") {
  std::vector<absl::CivilDay> excluded;
  for (const std::string& date : exdates) excluded.push_back(day(date));
  const auto expanded = expand_rrule(rrule, day(start), excluded, {day(from), day(to), 1000});
  if (!expanded) return "error: " + expanded.error().message;
  std::string text;
  for (const absl::CivilDay date : expanded.value()) {
    if (!text.empty()) text += " ";
    text += absl::FormatCivilTime(date);
  }
  return text;
}

TEST(Recurrence, expands_what_the_rules_say) {
  const struct {
    const char *rrule, *start, *expected;
  } table[] = {
      {"FREQ=DAILY;COUNT=3", "2026-02-27", "2026-02-27 2026-02-28 2026-03-01"},
      {"FREQ=DAILY;INTERVAL=10;COUNT=3", "2026-12-20", "2026-12-20 2026-12-30 2027-01-09"},
      {"FREQ=WEEKLY;COUNT=3", "2026-11-08", "2026-11-08 2026-11-15 2026-11-22"},
      {"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;COUNT=4;WKST=MO", "1997-08-05",
       "1997-08-05 1997-08-10 1997-08-19 1997-08-24"},
      {"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;COUNT=4;WKST=SU", "1997-08-05",
       "1997-08-05 1997-08-17 1997-08-19 1997-08-31"},
      {"FREQ=MONTHLY;BYDAY=1FR;COUNT=3", "2026-11-06", "2026-11-06 2026-12-04 2027-01-01"},
      {"FREQ=MONTHLY;BYDAY=-2MO;COUNT=3", "2026-11-23", "2026-11-23 2026-12-21 2027-01-18"},
      {"FREQ=MONTHLY;COUNT=4", "2026-01-31", "2026-01-31 2026-03-31 2026-05-31 2026-07-31"},
      {"FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "2026-12-31", "2026-12-31 2027-01-31 2027-02-28"},
      {"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", "2026-10-30", "2026-10-30 2026-11-30"},
      {"FREQ=YEARLY;COUNT=3", "2024-02-29", "2024-02-29 2028-02-29"},
      {"FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=3", "2026-11-26", "2026-11-26 2027-11-25 2028-11-23"},
      {"FREQ=YEARLY;BYDAY=20MO;COUNT=2", "2026-05-18", "2026-05-18 2027-05-17"},
      {"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=2", "2026-05-11", "2026-05-11 2027-05-17"},
      {"FREQ=YEARLY;BYWEEKNO=53;BYDAY=WE;COUNT=2", "2020-12-30", "2020-12-30 2026-12-30"},
      {"FREQ=YEARLY;BYYEARDAY=1,100,-1;COUNT=4", "2027-01-01", "2027-01-01 2027-04-10 2027-12-31 2028-01-01"},
      // Friday the 13th: all months, not only the first's.
      {"FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR;COUNT=3", "2026-02-13", "2026-02-13 2026-03-13 2026-11-13"},
      // Of a set of one there is no ninth.
      {"FREQ=WEEKLY;BYDAY=MO;BYSETPOS=9", "2026-02-02", ""},
      {"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "2026-01-01", ""},
      {"freq=daily;count=1", "2026-01-01", "2026-01-01"},
      // A start that is no date of its rule.
      {"FREQ=WEEKLY;BYDAY=MO;COUNT=2", "2026-11-08", "2026-11-09 2026-11-16"},
  };
  for (const auto& row : table) EXPECT_EQ(dates(row.rrule, row.start), row.expected) << row.rrule;
}

TEST(Recurrence, ends_with_until_that_day_included) {
  EXPECT_EQ(dates("FREQ=DAILY;UNTIL=20261110", "2026-11-08"), "2026-11-08 2026-11-09 2026-11-10");
  EXPECT_EQ(dates("FREQ=DAILY;UNTIL=20261110T235959Z", "2026-11-08"), "2026-11-08 2026-11-09 2026-11-10");
  EXPECT_EQ(dates("FREQ=DAILY;UNTIL=20261107", "2026-11-08"), "");
}

TEST(Recurrence, leaves_out_exdates_without_counting_others_instead) {
  EXPECT_EQ(dates("FREQ=DAILY;COUNT=3", "2026-11-08", "2028-12-31", {"2026-11-09"}), "2026-11-08 2026-11-10");
}

TEST(Recurrence, counts_from_the_start_even_where_only_later_dates_are_asked_for) {
  EXPECT_EQ(dates("FREQ=YEARLY;COUNT=100", "1950-06-01", "2060-01-01", {}, "2048-01-01"), "2048-06-01 2049-06-01");
  EXPECT_EQ(dates("FREQ=DAILY;INTERVAL=7", "1950-06-01", "2026-01-14", {}, "2026-01-01"), "2026-01-01 2026-01-08");
  EXPECT_EQ(dates("FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=31", "1950-01-31", "2029-01-01", {}, "2027-01-01"),
            "2027-07-31 2027-12-31 2028-05-31 2028-10-31");
}

TEST(Recurrence, refuses_to_give_more_dates_than_asked_for) {
  const auto many = expand_rrule("FREQ=DAILY", day("2026-01-01"), {}, {day("2026-01-01"), day("2030-01-01"), 1000});
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, ErrorCode::InvalidArgument);
  EXPECT_THAT(many.error().message, HasSubstr("more than 1000 dates between 2026-01-01 and 2030-01-01"));
  EXPECT_TRUE(expand_rrule("FREQ=DAILY", day("2026-01-01"), {}, {day("2026-01-01"), day("2028-09-26"), 1000}));
}

TEST(Recurrence, refuses_starts_far_away) {
  EXPECT_THAT(dates("FREQ=DAILY", "1899-12-31"), HasSubstr("1900 to 2400"));
  EXPECT_THAT(dates("FREQ=DAILY", "2401-01-01"), HasSubstr("1900 to 2400"));
}

TEST(Recurrence, a_rule_that_never_matches_ends_soon) {
  // Each of these keeps some iterators busy for ever.
  for (const char* rrule : {"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=5", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
                            "FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31;COUNT=100000", "FREQ=YEARLY;INTERVAL=10000"}) {
    EXPECT_EQ(dates(rrule, "1900-03-01", "2500-01-01", {}, "1900-03-02"), "") << rrule;
  }
}

TEST(Recurrence, says_which_part_is_wrong_and_what_to_do) {
  const struct {
    const char *rrule, *message;
  } table[] = {
      {"", "must be NAME=VALUE"},
      {"FREQ", "must be NAME=VALUE"},
      {"FREQ=", "must be NAME=VALUE"},
      {"FREQ=DAILY;", "must be NAME=VALUE"},
      {"COUNT=3", "FREQ is missing"},
      {"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=SECONDLY must be DAILY, WEEKLY, MONTHLY or YEARLY"},
      {"FREQ=MINUTELY", "FREQ=MINUTELY must be"},
      {"FREQ=HOURLY", "FREQ=HOURLY must be"},
      {"FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY is given twice"},
      {"FREQ=DAILY;INTERVAL=0", "INTERVAL=0 must be from 1 to 10000"},
      {"FREQ=DAILY;INTERVAL=10001", "INTERVAL=10001 must be"},
      {"FREQ=DAILY;INTERVAL=99999999999", "INTERVAL=99999999999 must be"},
      {"FREQ=DAILY;COUNT=100001", "COUNT=100001 must be from 1 to 100000"},
      {"FREQ=DAILY;COUNT=-1", "COUNT=-1 must be"},
      {"FREQ=DAILY;COUNT=3;UNTIL=20270101", "exclude each other"},
      {"FREQ=DAILY;UNTIL=tomorrow", "UNTIL=TOMORROW must be a date"},
      {"FREQ=DAILY;UNTIL=20270230", "UNTIL=20270230 must be a date"},
      {"FREQ=DAILY;UNTIL=20270101T250000Z", "UNTIL=20270101T250000Z must be"},
      {"FREQ=DAILY;UNTIL=20270101T000000X", "UNTIL=20270101T000000X must be"},
      {"FREQ=DAILY;UNTIL=2027-1-1", "UNTIL=2027-1-1 must be"},
      {"FREQ=WEEKLY;BYDAY=XX", "BYDAY=XX must list days"},
      {"FREQ=WEEKLY;BYDAY=MO,", "BYDAY=MO, must list days"},
      {"FREQ=MONTHLY;BYDAY=0MO", "BYDAY=0MO must list days"},
      {"FREQ=MONTHLY;BYDAY=54MO", "BYDAY=54MO must list days"},
      {"FREQ=WEEKLY;BYDAY=2MO", "BYDAY with a number (2TU) needs FREQ=MONTHLY or YEARLY"},
      {"FREQ=YEARLY;BYWEEKNO=20;BYDAY=2MO", "does not go with BYWEEKNO"},
      {"FREQ=MONTHLY;BYWEEKNO=20", "BYWEEKNO needs FREQ=YEARLY"},
      {"FREQ=DAILY;BYYEARDAY=20", "BYYEARDAY needs FREQ=YEARLY"},
      {"FREQ=WEEKLY;BYMONTHDAY=20", "BYMONTHDAY does not go with FREQ=WEEKLY"},
      {"FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32 must list numbers from -31 to 31, not 0"},
      {"FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY=0 must list"},
      {"FREQ=YEARLY;BYMONTH=13", "BYMONTH=13 must list numbers from 1 to 12"},
      {"FREQ=YEARLY;BYMONTH=-1", "BYMONTH=-1 must list"},
      {"FREQ=YEARLY;BYMONTH=5L", "BYMONTH=5L must list"},
      {"FREQ=YEARLY;BYSETPOS=1", "BYSETPOS picks from another BY part"},
      {"FREQ=DAILY;BYHOUR=9", "BYHOUR=9 speaks of the time of day"},
      {"FREQ=DAILY;WKST=XX", "WKST=XX must be one of"},
      {"FREQ=YEARLY;BYEASTER=1", "BYEASTER=1 is not a part of a rule that is understood"},
      {"RSCALE=CHINESE;FREQ=YEARLY", "RSCALE=CHINESE is not"},
  };
  for (const auto& row : table) {
    const auto checked = check_rrule(row.rrule);
    ASSERT_FALSE(checked) << row.rrule;
    EXPECT_EQ(checked.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(checked.error().message, HasSubstr(row.message)) << row.rrule;
  }
  EXPECT_THAT(check_rrule(std::string(2000, 'X')).error().message, HasSubstr("at most 1024"));
}

}  // namespace
}  // namespace headroom::plan
