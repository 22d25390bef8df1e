// Watches Headroom's own objects, for rules that need others than the one under review, and for the regions that limits
// are observed through.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/kube/client.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/store.h"
#include "operator/validation/snapshot.h"
#include "webhook/app/limit_watches.h"

namespace headroom::webhook {

/// Thread-safe.
class OwnKinds {
 public:
  /// Limits and namespaces are those of `limits`, which outlives this.
  OwnKinds(const std::shared_ptr<kube::Reader>& reader, const LimitWatches& limits, std::string own_namespace,
           std::vector<std::string> excluded_namespaces, const Clock& clock, std::uint64_t seed);

  void start();
  void stop();
  /// Lists all anew; see runtime::Reflector.
  void begin_anew();
  /// Everything has been listed once; before, a snapshot lacks objects that are there.
  bool synced() const;
  validation::Snapshot snapshot() const;
  /// Regions, and the namespaces' labels where one of them admits by label: what tells whether a query may be asked.
  validation::Snapshot regions_snapshot() const;
  const runtime::Store<api::Region>& regions() const { return *regions_; }

 private:
  template <class T>
  void watch(const std::shared_ptr<kube::Reader>& reader, const kube::ResourceType& type,
             std::shared_ptr<runtime::Store<T>> store, Result<T> (*decode)(const nlohmann::json&), const Clock& clock,
             std::uint64_t seed);

  const LimitWatches& limits_;
  const std::string own_namespace_;
  const std::vector<std::string> excluded_namespaces_;
  const std::shared_ptr<runtime::Store<api::Region>> regions_;
  const std::shared_ptr<runtime::Store<api::ScaleTarget>> targets_;
  const std::shared_ptr<runtime::Store<api::FestivalSchedule>> schedules_;
  std::vector<std::unique_ptr<runtime::Reflector>> reflectors_;
};

}  // namespace headroom::webhook
