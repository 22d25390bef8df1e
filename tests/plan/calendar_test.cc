// iCalendar texts as calendars export them, and as they break.
#include "operator/plan/calendar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/base/time_zone.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::HasSubstr;
using testing_support::day;

/// Events of a VCALENDAR with these lines in it, as "2026-11-08 Diwali" or "2026-11-08T03:30:00Z Sale".
class Calendar {
 public:
  explicit Calendar(std::string lines) : lines_(std::move(lines)) {}
  Calendar& summary(std::string text) {
    summary_ = std::move(text);
    return *this;
  }
  Calendar& own_zone(std::string name) {
    own_zone_ = std::move(name);
    return *this;
  }
  Calendar& raw() {
    raw_ = true;
    return *this;
  }

  Result<std::vector<CalendarEvent>> parse() const {
    const std::string text =
        raw_ ? lines_ : "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n" + lines_ + "END:VCALENDAR\n";
    CalendarBounds bounds;
    bounds.recurrence = {day("2026-01-01"), day("2027-12-31"), 1000};
    return parse_calendar(text, summary_, bounds, [this](const std::string& name) -> Result<absl::TimeZone> {
      if (name.empty() && own_zone_.empty()) return invalid("no zone");
      return load_time_zone(name.empty() ? own_zone_ : name);
    });
  }
  std::string told() const {
    const auto events = parse();
    if (!events) return "error: " + events.error().message;
    std::string text;
    for (const CalendarEvent& event : events.value()) {
      if (!text.empty()) text += ", ";
      text += event.day ? absl::FormatCivilTime(*event.day)
                        : absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *event.instant, absl::UTCTimeZone());
      text += " " + event.summary;
    }
    return text;
  }

 private:
  std::string lines_, summary_, own_zone_;
  bool raw_ = false;
};

std::string event(const std::string& lines) { return "BEGIN:VEVENT\nUID:1\nSUMMARY:Diwali\n" + lines + "END:VEVENT\n"; }
std::string told(const std::string& lines) { return Calendar(lines).told(); }

TEST(Calendar, all_day_events_are_days) {
  EXPECT_EQ(told(event("DTSTART;VALUE=DATE:20261108\nDTEND;VALUE=DATE:20261111\n")), "2026-11-08 Diwali");
}

TEST(Calendar, events_with_a_time_are_instants) {
  EXPECT_EQ(told(event("DTSTART:20261108T033000Z\n")), "2026-11-08T03:30:00Z Diwali");
  EXPECT_EQ(told(event("DTSTART;TZID=Asia/Kolkata:20261108T090000\n")), "2026-11-08T03:30:00Z Diwali");
  EXPECT_EQ(told(event("DTSTART;TZID=\"Asia/Kolkata\":20261108T090000\n")), "2026-11-08T03:30:00Z Diwali");
}

TEST(Calendar, floating_times_are_in_the_calendars_zone_else_in_the_schedules) {
  const std::string floating = event("DTSTART:20261108T090000\n");
  EXPECT_THAT(told(floating), HasSubstr("neither Z nor TZID"));
  EXPECT_EQ(Calendar(floating).own_zone("Asia/Kolkata").told(), "2026-11-08T03:30:00Z Diwali");
  EXPECT_EQ(Calendar("X-WR-TIMEZONE:Europe/Berlin\n" + floating).own_zone("Asia/Kolkata").told(),
            "2026-11-08T08:00:00Z Diwali");
}

TEST(Calendar, a_time_in_a_gap_is_the_first_instant_after_it_and_in_a_fold_the_first_of_two) {
  EXPECT_EQ(told(event("DTSTART;TZID=Europe/Berlin:20260329T023000\n")), "2026-03-29T01:00:00Z Diwali");
  EXPECT_EQ(told(event("DTSTART;TZID=Europe/Berlin:20261025T023000\n")), "2026-10-25T00:30:00Z Diwali");
}

constexpr char kOwnZone[] =
    "BEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\n"
    "BEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n"
    "BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n";

