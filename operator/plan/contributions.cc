#include "operator/plan/contributions.h"

#include <algorithm>
#include <utility>

#include "operator/plan/phase_leads.h"
#include "operator/plan/readiness.h"
#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

using MemberStarts = std::vector<std::pair<int, absl::Time>>;

constexpr absl::Duration kHour = absl::Hours(1);

std::size_t index(int number) { return static_cast<std::size_t>(number); }

class Speaker {
 public:
  Speaker(const ScheduleView& view, absl::Time now, Pace pace, std::vector<Voice>& voices)
      : view_(view),
        schedule_(view.schedule()),
        key_(schedule_.key.to_string()),
        now_(now),
        pace_(pace),
        voices_(voices) {}

  void hold_all() {
    for (int m = 0; m < view_.size(); ++m) {
      const TargetObservation& observed = view_.facts(m).observed();
      if (!observed.in_force || observed.decided_by_schedule != key_) continue;
      const int size = *observed.in_force;
      voice(m).spoken.push_back({Spoken::Kind::Suspended,
                                 false,
                                 &schedule_,
                                 nullptr,
                                 nullptr,
                                 size,
                                 size,
                                 absl::InfiniteFuture(),
                                 std::nullopt,
                                 0,
                                 {}});
    }
  }

  void speak(const BegunLeads& begun) {
    group_begun(begun);
    for (int m = 0; m < view_.size(); ++m) voice(m).baseline_zero |= multiplies_zero(m);
    say_present();
    say_coming();
  }

 private:
  Voice& voice(int member) { return voices_[index(view_.target(member))]; }
  const CompiledOccurrence& occurrence(const TimelineEntry& entry) const {
    return schedule_.occurrences[index(entry.occurrence)];
  }

  bool multiplies_zero(int member) const {
    if (view_.facts(member).baseline != 0) return false;
    for (int p = 0; p < static_cast<int>(schedule_.phases.size()); ++p) {
      const api::Demand* demand = view_.demand(member, p);
      if (demand && demand->type == api::Demand::Type::Multiplier) return true;
    }
    return false;
  }

  void group_begun(const BegunLeads& begun) {
    const auto mine = begun.find(key_);
    if (mine == begun.end()) return;
    for (const BegunLead& one : mine->second) {
      const std::optional<int> member = view_.member(one.target);
      if (member) begun_[{one.lead->occurrence, one.lead->phase}].emplace_back(*member, one.lead->at);
    }
  }

  const MemberStarts& begun_for(const TimelineEntry& entry) const {
    static const MemberStarts kNone;
    if (begun_.empty()) return kNone;
    const auto found = begun_.find({occurrence(entry).name, view_.phase(entry).name});
    return found == begun_.end() ? kNone : found->second;
  }

  Spoken say(int member, const TimelineEntry& entry, Spoken::Kind kind, int size, absl::Time until) const {
    const bool allow = view_.phase(entry).decrease == api::Phase::Decrease::Allow;
    const int counts = allow ? size : std::max(size, view_.facts(member).original);
    return {kind,  entry.from > now_, &schedule_, &entry, view_.demand(member, entry.phase), size, counts,
            until, std::nullopt,      0,          {}};
  }

  /// What a closed gate leaves: the contribution of before; but what this schedule has already raised stays, however
  /// readiness moves to and fro.
  int kept_at_gate(int member, const MemberLead& lead, int before) const {
    const TargetObservation& observed = view_.facts(member).observed();
    if (!observed.in_force || observed.decided_by_schedule != key_) return before;
    return std::max(before, std::min(*observed.in_force, lead.size));
  }

  void say_present() {
    const Moment moment = view_.moment(now_);
    for (std::size_t i = 0; i < moment.holding.size(); ++i) {
      const TimelineEntry& entry = *moment.holding[i];
      if (!begun_for(entry).empty()) ++begun_in_force_;
      const std::optional<PhaseLeads> gates = gates_of(entry);
      for (int m = 0; m < view_.size(); ++m) {
        if (!view_.demand(m, entry.phase)) continue;
        note_overlaps(m, moment, i);
        say_phase(m, entry, gates);
      }
    }
    if (moment.decays.empty()) return;
    for (int m = 0; m < view_.size(); ++m) {
      const std::optional<HeldContribution> held = view_.held(m, moment);
      if (!held) continue;
      Spoken spoken = say(m, *held->last, Spoken::Kind::Held, held->size, held->until);
      voice(m).spoken.push_back(std::move(spoken));
      voice(m).changes_at(held->until);
    }
  }

