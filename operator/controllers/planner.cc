#include "operator/controllers/planner.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_set>

#include "operator/base/log.h"
#include "operator/base/time_zone.h"
#include "operator/controllers/engine.h"
#include "operator/controllers/follow_problem.h"
#include "operator/controllers/known_view.h"
#include "operator/controllers/lead_starts.h"
#include "operator/controllers/living_leads.h"
#include "operator/controllers/region_access.h"
#include "operator/controllers/schedule_compiler.h"
#include "operator/controllers/schedule_status.h"
#include "operator/controllers/target_queries.h"
#include "operator/plan/baseline.h"
#include "operator/plan/rules.h"

namespace headroom::controllers {
namespace {

/// Caches may miss what no watch tells (a zone file, a rule's cool-down); a plan is never older than this.
constexpr absl::Duration kLongestSilence = absl::Minutes(10);
/// Changes that arrive together (a relist, a thousand readiness updates) share one plan.
constexpr std::chrono::milliseconds kDebounce{5}, kSwarmDebounce{200};
/// Plans that nobody waits for leave the processor to what goes on: before one passes this many times what the last
/// took, more when that one changed sizes, which are being written now.
constexpr int kRest = 9, kRestWhileWriting = 99;
constexpr std::chrono::seconds kLongestRest{2};
/// How often an unfilled cache is looked at.
constexpr std::chrono::milliseconds kCacheLook{10};
/// How far ahead risks are looked for; see planning.md.
constexpr absl::Duration kRiskHorizon = absl::Hours(24);
/// Lead starts are forecast for so many coming phases of a schedule.
constexpr int kPhasesAhead = 5;
/// Risks lean on quota and node figures that move slowly; they are not judged anew with every readiness update. A plan
/// that changes sizes goes out first, unless plans have done nothing else for the longer time.
constexpr absl::Duration kRiskInterval = absl::Seconds(5), kRiskPatience = absl::Seconds(15);

bool same_decision(const plan::Decision& a, const plan::Decision& b) {
  return a.active == b.active && a.frozen == b.frozen && a.size == b.size && a.min == b.min && a.max == b.max &&
         a.capped_by_max == b.capped_by_max && a.capped_by_region == b.capped_by_region &&
         a.awaiting_approval == b.awaiting_approval && a.baseline_zero == b.baseline_zero &&
         a.decided_by == b.decided_by && a.reasons == b.reasons;
}

bool same_risks(const std::vector<plan::Risk>& a, const std::vector<plan::Risk>& b) {
  return std::ranges::equal(a, b, [](const plan::Risk& x, const plan::Risk& y) {
    return x.target == y.target && x.schedule == y.schedule && x.occurrence == y.occurrence && x.phase == y.phase &&
           x.reason == y.reason && x.message == y.message;
  });
}

/// Enters the objects whose changes concern a target.
void index_objects(const api::ScaleTarget& target, std::size_t position, const EngineView& view, ObjectIndex& index) {
  index.add({target.meta.ns, target.spec.target_ref.name}, position);
  if (view.known && view.key.name != target.spec.target_ref.name) index.add(view.key, position);
}

/// Targets whose decision is new or differs from the one before.
std::vector<api::ObjectKey> changed_decisions(const PlanSnapshot* before, const PlanSnapshot& after) {
  std::vector<api::ObjectKey> changed;
  for (std::size_t i = 0; i < after.targets.size(); ++i) {
    const plan::Decision& decision = after.result.decisions[i];
    const plan::Decision* former = before ? before->decision(decision.target) : nullptr;
    const bool same = former && same_decision(*former, decision) &&
                      follow_problem(*after.targets[i], *before) == follow_problem(*after.targets[i], after);
    if (!same) changed.push_back(decision.target);
  }
  return changed;
}

std::vector<api::TransitionStatus> lead_starts_of(const PlanSnapshot* plan, const api::ObjectKey& schedule) {
  if (plan == nullptr) return {};
  const auto it = plan->lead_starts.find(schedule);
  return it == plan->lead_starts.end() ? std::vector<api::TransitionStatus>() : it->second;
}

void earlier(std::optional<absl::Time>& earliest, std::optional<absl::Time> candidate) {
  if (candidate && (!earliest || *candidate < *earliest)) earliest = candidate;
}

}  // namespace

struct Planner::Impl {
  Impl(World& world_in, PlannerSources sources_in, PlannerListeners listeners_in)
      : world(world_in), sources(sources_in), listeners(std::move(listeners_in)), compiler(sources_in.calendars) {}

