#include "operator/plan/phase_leads.h"

#include <algorithm>

#include "operator/base/duration.h"
#include "operator/plan/choice.h"
#include "operator/plan/readiness.h"
#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

constexpr absl::Duration kInstant = absl::Nanoseconds(1);

std::size_t index(int number) { return static_cast<std::size_t>(number); }

}  // namespace

PhaseLeads::PhaseLeads(const ScheduleView& view, const TimelineEntry& entry,
                       const std::vector<std::pair<int, absl::Time>>& begun)
    : view_(&view), entry_(&entry), members_(index(view.size())) {
  plan_members(view);
  plan_starts(view, begun);
  if (view.waves(entry).empty()) return;
  look_at_waves(view);
  find_openings();
}

void PhaseLeads::plan_members(const ScheduleView& view) {
  const Moment before = view.moment(entry_->from - kInstant);
  for (int m = 0; m < view.size(); ++m) {
    MemberLead& lead = members_[index(m)];
    lead.start = lead.ready_by = entry_->from;
    lead.lead = absl::ZeroDuration();
    const std::optional<int> size = view.planned(m, *entry_, entry_->from);
    if (!size) continue;
    lead.selected = true;
    lead.size = *size;
    lead.before = view.planned(m, before);
    lead.wave = view.wave(m, entry_->phase);
  }
}

void PhaseLeads::plan_starts(const ScheduleView& view, const std::vector<std::pair<int, absl::Time>>& begun) {
  const std::size_t waves = view.waves(*entry_).size();
  const bool early = view.phase(*entry_).capacity == api::Phase::Capacity::ReadyBy;
  std::vector<absl::Duration> longest(waves + 1);
  for (int m = 0; m < view.size(); ++m) {
    MemberLead& lead = members_[index(m)];
    const TargetFacts& facts = view.facts(m);
    if (!early || !lead.rises() || !facts.can_lead) continue;
    lead.lead = lead_time(facts.spec(), facts.observed().warm_up, lead.before, lead.size);
    longest[index(lead.wave)] = std::max(longest[index(lead.wave)], lead.lead);
  }
  wave_start_.assign(waves, entry_->from);
  std::vector<absl::Time> ready_by(waves + 1, entry_->from);
  absl::Duration ahead = longest[waves];
  for (std::size_t wave = waves; wave > 0; --wave) {
    ready_by[wave - 1] = entry_->from - ahead;
    ahead += longest[wave - 1];
    wave_start_[wave - 1] = entry_->from - ahead - lead_margin(ahead);
  }
  for (int m = 0; m < view.size(); ++m) {
    MemberLead& lead = members_[index(m)];
    if (!lead.rises()) continue;
    lead.ready_by = ready_by[index(lead.wave)];
    // A wave's targets go together. Those of no wave have nobody to wait for, nor to be waited for by: each starts as
    // late as it can.
    lead.start =
        index(lead.wave) < waves ? wave_start_[index(lead.wave)] : entry_->from - lead.lead - lead_margin(lead.lead);
  }
  for (const auto& [m, at] : begun) {
    MemberLead& lead = members_[index(m)];
    lead.start = std::min(at, entry_->from);
    if (lead.selected && index(lead.wave) < waves) {
      wave_start_[index(lead.wave)] = std::min(wave_start_[index(lead.wave)], lead.start);
    }
  }
}

void PhaseLeads::look_at_waves(const ScheduleView& view) {
  progress_.resize(view.waves(*entry_).size());
  const std::string schedule = view.schedule().key.to_string();
  for (int m = 0; m < view.size(); ++m) {
    const MemberLead& lead = members_[index(m)];
    const TargetFacts& facts = view.facts(m);
    if (!lead.selected || index(lead.wave) >= progress_.size()) continue;
    // Who is in a person's hands is not waited for.
    if (facts.spec().suspend != api::SuspendMode::None) continue;
    Progress& wave = progress_[index(lead.wave)];
    wave.selects = true;
    const TargetObservation& observed = facts.observed();
    if (lead.rises()) {
      const bool ours = observed.in_force && *observed.in_force > lead.before &&
                        observed.decided_by_schedule == schedule && observed.in_force_since &&
                        *observed.in_force_since >= wave_start_[index(lead.wave)];
      if (ours) wave.went = std::min(wave.went.value_or(absl::InfiniteFuture()), *observed.in_force_since);
      if (!observed.in_force || *observed.in_force <= lead.before) wave.to_raise = true;
    }
    const int ready = observed.ready.value_or(lead.size);
    if (ready >= lead.size) continue;
    if (wave.unready++ == 0 || facts.key().name < wave.first_name) {
      wave.first_name = facts.key().name;
      wave.first = concat(facts.key().name, " ", ready, " of ", lead.size, " ready");
    }
  }
}

bool PhaseLeads::is_waited_for(std::size_t wave) const {
  return view_->waves(*entry_)[wave].gate == api::Wave::Gate::Ready && progress_[wave].selects;
}

absl::Time PhaseLeads::time_out_of(std::size_t wave) const {
  return openings_[wave].at + view_->waves(*entry_)[wave].gate_timeout;
}

/// Each wave's wait begins when the one before has gone, so that a roll-out that is stuck goes on one wave at a time.
/// When a wave went is told by what was written to it; nothing else remembers that a wave before it was late.
void PhaseLeads::find_openings() {
  openings_.resize(progress_.size() + 1);
  std::optional<std::size_t> guard;
  bool held = false;
  for (std::size_t wave = 0; wave < openings_.size(); ++wave) {
    Opening& opening = openings_[wave];
    opening.guard = guard;
    if (wave == progress_.size()) break;
    const absl::Time planned = wave_start_[wave];
    opening.at = opening.latest = planned;
    if (guard) {
      const absl::Duration timeout = view_->waves(*entry_)[*guard].gate_timeout;
      opening.latest = std::max(planned, openings_[*guard].latest + timeout);
      const Progress& progress = progress_[wave];
      if (progress.went) {
        opening.at = std::clamp(*progress.went, planned, opening.latest);
      } else if (held) {
        opening.at = std::max(planned, time_out_of(*guard));
      } else if (progress.to_raise) {
        opening.at = opening.latest;
      }
    }
    if (!is_waited_for(wave)) continue;
    guard = wave;
    held = held || progress_[wave].unready > 0;
  }
}

std::optional<PhaseLeads::Gate> PhaseLeads::closed_gate(int member, absl::Time now) const {
  const MemberLead& lead = members_[index(member)];
  const std::optional<int>& in_force = view_->facts(member).observed().in_force;
  if (openings_.empty() || !lead.rises() || (in_force && *in_force >= lead.size)) return std::nullopt;
  const std::optional<std::size_t> guard = openings_[std::min(index(lead.wave), progress_.size())].guard;
  if (!guard) return std::nullopt;
  const absl::Time until = time_out_of(*guard);
  if (now >= until) return std::nullopt;
  const std::vector<api::Wave>& waves = view_->waves(*entry_);
  for (std::size_t wave = 0; wave <= *guard; ++wave) {
    const Progress& progress = progress_[wave];
    if (!is_waited_for(wave) || progress.unready == 0) continue;
    std::string text = concat("waiting for wave ", waves[wave].name, ": ", progress.first);
    if (progress.unready > 1) append_text(text, " and ", progress.unready - 1, " more");
    append_text(text, "; goes on regardless at ", local_time(until, view_->schedule().zone), ", ",
                format_duration(waves[*guard].gate_timeout), " after the start of wave ", waves[*guard].name);
    return Gate{until, std::move(text)};
  }
  return std::nullopt;
}

}  // namespace headroom::plan
