// The ConstraintSource of a running operator: quotas, nodes and pending pods of the regions that somebody asks about.
// Thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "operator/controllers/region_capacity.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

struct ConstraintWatchOptions {
  RegionCapacityTimes times;
  /// A region nobody asks about is no longer watched.
  std::chrono::milliseconds forget_after{1'200'000};  ///< twice the planner's longest silence
};

class ConstraintWatch final : public ConstraintSource {
 public:
  /// Regions are reached through the world's links. `changed` is called from watch threads when an answer may differ;
  /// empty: nobody wants to know.
  explicit ConstraintWatch(World& world, std::function<void()> changed = {}, ConstraintWatchOptions options = {});
  ~ConstraintWatch() override;

  /// Does not wait: what is not known yet is left empty. Fills quotas, nodes and unschedulable pods; health, rivals and
  /// lag are the caller's.
  plan::TargetConstraints constraints(const api::ScaleTarget& target, const plan::PodRequests& pod_requests,
                                      const std::string& selector) override;
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
