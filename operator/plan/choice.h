// Who of several schedules speaks for a target, and how that is told. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/contributions.h"

namespace headroom::plan {

/// Sorts what was said: first what counts, the largest first; then the rest. Where no schedule has a priority the
/// maximum counts. Otherwise those with the highest alone (none given counts as 0); a coming phase, which never lowers
/// anything, counts unless a higher priority still holds when it begins.
/// Returns how many count.
std::size_t rank(std::vector<Spoken>& spoken);

/// "diwali d-day: 10 x 30 = 300", with what holds it back or ahead.
std::string describe(const Spoken& spoken, const TargetFacts& facts);

/// As it is shown, with the names and text filled in.
Contribution to_contribution(const Spoken& spoken, const TargetFacts& facts);

/// "2026-11-05 00:00 +05:30".
std::string local_time(absl::Time time, const absl::TimeZone& zone);

}  // namespace headroom::plan
