// FestivalSchedule: status, switches, notifications and its finalizer. Sizes are the planner's and the target
// reconciler's business.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "operator/controllers/notifier.h"
#include "operator/controllers/world.h"
#include "operator/runtime/controller.h"

namespace headroom::controllers {

class ScheduleReconciler {
 public:
  /// `replan` asks the planner for a plan without a schedule that is being deleted.
  ScheduleReconciler(World& world, Notifier& notifier, std::function<void()> replan);
  ~ScheduleReconciler();

  /// Thread-safe for different keys. Asks to be called again at the next transition, and every minute while switches
  /// are set.
  Result<runtime::ReconcileResult> reconcile(const runtime::WorkKey& key, const std::string& reconcile_id,
                                             const std::stop_token& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
