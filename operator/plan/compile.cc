#include "operator/plan/compile.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "operator/plan/selection.h"
#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

/// Of one schedule, in the window. A year of 24 phases every day is 11,000; what the API allows at most would be
/// 700,000, which is 90 MB.
constexpr std::size_t kMostIntervals = 50'000;
constexpr absl::Duration kPast = absl::Hours(60 * 24), kFuture = absl::Hours(400 * 24);

/// An offset on a calendar without clock changes, for comparing offsets with each other.
absl::Duration nominal(const CalendarOffset& offset) { return offset.days * absl::Hours(24) + offset.time; }

std::string path(std::size_t index, const api::Phase& phase) {
  return concat("spec.phases[", index, "] \"", phase.name, "\"");
}

Status check_demand(const api::Demand& demand, const std::string& where) {
  switch (demand.type) {
    case api::Demand::Type::Multiplier:
      if (demand.multiplier < Quantity()) return invalid(where + ": multiplier must not be negative");
      break;
    case api::Demand::Type::Replicas:
      if (demand.replicas < 0) return invalid(where + ": replicas must not be negative");
      break;
    case api::Demand::Type::Decay:
      if (demand.decay.percent_per_hour <= Quantity() || demand.decay.percent_per_hour > Quantity::from_int(100)) {
        return invalid(concat(where, ": decay.percentPerHour ", demand.decay.percent_per_hour.to_string(),
                              " must be above 0 and at most 100"));
      }
      break;
    case api::Demand::Type::Add:
      break;
  }
  return ok();
}

bool decays(const api::Phase& phase) {
  return std::ranges::any_of(phase.demands,
                             [](const auto& demand) { return demand.demand.type == api::Demand::Type::Decay; });
}

Status check_names(const api::FestivalScheduleSpec& spec) {
  std::set<std::string> names;
  for (const api::Phase& phase : spec.phases) {
    if (!names.insert(phase.name).second) {
      return invalid(concat("spec.phases: \"", phase.name, "\" is the name of two phases: rename one"));
    }
  }
  names.clear();
  for (const api::Occurrence& occurrence : spec.occurrences) {
    if (!names.insert(occurrence.name).second) {
      return invalid(concat("spec.occurrences: \"", occurrence.name, "\" is the name of two: rename one"));
    }
  }
  return ok();
}

Status check_overlap(const api::FestivalScheduleSpec& spec, std::size_t first, std::size_t second) {
  const api::Phase &a = spec.phases[first], &b = spec.phases[second];
  if (nominal(a.from) >= nominal(b.to) || nominal(b.from) >= nominal(a.to)) return ok();
  for (const api::PhaseDemand& of_a : a.demands) {
    for (const api::PhaseDemand& of_b : b.demands) {
      if (!surely_share_targets(of_a.targets, of_b.targets)) continue;
      const bool a_first = nominal(a.from) <= nominal(b.from);
      return invalid(concat(path(first, a), " and ", path(second, b),
                            " hold at the same time for the same targets: end \"", a_first ? a.name : b.name, "\" at ",
                            format_calendar_offset(a_first ? b.from : a.from), " or give them different targets"));
    }
  }
  return ok();
}

Status check_phases(const api::FestivalScheduleSpec& spec) {
  for (std::size_t i = 0; i < spec.phases.size(); ++i) {
    const api::Phase& phase = spec.phases[i];
    if (nominal(phase.from) >= nominal(phase.to)) {
      return invalid(concat(path(i, phase), ": to ", format_calendar_offset(phase.to), " must lie after from ",
                            format_calendar_offset(phase.from)));
    }
    for (std::size_t d = 0; d < phase.demands.size(); ++d) {
      BOOST_OUTCOME_TRYV(check_demand(phase.demands[d].demand, concat(path(i, phase), ".demands[", d, "]")));
    }
    const bool follows_something = std::ranges::any_of(
        spec.phases, [&](const api::Phase& other) { return nominal(other.from) < nominal(phase.from); });
    if (decays(phase) && !follows_something) {
      return invalid(path(i, phase) + ": decay starts from an earlier phase's size: add a phase before it");
    }
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      BOOST_OUTCOME_TRYV(check_overlap(spec, earlier, i));
    }
  }
  return ok();
}

