// Carries out what plan_switches says, in the regions it concerns.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/controllers/switches.h"
#include "operator/controllers/world.h"
#include "operator/kube/client.h"

namespace headroom::controllers {

/// What holds in one place after a pass.
struct SwitchOutcome {
  std::map<std::string, SwitchRecord> held;  ///< by key, of all schedules
  std::vector<std::string> left_alone, refused;
};

/// Reads the ConfigMap, plans, writes; again when somebody else wrote in between, at most five times.
Result<SwitchOutcome> write_switches(kube::Client& client, const SwitchPlace& place, const WantedSwitches& wanted,
                                     const std::map<std::string, SwitchRecord>& remembered,
                                     const std::stop_token& stop);

/// The client of a region for objects of namespace `ns`: an error says why there is none (not connected, not reachable
/// now, namespace not admitted).
Result<std::shared_ptr<kube::Client>> client_for_switches(const World& world, const std::string& region,
                                                          const std::string& ns);

}  // namespace headroom::controllers
