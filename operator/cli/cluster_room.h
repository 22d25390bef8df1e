// What quotas and nodes of the home cluster leave for targets, read once. IO.
#pragma once

#include <absl/time/time.h>

#include <string>

#include "operator/cli/planning_world.h"

namespace headroom::kube {
class Reader;
}

namespace headroom::cli {

/// What a person at a keyboard waits for all of it.
inline constexpr absl::Duration kRoomPatience = absl::Seconds(20);

/// Fills `world.room` for the targets of `ns`; empty: of all namespaces. What may not be read, what is too much or
/// takes too long, and what stands in other clusters, is told in `world.assumptions`, and not judged.
void read_room(kube::Reader& reader, const std::string& ns, PlanningWorld& world,
               absl::Duration patience = kRoomPatience);

}  // namespace headroom::cli
