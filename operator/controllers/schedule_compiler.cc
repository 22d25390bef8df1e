#include "operator/controllers/schedule_compiler.h"

#include <utility>

#include "operator/base/time_zone.h"

namespace headroom::controllers {
namespace {

/// A compilation is renewed this long before its window ends.
constexpr absl::Duration kWindowReserve = absl::Hours(48);

}  // namespace

Result<absl::TimeZone> ScheduleCompiler::zone(const std::string& name) {
  if (const auto it = zones_.find(name); it != zones_.end()) return it->second;
  BOOST_OUTCOME_TRY(loaded, load_time_zone(name));
  zones_.emplace(name, loaded);
  return loaded;
}

ScheduleCompilation ScheduleCompiler::compile(const api::FestivalSchedule& schedule, absl::Time now) {
  Entry& entry = entries_[schedule.meta.key()];
  if (entry.uid != schedule.meta.uid) entry = Entry{schedule.meta.uid, -1, {}, {}};

  ScheduleCompilation result;
  result.compiled = entry.result.compiled;
  std::map<std::string, std::shared_ptr<const std::vector<plan::CalendarEvent>>> calendars;
  std::string calendar_problem;
  for (const api::Occurrence& occurrence : schedule.spec.occurrences) {
    if (!occurrence.calendar) continue;
    CalendarSource::Answer answer = calendars_.events(schedule.meta.ns, *occurrence.calendar);
    if (!answer.problem.empty()) calendar_problem = answer.problem;
    if (answer.read && (!result.calendar_read || *answer.read > *result.calendar_read)) {
      result.calendar_read = answer.read;
    }
    calendars[occurrence.name] = std::move(answer.events);
  }

  const bool current = entry.generation == schedule.meta.generation && entry.calendars == calendars;
  const bool window_holds = entry.result.compiled && now + kWindowReserve < entry.result.compiled->window_to;
  if (current && (window_holds || !entry.result.problem.empty())) {
    result.compiled = entry.result.compiled;
    if (entry.result.problem_reason != "CalendarUnavailable") {
      result.problem_reason = entry.result.problem_reason;
      result.problem = entry.result.problem;
    }
  } else {
    entry.generation = schedule.meta.generation;
    entry.calendars = calendars;
    const auto attempt = [&]() -> Result<std::shared_ptr<const plan::CompiledSchedule>> {
      BOOST_OUTCOME_TRY(time_zone, zone(schedule.spec.time_zone));
      plan::CompileInput input{schedule.meta.key(), schedule.spec, time_zone, {}, now};
      for (const auto& [name, events] : calendars) {
        if (events) input.calendars[name] = *events;
      }
      BOOST_OUTCOME_TRY(compiled, plan::compile(input));
      return std::make_shared<const plan::CompiledSchedule>(std::move(compiled));
    }();
    if (attempt) {
      result.compiled = attempt.value();
    } else {
      result.problem_reason = "InvalidSpec";
      result.problem = attempt.error().message;
    }
  }
  if (result.problem.empty() && !calendar_problem.empty()) {
    result.problem_reason = "CalendarUnavailable";
    result.problem = calendar_problem;
  }
  entry.result = result;
  return result;
}

void ScheduleCompiler::keep_only(const std::map<api::ObjectKey, ScheduleCompilation>& present) {
  std::erase_if(entries_, [&](const auto& entry) { return !present.contains(entry.first); });
}

}  // namespace headroom::controllers
