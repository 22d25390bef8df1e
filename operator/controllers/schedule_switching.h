// Keeps the switches of schedules as their phases want them: gathers who wants what, writes each ConfigMap concerned,
// and says what is set and what could not be. Thread-safe for different schedules.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/controllers/switches.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

/// Every schedule of a namespace with what it wants now. A schedule that is being deleted or suspended with Restore
/// wants nothing; one suspended with Hold, or not compiled yet, wants what it has set: by `known` (by name), else by
/// its status. Pure.
std::vector<SwitchClaimant> switch_claimants(const std::string& ns,
                                             std::span<const std::shared_ptr<const api::FestivalSchedule>> schedules,
                                             const std::map<std::string, std::vector<api::SwitchStatus>>& known,
                                             const PlanSnapshot* plan, absl::Time now);

class ScheduleSwitching {
 public:
  explicit ScheduleSwitching(World& world) : world_(world) {}

  struct Outcome {
    std::vector<api::SwitchStatus> held;  ///< set by this schedule
    std::vector<std::string> problems;    ///< per place that could not be brought to what is wanted
    std::vector<std::string> left_alone;  ///< keys that somebody else has changed since
  };
  /// `held` is what the schedule has set so far, as its status says. Takes at most a few seconds per region. A place
  /// that was well a minute ago and whose wishes are the same is not looked at again.
  Outcome settle(const api::FestivalSchedule& schedule, const std::vector<api::SwitchStatus>& held,
                 const PlanSnapshot* plan, absl::Time now, const std::stop_token& stop);
  void forget(const api::ObjectKey& schedule);

 private:
  /// The last look at one place on behalf of one schedule.
  struct Look {
    WantedSwitches wanted;
    bool well = false;
    SteadyTime at{};
    Outcome outcome;
  };
  Look look_at(const SwitchPlace& place, const WantedSwitches& wanted, const api::FestivalSchedule& schedule,
               const std::vector<api::SwitchStatus>& held, const std::stop_token& stop);

  World& world_;
  std::mutex mutex_;
  std::map<api::ObjectKey, std::map<SwitchPlace, Look>> looks_;  // guarded by mutex_
};

}  // namespace headroom::controllers
