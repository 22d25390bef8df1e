// From a FestivalSchedule as written to instants on the time line: which occurrence's phase holds from when to when.
// Everything about zones, gaps, folds, recurrences and calendars ends here; decide() sees only instants. Pure.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/base/result.h"
#include "operator/plan/calendar.h"

namespace headroom::plan {

/// A phase of one occurrence: holds in [from, to).
struct PhaseInterval {
  int phase = 0;  ///< index into spec.phases
  absl::Time from, to;
};

struct CompiledOccurrence {
  std::string name;                      ///< "diwali", "diwali/2027-10-29" for recurring and calendar ones
  absl::Time day;                        ///< D: local midnight, or the exact instant
  std::vector<PhaseInterval> intervals;  ///< ascending by from
};

/// A schedule ready to be asked. Immutable and shared between decisions.
struct CompiledSchedule {
  api::ObjectKey key;
  api::FestivalScheduleSpec spec;
  std::vector<CompiledOccurrence> occurrences;  ///< ascending by day, those that touch [window_from, window_to]
  absl::Time window_from, window_to;            ///< compile again before now reaches window_to
};

struct CompileInput {
  api::ObjectKey key;
  api::FestivalScheduleSpec spec;
  absl::TimeZone zone;                      ///< already loaded from spec.time_zone
  std::map<std::string, std::vector<CalendarEvent>> calendars;  ///< by name of the occurrence with calendarRef
  absl::Time now;                           ///< the window is [now − 60 days, now + 400 days], plus the phases' reach
};

/// The instant an offset means relative to an occurrence's day: civil days first, then exact time.
absl::Time offset_instant(absl::CivilDay day, const CalendarOffset& offset, const absl::TimeZone& zone, Fold fold);

/// InvalidArgument, naming the field and the remedy, when a phase ends before it starts, phases of one occurrence
/// overlap for the same target (judged on selections that could both match), a rule is refused or expands too far.
Result<CompiledSchedule> compile(const CompileInput& input);

}  // namespace headroom::plan
