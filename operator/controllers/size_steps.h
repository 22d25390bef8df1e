// The next size on the way from what an object says to what was decided: how far one write may go. Pure.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>

#include "operator/api/scale_target.h"
#include "operator/controllers/engine.h"

namespace headroom::controllers {

struct SizeStep {
  Size next;  ///< to be written now; equal to the present size while something has to happen first
  std::optional<absl::Duration> look_again;
  std::string waiting;  ///< for what, in words; empty: `next` is all of the way
};

/// Read replicas move by at most readReplica.maxStep, each step once the one before is there; a maximum comes down only
/// when the replicas fit under it, or `max_patience` after the minimum went down.
SizeStep next_step(const api::ScaleTarget& target, const EngineView& view, const Size& wanted, absl::Time now,
                   absl::Duration max_patience);

}  // namespace headroom::controllers