  World& world;
  PlannerSources sources;
  PlannerListeners listeners;

  // The planner's thread only.
  ScheduleCompiler compiler;
  std::map<api::ObjectKey, std::string> schedule_faces;  ///< what was last told about a schedule, to tell changes
  absl::Time risks_at = absl::InfinitePast();

  mutable std::mutex mutex;
  std::condition_variable_any wake;
  bool poked = true;                         ///< the first plan is made at once
  SteadyTime answer_by = SteadyTime::min();  ///< of the poke that is waiting
  SteadyTime rested_at{};                    ///< when the next plan may be made that nobody waits for
  std::uint64_t pokes = 1, answered = 0;
  std::jthread thread;

  void poke();
  void poke_soon();
  void answer_within(SteadyTime::duration delay);  ///< under the lock
  bool await_caches(const std::stop_token& stop);
  void run(const std::stop_token& stop);
  struct Planned {
    std::optional<absl::Time> next_look;  ///< when the next plan is due at the latest
    bool resized = false;                 ///< some decision differs from the plan's before
    bool unjudged = false;                ///< it went out before its risks were judged, which are due
  };
  Planned plan_once();
  plan::TargetObservation observe(const api::ScaleTarget& target, const EngineView& view, Boxed<RegionRefusal> refusal,
                                  absl::Time now, std::optional<absl::Time>& next_look);
  void keep_leads(const PlanSnapshot& snapshot, absl::Time now);
  void tell(const PlanSnapshot* before, const PlanSnapshot& after, const std::vector<api::ObjectKey>& resized);
  std::vector<plan::Risk> judge_risks(const PlanSnapshot& snapshot, const plan::DecideInput& input, absl::Time now);
};

void Planner::Impl::poke() {
  std::lock_guard lock(mutex);
  answer_within(kDebounce);
}

void Planner::Impl::poke_soon() {
  std::lock_guard lock(mutex);
  answer_within(std::max<SteadyTime::duration>(kSwarmDebounce, rested_at - world.clock.steady_now()));
}

void Planner::Impl::answer_within(SteadyTime::duration delay) {
  const SteadyTime by = world.clock.steady_now() + delay;
  answer_by = poked ? std::min(answer_by, by) : by;
  ++pokes;
  // One that waits for its neighbours looks again by itself.
  if (!std::exchange(poked, true)) wake.notify_all();
}

bool Planner::Impl::await_caches(const std::stop_token& stop) {
  // A plan made before every schedule is known would end the festivals under way.
  const auto synced = [this] {
    return world.regions->synced() && world.targets->synced() && world.schedules->synced();
  };
  std::unique_lock lock(mutex);
  while (!synced() && !stop.stop_requested()) {
    wake.wait_for(lock, stop, kCacheLook, [] { return false; });
  }
  return !stop.stop_requested();
}

void Planner::Impl::run(const std::stop_token& stop) {
  if (!await_caches(stop)) return;
  std::optional<absl::Time> next;
  while (!stop.stop_requested()) {
    std::uint64_t seen = 0;
    {
      std::unique_lock lock(mutex);
      const absl::Time now = world.clock.wall_now();
      const absl::Time deadline = std::min(next.value_or(absl::InfiniteFuture()), now + kLongestSilence);
      world.clock.wait_until(lock, wake, deadline, stop, [this] { return poked; });
      if (stop.stop_requested()) return;
      if (!poked && world.clock.wall_now() < deadline) continue;
      // A boundary does not wait; everything else gives its neighbours a moment to arrive.
      while (poked && world.clock.steady_now() < answer_by && world.clock.wall_now() < deadline) {
        wake.wait_for(lock, stop, kDebounce, [] { return false; });
        if (stop.stop_requested()) return;
      }
      poked = false;
      seen = pokes;
    }
    const SteadyTime begun = world.clock.steady_now();
    const Planned planned = plan_once();
    next = planned.next_look;
    const SteadyTime ended = world.clock.steady_now();
    const SteadyTime::duration rest = (planned.resized ? kRestWhileWriting : kRest) * (ended - begun);
    {
      std::lock_guard lock(mutex);
      rested_at = ended + std::min<SteadyTime::duration>(rest, kLongestRest);
      answered = seen;
    }
    if (planned.unjudged) poke_soon();
  }
}

plan::TargetObservation Planner::Impl::observe(const api::ScaleTarget& target, const EngineView& view,
                                               Boxed<RegionRefusal> refusal, absl::Time now,
                                               std::optional<absl::Time>& next_look) {
  plan::TargetObservation seen = observation_of(target, view);
  if (refusal) seen.region_refused = refusal->message;
  // What has not been seen is not ready: a wave must not start because the one before it is still unknown.
  if (!view.known) seen.ready = 0;
  TargetAnswers answers = ask_for_target(target, sources.queries);
  seen.lag_seconds = answers.lag_seconds;
  bool news = false;  // for the target's status, where the decision stays the same
  world.records.update(target, [&](TargetRecord& record) {
    api::ScaleTargetStatus& status = record.status;
    news = record.metrics_problem != answers.problem || record.refusal != refusal;
    record.lag_unknown_since = seen.lag_unknown_since = lag_unknown_since(answers, record.lag_unknown_since, now);
    record.metrics_problem = std::move(answers.problem);
    record.refusal = std::move(refusal);
    if (!seen.originals && status.originals) {
      // Out of sight is not gone: a lost region's targets keep their place in the plan, or their followers elsewhere
      // would shrink in the middle of a festival. Nothing is written to what cannot be seen.
      seen.originals = status.originals;
      seen.in_force = status.in_force;
      seen.in_force_since = status.in_force_since;
    }
    seen.started_leads = status.started_leads;
    seen.warm_up = status.warm_up;
    seen.approved_size = status.approved_size;
    if (!target.spec.rules.empty() && seen.originals) {
      plan::RuleStep step = plan::step_rules(target.spec, seen.originals->min, status.rules, answers.samples, now);
      status.rules = std::move(step.progress);
      seen.rule_size = status.rules.size;
      seen.rule_text = std::move(step.text);
      earlier(next_look, step.next_look);
    }
    if (target.spec.replicas.learn) {
      const bool overridden = seen.in_force.has_value();
      if (view.known && seen.current) {
        plan::sample_baseline(status.samples, *seen.current, overridden, now, *target.spec.replicas.learn);
      }
      if (const auto learned = plan::learned_baseline(status.samples, *target.spec.replicas.learn)) {
        seen.learned_baseline = learned->size;
        seen.baseline_uncertain = learned->uncertain;
      } else {
        seen.baseline_uncertain = true;
      }
    }
  });
  if (news) listeners.target_changed(target.meta.key());
  return seen;
}

Planner::Impl::Planned Planner::Impl::plan_once() {
  const absl::Time now = world.clock.wall_now();
  std::optional<absl::Time> next_look;
  auto snapshot = std::make_shared<PlanSnapshot>();
  snapshot->at = now;
  snapshot->targets = world.targets->list();
  std::erase_if(snapshot->targets, [&](const auto& target) {
    if (target->meta.deleted) snapshot->leaving.push_back(target);
    return target->meta.deleted.has_value();
  });
  std::ranges::sort(snapshot->targets, {}, [](const auto& target) { return target->meta.key(); });

  std::vector<std::shared_ptr<const plan::CompiledSchedule>> compiled;
  for (const auto& schedule : world.schedules->list()) {
    if (schedule->meta.deleted) continue;
    ScheduleCompilation compilation = compiler.compile(*schedule, now);
    if (compilation.compiled) {
      compiled.push_back(compilation.compiled);
      earlier(next_look, compilation.compiled->window_to - absl::Hours(24));
    }
    snapshot->schedules.emplace(schedule->meta.key(), std::move(compilation));
  }
  compiler.keep_only(snapshot->schedules);
  std::ranges::sort(compiled, {}, [](const auto& schedule) { return schedule->key; });

  const auto region_objects = world.regions->list();
  std::map<std::string, const api::Region*> regions_by_name;
  for (const auto& region : region_objects) regions_by_name[region->meta.name] = region.get();
  const std::map<std::string, RegionLink> links = world.links.all();
  std::vector<plan::DecideRegion> regions;
  for (const auto& [name, region] : regions_by_name) {
    const auto link = links.find(name);
    const bool connected = link != links.end() && link->second.cluster;
    regions.push_back({name, &region->spec, link == links.end() || link->second.healthy,
                       connected && link->second.cluster->health().reachable,
                       link == links.end() ? std::map<std::string, Quantity>{} : link->second.used_elsewhere});
  }

  const auto cluster_of = [&](const api::ScaleTarget& target) -> Cluster* {
    const auto link = links.find(target.spec.region);
    return link == links.end() ? nullptr : link->second.cluster.get();
  };
  std::vector<plan::DecideTarget> targets(snapshot->targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto& target = snapshot->targets[i];
    // A view is large, so that only one is held at a time.
    const EngineView view = view_as_known(world, *target, cluster_of(*target));
    targets[i].key = target->meta.key();
    targets[i].labels = &target->meta.labels;
    targets[i].spec = &target->spec;
    const auto region = regions_by_name.find(target->spec.region);
    targets[i].observed =
        observe(*target, view, refusal_of(world, *target, region == regions_by_name.end() ? nullptr : region->second),
                now, next_look);
    index_objects(*target, i, view, snapshot->by_object);
  }
  for (std::size_t i = 0; i < snapshot->leaving.size(); ++i) {
    const api::ScaleTarget& target = *snapshot->leaving[i];
    index_objects(target, targets.size() + i, view_engine(target, cluster_of(target), world.options),
                  snapshot->by_object);
  }
  snapshot->by_object.seal();

  const plan::DecideInput input{now, targets, compiled, regions};
  snapshot->result = plan::decide(input);
  const std::shared_ptr<const PlanSnapshot> before = world.plan();
  const std::vector<api::ObjectKey> resized = changed_decisions(before.get(), *snapshot);
  // The first plan goes out at once; the next one judges.
  if (!before) risks_at = now - kRiskInterval;
  const absl::Duration risks_age = now < risks_at ? absl::InfiniteDuration() : now - risks_at;
  const bool risks_due = risks_age >= kRiskInterval;
  const bool judge_now = risks_due && (resized.empty() || (before && risks_age >= kRiskPatience));
  if (judge_now) {
    snapshot->risks = judge_risks(*snapshot, input, now);
    for (const auto& schedule : compiled) {
      auto starts = coming_lead_starts(*schedule, targets, now, kPhasesAhead);
      if (!starts.empty()) snapshot->lead_starts.emplace(schedule->key, std::move(starts));
    }
  } else if (before) {
    snapshot->risks = before->risks;
    snapshot->lead_starts = before->lead_starts;
  }
  keep_leads(*snapshot, now);
  world.publish(snapshot);
  tell(before.get(), *snapshot, resized);
  earlier(next_look, snapshot->result.next_transition);
  return {next_look, !resized.empty(), risks_due && !judge_now};
}

void Planner::Impl::keep_leads(const PlanSnapshot& snapshot, absl::Time now) {
  // A lead is over with its phase; without this, one entry a phase would pile up for ever.
  std::map<std::string, LivingLeads> living;
  for (const auto& [key, compilation] : snapshot.schedules) {
    if (compilation.compiled) living.emplace(key.to_string(), LivingLeads(*compilation.compiled, now));
  }
  const auto is_over = [&](const api::StartedLead& lead) {
    const auto schedule = living.find(lead.schedule);
    return schedule == living.end() || !schedule->second.contain(lead.occurrence, lead.phase);
  };
  for (std::size_t i = 0; i < snapshot.targets.size(); ++i) {
    const plan::Decision& decision = snapshot.result.decisions[i];
    world.records.update(*snapshot.targets[i], [&](TargetRecord& record) {
      auto& leads = record.status.started_leads;
      std::erase_if(leads, is_over);
      leads.insert(leads.end(), decision.leads_begun.begin(), decision.leads_begun.end());
    });
  }
}

void Planner::Impl::tell(const PlanSnapshot* before, const PlanSnapshot& after,
                         const std::vector<api::ObjectKey>& resized) {
  for (const api::ObjectKey& target : resized) listeners.target_changed(target);
  std::map<api::ObjectKey, std::string> faces;
  for (const auto& [key, compilation] : after.schedules) {
    std::string& face = faces[key];
    absl::StrAppend(&face, compilation.problem_reason, "|", compilation.problem, "|");
    if (!compilation.compiled) continue;
    absl::StrAppend(&face, reinterpret_cast<std::uintptr_t>(compilation.compiled.get()), "|",
                    absl::StrJoin(missing_targets(key.ns, compilation.compiled->spec, after), ","), "|");
  }
  for (const plan::Decision& decision : after.result.decisions) {
    for (const plan::Contribution& contribution : decision.contributions) {
      absl::StrAppend(&faces[contribution.schedule], decision.target.to_string(), contribution.occurrence,
                      contribution.phase, contribution.size, contribution.leading ? "L" : "", ";");
    }
  }
  std::set<api::ObjectKey> at_other_risk;
  if (before == nullptr || !same_risks(before->risks, after.risks)) {
    for (const PlanSnapshot* plan : {before, &after}) {
      if (plan == nullptr) continue;
      for (const plan::Risk& risk : plan->risks) at_other_risk.insert(risk.schedule);
    }
  }
  for (const auto& [key, face] : faces) {
    const auto former = schedule_faces.find(key);
    const bool changed = former == schedule_faces.end() || former->second != face ||
                         lead_starts_of(before, key) != lead_starts_of(&after, key);
    if (changed || at_other_risk.contains(key)) listeners.schedule_changed(key);
  }
  schedule_faces = std::move(faces);
  for (const auto& [region, use] : after.result.planned_use) {
    const bool same =
        before && before->result.planned_use.contains(region) && before->result.planned_use.at(region) == use;
    if (!same) listeners.region_changed(region);
  }
}

std::vector<plan::Risk> Planner::Impl::judge_risks(const PlanSnapshot& snapshot, const plan::DecideInput& input,
                                                   absl::Time now) {
  risks_at = now;
  std::vector<plan::TargetConstraints> constraints(snapshot.targets.size());
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    const plan::Decision& decision = snapshot.result.decisions[i];
    const bool soon = decision.next_transition && *decision.next_transition < now + kRiskHorizon;
    if (!soon && !decision.active) continue;
    const api::ScaleTarget& target = *snapshot.targets[i];
    const auto link = world.links.get(target.spec.region);
    const EngineView view = view_engine(target, link ? link->cluster.get() : nullptr, world.options);
    constraints[i] = sources.constraints.constraints(target, view.pod_requests, view.selector);
    constraints[i].region_healthy = link && link->healthy;
    constraints[i].region_reachable = link && link->cluster && link->cluster->health().reachable;
    constraints[i].rival = view.obstacle("RivalScaler") != nullptr;
    constraints[i].lag_frozen = decision.frozen && input.targets[i].observed.lag_seconds.has_value();
  }
  return plan::assess_risks(input, snapshot.result, constraints);
}

Planner::Planner(World& world, PlannerSources sources, PlannerListeners listeners)
    : impl_(std::make_unique<Impl>(world, sources, std::move(listeners))) {}

Planner::~Planner() { stop(); }

void Planner::start() {
  impl_->thread = std::jthread([this](const std::stop_token& stop) { impl_->run(stop); });
}

void Planner::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->thread.request_stop();
  impl_->thread.join();
}

void Planner::poke() { impl_->poke(); }

void Planner::poke_soon() { impl_->poke_soon(); }

bool Planner::idle() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->answered == impl_->pokes;
}

}  // namespace headroom::controllers
