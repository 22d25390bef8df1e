// iCalendar text → the days or instants of events (RFC 5545: DTSTART as DATE, UTC, floating or with TZID, VTIMEZONE,
// RRULE, EXDATE, RDATE, RECURRENCE-ID, STATUS:CANCELLED). Bounded in bytes, components and dates, because calendars
// come from elsewhere. Pure, thread-safe; parse off the reconcile path.
#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/plan/recurrence.h"

namespace headroom::plan {

/// One dated event: a civil day (in the schedule's zone) or, for events with a time of day, an instant.
struct CalendarEvent {
  std::string uid, summary;
  std::optional<absl::CivilDay> day;
  std::optional<absl::Time> instant;
  bool operator==(const CalendarEvent&) const = default;
};

struct CalendarBounds {
  std::size_t max_bytes = 1 << 20;
  int max_components = 5000;
  RecurrenceBounds recurrence;
};

/// Loads an IANA zone by name. The empty name asks for the zone of events that name none (floating times), which is
/// the schedule's own; a loader that refuses it makes such events an error.
using ZoneLoader = std::function<Result<absl::TimeZone>(const std::string& name)>;

/// Events whose SUMMARY equals `summary` (all when empty), ascending, without cancelled ones, exceptions applied. Only
/// the day on which an event starts counts, not how long it lasts. A TZID that is no IANA zone is taken from the
/// calendar's own VTIMEZONE.
/// Fails as a whole when anything that bears on dates is not understood: half a calendar must not shrink a festival.
Result<std::vector<CalendarEvent>> parse_calendar(std::string_view text, const std::string& summary,
                                                  const CalendarBounds& bounds, const ZoneLoader& zones);

}  // namespace headroom::plan
