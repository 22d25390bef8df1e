#include "operator/controllers/schedule_reconciler.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "operator/base/backoff.h"
#include "operator/base/duration.h"
#include "operator/base/log.h"
#include "operator/controllers/field_path.h"
#include "operator/controllers/finalizer_patch.h"
#include "operator/controllers/schedule_status.h"
#include "operator/controllers/schedule_switching.h"
#include "operator/runtime/merge_patch.h"
#include "operator/runtime/stored_status.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kPlanPending{100}, kPlanOverdue{2'000}, kResync{600'000}, kSwitchesSet{60'000},
    kReleasing{2'000}, kAfterConflict{50};
constexpr Backoff kSwitchRetry{milliseconds(1'000), 2, milliseconds(30'000), 0.2};

runtime::EventSubject subject_of(const api::FestivalSchedule& schedule) {
  return {absl::StrCat(api::kGroup, "/", api::kVersion), "FestivalSchedule", schedule.meta.key(), schedule.meta.uid};
}

/// To wait as long again as has been waited doubles each wait, however many passes others cause in between.
milliseconds until_switched_again(SteadyTime::duration pending, const std::string& uid) {
  const auto waits = std::chrono::duration<double>(pending) / kSwitchRetry.initial;
  return kSwitchRetry.delay(static_cast<int>(std::log2(1 + waits)), std::hash<std::string>{}(uid));
}

/// Somebody else wrote the schedule, or the cache is behind: both pass, and are no failures.
Result<runtime::ReconcileResult> after_failure(const Error& error) {
  if (error.code == ErrorCode::Conflict) return runtime::ReconcileResult{.requeue_after = kAfterConflict};
  return error;
}

}  // namespace

struct ScheduleReconciler::Impl {
  Impl(World& world_in, Notifier& notifier_in, std::function<void()> replan_in)
      : world(world_in), notifier(notifier_in), replan(std::move(replan_in)), switching(world_in) {}

  /// What this process knows of a schedule beyond its spec; one worker at a time.
  struct Memory {
    std::string uid;
    api::FestivalScheduleStatus status;  ///< as it should be stored
    runtime::StoredStatus<json> stored;
    std::optional<absl::Time> looked_until;
    bool finalizer_taken = false;  ///< also while the cache does not show it yet
    std::optional<SteadyTime> pending_since, switches_pending_since, releasing_since;
    std::vector<std::string> left_alone;
  };

  World& world;
  Notifier& notifier;
  const std::function<void()> replan;
  ScheduleSwitching switching;
  std::mutex mutex;
  std::map<api::ObjectKey, std::shared_ptr<Memory>> memories;  // guarded by mutex

  std::shared_ptr<Memory> memory_of(const api::FestivalSchedule& schedule);
  void forget(const api::ObjectKey& key);
  Status take_finalizer(const api::FestivalSchedule& schedule, Memory& memory, const std::stop_token& stop);
  std::vector<api::StartedLead> started_leads(const api::FestivalSchedule& schedule, const PlanSnapshot& plan,
                                              const std::vector<api::StartedLead>& known);
  ScheduleSwitching::Outcome settle_switches(const api::FestivalSchedule& schedule, Memory& memory,
                                             const PlanSnapshot* plan, absl::Time now, const std::stop_token& stop);
  void tell(const api::FestivalSchedule& schedule, const api::FestivalScheduleStatus& before,
            const ScheduleReport& report, const plan::CompiledSchedule* compiled, absl::Time now);
  Status write_status(const api::FestivalSchedule& schedule, Memory& memory, const std::stop_token& stop);
  Result<runtime::ReconcileResult> keep(const api::FestivalSchedule& schedule, const std::stop_token& stop);
  Result<runtime::ReconcileResult> release(const api::FestivalSchedule& schedule, const std::stop_token& stop);
  std::vector<std::string> overridden_targets(const api::FestivalSchedule& schedule);
};

std::shared_ptr<ScheduleReconciler::Impl::Memory> ScheduleReconciler::Impl::memory_of(
    const api::FestivalSchedule& schedule) {
  const std::lock_guard lock(mutex);
  std::shared_ptr<Memory>& memory = memories[schedule.meta.key()];
  if (!memory || memory->uid != schedule.meta.uid) {
    memory = std::make_shared<Memory>();
    memory->uid = schedule.meta.uid;
    memory->status = schedule.status;
  }
  return memory;
}

