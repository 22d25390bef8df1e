// What a FestivalSchedule's status says, and which Events and alerts follow, as pure functions of the plan and of what
// is known.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/controllers/boundaries.h"
#include "operator/controllers/notifier.h"
#include "operator/controllers/world.h"
#include "operator/runtime/events.h"

namespace headroom::controllers {

struct ScheduleFacts {
  const api::FestivalSchedule& schedule;
  const ScheduleCompilation* compilation = nullptr;     ///< null: no plan knows this version of the schedule yet
  const PlanSnapshot* plan = nullptr;                   ///< null: no plan yet
  std::vector<api::StartedLead> started_leads = {};     ///< of this schedule, as targets' records have them
  std::vector<api::TransitionStatus> lead_starts = {};  ///< that are to come
  std::vector<api::SwitchStatus> switches = {};         ///< that are set by this schedule
  std::vector<std::string> switch_problems = {};        ///< what could not be set or put back
  std::vector<std::string> unknown_receivers = {};
  std::optional<absl::Time> looked_until = {};  ///< see BoundaryQuestion
};

struct ScheduleReport {
  api::FestivalScheduleStatus status;
  std::vector<plan::Transition> passed;  ///< boundaries since the last look
  std::int64_t newly_missed = 0;
};

/// `before` is the status as stored, or as last made by this process.
ScheduleReport schedule_report(const ScheduleFacts& facts, const api::FestivalScheduleStatus& before, absl::Time now);

/// Boundaries, lead starts, lateness over a minute, missed boundaries, and what has come into or gone out of order.
std::vector<runtime::EventText> schedule_events(const api::FestivalScheduleStatus& before,
                                                const ScheduleReport& report);

/// What the notifier is to hold active: the notifications of phases in force, and targets at risk, told to every
/// receiver that the schedule names. At most 100 risks.
std::vector<Alert> schedule_alerts(const api::FestivalSchedule& schedule, const plan::CompiledSchedule& compiled,
                                   const api::FestivalScheduleStatus& status, absl::Time now);

/// Receivers that phases name and `known` does not have, sorted.
std::vector<std::string> unknown_receivers(const api::FestivalScheduleSpec& spec, std::span<const Receiver> known);

/// How many of the targets some phase asks something of.
std::int64_t count_selected(const api::ObjectKey& schedule, const api::FestivalScheduleSpec& spec,
                            const PlanSnapshot& plan);
/// What phases and waves name although the plan knows no such ScaleTarget in `ns`; ascending, each once. One that is
/// being deleted is not planned any more and counts as missing.
std::vector<std::string> missing_targets(const std::string& ns, const api::FestivalScheduleSpec& spec,
                                         const PlanSnapshot& plan);

}  // namespace headroom::controllers
