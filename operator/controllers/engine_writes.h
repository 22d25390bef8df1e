// The requests that carry a size or a record to an object. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/scale_target.h"
#include "operator/controllers/engine.h"

namespace headroom::controllers {

/// One move of an object: from what it says to `size`, with `record` on it (none: the annotation goes).
struct Move {
  Size size;
  std::optional<OriginalRecord> record;
};

/// Nothing where nothing differs. The record goes with the size in one patch; where the size lies behind /scale it goes
/// in a patch before it, and comes off in one after it.
std::vector<Write> write_move(const api::ScaleTarget& target, const EngineView& view, const Move& move);

/// Where the object that is written keeps its bounds, as a person names them: "spec.minReplicas". A single size has no
/// maximum; that is empty.
struct SizeFields {
  std::string min, max;
};
SizeFields size_fields(const api::Engine& engine);

/// What tells metrics and behavior of an autoscaler of our own from others; see kMadeFromAnnotation.
std::string made_from(const api::Engine& engine);
/// An autoscaler of our own, as `spec` wants it with these bounds.
Write create_autoscaler(const api::ScaleTarget& target, const Size& bounds);
/// Brings metrics and behavior of our own autoscaler up to date along with its bounds; nothing where nothing differs.
std::vector<Write> update_autoscaler(const api::ScaleTarget& target, const EngineView& view, const Size& bounds);
Write delete_autoscaler(const EngineView& view);

/// Sets a sleeping workload to 1, remembering that it stood at 0; or puts it back to 0.
std::vector<Write> wake(const api::ScaleTarget& target, const Sleeper& sleeper, absl::Time now);
std::vector<Write> put_to_sleep(const Sleeper& sleeper);

}  // namespace headroom::controllers
