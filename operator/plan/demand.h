// What a phase's demand makes of a target's baseline, in exact arithmetic. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "operator/api/festival_schedule.h"

namespace headroom::plan {

/// The size a multiplier, add or replicas asks for. Empty for a multiplier of a baseline of 0, which says nothing, and
/// for decay, which starts from another phase.
std::optional<int> demanded_size(const api::Demand& demand, int baseline);

/// A decay that started at `start`, after so many full hours: never below 0, never rising.
int decayed_size(const api::Decay& decay, int start, std::int64_t full_hours);

/// The first full hour at which the decay has reached `threshold`, looking as far as `most_hours`; most_hours + 1 when
/// it does not get there.
std::int64_t hours_until(const api::Decay& decay, int start, int threshold, std::int64_t most_hours);

/// "10 x 30 = 300", "3 + 2 = 5", "40".
std::string describe_demand(const api::Demand& demand, int baseline, int size);

/// "100 - 3 h x 10 % = 70", "100 x (1 - 10 %)^3 = 73".
std::string describe_decay(const api::Decay& decay, int start, std::int64_t full_hours, int size);

}  // namespace headroom::plan
