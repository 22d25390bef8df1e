// What a ScaleTarget's status says, as a pure function of its view, decision and convergence.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>

#include "operator/api/scale_target.h"
#include "operator/controllers/engine.h"
#include "operator/controllers/follow_problem.h"
#include "operator/controllers/target_records.h"
#include "operator/plan/decide.h"

namespace headroom::controllers {

struct StatusInput {
  const api::ScaleTarget& target;
  const EngineView& view;
  const plan::Decision* decision;   ///< null: no plan yet
  const Convergence* convergence;   ///< what would have to be written now, or to let it go; null: it is not known
  std::string region_problem = {};  ///< empty: region fine
  Boxed<RegionRefusal> refusal = {};
  std::string write_problem = {};  ///< the last write's error; empty: none
  bool metrics_unavailable = false;
  std::string metrics_problem = {};
  std::optional<FollowProblem> follow_problem = {};
};

/// Updates `record` as of `now`: sizes, bounds, explanation, originals, what is in force, learned warm-up, and the
/// conditions. Ready is there from the first sight on; Reconciling and Stalled (as kstatus reads them) and the other
/// abnormal ones, Contested, Capped, RivalScaler, AmbiguousScaler, ScalingDisabled, Frozen, AwaitingApproval,
/// BaselineUncertain, MetricsUnavailable, only while they hold. What cannot be seen now stays as it was last seen.
void update_status(TargetRecord& record, const StatusInput& input, absl::Time now);

/// Takes the time of a pending step once its replicas are ready; true when it did.
bool learn_warm_up(TargetRecord& record, const api::ScaleTarget& target, const EngineView& view, absl::Time now);

/// Whether two statuses differ in more than what moves by itself all the time: counts of replicas, and messages.
bool differs_in_substance(const api::ScaleTargetStatus& a, const api::ScaleTargetStatus& b);

}  // namespace headroom::controllers
