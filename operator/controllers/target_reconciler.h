// Gather → converge → apply for one ScaleTarget, and its status. Two kinds of work in one queue: "scale" (high
// priority) writes sizes, "status" (low) writes what is known, so that a thousand scale writes go before any status.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/controllers/engine.h"
#include "operator/controllers/region_gate.h"
#include "operator/controllers/send_writes.h"
#include "operator/controllers/world.h"
#include "operator/runtime/controller.h"

namespace headroom::controllers {

inline constexpr char kScaleWork[] = "scale";
inline constexpr char kStatusWork[] = "status";

/// Thread-safe as the controller needs it: never twice at once for one key, but "scale" and "status" of one target may
/// run side by side.
class TargetReconciler {
 public:
  /// `replan` asks the planner for a new plan (originals, approvals or what ramps start from changed).
  TargetReconciler(World& world, std::function<void()> replan);

  /// The queue exists only after the controller that calls reconcile(); it takes follow-up work.
  void use_queue(runtime::WorkQueue& queue);

  Result<runtime::ReconcileResult> reconcile(const runtime::WorkKey& key, const std::string& reconcile_id,
                                             const std::stop_token& stop);

 private:
  /// Everything one run looks at, read once.
  struct Gathered {
    api::ScaleTarget target;  ///< as stored, with the status that Headroom knows
    std::shared_ptr<Cluster> cluster;
    std::string region_problem;  ///< empty: connected and answering
    bool refused = false;        ///< the region may not hold it
    EngineView view;
    std::shared_ptr<const PlanSnapshot> plan;  ///< keeps `decision` alive
    const plan::Decision* decision = nullptr;
  };

  Gathered gather(const api::ScaleTarget& target);
  Result<runtime::ReconcileResult> scale(const api::ScaleTarget& target, const std::string& reconcile_id,
                                         const std::stop_token& stop);
  Result<runtime::ReconcileResult> write_status(const api::ScaleTarget& target, const std::stop_token& stop);
  Result<runtime::ReconcileResult> remove(const api::ScaleTarget& target, const std::string& reconcile_id,
                                          const std::stop_token& stop);

  /// What came of sending a convergence's writes: nothing more to do now, or what the run shall answer.
  using Interruption = std::optional<Result<runtime::ReconcileResult>>;
  Interruption send(Gathered& gathered, const Convergence& convergence, const std::string& reconcile_id,
                    const std::stop_token& stop);
  void keep_landed(const Gathered& gathered, const Convergence& convergence, const SentWrites& sent);
  /// Notices what the planner must know: originals, approvals, a step that became ready.
  void notice(const Gathered& gathered);
  Interruption add_finalizer(const api::ScaleTarget& target, const std::stop_token& stop);
  Result<runtime::ReconcileResult> remove_finalizer(const api::ScaleTarget& target, const std::stop_token& stop);
  Result<runtime::ReconcileResult> give_up_or_wait(const Gathered& gathered, const std::string& why,
                                                   const std::stop_token& stop);
  void consume_approval(const api::ScaleTarget& target, const std::stop_token& stop);
  void emit(const api::ScaleTarget& target, const std::vector<runtime::EventText>& events);
  void queue_status(const api::ScaleTarget& target);

  World& world_;
  std::function<void()> replan_;
  runtime::WorkQueue* queue_ = nullptr;
  RegionGate gate_;
};

}  // namespace headroom::controllers
