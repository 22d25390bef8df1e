#include "operator/plan/late_leads.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "operator/base/duration.h"
#include "operator/plan/choice.h"
#include "operator/plan/phase_leads.h"
#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

/// Whole minutes are enough for people; less is told in seconds.
std::string about(absl::Duration duration) {
  const absl::Duration unit = duration < absl::Minutes(2) ? absl::Seconds(1) : absl::Minutes(1);
  return format_duration(absl::Ceil(duration, unit));
}

class LateLeads {
 public:
  LateLeads(const DecideInput& input, const DecideResult& result, const ScheduleView& view)
      : input_(input), result_(result), view_(view) {}

  std::vector<Risk> find() {
    const CompiledSchedule& schedule = view_.schedule();
    for (int m = 0; m < view_.size(); ++m) {
      for (const Contribution& said : decision(m).contributions) {
        if (said.schedule == schedule.key && !said.phase.empty()) spoken_.emplace(said.occurrence, said.phase);
      }
    }
    if (spoken_.empty()) return {};
    for (const TimelineEntry& entry : schedule.timeline) {
      if (entry.to > input_.now && spoken_.contains({occurrence(entry), view_.phase(entry).name})) judge(entry);
    }
    return std::move(risks_);
  }

 private:
  const std::string& occurrence(const TimelineEntry& entry) const {
    return view_.schedule().occurrences[static_cast<std::size_t>(entry.occurrence)].name;
  }
  const Decision& decision(int member) const {
    return result_.decisions[static_cast<std::size_t>(view_.target(member))];
  }

  bool speaks(int member, const TimelineEntry& entry) const {
    return std::ranges::any_of(decision(member).contributions, [&](const Contribution& said) {
      return said.schedule == view_.schedule().key && said.occurrence == occurrence(entry) &&
             said.phase == view_.phase(entry).name;
    });
  }

  void judge(const TimelineEntry& entry) {
    const PhaseLeads leads(view_, entry, {});
    for (int m = 0; m < view_.size(); ++m) {
      const MemberLead& lead = leads.member(m);
      if (!lead.rises() || lead.lead <= absl::ZeroDuration() || !speaks(m, entry)) continue;
      const TargetObservation& observed = view_.facts(m).observed();
      const std::optional<int> ready = observed.ready ? observed.ready : observed.current;
      // What a full region leaves out is told by the region's own risk.
      const int needed = decision(m).capped_by_region ? std::min(lead.size, decision(m).size) : lead.size;
      if (!ready || *ready >= needed) continue;
      judge_missing(entry, m, lead, needed - *ready, needed);
    }
  }

  void judge_missing(const TimelineEntry& entry, int m, const MemberLead& lead, int missing, int needed) {
    const absl::TimeZone& zone = view_.schedule().zone;
    const std::string what = concat(missing, " of ", needed, " replicas still missing");
    if (input_.now >= entry.from) {
      // A pod that restarts in the middle of a festival is no late start.
      if (missing * 10 <= lead.size - lead.before) return;
      tell(entry, m, concat(what, " ", about(input_.now - entry.from), " after the hour"));
      return;
    }
    const absl::Duration left = lead.lead * std::min(1.0, static_cast<double>(missing) / (lead.size - lead.before));
    const absl::Time ready_at = input_.now + left;
    if (ready_at <= lead.ready_by) return;
    tell(entry, m,
         concat(what, ": ready around ", local_time(ready_at, zone), ", ", about(ready_at - lead.ready_by),
                " too late; its warm-up takes ", about(lead.lead)));
  }

  void tell(const TimelineEntry& entry, int m, std::string message) {
    risks_.push_back({view_.facts(m).key(), view_.schedule().key, occurrence(entry), view_.phase(entry).name,
                      "LeadTooShort", std::move(message)});
  }

  const DecideInput& input_;
  const DecideResult& result_;
  const ScheduleView& view_;
  std::set<std::pair<std::string_view, std::string_view>> spoken_;  ///< occurrences and phases with a contribution now
  std::vector<Risk> risks_;
};

}  // namespace

std::vector<Risk> late_leads(const DecideInput& input, const DecideResult& result) {
  const std::vector<TargetFacts> facts = gather_facts(input.targets);
  std::unordered_map<std::string, std::vector<int>> by_namespace;
  for (std::size_t t = 0; t < facts.size(); ++t) by_namespace[facts[t].key().ns].push_back(static_cast<int>(t));
  std::unordered_map<std::string, SelectionMatcher> matchers;
  for (const auto& [ns, candidates] : by_namespace) matchers.emplace(ns, SelectionMatcher(facts, candidates));
  std::vector<Risk> risks;
  for (const auto& schedule : input.schedules) {
    const auto matcher = matchers.find(schedule->key.ns);
    if (matcher == matchers.end() || schedule->spec.suspend != api::SuspendMode::None) continue;
    const ScheduleView view(*schedule, facts, matcher->second);
    if (view.size() == 0) continue;
    std::vector<Risk> found = LateLeads(input, result, view).find();
    std::ranges::move(found, std::back_inserter(risks));
  }
  return risks;
}

}  // namespace headroom::plan
