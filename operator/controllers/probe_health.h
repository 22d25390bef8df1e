// From probe outcomes to "this region is healthy": thresholds, policy, patience. Pure.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <span>
#include <string>

#include "operator/api/region.h"
#include "operator/base/clock.h"

namespace headroom::controllers {

/// What one probe found. Not `known`: nothing can be said yet, which changes nothing.
struct ProbeOutcome {
  bool known = true, healthy = false;
  std::string message;
};

/// Takes an outcome into the probe's record: it counts as failing once `failure_threshold` probes in a row have failed,
/// and as healthy again with the first that succeeds.
void record_outcome(api::ProbeStatus& status, const ProbeOutcome& outcome, int failure_threshold, absl::Time at);

struct HealthVerdict {
  bool healthy = true;
  std::string message;  ///< "2 of 3 probes fail (All must pass): api: connection refused; ..."
};

/// The policy over all probes. Without probes a region is healthy.
HealthVerdict judge_probes(api::RegionHealth::Policy policy, std::span<const api::ProbeStatus> probes);

/// Health with patience: unhealthy only after the verdict has been bad for `unhealthy_after` without a break, healthy
/// at once.
struct HealthState {
  bool healthy = true;
  std::optional<SteadyTime> failing_since;
};
HealthState step_health(const HealthState& before, bool verdict_healthy, absl::Duration unhealthy_after,
                        SteadyTime now);

}  // namespace headroom::controllers