void ScheduleReconciler::Impl::forget(const api::ObjectKey& key) {
  notifier.set_active(key.to_string(), {});
  switching.forget(key);
  const std::lock_guard lock(mutex);
  memories.erase(key);
}

Status ScheduleReconciler::Impl::take_finalizer(const api::FestivalSchedule& schedule, Memory& memory,
                                                const std::stop_token& stop) {
  if (memory.finalizer_taken || schedule.meta.has_finalizer(api::kFinalizer)) return ok();
  const std::string& version = schedule.meta.resource_version;
  const auto patched = world.home->patch(kube::types::kFestivalSchedule, schedule.meta.key(), kube::PatchType::Merge,
                                         finalizer_patch(schedule.meta, true, version), stop);
  if (!patched) return patched.error();
  memory.finalizer_taken = true;
  memory.stored.landed(std::make_shared<const json>(api::to_json(schedule.status)), version,
                       version_of(patched.value()));
  return ok();
}

std::vector<api::StartedLead> ScheduleReconciler::Impl::started_leads(const api::FestivalSchedule& schedule,
                                                                      const PlanSnapshot& plan,
                                                                      const std::vector<api::StartedLead>& known) {
  std::vector<api::StartedLead> leads = known;
  const std::string name = schedule.meta.key().to_string();
  const auto take = [&](const std::vector<api::StartedLead>& from) {
    std::ranges::copy_if(from, std::back_inserter(leads),
                         [&](const api::StartedLead& lead) { return lead.schedule == name; });
  };
  for (std::size_t i = 0; i < plan.result.decisions.size(); ++i) {
    const plan::Decision& decision = plan.result.decisions[i];
    take(decision.leads_begun);
    const bool leads_here = std::ranges::any_of(decision.contributions, [&](const plan::Contribution& contribution) {
      return contribution.leading && contribution.schedule == schedule.meta.key();
    });
    if (!leads_here) continue;
    // Asked with the object as it is now: a record is that of one uid.
    if (const auto target = world.targets->get(decision.target)) {
      world.records.update(*target, [&](const TargetRecord& record) { take(record.status.started_leads); });
    }
  }
  return leads;
}

ScheduleSwitching::Outcome ScheduleReconciler::Impl::settle_switches(const api::FestivalSchedule& schedule,
                                                                     Memory& memory, const PlanSnapshot* plan,
                                                                     absl::Time now, const std::stop_token& stop) {
  ScheduleSwitching::Outcome outcome = switching.settle(schedule, memory.status.switches, plan, now, stop);
  for (const std::string& key : outcome.left_alone) {
    if (std::ranges::find(memory.left_alone, key) != memory.left_alone.end()) continue;
    world.events.record(subject_of(schedule),
                        {runtime::EventText::Type::Warning, "SwitchContested", "Switch",
                         absl::StrCat(key, " was changed by somebody else and is left alone for this phase")});
  }
  memory.left_alone = outcome.left_alone;
  return outcome;
}

void ScheduleReconciler::Impl::tell(const api::FestivalSchedule& schedule, const api::FestivalScheduleStatus& before,
                                    const ScheduleReport& report, const plan::CompiledSchedule* compiled,
                                    absl::Time now) {
  for (const runtime::EventText& event : schedule_events(before, report)) {
    world.events.record(subject_of(schedule), event);
  }
  for (const plan::Transition& boundary : report.passed) {
    world.metrics.observe("headroom_boundary_late_seconds",
                          "From a boundary of a FestivalSchedule to the moment it was carried out.", {},
                          absl::ToDoubleSeconds(now - boundary.at));
  }
  if (report.newly_missed > 0) {
    world.metrics.add("headroom_boundaries_missed_total",
                      "Boundaries of FestivalSchedules that passed while no operator was awake.", {},
                      static_cast<double>(report.newly_missed));
  }
  if (compiled != nullptr) {
    notifier.set_active(schedule.meta.key().to_string(), schedule_alerts(schedule, *compiled, report.status, now));
  }
}

