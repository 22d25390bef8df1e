#include "operator/controllers/target_reconciler.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/deadline.h"
#include "operator/base/log.h"
#include "operator/controllers/field_path.h"
#include "operator/controllers/region_access.h"
#include "operator/controllers/target_events.h"
#include "operator/controllers/target_status.h"
#include "operator/monitoring/region_patience.h"
#include "operator/runtime/merge_patch.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using runtime::ReconcileResult;
using std::chrono::milliseconds;

/// After a Conflict: by then the watch has usually brought what we had not seen.
constexpr milliseconds kAfterConflict{50};
/// While a region's share of workers is in use.
constexpr milliseconds kGateFull{25};
/// While caches fill or a plan is due; both wake the target by themselves, unless its object does not exist.
constexpr milliseconds kNotKnownYet{1'000};
constexpr milliseconds kRegionAway{10'000};
/// Kinds are looked for this often; see WorkloadCaches.
constexpr milliseconds kKindMissing{30'000};
/// How long a cache may lag behind our own write before it is believed again.
constexpr milliseconds kCacheLag{30'000};
/// At most one status write a second for what moves by itself.
constexpr milliseconds kStatusInterval{1'000};
/// Rules keep their clocks and learning its samples in the status; so often they are stored without another reason.
constexpr milliseconds kProgressInterval{60'000};

ReconcileResult again_in(milliseconds delay) { return ReconcileResult{.requeue_after = delay}; }

milliseconds to_delay(absl::Duration duration) {
  return std::max(milliseconds(1), absl::ToChronoMilliseconds(duration + absl::Milliseconds(1)));
}

/// When to look again at an object that cannot be sized. What appears, changes or is decided wakes the target by
/// itself.
std::optional<milliseconds> look_again_at(const EngineView& view, bool region_away) {
  if (region_away) return kRegionAway;
  if (view.known || view.obstacle("CacheNotSynced") != nullptr) return kNotKnownYet;
  if (view.obstacle("KindNotServed") != nullptr || view.obstacle("NoScaleSubresource") != nullptr) return kKindMissing;
  return std::nullopt;
}

std::string object_text(const api::ScaleTarget& target) { return "ScaleTarget/" + target.meta.key().to_string(); }

bool is_silence(ErrorCode code) { return code == ErrorCode::Timeout || code == ErrorCode::Unavailable; }

}  // namespace

TargetReconciler::TargetReconciler(World& world, std::function<void()> replan)
    : world_(world), replan_(std::move(replan)), gate_(std::max(world.options.target_workers, 1)) {}

void TargetReconciler::use_queue(runtime::WorkQueue& queue) { queue_ = &queue; }

Result<ReconcileResult> TargetReconciler::reconcile(const runtime::WorkKey& key, const std::string& reconcile_id,
                                                    const std::stop_token& stop) {
  const auto target = world_.targets->get(key.object);
  if (!target) {
    world_.records.forget(key.object);
    return ReconcileResult{};
  }
  if (key.kind == kStatusWork) return write_status(*target, stop);
  if (target->meta.deleted) return remove(*target, reconcile_id, stop);
  return scale(*target, reconcile_id, stop);
}

TargetReconciler::Gathered TargetReconciler::gather(const api::ScaleTarget& target) {
  Gathered gathered;
  gathered.target = target;
  const TargetRecord record = world_.records.get(target);
  gathered.target.status = record.status;
  gathered.refused = record.refusal.has_value();
  const std::optional<RegionLink> link = world_.links.get(target.spec.region);
  if (link) gathered.cluster = link->cluster;
  if (!gathered.cluster) {
    gathered.region_problem = unconnected_problem(world_, target.spec.region, link);
  } else if (const ClusterHealth health = gathered.cluster->health(); !health.reachable && !health.problem.empty()) {
    gathered.region_problem = absl::StrCat("region ", target.spec.region, " does not answer: ", health.problem);
  }
  EngineView& view = gathered.view = view_engine(gathered.target, gathered.cluster.get(), world_.options);
  if (view.claimed_by) {
    const auto claimant = world_.targets->get(*view.claimed_by);
    const bool gone = world_.targets->synced() && (!claimant || claimant->spec.region != target.spec.region);
    if (gone) take_over_orphan(view);
  }
  if (view.known && is_behind(view.resource_version, record.landed, world_.clock.steady_now())) {
    show_landed(gathered.target, record.landed->size, record.landed->record, record.landed->version, record.landed->uid,
                view);
  }
  gathered.plan = world_.plan();
  if (gathered.plan) gathered.decision = gathered.plan->decision(target.meta.key());
  return gathered;
}

void TargetReconciler::notice(const Gathered& gathered) {
  const api::ScaleTarget& target = gathered.target;
  const absl::Time now = world_.clock.wall_now();
  const bool news = world_.records.update(target, [&](TargetRecord& record) {
    bool changed = learn_warm_up(record, target, gathered.view, now);
    if (const auto approved = approved_scale_down(target); approved != record.status.approved_size) {
      record.status.approved_size = approved;
      changed = true;
    }
    if (gathered.view.known) {
      const api::Originals originals = originals_of(target, gathered.view);
      const bool another = record.status.originals && record.status.originals->uid != originals.uid;
      if (another && !gathered.view.ownership.held && target.spec.engine.type != api::EngineType::Advise) {
        // What was in force was so on the object before; beside this one's originals it would pass for an override.
        record.status.in_force.reset();
        record.status.in_force_since.reset();
        record.status.contest.reset();
      }
      changed = changed || record.status.originals != originals;
      record.status.originals = originals;
    }
    return changed;
  });
  // A plan made before the object was seen says nothing about it.
  const bool unplanned = gathered.view.known && (gathered.decision == nullptr || gathered.decision->reasons.empty());
  if (news || unplanned) replan_();
}

Result<ReconcileResult> TargetReconciler::scale(const api::ScaleTarget& target, const std::string& reconcile_id,
                                                const std::stop_token& stop) {
  Gathered gathered = gather(target);
  notice(gathered);
  if (!gathered.view.known || gathered.decision == nullptr) {
    queue_status(target);
    ReconcileResult result;
    result.requeue_after = look_again_at(gathered.view, !gathered.region_problem.empty());
    return result;
  }
  if (gathered.refused && !gathered.view.exists) {
    queue_status(target);  // no autoscaler of our own where the target may not be
    return ReconcileResult{};
  }
  if (auto interruption = add_finalizer(target, stop)) {
    queue_status(target);
    return *std::move(interruption);
  }
  const Convergence convergence =
      converge(gathered.target, gathered.view, *gathered.decision, world_.clock.wall_now(), world_.options);
  if (auto interruption = send(gathered, convergence, reconcile_id, stop)) {
    queue_status(target);
    return *std::move(interruption);
  }
  if (convergence.restored && !convergence.writes.empty()) consume_approval(target, stop);
  queue_status(target);
  if (gathered.decision->reasons.empty()) return again_in(kNotKnownYet);
  ReconcileResult result;
  if (convergence.look_again) result.requeue_after = to_delay(*convergence.look_again);
  return result;
}

TargetReconciler::Interruption TargetReconciler::send(Gathered& gathered, const Convergence& convergence,
                                                      const std::string& reconcile_id, const std::stop_token& stop) {
  const api::ScaleTarget& target = gathered.target;
  const std::string& region = target.spec.region;
  if (convergence.writes.empty()) {
    world_.records.update(target, [](TargetRecord& record) { record.write_problem.clear(); });
    return std::nullopt;
  }
  auto pass = gate_.enter(region, world_.clock.steady_now());
  if (!pass) return again_in(kGateFull);
  const Deadline deadline(monitoring::kRegionPatience, stop);
  SentWrites sent = send_writes(*gathered.cluster->client(), convergence.writes, gathered.view.type.kind,
                                gathered.view.key, deadline.token());
  if (sent.error) sent.error = deadline.judge(*std::move(sent.error));
  pass->answered(!sent.error || !is_silence(sent.error->code), world_.clock.steady_now());

  const runtime::Labels labels{{"region", region}, {"result", sent.error ? to_string(sent.error->code) : "Landed"}};
  world_.metrics.add("headroom_engine_writes_total", "Runs of writes that change a target's objects.", labels);
  if (!sent.error) {
    if (convergence.step_to) {
      log::info("size written", {{"object", object_text(target)},
                                 {"reconcileID", reconcile_id},
                                 {"region", region},
                                 {"written", gathered.view.type.kind + "/" + gathered.view.key.to_string()},
                                 {"from", std::to_string(*convergence.step_from)},
                                 {"to", std::to_string(*convergence.step_to)},
                                 {"decidedBy", gathered.decision ? gathered.decision->decided_by : "deletion"}});
    }
    keep_landed(gathered, convergence, sent);
    emit(target, events_of_writes(gathered.view, convergence, gathered.decision));
    const bool ramped = target.spec.ramp_up || target.spec.ramp_down || target.spec.role == api::Role::ReadReplica;
    if (convergence.step_to && ramped) replan_();
    return std::nullopt;
  }
  switch (sent.error->code) {
    case ErrorCode::Conflict:
    case ErrorCode::AlreadyExists:
    case ErrorCode::NotFound:
      return again_in(kAfterConflict);
    case ErrorCode::Cancelled:
      return *std::move(sent.error);
    default:
      world_.records.update(target, [&](TargetRecord& record) { record.write_problem = sent.error->message; });
      return *std::move(sent.error);
  }
}

void TargetReconciler::keep_landed(const Gathered& gathered, const Convergence& convergence, const SentWrites& sent) {
  const EngineView& view = gathered.view;
  const absl::Time now = world_.clock.wall_now();
  world_.records.update(gathered.target, [&](TargetRecord& record) {
    api::ScaleTargetStatus& status = record.status;
    record.write_problem.clear();
    status.contest = convergence.contest;
    status.in_force = convergence.in_force ? convergence.in_force->min : std::nullopt;
    status.in_force_since.reset();
    if (status.in_force) status.in_force_since = convergence.in_force_since;
    if (convergence.size.min) status.bounds_min = convergence.size.min;
    if (convergence.size.max) status.bounds_max = convergence.size.max;
    if (!sent.versions.empty()) {
      // The view itself may already have been ahead of the caches.
      const bool ahead = record.landed && record.landed->version == view.resource_version;
      LandedWrite landed;
      if (ahead) landed.older_versions = std::move(record.landed->older_versions);
      landed.older_versions.push_back(view.resource_version);
      landed.older_versions.insert(landed.older_versions.end(), sent.versions.begin(), sent.versions.end() - 1);
      landed.version = sent.versions.back();
      landed.uid = sent.uid.empty() ? view.size.uid : sent.uid;
      landed.size = convergence.size;
      landed.record = convergence.record;
      landed.until = world_.clock.steady_now() + kCacheLag;
      record.landed = std::move(landed);
    }
    if (convergence.step_to && *convergence.step_to < *convergence.step_from) record.pending.reset();
    if (convergence.step_to && *convergence.step_to > *convergence.step_from && !convergence.contest) {
      record.pending = PendingStep{*convergence.step_from, *convergence.step_to, now};
    }
  });
}

Result<ReconcileResult> TargetReconciler::write_status(const api::ScaleTarget& target, const std::stop_token& stop) {
  const Gathered gathered = gather(target);
  const absl::Time now = world_.clock.wall_now();
  std::optional<Convergence> convergence;
  if (target.meta.deleted) {
    convergence = release(gathered.target, gathered.view, now, world_.options);
  } else if (gathered.decision != nullptr && gathered.view.known) {
    convergence = converge(gathered.target, gathered.view, *gathered.decision, now, world_.options);
  }
  std::vector<api::Condition> conditions_before;
  const TargetRecord record = world_.records.update(target, [&](TargetRecord& kept) {
    conditions_before = kept.status.conditions;
    update_status(kept,
                  {.target = gathered.target,
                   .view = gathered.view,
                   .decision = gathered.decision,
                   .convergence = convergence ? &*convergence : nullptr,
                   .region_problem = gathered.region_problem,
                   .refusal = kept.refusal,
                   .write_problem = kept.write_problem,
                   .metrics_unavailable = !kept.metrics_problem.empty(),
                   .metrics_problem = kept.metrics_problem,
                   .follow_problem = gathered.plan ? follow_problem(target, *gathered.plan) : std::nullopt},
                  now);
    kept.stored.shown(target.meta.resource_version);
    return kept;
  });
  emit(target, events_of_conditions(conditions_before, record.status.conditions));

  ReconcileResult result;
  if (!target.spec.rules.empty() || target.spec.replicas.learn) result.requeue_after = kProgressInterval;
  const api::ScaleTargetStatus& before = record.stored.base(target.status);
  const auto patch = runtime::status_patch_between(api::to_json(before), api::to_json(record.status));
  if (!patch) return result;
  const SteadyTime steady = world_.clock.steady_now();
  const auto since = steady - record.stored_at;
  if (since < kStatusInterval && !differs_in_substance(before, record.status)) {
    return again_in(std::chrono::duration_cast<milliseconds>(kStatusInterval - since) + milliseconds(1));
  }
  const std::string& version = record.stored.version(target.meta.resource_version);
  const Deadline deadline(monitoring::kRegionPatience, stop);
  kube::WriteOptions options;
  options.subresource = "status";
  const Result<json> answer =
      world_.home->patch(kube::types::kScaleTarget, target.meta.key(), kube::PatchType::Merge,
                         {{"metadata", {{"resourceVersion", version}}}, {"status", *patch}}, deadline.token(), options);
  if (!answer) {
    if (answer.error().code == ErrorCode::NotFound) return ReconcileResult{};
    if (answer.error().code != ErrorCode::Conflict) return deadline.judge(answer.error());
    // Somebody else wrote it, or the cache is behind: what that shows next is what the difference is made from.
    world_.records.update(target, [](TargetRecord& kept) { kept.stored.forget(); });
    return again_in(kAfterConflict);
  }
  world_.records.update(target, [&](TargetRecord& kept) {
    kept.stored.landed(std::make_shared<const api::ScaleTargetStatus>(record.status), version,
                       version_of(answer.value()));
    kept.stored_at = steady;
  });
  // The watch may have been faster than the answer.
  if (const auto cached = world_.targets->get(target.meta.key())) world_.records.shown(cached->meta);
  return result;
}

void TargetReconciler::emit(const api::ScaleTarget& target, const std::vector<runtime::EventText>& events) {
  for (const runtime::EventText& event : events) world_.events.record(event_subject(target), event);
}

void TargetReconciler::queue_status(const api::ScaleTarget& target) {
  if (queue_ != nullptr) queue_->add({kStatusWork, target.meta.key()}, runtime::Priority::Low);
}

}  // namespace headroom::controllers
