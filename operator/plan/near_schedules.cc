#include "operator/plan/near_schedules.h"

#include <algorithm>
#include <map>
#include <set>

#include "operator/plan/readiness.h"
#include "operator/plan/target_facts.h"

namespace headroom::plan {
namespace {

absl::Duration reach_of(const CompiledSchedule& schedule, absl::Duration longest_lead) {
  std::size_t waves = 0;
  for (const CompiledPhase& phase : schedule.phases) waves = std::max(waves, phase.waves.size());
  const absl::Duration all = longest_lead * static_cast<std::int64_t>(waves + 1);
  return all + lead_margin(all);
}

absl::Time end_of(const CompiledSchedule& schedule, const api::StartedLead& lead) {
  absl::Time end = absl::InfinitePast();
  for (const CompiledOccurrence& occurrence : schedule.occurrences) {
    if (occurrence.name != lead.occurrence) continue;
    for (const PhaseInterval& interval : occurrence.intervals) {
      const bool named = schedule.spec.phases[static_cast<std::size_t>(interval.phase)].name == lead.phase;
      if (named) end = std::max(end, interval.to);
    }
  }
  return end;
}

}  // namespace

NearSchedules::NearSchedules(Schedules all, std::span<const DecideTarget> targets) {
  std::map<std::string, absl::Duration> longest;  // by namespace
  std::map<std::string, std::vector<const api::StartedLead*>> begun;
  for (const TargetFacts& facts : gather_facts(targets)) {
    absl::Duration& lead = longest[facts.key().ns];
    lead = std::max(lead, facts.longest_lead);
    for (const api::StartedLead& one : facts.observed().started_leads) begun[one.schedule].push_back(&one);
  }
  for (const auto& schedule : all) {
    // A name occurs once as a key of `longest` for each namespace that has targets; elsewhere nobody listens.
    Known known{&schedule, reach_of(*schedule, longest[schedule->key.ns]), absl::InfinitePast(), false};
    for (const api::StartedLead* lead : begun[schedule->key.to_string()]) {
      known.pinned_until = std::max(known.pinned_until, end_of(*schedule, *lead));
    }
    known_.push_back(known);
  }
}

bool NearSchedules::matters(const Known& known, absl::Time now) {
  const CompiledSchedule& schedule = **known.schedule;
  if (schedule.spec.suspend != api::SuspendMode::None) return true;  // it may hold what it decided
  if (now < known.pinned_until) return true;
  const std::vector<TimelineEntry>& timeline = schedule.timeline;
  auto entry = std::ranges::lower_bound(timeline, now - schedule.longest_interval, {}, &TimelineEntry::from);
  for (; entry != timeline.end() && entry->from - known.reach <= now; ++entry) {
    if (now < entry->to) return true;
  }
  return false;
}

void NearSchedules::move_to(absl::Time now, std::span<DecideTarget> targets) {
  near_.clear();
  next_.reset();
  std::set<std::string> silent;
  for (Known& known : known_) {
    const CompiledSchedule& schedule = **known.schedule;
    const bool was_near = known.near;
    known.near = matters(known, now);
    if (known.near) {
      near_.push_back(*known.schedule);
      continue;
    }
    if (was_near) silent.insert(schedule.key.to_string());
    const auto coming = std::ranges::upper_bound(schedule.timeline, now + known.reach, {}, &TimelineEntry::from);
    if (coming == schedule.timeline.end()) continue;
    const absl::Time wakes = coming->from - known.reach;
    next_ = std::min(next_.value_or(wakes), wakes);
  }
  if (silent.empty()) return;
  for (DecideTarget& target : targets) {
    std::erase_if(target.observed.started_leads,
                  [&](const api::StartedLead& lead) { return silent.contains(lead.schedule); });
  }
}

}  // namespace headroom::plan
