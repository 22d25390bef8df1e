// Which boundaries of a schedule have passed, which of them late, and which while no operator was awake. Pure.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/plan/transitions.h"

namespace headroom::controllers {

struct BoundaryQuestion {
  const plan::CompiledSchedule& schedule;
  const api::ObjectMeta& meta;
  const api::FestivalScheduleStatus& before;  ///< as stored, or as last made by this process
  /// When this process last looked at the schedule; absent at its first look.
  std::optional<absl::Time> looked_until;
  absl::Time now;
};

struct BoundaryAccount {
  std::optional<api::BoundaryStatus> last;
  std::int64_t missed = 0;               ///< of all time, as the status counts
  std::vector<plan::Transition> passed;  ///< since the last look, ascending
  std::int64_t newly_missed = 0;         ///< of `passed`
};

/// A boundary is processed at the first look after it; that look's time minus the boundary is how late it was.
/// Boundaries between the stored last one (the object's creation, where there is none) and the first look of a process
/// passed while nobody was awake: they count as missed, once. An edit or a new calendar that puts boundaries into the
/// past makes them neither late nor missed; nor does one that came while nobody was awake, as nobody knows when it
/// came.
BoundaryAccount account_boundaries(const BoundaryQuestion& question);

/// "LeadStart", "Start", "End" as status spells them.
const char* to_string(plan::Transition::Event event);

}  // namespace headroom::controllers
