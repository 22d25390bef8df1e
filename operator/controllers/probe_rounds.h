// The probes of one region and when each is due: the part of a region's agent that needs no thread. One thread at a
// time.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "operator/api/region.h"
#include "operator/base/clock.h"
#include "operator/controllers/probes.h"

namespace headroom::controllers {

class ProbeRounds {
 public:
  /// `stored` is the region's status as last written: after a restart, a region that was unhealthy stays so until its
  /// probes say otherwise, and one that was healthy is not doubted before they do.
  explicit ProbeRounds(const api::RegionStatus& stored);

  /// Another set of probes; those that stay as they were keep their record. New ones count as healthy until they fail.
  void set_spec(const api::RegionHealth& health, SteadyTime now);

  /// Runs what is due, one probe after the other. True when a probe or the region changed between healthy and not.
  bool run_due(Prober& prober, const std::shared_ptr<Cluster>& cluster, SteadyTime now, absl::Time wall,
               const std::stop_token& stop);
  /// Health with `unhealthyAfter` applied as of `now`; true when it changed.
  bool judge(SteadyTime now);

  std::optional<SteadyTime> next_due() const;
  std::vector<api::ProbeStatus> statuses() const;
  bool healthy() const { return health_.healthy; }
  /// What the probes say, whether or not it already counts.
  const HealthVerdict& verdict() const { return verdict_; }

 private:
  struct Slot {
    api::HealthProbe probe;
    api::ProbeStatus status;
    SteadyTime due;
  };

  std::vector<api::ProbeStatus> stored_;  ///< until set_spec has used them
  api::RegionHealth spec_;
  std::vector<Slot> slots_;
  HealthState health_;
  HealthVerdict verdict_;
};

}  // namespace headroom::controllers