TEST(Calendar, a_zone_that_is_not_in_the_database_is_taken_from_its_definition) {
  const struct {
    const char *local, *utc;
  } table[] = {{"20260708T090000", "2026-07-08T07:00:00Z"}, {"20261108T090000", "2026-11-08T08:00:00Z"},
               {"20260329T015959", "2026-03-29T00:59:59Z"}, {"20260329T023000", "2026-03-29T01:00:00Z"},
               {"20260329T030000", "2026-03-29T01:00:00Z"}, {"20261025T023000", "2026-10-25T00:30:00Z"},
               {"20261025T030000", "2026-10-25T02:00:00Z"}, {"20260101T000000", "2025-12-31T23:00:00Z"}};
  for (const auto& row : table) {
    EXPECT_EQ(told(kOwnZone + event(std::string("DTSTART;TZID=W. Europe Standard Time:") + row.local + "\n")),
              std::string(row.utc) + " Diwali");
  }
}

TEST(Calendar, an_observance_ends_with_its_until_and_starts_with_its_rdates) {
  // UNTIL is in UTC: the last change to summer time is that of 2026-03-29, 01:00Z, which is 02:00 before the change.
  const std::string zone =
      "BEGIN:VTIMEZONE\nTZID:Mine\n"
      "BEGIN:STANDARD\nDTSTART:19701025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
      "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n"
      "BEGIN:DAYLIGHT\nDTSTART:19700329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
      "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3;UNTIL=20260329T010000Z\nEND:DAYLIGHT\n"
      "BEGIN:STANDARD\nDTSTART:20270201T000000\nRDATE:20270601T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0300\n"
      "END:STANDARD\nEND:VTIMEZONE\n";
  const auto at = [&](const std::string& local) { return told(zone + event("DTSTART;TZID=Mine:" + local + "\n")); };
  EXPECT_EQ(at("20260401T120000"), "2026-04-01T10:00:00Z Diwali");
  EXPECT_EQ(at("20270131T120000"), "2027-01-31T11:00:00Z Diwali");
  EXPECT_EQ(at("20270401T120000"), "2027-04-01T09:00:00Z Diwali") << "no summer time any more";
  EXPECT_EQ(at("20270601T120000"), "2027-06-01T09:00:00Z Diwali");
}

TEST(Calendar, the_until_of_an_observance_may_fall_on_the_day_before_in_utc) {
  const std::string zone =
      "BEGIN:VTIMEZONE\nTZID:East\n"
      "BEGIN:STANDARD\nDTSTART:19701025T020000\nTZOFFSETFROM:+0400\nTZOFFSETTO:+0300\n"
      "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n"
      "BEGIN:DAYLIGHT\nDTSTART:19700329T010000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0400\n"
      "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3;UNTIL=20260328T220000Z\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
  EXPECT_EQ(told(zone + event("DTSTART;TZID=East:20260401T120000\n")), "2026-04-01T08:00:00Z Diwali");
  EXPECT_EQ(told(zone + event("DTSTART;TZID=East:20270401T120000\n")), "2027-04-01T09:00:00Z Diwali");
}

TEST(Calendar, an_iana_name_behind_a_prefix_or_beside_the_definition_counts) {
  EXPECT_EQ(told(event("DTSTART;TZID=/citadel.org/20210210_1/Asia/Kolkata:20261108T090000\n")),
            "2026-11-08T03:30:00Z Diwali");
  EXPECT_EQ(told("BEGIN:VTIMEZONE\nTZID:India\nX-LIC-LOCATION:Asia/Kolkata\n"
                 "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0000\nEND:STANDARD\n"
                 "END:VTIMEZONE\n" +
                 event("DTSTART;TZID=India:20261108T090000\n")),
            "2026-11-08T03:30:00Z Diwali");
}

