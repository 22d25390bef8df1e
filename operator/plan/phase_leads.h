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
    std::string text;  ///< "waiting for wave databases: read-replicas 4 of 5 ready"
  };
  /// The gate that keeps the member from rising to the phase's size at `now`, if one is closed: an earlier wave is not
  /// ready and its time-out has not passed. Never closed for a member that has that size already.
  std::optional<Gate> closed_gate(int member, absl::Time now) const;

 private:
  void plan_members(const ScheduleView& view);
  void plan_starts(const ScheduleView& view, const std::vector<std::pair<int, absl::Time>>& begun);
  void find_unready(const ScheduleView& view);

  struct Unready {
    int count = 0;
    std::string first;  ///< "read-replicas 4 of 5 ready", the first by name
    std::string first_name;
  };
  const ScheduleView* view_;
  const TimelineEntry* entry_;
  std::vector<MemberLead> members_;
  std::vector<absl::Time> wave_start_;  ///< of the declared waves
  std::vector<Unready> unready_;        ///< of the declared waves
};

}  // namespace headroom::plan
