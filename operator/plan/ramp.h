// Ramps: at most so many pods or percent per period. Pure, thread-safe.
#pragma once

#include <absl/time/time.h>

#include <optional>

#include "operator/api/scale_target.h"

namespace headroom::plan {

/// The larger of the step's pods and its percentage of `size`, at least 1.
int ramp_step(const api::Step& step, int size);

/// A whole way up as a ramp paces it.
struct RampPath {
  absl::Duration takes;  ///< from the first step to the last; the first is immediate
  int last_step = 0;     ///< what is left for the last step
};

/// `to` above `from`. Without a ramp one step does it all.
RampPath ramp_path(const Boxed<api::RampLimit>& ramp, int from, int to);

}  // namespace headroom::plan
