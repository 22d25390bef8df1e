// What one region's quotas, nodes and pending pods say, followed on watches and a thread of its own. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "operator/plan/capacity_math.h"

namespace headroom::controllers {

struct RegionCapacityTimes {
  /// A region of five thousand nodes lists 150,000 pods; what is free moves slowly enough.
  std::chrono::milliseconds nodes{180'000};
  std::chrono::milliseconds after_failure{30'000};
  /// Of one listing of nodes and pods: slow is fine, for ever is not.
  std::chrono::milliseconds listing{120'000};
  /// An older picture of the nodes is none.
  std::chrono::milliseconds nodes_age{900'000};
};

class RegionCapacityView {
 public:
  /// Starts at once: watches ResourceQuotas and pending pods, lists nodes and pods every few minutes; page by page,
  /// keeping only sums. `changed` is called from these threads.
  RegionCapacityView(std::shared_ptr<kube::Reader> reader, const Clock& clock, std::function<void()> changed,
                     RegionCapacityTimes times, std::uint64_t seed);
  ~RegionCapacityView();

  /// Empty while not known.
  std::optional<std::vector<plan::QuotaView>> quotas(const std::string& ns) const;
  /// Empty while not known. Replicas of the same shape share one reckoning until the nodes are listed anew.
  std::optional<plan::Room> room_on_nodes(const plan::ResourceList& pod_requests) const;
  /// Pods in `ns` that match and that no node would take. Empty while not known.
  std::optional<int> unschedulable(const std::string& ns, const api::LabelSelector& selector) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
