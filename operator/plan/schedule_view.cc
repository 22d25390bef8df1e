#include "operator/plan/schedule_view.h"

#include <algorithm>

#include "operator/plan/demand.h"
#include "operator/plan/selection.h"

namespace headroom::plan {
namespace {

constexpr absl::Duration kHour = absl::Hours(1), kInstant = absl::Nanoseconds(1);

std::int64_t full_hours(absl::Duration since) { return absl::IDivDuration(since, kHour, &since); }

std::size_t index(int number) { return static_cast<std::size_t>(number); }

}  // namespace

const std::vector<std::uint8_t>& SelectionMatcher::matches(const api::TargetSelection& selection) {
  for (const Known& known : known_) {
    if (*known.selection == selection) return known.matches;
  }
  Known& known = known_.emplace_back(Known{&selection, {}});
  known.matches.reserve(candidates_.size());
  for (const int candidate : candidates_) {
    const TargetFacts& target = facts_[index(candidate)];
    const bool selected = target.known && selects(selection, target.key().name, *target.target->labels, target.spec());
    known.matches.push_back(selected ? 1 : 0);
  }
  return known.matches;
}

ScheduleView::ScheduleView(const CompiledSchedule& schedule, std::span<const TargetFacts> facts,
                           std::span<const int> candidates)
    : schedule_(schedule), facts_(facts) {
  SelectionMatcher matcher(facts, candidates);
  gather_members(matcher);
}

ScheduleView::ScheduleView(const CompiledSchedule& schedule, std::span<const TargetFacts> facts,
                           SelectionMatcher& matcher)
    : schedule_(schedule), facts_(facts) {
  gather_members(matcher);
}

void ScheduleView::gather_members(SelectionMatcher& matcher) {
  const std::size_t phases = schedule_.phases.size(), selections = schedule_.selections.size();
  std::vector<const std::vector<std::uint8_t>*> matched;
  for (const api::TargetSelection& selection : schedule_.selections) matched.push_back(&matcher.matches(selection));
  std::vector<std::int16_t> demands(phases);
  for (std::size_t c = 0; c < matcher.candidates().size(); ++c) {
    bool selected = false;
    for (std::size_t p = 0; p < phases; ++p) {
      const std::vector<int>& wanted = schedule_.phases[p].demand_selections;
      const auto first = std::ranges::find_if(wanted, [&](int s) { return (*matched[index(s)])[c] != 0; });
      demands[p] = first == wanted.end() ? std::int16_t{-1} : static_cast<std::int16_t>(first - wanted.begin());
      selected |= demands[p] >= 0;
    }
    if (!selected) continue;
    members_.push_back(matcher.candidates()[c]);
    for (std::size_t s = 0; s < selections; ++s) matched_.push_back((*matched[s])[c]);
    demands_.insert(demands_.end(), demands.begin(), demands.end());
  }
  bool any_decay = false;
  for (std::size_t p = 0; p < phases; ++p) any_decay |= has_decay(static_cast<int>(p));
  if (!any_decay || members_.empty()) return;
  by_occurrence_.resize(schedule_.occurrences.size());
  for (const TimelineEntry& entry : schedule_.timeline) by_occurrence_[index(entry.occurrence)].push_back(&entry);
}

std::optional<int> ScheduleView::member(int target) const {
  const auto place = std::ranges::lower_bound(members_, target);
  if (place == members_.end() || *place != target) return std::nullopt;
  return static_cast<int>(place - members_.begin());
}

bool ScheduleView::has_decay(int phase) const {
  return std::ranges::any_of(schedule_.spec.phases[index(phase)].demands,
                             [](const auto& demand) { return demand.demand.type == api::Demand::Type::Decay; });
}

const api::Phase& ScheduleView::phase(const TimelineEntry& entry) const {
  return schedule_.spec.phases[index(entry.phase)];
}

const std::vector<api::Wave>& ScheduleView::waves(const TimelineEntry& entry) const {
  return schedule_.phases[index(entry.phase)].waves;
}

bool ScheduleView::matches(int member, int selection) const {
  return matched_[index(member) * schedule_.selections.size() + index(selection)] != 0;
}

const api::Demand* ScheduleView::demand(int member, int phase) const {
  const std::int16_t demand = demands_[index(member) * schedule_.phases.size() + index(phase)];
  return demand < 0 ? nullptr : &schedule_.spec.phases[index(phase)].demands[index(demand)].demand;
}

int ScheduleView::wave(int member, int phase) const {
  const std::vector<int>& waves = schedule_.phases[index(phase)].wave_selections;
  const auto first = std::ranges::find_if(waves, [&](int selection) { return matches(member, selection); });
  return static_cast<int>(first - waves.begin());
}

std::optional<int> ScheduleView::asked(int member, const TimelineEntry& entry, absl::Time at) const {
  const api::Demand* wanted = demand(member, entry.phase);
  if (!wanted) return std::nullopt;
  if (wanted->type != api::Demand::Type::Decay) return demanded_size(*wanted, facts(member).baseline);
  const std::optional<int> start = decay_start(member, entry);
  if (!start) return std::nullopt;
  const int size = decayed_size(wanted->decay, *start, full_hours(at - entry.from));
  return size <= facts(member).decay_end ? std::nullopt : std::optional(size);
}

std::optional<int> ScheduleView::planned(int member, const TimelineEntry& entry, absl::Time at) const {
  const std::optional<int> size = asked(member, entry, at);
  return size ? std::optional(facts(member).bounded(*size, phase(entry).decrease)) : std::nullopt;
}

const TimelineEntry* ScheduleView::latest_before(int member, const TimelineEntry& entry) const {
  const TimelineEntry* latest = nullptr;
  for (const TimelineEntry* other : by_occurrence_[index(entry.occurrence)]) {
    if (other->from >= entry.from) break;
    if (demand(member, other->phase)) latest = other;
  }
  return latest;
}

std::optional<int> ScheduleView::decay_start(int member, const TimelineEntry& entry) const {
  const TimelineEntry* earlier = latest_before(member, entry);
  if (!earlier) return std::nullopt;
  return planned(member, *earlier, std::min(earlier->to, entry.from) - kInstant);
}

DecayInForce ScheduleView::decay_in_force(const TimelineEntry& entry, absl::Time at) const {
  const std::size_t waves = schedule_.phases[index(entry.phase)].waves.size();
  std::vector<absl::Time> ends(waves + 1, absl::InfinitePast());
  for (int member = 0; member < size(); ++member) {
    const api::Demand* wanted = demand(member, entry.phase);
    if (!wanted || wanted->type != api::Demand::Type::Decay || !asked(member, entry, at)) continue;
    const std::int64_t hours = hours_until(wanted->decay, *decay_start(member, entry), facts(member).decay_end,
                                           full_hours(entry.to - entry.from));
    absl::Time& end = ends[index(wave(member, entry.phase))];
    end = std::max(end, std::min(entry.to, entry.from + hours * kHour));
  }
  DecayInForce decay{&entry, std::vector<absl::Time>(waves + 1, absl::InfinitePast())};
  for (std::size_t wave = waves; wave > 0; --wave) {
    decay.keeps_until[wave - 1] = std::max(decay.keeps_until[wave], ends[wave]);
  }
  return decay;
}

Moment ScheduleView::moment(absl::Time at) const {
  Moment moment{at, {}, {}};
  const std::vector<TimelineEntry>& timeline = schedule_.timeline;
  const auto first = std::ranges::lower_bound(timeline, at - schedule_.longest_interval, {}, &TimelineEntry::from);
  for (auto entry = first; entry != timeline.end() && entry->from <= at; ++entry) {
    if (entry->to <= at) continue;
    moment.holding.push_back(&*entry);
    if (has_decay(entry->phase) && !waves(*entry).empty()) moment.decays.push_back(decay_in_force(*entry, at));
  }
  return moment;
}

/// Whether the decay follows a phase that ended at `end` without a break, perhaps after other decays.
bool ScheduleView::reaches(const DecayInForce& decay, absl::Time end) const {
  for (const TimelineEntry* entry : by_occurrence_[index(decay.entry->occurrence)]) {
    if (entry->from > end) return false;
    if (entry == decay.entry) return true;
    if (has_decay(entry->phase)) end = std::max(end, entry->to);
  }
  return false;
}

std::optional<HeldContribution> ScheduleView::held(int member, const Moment& moment) const {
  std::optional<HeldContribution> held;
  for (const DecayInForce& decay : moment.decays) {
    const absl::Time until = decay.keeps_until[index(wave(member, decay.entry->phase))];
    if (until <= moment.at) continue;
    const TimelineEntry* last = nullptr;
    bool speaks_itself = false;
    for (const TimelineEntry* entry : by_occurrence_[index(decay.entry->occurrence)]) {
      if (entry->from > moment.at || !demand(member, entry->phase)) continue;
      if (entry->to > moment.at) speaks_itself = true;
      if (entry->to <= moment.at && (!last || entry->to >= last->to)) last = entry;
    }
    if (speaks_itself || !last || !reaches(decay, last->to)) continue;
    const std::optional<int> size = asked(member, *last, last->to - kInstant);
    if (size && (!held || *size > held->size)) held = HeldContribution{last, *size, until};
  }
  return held;
}

int ScheduleView::planned(int member, const Moment& moment) const {
  std::optional<int> largest;
  for (const TimelineEntry* entry : moment.holding) {
    if (const std::optional<int> size = planned(member, *entry, moment.at)) {
      largest = std::max(largest.value_or(*size), *size);
    }
  }
  if (const std::optional<HeldContribution> kept = held(member, moment)) {
    const int size = facts(member).bounded(kept->size, phase(*kept->last).decrease);
    largest = std::max(largest.value_or(size), size);
  }
  return largest.value_or(facts(member).original);
}

}  // namespace headroom::plan
