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
  std::string name;                      ///< "diwali"; "diwali/2027-10-29" for recurring and calendar ones, and
                                         ///< "diwali/2027-10-29T0900" for events with a time of day
  absl::Time day;                        ///< D: local midnight, or the exact instant
  std::vector<PhaseInterval> intervals;  ///< ascending by from
};

/// What of a phase does not change from occurrence to occurrence.
struct CompiledPhase {
  std::vector<int> demand_selections;  ///< per demand: index into CompiledSchedule::selections
  std::vector<api::Wave> waves;        ///< the phase's own, else the schedule's
  std::vector<int> wave_selections;    ///< per wave: index into CompiledSchedule::selections
};

/// One interval of one occurrence, for walking along the time line.
struct TimelineEntry {
  absl::Time from, to;
  int occurrence = 0;  ///< index into CompiledSchedule::occurrences
  int interval = 0;    ///< index into its intervals
  int phase = 0;       ///< index into spec.phases
};

/// A schedule ready to be asked. Immutable and shared between decisions; made by compile() alone.
struct CompiledSchedule {
  api::ObjectKey key;
  api::FestivalScheduleSpec spec;
  std::vector<CompiledOccurrence> occurrences;   ///< ascending by day, those that touch [window_from, window_to]
  absl::Time window_from, window_to;             ///< compile again before now reaches window_to
  absl::TimeZone zone;                           ///< for telling people when
  std::vector<CompiledPhase> phases;             ///< parallel to spec.phases
  std::vector<api::TargetSelection> selections;  ///< every distinct one, so that each is matched once
  std::vector<TimelineEntry> timeline;           ///< all intervals, ascending by from
  absl::Duration longest_interval;               ///< how far back the time line must be searched for what still holds
};

struct CompileInput {
  api::ObjectKey key;
  api::FestivalScheduleSpec spec;
  absl::TimeZone zone;  ///< already loaded from spec.time_zone
  /// By name of the occurrence with calendarRef; one that is missing has no days.
  std::map<std::string, std::vector<CalendarEvent>> calendars;
  absl::Time now;  ///< the window is [now − 60 days, now + 400 days], plus the phases' reach
};

/// The instant an offset means relative to an occurrence's day: civil days first, then exact time.
absl::Time offset_instant(absl::CivilDay day, const CalendarOffset& offset, const absl::TimeZone& zone, Fold fold);

/// The same for an occurrence at an exact instant: days keep its time of day.
absl::Time offset_instant(absl::Time instant, const CalendarOffset& offset, const absl::TimeZone& zone, Fold fold);

/// The days between which a calendar's events can matter to a schedule compiled at `now`.
RecurrenceBounds occurrence_bounds(const api::FestivalScheduleSpec& spec, const absl::TimeZone& zone, absl::Time now);

/// InvalidArgument, naming the field and the remedy, when a phase ends before it starts, phases of one occurrence
/// overlap for the same target (as far as their selections alone prove it; decide flags the rest), a decay follows
/// nothing, names are given twice, or a rule is refused or expands too far.
Result<CompiledSchedule> compile(const CompileInput& input);

}  // namespace headroom::plan
