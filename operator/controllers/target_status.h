// What a ScaleTarget's status says, as a pure function of its view, decision and convergence.
#pragma once

#include <absl/time/time.h>

#include <string>

#include "operator/api/scale_target.h"
#include "operator/controllers/engine.h"
#include "operator/controllers/target_records.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

struct StatusInput {
  const api::ScaleTarget& target;
  const EngineView& view;
  const plan::Decision* decision;  ///< null: no plan yet
  const Convergence* convergence;  ///< null: nothing was tried
  std::string region_problem;      ///< empty: region fine
  std::string write_problem;       ///< the last write's error
  bool metrics_unavailable = false;
  std::string metrics_problem;
};

/// Updates `record` (conditions Ready, Reconciling, Stalled, Contested, Capped, RivalScaler, AmbiguousScaler,
/// ScalingDisabled, Frozen, AwaitingApproval, BaselineUncertain, MetricsUnavailable; sizes, bounds, explanation,
/// originals, in force, leads, learned warm-up from `pending`) as of `now`. Warm-up is learned when a pending step is
/// ready.
void update_status(TargetRecord& record, const StatusInput& input, absl::Time now);

}  // namespace headroom::controllers
