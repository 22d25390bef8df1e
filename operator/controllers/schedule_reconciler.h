// FestivalSchedule: status, switches, notifications and its finalizer. Sizes are the planner's and the target
// reconciler's business.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "operator/controllers/notifier.h"
#include "operator/controllers/world.h"
#include "operator/runtime/controller.h"

namespace headroom::controllers {

class ScheduleReconciler {
 public:
  ScheduleReconciler(World& world, Notifier& notifier, std::function<void()> replan);

  Result<runtime::ReconcileResult> reconcile(const runtime::WorkKey& key, const std::string& reconcile_id,
                                             std::stop_token stop);

 private:
  World& world_;
  Notifier& notifier_;
  std::function<void()> replan_;
};

}  // namespace headroom::controllers
