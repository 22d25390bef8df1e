// The part of TargetReconciler that has to do with finalizers: putting back before a ScaleTarget goes, for a bounded
// time where its region cannot be reached.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/deadline.h"
#include "operator/base/log.h"
#include "operator/controllers/field_path.h"
#include "operator/controllers/finalizer_patch.h"
#include "operator/controllers/target_events.h"
#include "operator/controllers/target_reconciler.h"
#include "operator/monitoring/region_patience.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using runtime::ReconcileResult;
using std::chrono::milliseconds;

constexpr milliseconds kAfterConflict{50};
/// How often a region that could not be reached is tried while a deletion waits for it.
constexpr milliseconds kTryAgain{2'000};

bool is_forced(const api::ScaleTarget& target) { return target.meta.annotations.contains(api::kForceDeleteAnnotation); }

/// Whether an object may still be as Headroom left it, as far as the status knows.
bool may_hold(const api::ScaleTarget& target) {
  if (target.spec.engine.type == api::EngineType::Advise) return false;
  return target.status.in_force.has_value() || target.spec.engine.owns_autoscaler();
}

std::string obstacle_text(const EngineView& view) {
  return view.obstacles.empty() ? "its size is contested" : view.obstacles.front().message;
}

}  // namespace

TargetReconciler::Interruption TargetReconciler::add_finalizer(const api::ScaleTarget& target,
                                                               const std::stop_token& stop) {
  if (target.meta.has_finalizer(api::kFinalizer) || target.spec.engine.type == api::EngineType::Advise) {
    return std::nullopt;
  }
  // The cache may not show it yet.
  if (world_.records.get(target).finalized_over == target.meta.resource_version) return std::nullopt;
  const json patch = finalizer_patch(target.meta, true, target.meta.resource_version);
  const Deadline deadline(monitoring::kRegionPatience, stop);
  const Result<json> added =
      world_.home->patch(kube::types::kScaleTarget, target.meta.key(), kube::PatchType::Merge, patch, deadline.token());
  if (added) {
    world_.records.update(target, [&](TargetRecord& record) {
      record.finalized_over = target.meta.resource_version;
      record.stored.landed(std::make_shared<const api::ScaleTargetStatus>(target.status), target.meta.resource_version,
                           version_of(added.value()));
      record.stored_at = world_.clock.steady_now();
    });
    return std::nullopt;
  }
  const ErrorCode code = added.error().code;
  if (code == ErrorCode::Conflict || code == ErrorCode::NotFound)
    return ReconcileResult{.requeue_after = kAfterConflict};
  const Error error =
      with_context(deadline.judge(added.error()), "adding the finalizer, without which nothing is changed");
  world_.records.update(target, [&](TargetRecord& record) { record.write_problem = error.message; });
  return error;
}

Result<ReconcileResult> TargetReconciler::remove_finalizer(const api::ScaleTarget& target,
                                                           const std::stop_token& stop) {
  const json patch = finalizer_patch(target.meta, false, target.meta.resource_version);
  const Deadline deadline(monitoring::kRegionPatience, stop);
  const Result<json> removed =
      world_.home->patch(kube::types::kScaleTarget, target.meta.key(), kube::PatchType::Merge, patch, deadline.token());
  if (removed || removed.error().code == ErrorCode::NotFound) return ReconcileResult{};
  if (removed.error().code == ErrorCode::Conflict) return ReconcileResult{.requeue_after = kAfterConflict};
  return with_context(deadline.judge(removed.error()), "removing the finalizer");
}

Result<ReconcileResult> TargetReconciler::remove(const api::ScaleTarget& target, const std::string& reconcile_id,
                                                 const std::stop_token& stop) {
  if (!target.meta.has_finalizer(api::kFinalizer)) return ReconcileResult{};
  Gathered gathered = gather(target);
  gathered.decision = nullptr;  // whatever is planned, it goes
  if (!gathered.region_problem.empty()) {
    if (!may_hold(gathered.target)) return remove_finalizer(target, stop);
    return give_up_or_wait(gathered, gathered.region_problem, stop);
  }
  OperatorOptions options = world_.options;
  if (is_forced(target)) options.max_return_patience = absl::ZeroDuration();
  const Convergence convergence = release(gathered.target, gathered.view, world_.clock.wall_now(), options);
  if (auto interruption = send(gathered, convergence, reconcile_id, stop)) {
    queue_status(target);
    if (interruption->has_value() || interruption->error().code == ErrorCode::Cancelled)
      return *std::move(interruption);
    Result<ReconcileResult> verdict = give_up_or_wait(gathered, interruption->error().message, stop);
    // While there is patience left, the error counts, so that it is retried with back-off.
    const bool waits = verdict.has_value() && verdict.value().requeue_after;
    return waits ? *std::move(interruption) : std::move(verdict);
  }
  if (convergence.restored && !convergence.look_again) return remove_finalizer(target, stop);
  queue_status(target);
  if (convergence.look_again) {
    const auto delay = absl::ToChronoMilliseconds(*convergence.look_again + absl::Milliseconds(1));
    return ReconcileResult{.requeue_after = std::max(milliseconds(1), delay)};
  }
  // What was written comes back with the watch and is looked at then.
  if (!convergence.writes.empty()) return ReconcileResult{.requeue_after = kTryAgain};
  return give_up_or_wait(gathered, obstacle_text(gathered.view), stop);
}

Result<ReconcileResult> TargetReconciler::give_up_or_wait(const Gathered& gathered, const std::string& why,
                                                          const std::stop_token& stop) {
  const api::ScaleTarget& target = gathered.target;
  const absl::Time now = world_.clock.wall_now();
  const absl::Time until = target.meta.deleted.value_or(now) + world_.options.finalizer_patience;
  if (now < until && !is_forced(target)) {
    queue_status(target);
    const auto left = absl::ToChronoMilliseconds(until - now + absl::Milliseconds(1));
    return ReconcileResult{.requeue_after = std::min(kTryAgain, left)};
  }
  log::warning(
      "a ScaleTarget goes without having been put back",
      {{"object", "ScaleTarget/" + target.meta.key().to_string()}, {"region", target.spec.region}, {"reason", why}});
  emit(target, {abandoned_event(target, gathered.view, why)});
  return remove_finalizer(target, stop);
}

void TargetReconciler::consume_approval(const api::ScaleTarget& target, const std::stop_token& stop) {
  const auto approval = target.meta.annotations.find(api::kApproveScaleDownAnnotation);
  if (approval == target.meta.annotations.end()) return;
  // It was given for this descent; the next festival's needs its own. One that somebody gives right now stays.
  const std::string path =
      absl::StrCat("/metadata/annotations/", absl::StrReplaceAll(approval->first, {{"~", "~0"}, {"/", "~1"}}));
  const json patch =
      json::array({{{"op", "test"}, {"path", path}, {"value", approval->second}}, {{"op", "remove"}, {"path", path}}});
  const Deadline deadline(monitoring::kRegionPatience, stop);
  const Result<json> removed =
      world_.home->patch(kube::types::kScaleTarget, target.meta.key(), kube::PatchType::Json, patch, deadline.token());
  if (removed || removed.error().code == ErrorCode::NotFound) return;
  log::warning("an approval that has been used could not be removed",
               {{"object", "ScaleTarget/" + target.meta.key().to_string()}, {"error", removed.error().message}});
}

}  // namespace headroom::controllers
