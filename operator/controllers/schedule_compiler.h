// Compiles schedules for the planner and keeps the result until the spec, the calendar or the window changes. One
// thread.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <string>

#include "operator/api/festival_schedule.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

class ScheduleCompiler {
 public:
  explicit ScheduleCompiler(CalendarSource& calendars) : calendars_(calendars) {}

  /// A spec that does not compile leaves the last good compilation of the same object in force, beside the problem:
  /// an edit that breaks a schedule in the middle of a festival must not shrink it.
  ScheduleCompilation compile(const api::FestivalSchedule& schedule, absl::Time now);
  /// Forgets schedules that are gone.
  void keep_only(const std::map<api::ObjectKey, ScheduleCompilation>& present);

 private:
  struct Entry {
    std::string uid;
    std::int64_t generation = 0;
    std::map<std::string, std::shared_ptr<const std::vector<plan::CalendarEvent>>> calendars;
    ScheduleCompilation result;
  };
  Result<absl::TimeZone> zone(const std::string& name);

  CalendarSource& calendars_;
  std::map<api::ObjectKey, Entry> entries_;
  std::map<std::string, absl::TimeZone> zones_;
};

}  // namespace headroom::controllers
