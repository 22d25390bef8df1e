// Ready-by for one phase of one occurrence: when each target's work starts so that everything is ready by `from`, wave
// after wave; and the gates between the waves. Pure.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/plan/schedule_view.h"

namespace headroom::plan {

/// What the phase means to one member.
struct MemberLead {
  bool selected = false;  ///< the phase asks something of it
  int wave = 0;
  int before = 0;       ///< planned size just before `from`
  int size = 0;         ///< planned size of the phase
  absl::Time start;     ///< when its work starts; `from` where nothing rises
  absl::Duration lead;  ///< its own, from patch to ready
  absl::Time ready_by;  ///< `from`, less the leads of the waves that follow its own
  bool rises() const { return selected && size > before; }
};

class PhaseLeads {
 public:
  /// `begun` are leads that started earlier, by member; they hold whatever the lead is now.
  PhaseLeads(const ScheduleView& view, const TimelineEntry& entry,
             const std::vector<std::pair<int, absl::Time>>& begun);

  const TimelineEntry& entry() const { return *entry_; }
  const MemberLead& member(int member) const { return members_[static_cast<std::size_t>(member)]; }

  struct Gate {
    absl::Time until;  ///< opens at the latest then
    /// "waiting for wave databases: replicas 4 of 5 ready; goes on regardless at 2026-11-08 00:05 +05:30, 5m after the
    /// start of wave databases"
    std::string text;
  };
  /// The gate that keeps the member from rising to the phase's size at `now`, if one is closed: an earlier wave with
  /// gate Ready is not ready, and the time-out of the last such wave, counted from when that wave itself went, has not
  /// passed. Waves that ask nothing of anybody count for nothing. Never closed for a member that has that size already.
  std::optional<Gate> closed_gate(int member, absl::Time now) const;

 private:
  void plan_members(const ScheduleView& view);
  void plan_starts(const ScheduleView& view, const std::vector<std::pair<int, absl::Time>>& begun);
  void look_at_waves(const ScheduleView& view);
  void find_openings();

  /// What is observed of a wave.
  struct Progress {
    bool selects = false;  ///< somebody who is waited for
    int unready = 0;
    std::string first;  ///< "read-replicas 4 of 5 ready", the first by name
    std::string first_name;
    std::optional<absl::Time> went;  ///< when the first of it was raised, at the earliest at its planned start
    bool to_raise = false;           ///< somebody has not been raised yet
  };
  struct Opening {
    std::optional<std::size_t> guard;  ///< the nearest earlier wave that is waited for
    absl::Time at;                     ///< when the wave went; of one that has not, when it will at the latest
    absl::Time latest;                 ///< if every wave before were waited for to the end
  };
  bool is_waited_for(std::size_t wave) const;
  absl::Time time_out_of(std::size_t wave) const;

  const ScheduleView* view_;
  const TimelineEntry* entry_;
  std::vector<MemberLead> members_;
  std::vector<absl::Time> wave_start_;  ///< of the declared waves
  std::vector<Progress> progress_;      ///< of the declared waves
  std::vector<Opening> openings_;       ///< of the declared waves, and of who is in none
};

}  // namespace headroom::plan