  /// Gates are only worth a look while one of them may be closed.
  std::optional<PhaseLeads> gates_of(const TimelineEntry& entry) const {
    absl::Duration longest = absl::ZeroDuration();  // one wave after the other, all waited for to the end
    for (const api::Wave& wave : view_.waves(entry)) {
      if (wave.gate == api::Wave::Gate::Ready) longest += wave.gate_timeout;
    }
    if (pace_ == Pace::Ideal || now_ >= entry.from + longest) return std::nullopt;
    return PhaseLeads(view_, entry, begun_for(entry));
  }

  void say_phase(int m, const TimelineEntry& entry, const std::optional<PhaseLeads>& gates) {
    const std::optional<int> size = view_.asked(m, entry, now_);
    if (!size) return;
    Voice& to = voice(m);
    to.changes_at(entry.to);
    Spoken spoken = say(m, entry, Spoken::Kind::InForce, *size, entry.to);
    if (spoken.demand->type == api::Demand::Type::Decay) {
      spoken.decay_start = view_.decay_start(m, entry);
      absl::Duration rest;
      spoken.full_hours = absl::IDivDuration(now_ - entry.from, kHour, &rest);
      const absl::Time next_hour = entry.from + (spoken.full_hours + 1) * kHour;
      if (next_hour < entry.to) to.changes_at(next_hour);
    }
    if (gates) {
      if (std::optional<PhaseLeads::Gate> gate = gates->closed_gate(m, now_)) {
        const MemberLead& lead = gates->member(m);
        spoken.kind = Spoken::Kind::Waiting;
        spoken.size = kept_at_gate(m, lead, lead.before);
        spoken.counts = spoken.size;
        spoken.note = std::move(gate->text);
        to.changes_at(gate->until);
      }
    }
    to.spoken.push_back(std::move(spoken));
  }

  void note_overlaps(int m, const Moment& moment, std::size_t i) {
    const TimelineEntry& entry = *moment.holding[i];
    for (std::size_t j = 0; j < i; ++j) {
      const TimelineEntry& other = *moment.holding[j];
      if (other.occurrence != entry.occurrence || !view_.demand(m, other.phase)) continue;
      voice(m).overlapping.push_back(
          concat(key_, " ", occurrence(entry).name, ": ", view_.phase(other).name, " and ", view_.phase(entry).name));
      voice(m).changes_at(std::min(entry.to, other.to));
    }
  }

  void say_coming() {
    const std::vector<TimelineEntry>& timeline = schedule_.timeline;
    const auto first = std::ranges::upper_bound(timeline, now_, {}, &TimelineEntry::from);
    const absl::Time last_first = mark_first_starts(first);
    const absl::Duration reach = longest_reach();
    std::size_t pinned = begun_.size() - begun_in_force_;
    for (auto entry = first; entry != timeline.end(); ++entry) {
      const MemberStarts& begun = begun_for(*entry);
      if (!begun.empty()) --pinned;
      const bool near = reach > absl::ZeroDuration() && entry->from - reach <= last_first;
      if (!near && pinned == 0 && begun.empty()) break;
      if (!near && begun.empty()) continue;
      if (near && begun.empty() && view_.phase(*entry).capacity == api::Phase::Capacity::Start) continue;
      say_lead(PhaseLeads(view_, *entry, begun), begun);
    }
  }

