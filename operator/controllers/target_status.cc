#include "operator/controllers/target_status.h"

#include <algorithm>

#include "operator/controllers/engine_objects.h"
#include "operator/controllers/target_conditions.h"
#include "operator/plan/baseline.h"
#include "operator/plan/readiness.h"

namespace headroom::controllers {
namespace {

// The schema's bounds; see crds/headroom.dev_scaletargets.yaml.
constexpr std::size_t kMostReasons = 100, kLongestText = 4096, kLongestName = 1024;

void update_replicas(api::ScaleTargetStatus& status, const EngineView& view) {
  const bool gone = view.obstacle("TargetNotFound") != nullptr;
  if (view.current || gone) status.current = view.current;
  if (view.ready || gone) status.ready = view.ready;
  if (!view.selector.empty()) status.selector = view.selector;
}

void update_bounds(api::ScaleTargetStatus& status, const StatusInput& input) {
  if (!input.view.known || !input.view.exists) return;
  using api::EngineType;
  const EngineType engine = input.target.spec.engine.type;
  const bool bounded = engine == EngineType::HorizontalPodAutoscaler || engine == EngineType::ScaledObject;
  // While held, what was written: a foreign edit is the contest's business.
  const Ownership& ownership = input.view.ownership;
  const Size& size = ownership.held ? ownership.written : input.view.size.now;
  status.bounds_min = size.min.value_or(kKedaMin);
  status.bounds_max = bounded ? size.max.value_or(kKedaMax) : *status.bounds_min;
}

void update_in_force(api::ScaleTargetStatus& status, const StatusInput& input, absl::Time now) {
  if (input.target.spec.engine.type == api::EngineType::Advise) {
    if (input.decision == nullptr || input.decision->reasons.empty()) return;
    const auto advised = input.decision->active ? std::optional(input.decision->size) : std::nullopt;
    if (advised != status.in_force) status.in_force_since = now;
    status.in_force = advised;
    if (!advised) status.in_force_since.reset();
    return;
  }
  if (!input.view.known || !input.view.exists) return;
  const Ownership& ownership = input.view.ownership;
  const bool nothing_due = input.decision != nullptr && !input.decision->reasons.empty() && !input.decision->active;
  if (nothing_due && !input.view.size.annotation && input.view.size.now == ownership.original) {
    // Put back, though the last answer may have been lost: what this status still says is no evidence against it.
    status.in_force.reset();
    status.in_force_since.reset();
    return;
  }
  const bool landed = input.view.size.now.min == ownership.written.min;
  // The annotation announces a size before /scale gets it: until then what stood before is in force, or the announced
  // one would make the former look like somebody's edit.
  if (ownership.held && !landed && !ownership.foreign_edit) return;
  status.in_force = ownership.held ? ownership.written.min : std::nullopt;
  status.in_force_since = status.in_force ? std::optional(ownership.written_at) : std::nullopt;
}

void update_decision(api::ScaleTargetStatus& status, const plan::Decision& decision) {
  if (decision.reasons.empty()) return;  // made without having seen the object
  status.desired = decision.size;
  status.decided_by = decision.decided_by.substr(0, kLongestName);
  status.explanation = decision.reasons;
  if (status.explanation.size() > kMostReasons) status.explanation.resize(kMostReasons);
  for (api::Reason& reason : status.explanation) {
    if (reason.text.size() > kLongestText) reason.text.resize(kLongestText);
    if (reason.source.size() > kLongestName) reason.source.resize(kLongestName);
  }
  status.next_transition = decision.next_transition;
}

std::optional<int> baseline_of(const api::ScaleTarget& target, const api::ScaleTargetStatus& status) {
  const api::TargetReplicas& replicas = target.spec.replicas;
  if (replicas.baseline) return replicas.baseline;
  if (replicas.learn) {
    if (const auto learned = plan::learned_baseline(status.samples, *replicas.learn)) return learned->size;
  }
  return status.originals ? std::optional(status.originals->min) : std::nullopt;
}

}  // namespace

bool learn_warm_up(TargetRecord& record, const api::ScaleTarget& target, const EngineView& view, absl::Time now) {
  if (!record.pending || !view.ready || *view.ready < record.pending->to) return false;
  const int step = record.pending->to - record.pending->from;
  if (target.spec.warm_up.learn && step > 0) {
    plan::record_warm_up(record.status.warm_up, step, now - record.pending->patched_at);
  }
  record.pending.reset();
  return true;
}

void update_status(TargetRecord& record, const StatusInput& input, absl::Time now) {
  api::ScaleTargetStatus& status = record.status;
  status.observed_generation = input.target.meta.generation;
  update_replicas(status, input.view);
  if (input.view.known) status.originals = originals_of(input.target, input.view);
  update_bounds(status, input);
  update_in_force(status, input, now);
  if (input.decision != nullptr) update_decision(status, *input.decision);
  if (input.target.spec.engine.type == api::EngineType::Advise && status.desired) {
    status.bounds_min = status.bounds_max = status.desired;
  }
  status.baseline = baseline_of(input.target, status);
  status.approved_size = approved_scale_down(input.target);
  // A contest counts once what it made us write has landed, which is when nothing is left to write.
  if (input.convergence != nullptr && input.view.known && input.convergence->writes.empty()) {
    status.contest = input.convergence->contest;
  }
  learn_warm_up(record, input.target, input.view, now);
  update_conditions(record, input, now);
}

bool differs_in_substance(const api::ScaleTargetStatus& a, const api::ScaleTargetStatus& b) {
  const auto without_noise = [](api::ScaleTargetStatus status) {
    status.current.reset();
    status.ready.reset();
    status.warm_up.clear();
    status.samples = {};
    status.rules.entries.clear();
    for (api::Condition& condition : status.conditions) {
      condition.message.clear();
      condition.last_transition = absl::UnixEpoch();
    }
    std::erase_if(status.conditions, [](const api::Condition& condition) {
      return condition.type == "Ready" || condition.type == "Reconciling";
    });
    return status;
  };
  return !(without_noise(a) == without_noise(b));
}

}  // namespace headroom::controllers
