#include "operator/controllers/probe_health.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <vector>

namespace headroom::controllers {

void record_outcome(api::ProbeStatus& status, const ProbeOutcome& outcome, int failure_threshold, absl::Time at) {
  if (!outcome.known) return;
  status.last_probe = at;
  status.message = outcome.message;
  status.consecutive_failures = outcome.healthy ? 0 : status.consecutive_failures + 1;
  if (outcome.healthy) {
    status.healthy = true;
  } else if (status.consecutive_failures >= failure_threshold) {
    status.healthy = false;
  }
}

HealthVerdict judge_probes(api::RegionHealth::Policy policy, std::span<const api::ProbeStatus> probes) {
  std::vector<std::string> failing;
  for (const api::ProbeStatus& probe : probes) {
    if (!probe.healthy) failing.push_back(absl::StrCat(probe.name, ": ", probe.message));
  }
  const std::size_t passing = probes.size() - failing.size();
  bool healthy = true;
  std::string rule;
  switch (policy) {
    case api::RegionHealth::Policy::All:
      healthy = failing.empty();
      rule = "all must pass";
      break;
    case api::RegionHealth::Policy::Majority:
      healthy = probes.empty() || passing * 2 > probes.size();
      rule = "more than half must pass";
      break;
    case api::RegionHealth::Policy::Any:
      healthy = probes.empty() || passing > 0;
      rule = "one must pass";
      break;
  }
  if (probes.empty()) return {true, "no probes are declared"};
  if (failing.empty()) return {true, absl::StrCat("all ", probes.size(), " probes pass")};
  return {healthy, absl::StrCat(failing.size(), " of ", probes.size(), " probes fail (", rule,
                                "): ", absl::StrJoin(failing, "; "))};
}

HealthState step_health(const HealthState& before, bool verdict_healthy, absl::Duration unhealthy_after,
                        SteadyTime now) {
  if (verdict_healthy) return {true, std::nullopt};
  const SteadyTime since = before.failing_since.value_or(now);
  const bool patience_over = absl::FromChrono(now - since) >= unhealthy_after;
  return {before.healthy && !patience_over, since};
}

}  // namespace headroom::controllers