TEST(Calendar, series_recur_without_their_exceptions) {
  EXPECT_EQ(told(event("DTSTART;VALUE=DATE:20261030\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=4\n"
                       "EXDATE;VALUE=DATE:20261127,20261225\n")),
            "2026-10-30 Diwali, 2027-01-29 Diwali");
  EXPECT_EQ(told(event("DTSTART;TZID=Europe/Berlin:20261024T090000\nRRULE:FREQ=DAILY;COUNT=3\n"
                       "EXDATE;TZID=Europe/Berlin:20261025T090000\n")),
            "2026-10-24T07:00:00Z Diwali, 2026-10-26T08:00:00Z Diwali");
  EXPECT_EQ(told(event("DTSTART:20261108T090000Z\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE;VALUE=DATE:20261109\n")),
            "2026-11-08T09:00:00Z Diwali")
      << "an EXDATE that is a date takes the day away";
}

TEST(Calendar, rdates_add) {
  EXPECT_EQ(told(event("DTSTART;VALUE=DATE:20261108\nRDATE;VALUE=DATE:20271029,20261201\n")),
            "2026-11-08 Diwali, 2026-12-01 Diwali, 2027-10-29 Diwali");
  EXPECT_EQ(told(event("DTSTART:20261108T090000Z\nRDATE;VALUE=PERIOD:20261110T090000Z/PT1H\n")),
            "2026-11-08T09:00:00Z Diwali, 2026-11-10T09:00:00Z Diwali");
}

TEST(Calendar, until_in_utc_is_an_instant_for_events_with_a_time) {
  // 09:00 in Kolkata is 03:30Z; 20:30 is 15:00Z, and on the next date already at 23:00Z + 05:30.
  EXPECT_EQ(told(event("DTSTART;TZID=Asia/Kolkata:20261108T090000\nRRULE:FREQ=DAILY;UNTIL=20261109T033000Z\n")),
            "2026-11-08T03:30:00Z Diwali, 2026-11-09T03:30:00Z Diwali");
  EXPECT_EQ(told(event("DTSTART;TZID=Asia/Kolkata:20261108T090000\nRRULE:FREQ=DAILY;UNTIL=20261109T032959Z\n")),
            "2026-11-08T03:30:00Z Diwali");
  EXPECT_EQ(told(event("DTSTART;TZID=Asia/Kolkata:20261108T040000\nRRULE:FREQ=DAILY;UNTIL=20261108T230000Z\n")),
            "2026-11-07T22:30:00Z Diwali, 2026-11-08T22:30:00Z Diwali");
}

TEST(Calendar, a_changed_instance_replaces_the_one_it_names) {
  EXPECT_EQ(told(event("DTSTART;VALUE=DATE:20261108\nRRULE:FREQ=DAILY;COUNT=3\n") +
                 event("RECURRENCE-ID;VALUE=DATE:20261109\nDTSTART;VALUE=DATE:20261120\n")),
            "2026-11-08 Diwali, 2026-11-10 Diwali, 2026-11-20 Diwali");
  EXPECT_EQ(told(event("DTSTART;VALUE=DATE:20261108\nRRULE:FREQ=DAILY;COUNT=2\n") +
                 event("RECURRENCE-ID;VALUE=DATE:20261109\nSTATUS:CANCELLED\n")),
            "2026-11-08 Diwali");
  EXPECT_EQ(Calendar(event("DTSTART;VALUE=DATE:20261108\nRRULE:FREQ=DAILY;COUNT=2\n") +
                     "BEGIN:VEVENT\nUID:1\nSUMMARY:Moved\nRECURRENCE-ID;VALUE=DATE:20261109\n"
                     "DTSTART;VALUE=DATE:20261120\nEND:VEVENT\n")
                .summary("Diwali")
                .told(),
            "2026-11-08 Diwali")
      << "renamed is gone, although the new name was not asked for";
  EXPECT_THAT(told(event("RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20261109\nDTSTART;VALUE=DATE:20261120\n")),
              HasSubstr("RECURRENCE-ID with RANGE is not understood"));
}

TEST(Calendar, cancelled_events_are_gone) {
  EXPECT_EQ(told(event("DTSTART;VALUE=DATE:20261108\nSTATUS:CANCELLED\n")), "");
}

