// Which schedules use a calendar, and what follows from it. Pure.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/controllers/calendar_copy.h"

namespace headroom::controllers {

using Schedules = std::span<const std::shared_ptr<const api::FestivalSchedule>>;

/// The time zone of the schedules that take events of this summary; empty where they disagree or there is none.
std::string zone_of_users(Schedules schedules, const CalendarSourceKey& source, const std::string& summary);

/// The schedules that use the source, as owners of its copy, by uid; those that are being deleted no longer count.
std::vector<api::OwnerReference> owners_of_copy(Schedules schedules, const CalendarSourceKey& source);

}  // namespace headroom::controllers
