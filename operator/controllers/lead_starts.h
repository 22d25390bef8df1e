// When work for coming phases will start, as people want to see it in a schedule's next transitions. Pure.
#pragma once

#include <absl/time/time.h>

#include <span>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/plan/decide.h"

namespace headroom::controllers {

/// For each of the next `phases` phases that are to come, the earliest lead start of its targets after `now`, as far as
/// one lies before the phase itself; ascending. Of `targets` those in the schedule's namespace are looked at.
/// Forecasts: a lead that is learned anew moves them.
std::vector<api::TransitionStatus> coming_lead_starts(const plan::CompiledSchedule& schedule,
                                                      std::span<const plan::DecideTarget> targets, absl::Time now,
                                                      int phases);

}  // namespace headroom::controllers