TEST(Calendar, of_several_versions_the_latest_counts) {
  EXPECT_EQ(
      told(event("SEQUENCE:2\nDTSTART;VALUE=DATE:20261108\n") + event("SEQUENCE:1\nDTSTART;VALUE=DATE:20261101\n")),
      "2026-11-08 Diwali");
}

TEST(Calendar, only_events_of_the_summary_count) {
  const std::string two =
      event("DTSTART;VALUE=DATE:20261108\n") +
      "BEGIN:VEVENT\nUID:2\nSUMMARY:Holi\\, festival of colours\nDTSTART;VALUE=DATE:20270322\nEND:VEVENT\n";
  EXPECT_EQ(Calendar(two).summary("Diwali").told(), "2026-11-08 Diwali");
  EXPECT_EQ(Calendar(two).summary("Holi, festival of colours").told(), "2027-03-22 Holi, festival of colours");
  EXPECT_EQ(Calendar(two).summary("diwali").told(), "");
}

TEST(Calendar, what_does_not_bear_on_dates_does_not_matter) {
  EXPECT_EQ(told("X-WR-CALNAME:\n" +
                 event("STATUS:\nLOCATION:\nDESCRIPTION:\nGEO:nowhere\nATTENDEE;CN=\"a:b\":mailto:x\n"
                       "DTSTART;VALUE=DATE:20261108\n"
                       "BEGIN:VALARM\nTRIGGER:nonsense\nRRULE:FREQ=SECONDLY\nEND:VALARM\n") +
                 "BEGIN:VTODO\nUID:7\nDTSTART:rubbish\nRRULE:FREQ=SECONDLY\nEND:VTODO\n"),
            "2026-11-08 Diwali");
}

