// Gather → converge → apply for one ScaleTarget, and its status. Two kinds of work in one queue: "scale" (high
// priority) writes sizes, "status" (low) writes what is known, so that a thousand scale writes go before any status.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "operator/controllers/engine.h"
#include "operator/controllers/world.h"
#include "operator/runtime/controller.h"

namespace headroom::controllers {

inline constexpr char kScaleWork[] = "scale";
inline constexpr char kStatusWork[] = "status";

class TargetReconciler {
 public:
  /// `replan` asks the planner for a new plan (originals, readiness or rules changed); `queue` takes follow-up work.
  TargetReconciler(World& world, std::function<void()> replan);

  /// The queue exists only after the controller that calls reconcile().
  void use_queue(runtime::WorkQueue& queue);

  Result<runtime::ReconcileResult> reconcile(const runtime::WorkKey& key, const std::string& reconcile_id,
                                             std::stop_token stop);

 private:
  Result<runtime::ReconcileResult> scale(const api::ScaleTarget& target, const std::string& reconcile_id,
                                         std::stop_token stop);
  Result<runtime::ReconcileResult> write_status(const api::ScaleTarget& target, std::stop_token stop);
  Result<runtime::ReconcileResult> remove(const api::ScaleTarget& target, std::stop_token stop);

  World& world_;
  std::function<void()> replan_;
  runtime::WorkQueue* queue_ = nullptr;
};

}  // namespace headroom::controllers
