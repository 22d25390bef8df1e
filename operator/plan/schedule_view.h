// One schedule against the targets of its namespace, for one decision: who is selected by what, and the sizes the
// schedule plans for them at any instant. Planned sizes know nothing of readiness, gates or ramps. Pure.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "operator/plan/compile.h"
#include "operator/plan/target_facts.h"

namespace headroom::plan {

/// A decay that holds at some instant, and until when it keeps earlier waves.
struct DecayInForce {
  const TimelineEntry* entry = nullptr;
  std::vector<absl::Time> keeps_until;  ///< by wave: when the last decay of later waves ends; InfinitePast: none
};

/// What of a schedule holds at an instant.
struct Moment {
  absl::Time at;
  std::vector<const TimelineEntry*> holding;
  std::vector<DecayInForce> decays;
};

/// A contribution kept although its phase is over, because later waves are still leaving.
struct HeldContribution {
  const TimelineEntry* last = nullptr;  ///< the phase that it is kept from
  int size = 0;
  absl::Time until;
};

/// Which of a namespace's targets a selection matches. Schedules select alike more often than not, so each distinct
/// selection is matched once and its answer shared.
class SelectionMatcher {
 public:
  /// `candidates` are indices into `facts`, ascending. Both must outlive the matcher, and so must every selection
  /// asked.
  SelectionMatcher(std::span<const TargetFacts> facts, std::span<const int> candidates)
      : facts_(facts), candidates_(candidates) {}

  std::span<const int> candidates() const { return candidates_; }
  /// One flag for each candidate; the vector stays where it is.
  const std::vector<std::uint8_t>& matches(const api::TargetSelection& selection);

 private:
  struct Known {
    const api::TargetSelection* selection;
    std::vector<std::uint8_t> matches;
  };
  std::span<const TargetFacts> facts_;
  std::span<const int> candidates_;
  std::deque<Known> known_;
};

/// Members are the targets that some phase selects, numbered from 0.
class ScheduleView {
 public:
  /// `candidates` are indices into `facts` of the targets in the schedule's namespace, ascending. All must outlive the
  /// view.
  ScheduleView(const CompiledSchedule& schedule, std::span<const TargetFacts> facts, std::span<const int> candidates);
  /// The same with answers shared between schedules of one namespace.
  ScheduleView(const CompiledSchedule& schedule, std::span<const TargetFacts> facts, SelectionMatcher& matcher);

  const CompiledSchedule& schedule() const { return schedule_; }
  int size() const { return static_cast<int>(members_.size()); }
  int target(int member) const { return members_[static_cast<std::size_t>(member)]; }
  /// The member that stands for a target; empty when no phase selects it.
  std::optional<int> member(int target) const;
  const TargetFacts& facts(int member) const { return facts_[static_cast<std::size_t>(target(member))]; }
  const api::Phase& phase(const TimelineEntry& entry) const;
  const std::vector<api::Wave>& waves(const TimelineEntry& entry) const;

  /// Null where the phase does not select the member.
  const api::Demand* demand(int member, int phase) const;
  /// The first wave of the phase that selects the member; waves.size() for the implicit last one.
  int wave(int member, int phase) const;

  /// The size that the interval asks for at `at`, before the target's own bounds. Empty when it does not select the
  /// member, when the decay has ended, or when there is nothing to multiply or to decay from.
  std::optional<int> asked(int member, const TimelineEntry& entry, absl::Time at) const;
  /// The same after the target's own bounds.
  std::optional<int> planned(int member, const TimelineEntry& entry, absl::Time at) const;
  /// What the interval's decay starts from: the planned size at the end of the member's latest earlier phase.
  std::optional<int> decay_start(int member, const TimelineEntry& entry) const;

  Moment moment(absl::Time at) const;
  std::optional<HeldContribution> held(int member, const Moment& moment) const;
  /// The largest planned size of all that holds at the moment; the original where nothing does.
  int planned(int member, const Moment& moment) const;

 private:
  void gather_members(SelectionMatcher& matcher);
  bool matches(int member, int selection) const;
  const TimelineEntry* latest_before(int member, const TimelineEntry& entry) const;
  bool reaches(const DecayInForce& decay, absl::Time end) const;
  DecayInForce decay_in_force(const TimelineEntry& entry, absl::Time at) const;
  bool has_decay(int phase) const;

  const CompiledSchedule& schedule_;
  std::span<const TargetFacts> facts_;
  std::vector<int> members_;
  std::vector<std::uint8_t> matched_;                             ///< members × selections
  std::vector<std::int16_t> demands_;                             ///< members × phases; -1: not selected
  std::vector<std::vector<const TimelineEntry*>> by_occurrence_;  ///< ascending by from; only where a phase decays
};

}  // namespace headroom::plan
