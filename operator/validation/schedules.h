// Rules of a FestivalSchedule that need other objects. Pure.
#pragma once

#include <absl/time/time.h>

#include <vector>

#include "operator/validation/finding.h"
#include "operator/validation/snapshot.h"

namespace headroom::validation {

/// A FestivalSchedule and the zone that it names.
struct ZonedSchedule {
  std::shared_ptr<const api::FestivalSchedule> schedule;
  absl::TimeZone zone;
};

/// Refused: what the planner cannot make a plan of, for which see plan::compile().
/// Warnings: selections that match no ScaleTarget, names and regions that are not there, and other schedules (of
/// `neighbours`: those of the same namespace whose zones could be loaded) that hold at the same time for the same
/// targets from now on, with who counts then. Days that come from calendars are not looked at: they lie in ConfigMaps.
std::vector<Finding> check(const ZonedSchedule& schedule, const std::vector<ZonedSchedule>& neighbours,
                           const Snapshot& others, absl::Time now);

}  // namespace headroom::validation
