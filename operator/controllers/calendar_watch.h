// The CalendarSource of a running operator: watches the ConfigMaps that schedules name, parses their iCalendar texts on
// a thread of its own, and keeps the last good text, also across restarts (calendar_copy.h). Thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "operator/controllers/world.h"

namespace headroom::controllers {

struct CalendarWatchLimits {
  std::size_t config_maps = 200;                      ///< watched at a time, each with a connection of its own
  std::size_t calendars = 1'000;                      ///< parsed results kept
  std::chrono::milliseconds forget_after{1'200'000};  ///< twice the planner's longest silence
  /// How long the first question about a calendar waits for its answer.
  std::chrono::milliseconds first_answer{5'000};
};

class CalendarWatch final : public CalendarSource {
 public:
  /// `changed` is called from the parsing thread when events() would answer something else than before. Sources and
  /// copies lie in the home cluster.
  CalendarWatch(World& world, std::function<void()> changed, CalendarWatchLimits limits = {});
  ~CalendarWatch() override;

  /// The first question about a calendar waits, bounded, until its source has been read or its kept copy been loaded:
  /// a plan made without knowing the days would end every festival under way.
  /// Times of day without a zone are taken in the time zone of the schedules that name this calendar, where these
  /// agree.
  Answer events(const std::string& ns, const api::Occurrence::CalendarRef& ref) override;
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
