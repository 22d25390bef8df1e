// What libical makes of a reduced calendar, as plain values: events and zone definitions. libical stays behind this
// header. Thread-safe.
#pragma once

#include <absl/time/civil_time.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/plan/calendar_zone.h"
#include "operator/plan/recurrence.h"

namespace headroom::plan {

/// A date or time as written.
struct Stamp {
  absl::CivilSecond civil;
  bool is_date = false, is_utc = false;
  std::string tzid;  ///< empty: floating, unless is_date or is_utc
};

/// A VEVENT: the series itself, or with `replaces` one changed instance of the series with the same UID.
struct Event {
  std::string uid, summary;
  std::optional<Stamp> start, replaces;  ///< start is absent for a cancelled instance alone
  std::optional<RecurrenceRule> rule;
  std::vector<Stamp> added, removed;  ///< RDATE, EXDATE
  bool cancelled = false;
  int sequence = 0;
};

/// One VCALENDAR.
struct CalendarContent {
  std::vector<Event> events;
  std::map<std::string, ZoneDefinition> zones;  ///< by TZID
  std::string default_zone;                     ///< X-WR-TIMEZONE, may be empty
};

/// An error that names the event.
Error wrong_event(const Event& event, std::string_view what);

/// The calendars of a text that reduce_calendar has passed.
Result<std::vector<CalendarContent>> read_calendars(const std::string& reduced);

}  // namespace headroom::plan