/// A day that an occurrence falls on.
struct Day {
  std::string name;
  std::optional<absl::CivilDay> day;
  absl::Time instant;
};

Day on_day(std::string name, absl::CivilDay day, const CompileInput& input) {
  return {std::move(name), day, instant_of(absl::CivilSecond(day), input.zone, input.spec.fold)};
}

Result<std::vector<Day>> days_of(const api::Occurrence& occurrence, const CompileInput& input,
                                 const RecurrenceBounds& bounds) {
  std::vector<Day> days;
  if (occurrence.day) {
    days.push_back(on_day(occurrence.name, *occurrence.day, input));
  } else if (occurrence.instant) {
    days.push_back({occurrence.name, std::nullopt, *occurrence.instant});
  } else if (occurrence.recurring) {
    const auto& [start, rrule, exdates] = *occurrence.recurring;
    auto dates = expand_rrule(rrule, start, exdates, bounds);
    if (!dates) return with_context(dates.error(), concat("spec.occurrences \"", occurrence.name, "\""));
    for (const absl::CivilDay day : dates.value()) {
      days.push_back(on_day(concat(occurrence.name, "/", absl::FormatCivilTime(day)), day, input));
    }
  } else if (occurrence.calendar) {
    const auto events = input.calendars.find(occurrence.name);
    if (events == input.calendars.end()) return days;
    for (const CalendarEvent& event : events->second) {
      if (event.day) {
        days.push_back(on_day(concat(occurrence.name, "/", absl::FormatCivilTime(*event.day)), *event.day, input));
      } else if (event.instant) {
        days.push_back({concat(occurrence.name, "/", absl::FormatTime("%E4Y-%m-%dT%H%M", *event.instant, input.zone)),
                        std::nullopt, *event.instant});
      }
    }
  } else {
    return invalid(
        concat("spec.occurrences \"", occurrence.name, "\": needs one of day, instant, rrule and calendarRef"));
  }
  return days;
}

CompiledOccurrence place(const Day& day, const CompileInput& input) {
  CompiledOccurrence occurrence{day.name, day.instant, {}};
  for (std::size_t i = 0; i < input.spec.phases.size(); ++i) {
    const auto at = [&](const CalendarOffset& offset) {
      return day.day ? offset_instant(*day.day, offset, input.zone, input.spec.fold)
                     : offset_instant(day.instant, offset, input.zone, input.spec.fold);
    };
    const PhaseInterval interval{static_cast<int>(i), at(input.spec.phases[i].from), at(input.spec.phases[i].to)};
    // A clock change can swallow a phase that mixes days and hours: from PT23H to P1D on a day of 23 hours.
    if (interval.from < interval.to) occurrence.intervals.push_back(interval);
  }
  std::ranges::stable_sort(occurrence.intervals, {}, &PhaseInterval::from);
  return occurrence;
}

int selection_index(std::vector<api::TargetSelection>& all, const api::TargetSelection& selection) {
  const auto position = std::ranges::find(all, selection) - all.begin();
  if (position == static_cast<std::ptrdiff_t>(all.size())) all.push_back(selection);
  return static_cast<int>(position);
}

void index_selections(CompiledSchedule& schedule) {
  for (const api::Phase& phase : schedule.spec.phases) {
    CompiledPhase compiled;
    compiled.waves = phase.waves.empty() ? schedule.spec.waves : phase.waves;
    for (const api::PhaseDemand& demand : phase.demands) {
      compiled.demand_selections.push_back(selection_index(schedule.selections, demand.targets));
    }
    for (const api::Wave& wave : compiled.waves) {
      compiled.wave_selections.push_back(selection_index(schedule.selections, wave.targets));
    }
    schedule.phases.push_back(std::move(compiled));
  }
}

