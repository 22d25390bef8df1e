#include "operator/controllers/schedule_status.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "operator/base/duration.h"
#include "operator/controllers/living_leads.h"
#include "operator/plan/selection.h"

namespace headroom::controllers {
namespace {

/// Status is bounded; a longer table lives in the objects that it is about.
constexpr std::size_t kMostRows = 100;
constexpr std::size_t kNextTransitions = 10;

class Conditions {
 public:
  Conditions(std::vector<api::Condition>& list, std::int64_t generation, absl::Time now)
      : list_(list), generation_(generation), now_(now) {}
  void set(const char* type, bool status, std::string reason, std::string message) {
    api::set_condition(list_, {type, status, std::move(reason), std::move(message), generation_, now_});
  }
  /// For what is worth a line only while it holds.
  void set_while(bool holds, const char* type, std::string reason, std::string message) {
    if (holds) {
      set(type, true, std::move(reason), std::move(message));
    } else {
      api::remove_condition(list_, type);
    }
  }

 private:
  std::vector<api::Condition>& list_;
  const std::int64_t generation_;
  const absl::Time now_;
};

bool is_decay(const api::Phase& phase) {
  return !phase.demands.empty() && std::ranges::all_of(phase.demands, [](const api::PhaseDemand& demand) {
    return demand.demand.type == api::Demand::Type::Decay;
  });
}

bool asks_for_sizes(const api::FestivalScheduleSpec& spec) {
  return std::ranges::any_of(spec.phases, [](const api::Phase& phase) { return !phase.demands.empty(); });
}

/// Leads that still lead somewhere: of phases that have not ended.
std::vector<api::StartedLead> live_leads(const plan::CompiledSchedule& compiled,
                                         const std::vector<api::StartedLead>& known, absl::Time now) {
  LivingLeads living(compiled, now);
  std::map<std::pair<std::string, std::string>, api::StartedLead> earliest;
  for (const api::StartedLead& lead : known) {
    const std::pair phase(lead.occurrence, lead.phase);
    if (!living.contain(lead.occurrence, lead.phase)) continue;
    const auto [it, added] = earliest.try_emplace(phase, lead);
    if (!added && lead.at < it->second.at) it->second = lead;
  }
  std::vector<api::StartedLead> leads;
  leads.reserve(earliest.size());
  for (auto& [phase, lead] : earliest) leads.push_back(std::move(lead));
  std::ranges::sort(leads, {},
                    [](const api::StartedLead& lead) { return std::tie(lead.at, lead.occurrence, lead.phase); });
  if (leads.size() > kMostRows) leads.resize(kMostRows);
  return leads;
}

std::vector<api::TransitionStatus> next_transitions(const plan::CompiledSchedule& compiled,
                                                    const std::vector<api::TransitionStatus>& lead_starts,
                                                    absl::Time now) {
  std::vector<api::TransitionStatus> next = lead_starts;
  for (const plan::Transition& one : plan::transitions_after(compiled, now, kNextTransitions)) {
    next.push_back({one.at, one.occurrence, one.phase, to_string(one.event)});
  }
  std::ranges::stable_sort(next, {}, &api::TransitionStatus::at);
  if (next.size() > kNextTransitions) next.resize(kNextTransitions);
  return next;
}

std::vector<api::AtRiskTarget> risks_of(const api::ObjectKey& schedule, const PlanSnapshot& plan) {
  std::vector<api::AtRiskTarget> rows;
  for (const plan::Risk& risk : plan.risks) {
    if (risk.schedule != schedule) continue;
    rows.push_back({risk.target.name, absl::StrCat(risk.occurrence, " ", risk.phase), risk.reason, risk.message});
  }
  std::ranges::sort(rows, {}, [](const api::AtRiskTarget& row) { return std::tie(row.target, row.phase, row.reason); });
  if (rows.size() > kMostRows) rows.resize(kMostRows);
  return rows;
}

/// A contribution that something of another schedule, or of another occurrence of this one, outdoes.
std::vector<api::OverlapLoss> losses_of(const api::ObjectKey& schedule, const PlanSnapshot& plan) {
  std::vector<api::OverlapLoss> losses;
  for (const plan::Decision& decision : plan.result.decisions) {
    if (decision.contributions.size() < 2 || losses.size() >= kMostRows) continue;
    const plan::Contribution& winner = decision.contributions.front();
    for (const plan::Contribution& own : decision.contributions) {
      const bool same_voice = winner.schedule == own.schedule && winner.occurrence == own.occurrence;
      const bool outdone = winner.size > own.size || winner.priority > own.priority;
      if (own.schedule != schedule || same_voice || !outdone) continue;
      losses.push_back({decision.target.name,
                        absl::StrCat(winner.schedule.name, " ", winner.occurrence, " ", winner.phase),
                        absl::StrCat(own.text, "; ", winner.text, " counts",
                                     winner.priority > own.priority ? " by its priority" : "")});
      break;
    }
  }
  std::ranges::sort(losses, {}, &api::OverlapLoss::target);
  return losses;
}

/// Phases that only the labels of real targets show to overlap, each pair once.
std::string overlaps_of(const api::ObjectKey& schedule, const PlanSnapshot& plan) {
  constexpr std::size_t kTold = 5;
  std::set<std::string> overlaps;
  const std::string prefix = absl::StrCat(schedule.to_string(), " ");
  for (const plan::Decision& decision : plan.result.decisions) {
    for (const std::string& overlap : decision.overlapping_phases) {
      if (overlap.starts_with(prefix) && overlaps.size() < kTold) {
        overlaps.insert(absl::StrCat(overlap.substr(prefix.size()), " (", decision.target.name, ")"));
      }
    }
  }
  return absl::StrJoin(overlaps, "; ");
}

std::string state_of(const api::FestivalScheduleSpec& spec, const plan::CompiledSchedule& compiled,
                     const std::vector<plan::PhaseInForce>& in_force, const api::FestivalScheduleStatus& status,
                     absl::Time now) {
  if (spec.suspend != api::SuspendMode::None) return "Suspended";
  if (!in_force.empty()) {
    return is_decay(compiled.spec.phases[static_cast<std::size_t>(in_force.back().phase)]) ? "Decaying" : "Active";
  }
  if (!status.started_leads.empty()) return "Leading";
  return plan::transitions_after(compiled, now, 1).empty() ? "Ended" : "Scheduled";
}

std::string summary_of(const api::FestivalScheduleStatus& status, const plan::CompiledSchedule& compiled) {
  const auto local = [&](absl::Time time) { return absl::FormatTime("%Y-%m-%d %H:%M %Ez", time, compiled.zone); };
  std::string summary = status.state;
  if (!status.phase.empty()) absl::StrAppend(&summary, ": ", status.occurrence, " ", status.phase);
  if (!status.next.empty()) {
    const api::TransitionStatus& next = status.next.front();
    absl::StrAppend(&summary, "; next: ", next.event, " of ", next.occurrence, " ", next.phase, " at ", local(next.at));
  }
  return summary;
}

void set_at_risk(Conditions& conditions, const std::vector<api::AtRiskTarget>& at_risk) {
  constexpr std::size_t kTold = 3;
  if (at_risk.empty()) return conditions.set("AtRisk", false, "NoRiskKnown", "nothing of the next 24 hours is at risk");
  std::vector<std::string> told;
  for (const api::AtRiskTarget& risk : at_risk) {
    if (told.size() < kTold) told.push_back(absl::StrCat(risk.target, " for ", risk.phase, ": ", risk.message));
  }
  const std::size_t more = at_risk.size() - told.size();
  conditions.set("AtRisk", true, at_risk.front().reason,
                 absl::StrCat(absl::StrJoin(told, "; "), more > 0 ? absl::StrCat("; and ", more, " more") : ""));
}

constexpr char kCalendarUnavailable[] = "CalendarUnavailable";

/// One of the two at most: names that are missing explain a schedule without targets.
void set_targets(Conditions& conditions, const ScheduleFacts& facts, std::int64_t selected) {
  constexpr std::size_t kTold = 5;
  const std::string& ns = facts.schedule.meta.ns;
  const std::vector<std::string> missing = missing_targets(ns, facts.schedule.spec, *facts.plan);
  const std::size_t told = std::min(missing.size(), kTold);
  const std::string names =
      absl::StrCat(absl::StrJoin(missing.begin(), missing.begin() + told, ", "),
                   missing.size() > told ? absl::StrCat(" and ", missing.size() - told, " more") : "");
  const std::string absent = absl::StrCat("no ScaleTarget of namespace ", ns, " is named ", names);
  const bool none = asks_for_sizes(facts.schedule.spec) && selected == 0;
  conditions.set_while(none, "NoTargets", "NothingSelected",
                       absl::StrCat("no ScaleTarget in this namespace is selected by any phase: check names, labels, "
                                    "roles and regions of spec.phases[].targets",
                                    missing.empty() ? "" : absl::StrCat("; ", absent)));
  conditions.set_while(!none && !missing.empty(), "TargetsMissing", "SomeTargetsMissing",
                       absl::StrCat(absent,
                                    ": create it, or correct targets.names of the phases and waves; the "
                                    "schedule holds for the targets that exist"));
}

void set_conditions(Conditions& conditions, const ScheduleFacts& facts, const api::FestivalScheduleStatus& status,
                    const plan::CompiledSchedule* compiled) {
  const ScheduleCompilation& compilation = *facts.compilation;
  const bool calendar = compilation.problem_reason == kCalendarUnavailable;
  const bool copy_serves = calendar && compiled != nullptr && compilation.calendar_read;
  const bool stalled = !compilation.problem.empty() && !copy_serves;
  conditions.set_while(calendar, kCalendarUnavailable, kCalendarUnavailable, compilation.problem);
  conditions.set("Stalled", stalled, stalled ? compilation.problem_reason : "NotStalled",
                 stalled ? compilation.problem : "");
  conditions.set("Reconciling", false, "Planned", "");
  set_at_risk(conditions, status.at_risk);
  set_targets(conditions, facts, status.targets);
  const std::string overlaps = overlaps_of(facts.schedule.meta.key(), *facts.plan);
  conditions.set_while(!overlaps.empty(), "PhasesOverlap", "SameTarget",
                       absl::StrCat("phases of one occurrence hold at once for the same target, the larger counts: ",
                                    overlaps, "; separate them in time or by selector"));
  conditions.set_while(!facts.switch_problems.empty(), "SwitchesPending", "NotWritten",
                       absl::StrJoin(facts.switch_problems, "; "));
  conditions.set_while(
      !facts.unknown_receivers.empty(), "ReceiverUnknown", "NotConfigured",
      absl::StrCat("spec.phases[].notify names ", absl::StrJoin(facts.unknown_receivers, ", "),
                   ", which the operator does not know: add it to its receivers, or correct the name"));
  if (stalled) {
    const std::string effect = compiled == nullptr ? ""
                               : calendar          ? " (none of its days is known; other occurrences go on)"
                                                   : " (the last good version stays in force)";
    conditions.set("Ready", false, compilation.problem_reason, compilation.problem + effect);
  } else if (!facts.switch_problems.empty()) {
    conditions.set("Ready", false, "SwitchesPending", absl::StrJoin(facts.switch_problems, "; "));
  } else {
    conditions.set("Ready", true, status.state, summary_of(status, *compiled));
  }
}

}  // namespace

std::int64_t count_selected(const api::ObjectKey& schedule, const api::FestivalScheduleSpec& spec,
                            const PlanSnapshot& plan) {
  return std::ranges::count_if(plan.targets, [&](const auto& target) {
    if (target->meta.ns != schedule.ns) return false;
    return std::ranges::any_of(spec.phases, [&](const api::Phase& phase) {
      return std::ranges::any_of(phase.demands, [&](const api::PhaseDemand& demand) {
        return plan::selects(demand.targets, target->meta.name, target->meta.labels, target->spec);
      });
    });
  });
}

std::vector<std::string> missing_targets(const std::string& ns, const api::FestivalScheduleSpec& spec,
                                         const PlanSnapshot& plan) {
  std::set<std::string> missing;
  const auto look = [&](const api::TargetSelection& selection) {
    for (const std::string& name : selection.names) {
      const api::ObjectKey key{ns, name};
      const auto key_of = [](const auto& target) { return target->meta.key(); };
      if (!std::ranges::binary_search(plan.targets, key, {}, key_of)) missing.insert(name);
    }
  };
  for (const api::Wave& wave : spec.waves) look(wave.targets);
  for (const api::Phase& phase : spec.phases) {
    for (const api::Wave& wave : phase.waves) look(wave.targets);
    for (const api::PhaseDemand& demand : phase.demands) look(demand.targets);
  }
  return {missing.begin(), missing.end()};
}

std::vector<std::string> unknown_receivers(const api::FestivalScheduleSpec& spec, std::span<const Receiver> known) {
  std::set<std::string> unknown;
  for (const api::Phase& phase : spec.phases) {
    for (const api::Notification& notification : phase.notify) {
      if (std::ranges::find(known, notification.receiver, &Receiver::name) == known.end()) {
        unknown.insert(notification.receiver);
      }
    }
  }
  return {unknown.begin(), unknown.end()};
}

ScheduleReport schedule_report(const ScheduleFacts& facts, const api::FestivalScheduleStatus& before, absl::Time now) {
  const api::ObjectMeta& meta = facts.schedule.meta;
  ScheduleReport report{before, {}, 0};
  api::FestivalScheduleStatus& status = report.status;
  Conditions conditions(status.conditions, meta.generation, now);
  status.switches = facts.switches;
  if (facts.plan == nullptr || facts.compilation == nullptr) {
    conditions.set("Reconciling", true, "PlanPending", "waiting for a plan that takes this version into account");
    if (api::find_condition(status.conditions, "Ready") == nullptr) {
      conditions.set("Ready", false, "PlanPending", "waiting for the first plan");
    }
    return report;
  }
  const plan::CompiledSchedule* compiled = facts.compilation->compiled.get();
  status.calendar_read = facts.compilation->calendar_read;
  status.targets = count_selected(meta.key(), facts.schedule.spec, *facts.plan);
  status.at_risk = risks_of(meta.key(), *facts.plan);
  status.losers = losses_of(meta.key(), *facts.plan);
  if (compiled != nullptr) {
    BoundaryAccount account = account_boundaries({*compiled, meta, before, facts.looked_until, now});
    status.last_boundary = account.last;
    status.missed_boundaries = account.missed;
    report.passed = std::move(account.passed);
    report.newly_missed = account.newly_missed;
    status.started_leads = live_leads(*compiled, facts.started_leads, now);
    status.next = next_transitions(*compiled, facts.lead_starts, now);
    const std::vector<plan::PhaseInForce> in_force = plan::phases_at(*compiled, now);
    status.occurrence = in_force.empty() ? "" : in_force.back().occurrence;
    status.phase = in_force.empty() ? "" : compiled->spec.phases[static_cast<std::size_t>(in_force.back().phase)].name;
    status.state = state_of(facts.schedule.spec, *compiled, in_force, status, now);
  }
  status.observed_generation = meta.generation;
  set_conditions(conditions, facts, status, compiled);
  return report;
}

}  // namespace headroom::controllers
