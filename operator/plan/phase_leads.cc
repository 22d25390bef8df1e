#include "operator/plan/phase_leads.h"

#include <algorithm>

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
  if (!view.waves(entry).empty()) find_unready(view);
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

void PhaseLeads::find_unready(const ScheduleView& view) {
  unready_.resize(view.waves(*entry_).size());
  for (int m = 0; m < view.size(); ++m) {
    const MemberLead& lead = members_[index(m)];
    const TargetFacts& facts = view.facts(m);
    if (!lead.selected || index(lead.wave) >= unready_.size()) continue;
    // Who is in a person's hands is not waited for.
    if (facts.spec().suspend != api::SuspendMode::None) continue;
    const int ready = facts.observed().ready.value_or(lead.size);
    if (ready >= lead.size) continue;
    Unready& wave = unready_[index(lead.wave)];
    if (wave.count++ == 0 || facts.key().name < wave.first_name) {
      wave.first_name = facts.key().name;
      wave.first = concat(facts.key().name, " ", ready, " of ", lead.size, " ready");
    }
  }
}

std::optional<PhaseLeads::Gate> PhaseLeads::closed_gate(int member, absl::Time now) const {
  const MemberLead& lead = members_[index(member)];
  const std::vector<api::Wave>& waves = view_->waves(*entry_);
  const std::optional<int>& in_force = view_->facts(member).observed().in_force;
  if (!lead.rises() || (in_force && *in_force >= lead.size)) return std::nullopt;
  // The nearest earlier wave that is waited for; one with gate None lets its successors pass.
  std::size_t guard = std::min(index(lead.wave), waves.size());
  while (guard > 0 && waves[guard - 1].gate != api::Wave::Gate::Ready) --guard;
  if (guard == 0) return std::nullopt;
  const absl::Time until = wave_start_[guard - 1] + waves[guard - 1].gate_timeout;
  if (now >= until) return std::nullopt;
  for (std::size_t wave = 0; wave < guard; ++wave) {
    if (unready_[wave].count == 0) continue;
    std::string text = concat("waiting for wave ", waves[wave].name, ": ", unready_[wave].first);
    if (unready_[wave].count > 1) append_text(text, " and ", unready_[wave].count - 1, " more");
    return Gate{until, std::move(text)};
  }
  return std::nullopt;
}

}  // namespace headroom::plan
