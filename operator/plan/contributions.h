// What schedules say to targets at one instant: phases in force, phases whose lead has begun, contributions held for
// later waves; and when that changes by itself. Pure.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operator/plan/schedule_view.h"

namespace headroom::plan {

/// How a plan is judged: as things stand, or, ahead of time, as if every step were allowed and taken at once.
enum class Pace { AsObserved, Ideal };

/// One contribution, still cheap: names and text come later, for those that are shown.
struct Spoken {
  enum class Kind { InForce, Leading, Held, Waiting, Suspended };
  Kind kind = Kind::InForce;
  bool coming = false;  ///< of a phase that has not begun
  const CompiledSchedule* schedule = nullptr;
  const TimelineEntry* entry = nullptr;  ///< null when suspended
  const api::Demand* demand = nullptr;   ///< null when suspended
  int size = 0;                          ///< as asked
  int counts = 0;                        ///< not below the original unless the phase allows it
  absl::Time until;                      ///< when it falls silent; leading ones turn into the phase then
  std::optional<int> decay_start;
  std::int64_t full_hours = 0;  ///< of a decay
  std::string note;             ///< what a waiting one waits for
};

/// All that was said to one target.
struct Voice {
  std::vector<Spoken> spoken;
  std::vector<api::StartedLead> leads_begun;
  std::vector<std::string> waiting;      ///< gates that are closed to coming phases
  std::vector<std::string> overlapping;  ///< as Decision::overlapping_phases
  bool baseline_zero = false;
  std::optional<absl::Time> next;

  void changes_at(absl::Time at) {
    if (!next || at < *next) next = at;
  }
};

/// Leads that started earlier, by schedule ("ns/name").
struct BegunLead {
  int target = 0;
  const api::StartedLead* lead = nullptr;
};
using BegunLeads = std::map<std::string, std::vector<BegunLead>, std::less<>>;
BegunLeads gather_begun_leads(std::span<const TargetFacts> facts);

/// Adds what one schedule says at `now` to the voices (parallel to `facts`). At an ideal pace no gate is closed.
void speak(const CompiledSchedule& schedule, std::span<const TargetFacts> facts, SelectionMatcher& matcher,
           const BegunLeads& begun, absl::Time now, Pace pace, std::vector<Voice>& voices);

}  // namespace headroom::plan