  /// Tells each member the first coming phase that selects it; returns the latest of these instants.
  absl::Time mark_first_starts(std::vector<TimelineEntry>::const_iterator first) {
    const std::size_t phases = schedule_.phases.size();
    std::vector<absl::Time> next(phases, absl::InfiniteFuture());
    std::size_t missing = phases;
    for (auto entry = first; entry != schedule_.timeline.end() && missing > 0; ++entry) {
      absl::Time& start = next[index(entry->phase)];
      if (start != absl::InfiniteFuture()) continue;
      start = entry->from;
      --missing;
    }
    absl::Time latest = absl::InfinitePast();
    for (int m = 0; m < view_.size(); ++m) {
      absl::Time start = absl::InfiniteFuture();
      for (std::size_t p = 0; p < phases; ++p) {
        if (next[p] < start && view_.demand(m, static_cast<int>(p))) start = next[p];
      }
      if (start == absl::InfiniteFuture()) continue;
      voice(m).changes_at(start);
      latest = std::max(latest, start);
    }
    return latest;
  }

  /// No lead of this schedule starts longer before its phase than this.
  absl::Duration longest_reach() const {
    absl::Duration longest = absl::ZeroDuration();
    for (int m = 0; m < view_.size(); ++m) longest = std::max(longest, view_.facts(m).longest_lead);
    std::size_t waves = 0;
    for (const CompiledPhase& phase : schedule_.phases) waves = std::max(waves, phase.waves.size());
    const absl::Duration all = longest * static_cast<std::int64_t>(waves + 1);
    return all + lead_margin(all);
  }

  void say_lead(const PhaseLeads& leads, const MemberStarts& begun) {
    const TimelineEntry& entry = leads.entry();
    for (int m = 0; m < view_.size(); ++m) {
      const MemberLead& lead = leads.member(m);
      if (!lead.selected) continue;
      const bool started = std::ranges::find(begun, m, &std::pair<int, absl::Time>::first) != begun.end();
      if (!started && (!lead.rises() || lead.start >= entry.from)) continue;
      Voice& to = voice(m);
      if (!started && now_ < lead.start) {
        to.changes_at(lead.start);
        continue;
      }
      if (!started) {
        to.leads_begun.push_back({key_, occurrence(entry).name, view_.phase(entry).name, lead.start});
      }
      Spoken spoken = say(m, entry, Spoken::Kind::Leading, *view_.asked(m, entry, entry.from), entry.from);
      std::optional<PhaseLeads::Gate> gate = pace_ == Pace::Ideal ? std::nullopt : leads.closed_gate(m, now_);
      if (gate) {
        to.changes_at(gate->until);
        to.waiting.push_back(gate->text);
        const int kept = kept_at_gate(m, lead, 0);
        if (kept == 0) continue;
        spoken.kind = Spoken::Kind::Waiting;
        spoken.size = kept;
        spoken.counts = kept;
        spoken.note = std::move(gate->text);
      }
      to.spoken.push_back(std::move(spoken));
    }
  }

  const ScheduleView& view_;
  const CompiledSchedule& schedule_;
  const std::string key_;
  const absl::Time now_;
  const Pace pace_;
  std::vector<Voice>& voices_;
  std::map<std::pair<std::string_view, std::string_view>, MemberStarts> begun_;  ///< by occurrence and phase
  std::size_t begun_in_force_ = 0;  ///< of those, how many belong to phases that hold by now
};

}  // namespace

BegunLeads gather_begun_leads(std::span<const TargetFacts> facts) {
  BegunLeads begun;
  for (std::size_t t = 0; t < facts.size(); ++t) {
    for (const api::StartedLead& lead : facts[t].observed().started_leads) {
      begun[lead.schedule].push_back({static_cast<int>(t), &lead});
    }
  }
  return begun;
}

void speak(const CompiledSchedule& schedule, std::span<const TargetFacts> facts, SelectionMatcher& matcher,
           const BegunLeads& begun, absl::Time now, Pace pace, std::vector<Voice>& voices) {
  if (schedule.spec.suspend == api::SuspendMode::Restore || schedule.timeline.empty()) return;
  const ScheduleView view(schedule, facts, matcher);
  if (view.size() == 0) return;
  Speaker speaker(view, now, pace, voices);
  if (schedule.spec.suspend == api::SuspendMode::Hold) {
    speaker.hold_all();
  } else {
    speaker.speak(begun);
  }
}

}  // namespace headroom::plan