void index_timeline(CompiledSchedule& schedule) {
  schedule.longest_interval = absl::ZeroDuration();
  for (std::size_t o = 0; o < schedule.occurrences.size(); ++o) {
    const std::vector<PhaseInterval>& intervals = schedule.occurrences[o].intervals;
    for (std::size_t i = 0; i < intervals.size(); ++i) {
      const PhaseInterval& interval = intervals[i];
      schedule.timeline.push_back(
          {interval.from, interval.to, static_cast<int>(o), static_cast<int>(i), interval.phase});
      schedule.longest_interval = std::max(schedule.longest_interval, interval.to - interval.from);
    }
  }
  std::ranges::stable_sort(schedule.timeline, {}, &TimelineEntry::from);
}

}  // namespace

absl::Time offset_instant(absl::CivilDay day, const CalendarOffset& offset, const absl::TimeZone& zone, Fold fold) {
  return instant_of(absl::CivilSecond(day + offset.days), zone, fold) + offset.time;
}

absl::Time offset_instant(absl::Time instant, const CalendarOffset& offset, const absl::TimeZone& zone, Fold fold) {
  if (offset.days == 0) return instant + offset.time;  // civil time would lose which side of a fold it was
  const absl::TimeZone::CivilInfo local = zone.At(instant);
  const absl::CivilSecond civil(absl::CivilDay(local.cs) + offset.days);
  const absl::CivilSecond moved(civil.year(), civil.month(), civil.day(), local.cs.hour(), local.cs.minute(),
                                local.cs.second());
  return instant_of(moved, zone, fold) + local.subsecond + offset.time;
}

RecurrenceBounds occurrence_bounds(const api::FestivalScheduleSpec& spec, const absl::TimeZone& zone, absl::Time now) {
  absl::Duration earliest = absl::ZeroDuration(), latest = absl::ZeroDuration();
  for (const api::Phase& phase : spec.phases) {
    earliest = std::min(earliest, nominal(phase.from));
    latest = std::max(latest, nominal(phase.to));
  }
  // A day to spare on both sides, for zones and clock changes.
  const absl::Duration day = absl::Hours(24);
  return {absl::ToCivilDay(now - kPast - latest - day, zone), absl::ToCivilDay(now + kFuture - earliest + day, zone)};
}

Result<CompiledSchedule> compile(const CompileInput& input) {
  BOOST_OUTCOME_TRYV(check_names(input.spec));
  BOOST_OUTCOME_TRYV(check_phases(input.spec));
  CompiledSchedule schedule;
  schedule.key = input.key;
  schedule.spec = input.spec;
  schedule.zone = input.zone;
  schedule.window_from = input.now - kPast;
  schedule.window_to = input.now + kFuture;

  const RecurrenceBounds bounds = occurrence_bounds(input.spec, input.zone, input.now);
  std::size_t intervals = 0;
  for (const api::Occurrence& occurrence : input.spec.occurrences) {
    BOOST_OUTCOME_TRY(days, days_of(occurrence, input, bounds));
    intervals += days.size() * input.spec.phases.size();
    if (intervals > kMostIntervals) {
      return invalid(absl::StrCat("spec.occurrences up to \"", occurrence.name, "\" mean ", intervals,
                                  " phases within ", (kPast + kFuture) / absl::Hours(24), " days, more than ",
                                  kMostIntervals, "; use fewer or rarer occurrences, or several schedules"));
    }
    for (const Day& day : days) {
      CompiledOccurrence placed = place(day, input);
      const bool touches = std::ranges::any_of(placed.intervals, [&](const PhaseInterval& interval) {
        return interval.to > schedule.window_from && interval.from < schedule.window_to;
      });
      if (touches) schedule.occurrences.push_back(std::move(placed));
    }
  }
  std::ranges::stable_sort(schedule.occurrences, [](const CompiledOccurrence& a, const CompiledOccurrence& b) {
    return std::tie(a.day, a.name) < std::tie(b.day, b.name);
  });
  // Two events of a calendar on one day are one occurrence: the second says nothing new.
  const auto same = [](const auto& a, const auto& b) { return a.day == b.day && a.name == b.name; };
  schedule.occurrences.erase(std::unique(schedule.occurrences.begin(), schedule.occurrences.end(), same),
                             schedule.occurrences.end());
  index_selections(schedule);
  index_timeline(schedule);
  return schedule;
}

}  // namespace headroom::plan
