// Everything that talks to one region's servers on the region controller's behalf, on a thread of its own: probes and
// parameters. A server that does not answer holds up this thread and nobody else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operator/api/region.h"
#include "operator/base/clock.h"
#include "operator/controllers/probes.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

/// What an agent has found; a copy.
struct RegionReport {
  std::vector<api::ProbeStatus> probes;
  bool healthy = true;
  std::string health_message;
  bool parameters_written = false;  ///< the last pass had nothing left to do
  std::vector<std::string> parameter_problems;
  bool parameters_gone = false;  ///< none was wanted since the last update(), and none is left
  bool reachable = false;        ///< the cluster's word when last looked
};

class RegionAgent {
 public:
  /// `changed` is called from the agent's thread when the report says something new. `clock` is the operator's: wall
  /// time for the record, monotonic time for intervals.
  RegionAgent(std::string region, const api::RegionStatus& stored, std::unique_ptr<Prober> prober, const Clock& clock,
              std::function<void()> changed);
  ~RegionAgent();

  /// What to do from now on; cheap when nothing differs. `cluster` null: not connected.
  void update(const api::RegionSpec& spec, std::shared_ptr<Cluster> cluster);
  RegionReport report() const;
  /// Ends the thread; requests under way are cancelled.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