Status ScheduleReconciler::Impl::write_status(const api::FestivalSchedule& schedule, Memory& memory,
                                              const std::stop_token& stop) {
  json status = api::to_json(memory.status);
  memory.stored.shown(schedule.meta.resource_version);
  const auto patch = runtime::status_patch_between(memory.stored.base(api::to_json(schedule.status)), status);
  if (!patch) return ok();
  const std::string version = memory.stored.version(schedule.meta.resource_version);
  const auto stored = world.home->patch(kube::types::kFestivalSchedule, schedule.meta.key(), kube::PatchType::Merge,
                                        {{"metadata", {{"resourceVersion", version}}}, {"status", *patch}}, stop,
                                        {.dry_run = false, .force = false, .subresource = "status"});
  if (!stored && stored.error().code == ErrorCode::Conflict) memory.stored.forget();
  if (!stored) return stored.error().code == ErrorCode::NotFound ? ok() : Status(stored.error());
  memory.stored.landed(std::make_shared<const json>(std::move(status)), version, version_of(stored.value()));
  return ok();
}

Result<runtime::ReconcileResult> ScheduleReconciler::Impl::keep(const api::FestivalSchedule& schedule,
                                                                const std::stop_token& stop) {
  const std::shared_ptr<Memory> memory = memory_of(schedule);
  BOOST_OUTCOME_TRYV(take_finalizer(schedule, *memory, stop));
  const auto plan = world.plan();
  const absl::Time now = world.clock.wall_now();

  ScheduleFacts facts{.schedule = schedule};
  facts.plan = plan.get();
  if (plan) {
    const auto it = plan->schedules.find(schedule.meta.key());
    const bool current =
        it != plan->schedules.end() &&
        (!it->second.problem.empty() || (it->second.compiled && it->second.compiled->spec == schedule.spec));
    if (current) facts.compilation = &it->second;
  }
  const plan::CompiledSchedule* compiled = facts.compilation == nullptr ? nullptr : facts.compilation->compiled.get();
  facts.looked_until = memory->looked_until;
  ScheduleSwitching::Outcome switches;
  if (facts.compilation != nullptr) {
    switches = settle_switches(schedule, *memory, plan.get(), now, stop);
    facts.switches = switches.held;
    facts.switch_problems = switches.problems;
    facts.unknown_receivers = unknown_receivers(schedule.spec, world.options.receivers);
    facts.started_leads = started_leads(schedule, *plan, memory->status.started_leads);
    if (const auto it = plan->lead_starts.find(schedule.meta.key()); it != plan->lead_starts.end()) {
      facts.lead_starts = it->second;
      std::erase_if(facts.lead_starts, [&](const api::TransitionStatus& start) { return start.at <= now; });
    }
    memory->pending_since.reset();
  } else {
    // A plan is mostly milliseconds away; a status that says so is for when it is not, and for new objects.
    const SteadyTime steady = world.clock.steady_now();
    if (!memory->pending_since) memory->pending_since = steady;
    const bool is_new = schedule.status.conditions.empty();
    if (!is_new && steady - *memory->pending_since < kPlanOverdue) {
      return runtime::ReconcileResult{.requeue_after = kPlanPending};
    }
    facts.switches = memory->status.switches;
  }

  const api::FestivalScheduleStatus before = memory->status;
  ScheduleReport report = schedule_report(facts, before, now);
  memory->status = report.status;
  if (facts.compilation != nullptr) {
    if (compiled != nullptr) memory->looked_until = now;
    tell(schedule, before, report, compiled, now);
  }
  if (const Status written = write_status(schedule, *memory, stop); !written) return after_failure(written.error());

  milliseconds again = kResync;
  if (facts.compilation == nullptr) again = kPlanOverdue;
  if (!report.status.switches.empty()) again = std::min(again, kSwitchesSet);
  if (facts.switch_problems.empty()) {
    memory->switches_pending_since.reset();
  } else {
    const SteadyTime steady = world.clock.steady_now();
    if (!memory->switches_pending_since) memory->switches_pending_since = steady;
    again = std::min(again, until_switched_again(steady - *memory->switches_pending_since, memory->uid));
  }
  if (!report.status.next.empty()) {
    const auto until = absl::ToChronoMilliseconds(report.status.next.front().at - now) + milliseconds(1);
    again = std::clamp(until, milliseconds(1), again);
  }
  return runtime::ReconcileResult{.requeue_after = again};
}

