// What comes next: the boundaries of a schedule in order, for status, `plan` and notifications. Pure.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <vector>

#include "operator/plan/compile.h"

namespace headroom::plan {

struct Transition {
  enum class Event { Start, End };
  absl::Time at;
  Event event = Event::Start;
  std::string occurrence, phase;
  int phase_index = 0;
};

/// The boundaries in (after, after + 400 days], ascending, at most `limit`.
std::vector<Transition> transitions_after(const CompiledSchedule& schedule, absl::Time after, int limit);

/// The boundaries in (after, until], ascending.
std::vector<Transition> transitions_between(const CompiledSchedule& schedule, absl::Time after, absl::Time until);

struct PhaseInForce {
  std::string occurrence;
  int phase = 0;
  absl::Time from, to;
};

/// All phases that hold at `now`, ascending by from.
std::vector<PhaseInForce> phases_at(const CompiledSchedule& schedule, absl::Time now);

}  // namespace headroom::plan
