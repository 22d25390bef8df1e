#include "operator/cli/forecast_rises.h"

#include <algorithm>

#include "operator/plan/phase_leads.h"
#include "operator/plan/readiness.h"

namespace headroom::cli {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

class RiseJudge {
 public:
  RiseJudge(const plan::ScheduleView& view, absl::Time now, std::vector<ReadyForecast>& into)
      : view_(view), now_(now), into_(into) {}

  void judge(const plan::TimelineEntry& entry) {
    const plan::PhaseLeads leads(view_, entry, {});
    for (int m = 0; m < view_.size(); ++m) {
      if (leads.member(m).rises()) judge(entry, m, leads.member(m));
    }
  }

 private:
  void judge(const plan::TimelineEntry& entry, int m, const plan::MemberLead& lead) {
    const plan::TargetFacts& facts = view_.facts(m);
    const api::ScaleTargetSpec& spec = facts.spec();
    const bool clones = spec.role == api::Role::ReadReplica;
    const absl::Duration takes = plan::lead_time(spec, facts.observed().warm_up, lead.before, lead.size);
    if (!clones && takes == absl::ZeroDuration()) return;
    ReadyForecast rise;
    rise.target = view_.target(m);
    rise.schedule = view_.schedule().key;
    rise.occurrence = view_.schedule().occurrences[index(entry.occurrence)].name;
    rise.phase = view_.phase(entry).name;
    rise.from_size = lead.before;
    rise.to_size = lead.size;
    if (clones) {
      const int step = std::max(1, spec.read_replica.max_step);
      rise.clones = (lead.size - lead.before + step - 1) / step;
    }
    rise.lead = takes;
    rise.unknown = takes == absl::ZeroDuration();
    rise.starts = std::max(lead.start, now_);
    rise.ready = rise.starts + takes;
    // Earlier waves are needed before the phase, when those that wait for them start.
    rise.needed = std::min(lead.ready_by, entry.from);
    if (view_.phase(entry).capacity == api::Phase::Capacity::Start) rise.needed = entry.from;
    if (entry.from <= now_) return;
    into_.push_back(std::move(rise));
  }

  const plan::ScheduleView& view_;
  absl::Time now_;
  std::vector<ReadyForecast>& into_;
};

}  // namespace

std::vector<int> candidates_in(std::span<const plan::DecideTarget> targets, const std::string& ns) {
  std::vector<int> candidates;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    if (targets[t].key.ns == ns) candidates.push_back(static_cast<int>(t));
  }
  return candidates;
}

std::vector<ReadyForecast> rises_of(std::span<const plan::DecideTarget> targets,
                                    std::span<const std::shared_ptr<const plan::CompiledSchedule>> schedules,
                                    absl::Time from, absl::Time to, absl::Time now) {
  std::vector<ReadyForecast> rises;
  const std::vector<plan::TargetFacts> facts = plan::gather_facts(targets);
  for (const auto& schedule : schedules) {
    if (schedule->spec.suspend != api::SuspendMode::None) continue;
    const std::vector<int> candidates = candidates_in(targets, schedule->key.ns);
    const plan::ScheduleView view(*schedule, facts, candidates);
    RiseJudge judge(view, now, rises);
    for (const plan::TimelineEntry& entry : schedule->timeline) {
      if (entry.from > from && entry.from <= to) judge.judge(entry);
    }
  }
  std::ranges::stable_sort(rises, {}, &ReadyForecast::needed);
  return rises;
}

}  // namespace headroom::cli
