// A sample as the operator would see it once it is applied: its ScaleTargets with the sizes that its own workloads and
// autoscalers start from, its regions, its schedules.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include "operator/api/region.h"
#include "operator/api/scale_limit.h"
#include "operator/api/scale_target.h"
#include "operator/plan/compile.h"
#include "operator/plan/decide.h"

namespace headroom::api {

class SampleWorld {
 public:
  /// Schedules are compiled as of `now`.
  explicit SampleWorld(absl::Time now) : now_(now) {}

  /// Takes a folder below manifests/samples, as `kubectl apply -f` does: an object of the same name replaces one that
  /// was there. Workloads and autoscalers go to the cluster of `region`. What cannot be read or compiled fails the
  /// running test.
  SampleWorld& apply(const std::string& folder, const std::string& region);
  SampleWorld& remove_schedule(const std::string& name);

  plan::DecideResult decide(absl::Time at) const;
  /// The size decided for a target; -1 where there is no such target.
  int size(const std::string& target, absl::Time at) const;
  const std::map<std::string, ScaleTarget>& targets() const { return targets_; }
  const std::map<std::string, Region>& regions() const { return regions_; }
  /// Of either kind, by name.
  const std::map<std::string, ScaleLimit>& limits() const { return limits_; }

 private:
  using InRegion = std::pair<std::string, std::string>;  ///< region, name of the workload

  void take_workload(const nlohmann::json& object, const std::string& region);
  void take_schedule(const nlohmann::json& object);
  std::optional<Originals> originals_of(const ScaleTarget& target) const;

  absl::Time now_;
  std::map<std::string, ScaleTarget> targets_;
  std::map<std::string, Region> regions_;
  std::map<std::string, ScaleLimit> limits_;
  std::map<std::string, std::shared_ptr<const plan::CompiledSchedule>> schedules_;
  std::map<std::string, std::map<std::string, std::string>> config_maps_;
  std::map<InRegion, Originals> autoscalers_;
  std::map<InRegion, int> workloads_;
};

}  // namespace headroom::api
