#include "operator/controllers/lead_starts.h"

#include <algorithm>
#include <optional>

#include "operator/plan/phase_leads.h"

namespace headroom::controllers {

std::vector<api::TransitionStatus> coming_lead_starts(const plan::CompiledSchedule& schedule,
                                                      std::span<const plan::DecideTarget> targets, absl::Time now,
                                                      int phases) {
  const std::vector<plan::TargetFacts> facts = plan::gather_facts(targets);
  std::vector<int> candidates;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (facts[i].key().ns == schedule.key.ns) candidates.push_back(static_cast<int>(i));
  }
  const plan::ScheduleView view(schedule, facts, candidates);
  std::vector<api::TransitionStatus> starts;
  for (const plan::TimelineEntry& entry : schedule.timeline) {
    if (entry.from <= now) continue;
    if (phases-- <= 0) break;
    const plan::PhaseLeads leads(view, entry, {});
    std::optional<absl::Time> earliest;
    for (int member = 0; member < view.size(); ++member) {
      const plan::MemberLead& lead = leads.member(member);
      if (!lead.rises() || lead.start <= now || lead.start >= entry.from) continue;
      if (!earliest || lead.start < *earliest) earliest = lead.start;
    }
    if (earliest) {
      starts.push_back({*earliest, schedule.occurrences[static_cast<std::size_t>(entry.occurrence)].name,
                        view.phase(entry).name, "LeadStart"});
    }
  }
  std::ranges::stable_sort(starts, {}, &api::TransitionStatus::at);
  return starts;
}

}  // namespace headroom::controllers