TEST(Calendar, folded_lines_crlf_lower_case_and_a_byte_order_mark_are_read) {
  EXPECT_EQ(Calendar("\xEF\xBB\xBF"
                     "begin:vcalendar\r\nVERSION:2.0\r\nBEGIN:VEV\r\n ENT\r\nUID:1\r\nSUMMARY:Di\r\n\twali\r\n"
                     "dtstart;value=date:2026\r\n 1108\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
                .raw()
                .told(),
            "2026-11-08 Diwali");
}

TEST(Calendar, several_calendars_in_one_text_are_all_read) {
  const std::string one = "BEGIN:VCALENDAR\n" + event("DTSTART;VALUE=DATE:20261108\n") + "END:VCALENDAR\n";
  const std::string two = "BEGIN:VCALENDAR\n" + event("DTSTART;VALUE=DATE:20261109\n") + "END:VCALENDAR\n";
  EXPECT_EQ(Calendar(one + two).raw().told(), "2026-11-08 Diwali, 2026-11-09 Diwali");
}

TEST(Calendar, an_empty_calendar_has_no_events) { EXPECT_EQ(told(""), ""); }

TEST(Calendar, events_outside_of_the_bounds_are_left_out) {
  EXPECT_EQ(told(event("DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=YEARLY\n")), "2026-01-01 Diwali, 2027-01-01 Diwali");
}

TEST(Calendar, anything_not_understood_fails_the_whole) {
  const std::string good = event("DTSTART;VALUE=DATE:20261108\n");
  const struct {
    std::string lines;
    const char* message;
  } table[] = {
      {event("SUMMARY:x\n"), "has no DTSTART"},
      {event("DTSTART;VALUE=DATE:20261108\nDTSTART;VALUE=DATE:20261109\n"), "has DTSTART twice"},
      {event("DTSTART;VALUE=DATE:20260230\n"), "DTSTART is not a date"},
      {event("DTSTART;VALUE=DATE:18991231\n"), "DTSTART is not a date from 1900"},
      {event("DTSTART:tomorrow\n"), "malformed"},
      {event("DTSTART;VALUE=DATE:20261108\nRRULE:FREQ=SECONDLY\n"), "calendar: line 8: rrule: FREQ=SECONDLY must be"},
      {event("DTSTART;VALUE=DATE:20261108\nRRULE:FREQ=DAILY;INTERVAL=70000\n"), "INTERVAL=70000 must be"},
      {event("DTSTART;VALUE=DATE:20261108\nRRULE:FREQ=DAILY;COUNT=2\nRRULE:FREQ=WEEKLY;COUNT=2\n"), "RRULE twice"},
      {event("DTSTART;VALUE=DATE:20261108\nEXRULE:FREQ=DAILY\n"), "line 8 has EXRULE"},
      {event("DTSTART;VALUE=DATE:20261108\nEXDATE;VALUE=DATE:20261131\n"), "EXDATE is not a date"},
      {event("DTSTART;TZID=Mars/Olympus:20261108T090000\n"), "TZID \"Mars/Olympus\" is neither an IANA zone"},
      {"BEGIN:VTIMEZONE\nTZID:Empty\nEND:VTIMEZONE\n" + event("DTSTART;TZID=Empty:20261108T090000\n"),
       "\"Empty\" has neither STANDARD nor DAYLIGHT"},
      {"BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nEND:STANDARD\nEND:VTIMEZONE\n",
       "lacks DTSTART, TZOFFSETFROM or TZOFFSETTO"},
      {"BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261108\n", "ends VCALENDAR where VEVENT is open"},
      {"BEGIN:VEVENT\nEND:VTODO\n", "ends VTODO where VEVENT is open"},
      {"no colon here\n", "line 4 is not NAME:VALUE"},
      {"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "line 4 begins a component where it cannot stand"},
      {event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY\n") + event("DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY\n"),
       "more than 1000 dates"},
  };
  for (const auto& row : table) {
    EXPECT_THAT(told(good + row.lines), HasSubstr("error: ")) << row.message;
    EXPECT_THAT(told(row.lines), HasSubstr(row.message));
  }
}

TEST(Calendar, texts_that_are_no_calendar_are_refused) {
  const auto raw = [](std::string text) { return Calendar(std::move(text)).raw().told(); };
  EXPECT_THAT(raw(""), HasSubstr("holds no BEGIN:VCALENDAR"));
  EXPECT_THAT(raw("hello"), HasSubstr("line 1 is not NAME:VALUE"));
  EXPECT_THAT(raw("BEGIN:VCALENDAR\n"), HasSubstr("ends within VCALENDAR: it was cut off"));
  EXPECT_THAT(raw("BEGIN:VEVENT\nEND:VEVENT\n"), HasSubstr("begins a component where it cannot stand"));
  EXPECT_THAT(raw("UID:1\nBEGIN:VCALENDAR\nEND:VCALENDAR\n"), HasSubstr("line 1 stands outside"));
  EXPECT_THAT(raw(std::string("BEGIN:VCALENDAR\0END", 19)), HasSubstr("zero byte"));
  std::string deep = "BEGIN:VCALENDAR\n";
  for (int i = 0; i < 10; ++i) deep += "BEGIN:X\n";
  EXPECT_THAT(raw(deep), HasSubstr("nests too deep"));
}

TEST(Calendar, is_bounded_in_bytes_and_components) {
  CalendarBounds bounds;
  bounds.recurrence = {day("2026-01-01"), day("2027-12-31"), 1000};
  bounds.max_bytes = 100;
  const auto zones = [](const std::string& name) { return load_time_zone(name); };
  EXPECT_THAT(parse_calendar(std::string(101, 'x'), "", bounds, zones).error().message, HasSubstr("at most 100"));
  bounds.max_bytes = 1000;
  bounds.max_components = 3;
  const std::string todo = "BEGIN:VTODO\nEND:VTODO\n";
  EXPECT_TRUE(parse_calendar("BEGIN:VCALENDAR\n" + todo + todo + "END:VCALENDAR\n", "", bounds, zones));
  EXPECT_THAT(
      parse_calendar("BEGIN:VCALENDAR\n" + todo + todo + todo + "END:VCALENDAR\n", "", bounds, zones).error().message,
      HasSubstr("more than 3 components"));
}

}  // namespace
}  // namespace headroom::plan
