#include "operator/plan/transitions.h"

#include <algorithm>
#include <tuple>

namespace headroom::plan {
namespace {

constexpr absl::Duration kHorizon = absl::Hours(400 * 24);

Transition transition(const CompiledSchedule& schedule, const TimelineEntry& entry, Transition::Event event) {
  return {event == Transition::Event::Start ? entry.from : entry.to, event,
          schedule.occurrences[static_cast<std::size_t>(entry.occurrence)].name,
          schedule.spec.phases[static_cast<std::size_t>(entry.phase)].name, entry.phase};
}

/// At one instant ends come before starts: a phase gives way to the next.
bool earlier(const Transition& a, const Transition& b) {
  const bool a_starts = a.event == Transition::Event::Start, b_starts = b.event == Transition::Event::Start;
  return std::tie(a.at, a_starts, a.occurrence, a.phase_index) < std::tie(b.at, b_starts, b.occurrence, b.phase_index);
}

}  // namespace

std::vector<Transition> transitions_between(const CompiledSchedule& schedule, absl::Time after, absl::Time until) {
  std::vector<Transition> found;
  for (const TimelineEntry& entry : schedule.timeline) {
    if (entry.from > until) break;
    if (entry.from > after) found.push_back(transition(schedule, entry, Transition::Event::Start));
    if (entry.to > after && entry.to <= until) {
      found.push_back(transition(schedule, entry, Transition::Event::End));
    }
  }
  std::ranges::sort(found, earlier);
  return found;
}

std::vector<Transition> transitions_after(const CompiledSchedule& schedule, absl::Time after, int limit) {
  std::vector<Transition> found = transitions_between(schedule, after, after + kHorizon);
  if (found.size() > static_cast<std::size_t>(std::max(limit, 0))) {
    found.resize(static_cast<std::size_t>(std::max(limit, 0)));
  }
  return found;
}

std::vector<PhaseInForce> phases_at(const CompiledSchedule& schedule, absl::Time now) {
  std::vector<PhaseInForce> phases;
  for (const TimelineEntry& entry : schedule.timeline) {
    if (entry.from > now) break;
    if (entry.to > now) {
      phases.push_back(
          {schedule.occurrences[static_cast<std::size_t>(entry.occurrence)].name, entry.phase, entry.from, entry.to});
    }
  }
  return phases;
}

}  // namespace headroom::plan
