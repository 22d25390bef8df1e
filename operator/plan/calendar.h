// iCalendar text → the days or instants of events (RFC 5545: DTSTART as DATE, UTC or with TZID, RRULE, EXDATE, RDATE,
// RECURRENCE-ID, STATUS:CANCELLED). Bounded in bytes, components and dates, because calendars come from elsewhere.
// Pure; parse off the reconcile path.
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

using ZoneLoader = std::function<Result<absl::TimeZone>(const std::string& name)>;

/// Events whose SUMMARY equals `summary` (all when empty), ascending, without cancelled ones, exceptions applied.
/// Fails as a whole when anything in the text is not understood: half a calendar must not shrink a festival.
Result<std::vector<CalendarEvent>> parse_calendar(std::string_view text, const std::string& summary,
                                                  const CalendarBounds& bounds, const ZoneLoader& zones);

}  // namespace headroom::plan