/// Targets that still stand at a size this schedule has decided.
std::vector<std::string> ScheduleReconciler::Impl::overridden_targets(const api::FestivalSchedule& schedule) {
  std::vector<std::string> left;
  const std::string name = schedule.meta.key().to_string();
  for (const auto& target : world.targets->list()) {
    if (target->meta.ns != schedule.meta.ns) continue;
    const bool held = world.records.update(*target, [&](const TargetRecord& record) {
      return record.status.in_force && plan::schedule_in_decided_by(record.status.decided_by, target->meta.ns) == name;
    });
    if (held) left.push_back(target->meta.name);
  }
  return left;
}

Result<runtime::ReconcileResult> ScheduleReconciler::Impl::release(const api::FestivalSchedule& schedule,
                                                                   const std::stop_token& stop) {
  notifier.set_active(schedule.meta.key().to_string(), {});
  if (!schedule.meta.has_finalizer(api::kFinalizer)) return runtime::ReconcileResult{};
  const std::shared_ptr<Memory> memory = memory_of(schedule);
  const SteadyTime now = world.clock.steady_now();
  if (!memory->releasing_since) {
    memory->releasing_since = now;
    replan();
  }
  const auto plan = world.plan();
  const ScheduleSwitching::Outcome switches =
      settle_switches(schedule, *memory, plan.get(), world.clock.wall_now(), stop);
  memory->status.switches = switches.held;

  std::vector<std::string> left = switches.problems;
  if (!plan || plan->schedules.contains(schedule.meta.key())) {
    left.emplace_back("no plan without this schedule yet");
  } else if (const auto targets = overridden_targets(schedule); !targets.empty()) {
    left.push_back(absl::StrCat("not back at their own size: ", absl::StrJoin(targets, ", ")));
  }
  const bool forced = schedule.meta.annotations.contains(api::kForceDeleteAnnotation);
  const bool patience_over = absl::FromChrono(now - *memory->releasing_since) >= world.options.finalizer_patience;
  if (!left.empty() && !forced && !patience_over) {
    if (const Status written = write_status(schedule, *memory, stop); !written) return after_failure(written.error());
    return runtime::ReconcileResult{.requeue_after = kReleasing};
  }
  if (!left.empty()) {
    world.events.record(subject_of(schedule),
                        {runtime::EventText::Type::Warning, "RestoreIncomplete", "Restore",
                         absl::StrCat(forced ? "told to let go" : "waited long enough",
                                      ", and this is not put back: ", absl::StrJoin(left, "; "))});
    log::warning("schedule let go before everything was put back",
                 {{"object", absl::StrCat("FestivalSchedule/", schedule.meta.key().to_string())},
                  {"left", absl::StrJoin(left, "; ")}});
  }
  const auto patched = world.home->patch(kube::types::kFestivalSchedule, schedule.meta.key(), kube::PatchType::Merge,
                                         finalizer_patch(schedule.meta, false, schedule.meta.resource_version), stop);
  if (!patched && patched.error().code != ErrorCode::NotFound) return patched.error();
  return runtime::ReconcileResult{};
}

ScheduleReconciler::ScheduleReconciler(World& world, Notifier& notifier, std::function<void()> replan)
    : impl_(std::make_unique<Impl>(world, notifier, std::move(replan))) {}

ScheduleReconciler::~ScheduleReconciler() = default;

Result<runtime::ReconcileResult> ScheduleReconciler::reconcile(const runtime::WorkKey& key,
                                                               const std::string& /*reconcile_id*/,
                                                               const std::stop_token& stop) {
  const auto schedule = impl_->world.schedules->get(key.object);
  if (!schedule) {
    impl_->forget(key.object);
    return runtime::ReconcileResult{};
  }
  return schedule->meta.deleted ? impl_->release(*schedule, stop) : impl_->keep(*schedule, stop);
}

}  // namespace headroom::controllers
