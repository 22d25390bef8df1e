// The first look at an iCalendar text: content lines, nesting, and what of it bears on dates. libical accepts some
// mismatched nesting in silence and gives up on properties that do not matter here (an empty LOCATION), so it is only
// shown what passed. Pure.
#pragma once

#include <string>
#include <string_view>

#include "operator/base/result.h"
#include "operator/plan/calendar.h"

namespace headroom::plan {

/// The calendar reduced to VCALENDAR, VEVENT, VTIMEZONE and its observances, with those of their properties that tell
/// when. Every RRULE in it has passed check_rrule. Errors name the line.
Result<std::string> reduce_calendar(std::string_view text, const CalendarBounds& bounds);

}  // namespace headroom::plan
