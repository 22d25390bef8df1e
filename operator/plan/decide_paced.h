// decide() with the pace left open, for judging plans ahead of time. Pure.
#pragma once

#include "operator/plan/decide.h"
#include "operator/plan/sizing.h"

namespace headroom::plan {

/// With Pace::Ideal every size is what the plan comes to once all steps are taken: no ramp, no clones one at a time, no
/// waiting for approval, no lag.
DecideResult decide_paced(const DecideInput& input, Pace pace);

}  // namespace headroom::plan
