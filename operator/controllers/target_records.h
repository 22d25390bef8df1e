// What the operator knows of each ScaleTarget beyond its spec: seeded from the stored status at first sight, then the
// authority until the status writer has written it (status writes are slow and go last). Thread-safe.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "operator/api/scale_target.h"
#include "operator/base/clock.h"
#include "operator/controllers/overrides.h"
#include "operator/runtime/stored_status.h"

namespace headroom::controllers {

/// A size change that has been written and is not ready yet.
struct PendingStep {
  int from = 0, to = 0;
  absl::Time patched_at;
};

/// A write of ours that the caches may not show yet: they are read as if they did, as long as they hold one of the
/// versions before it. They pass through all of them: an annotation and a size behind /scale are two.
struct LandedWrite {
  std::vector<std::string> older_versions;
  std::string version;
  std::string uid;  ///< of the object; one that was created has none in the caches yet
  Size size;
  std::optional<OriginalRecord> record;
  SteadyTime until{};  ///< after that the caches are believed whatever they show
};

/// Whether a cache that shows `seen_version` of the object is still behind that write.
inline bool is_behind(const std::string& seen_version, const Boxed<LandedWrite>& landed, SteadyTime now) {
  return landed && now < landed->until && std::ranges::count(landed->older_versions, seen_version) > 0;
}

/// Why a region may not hold a target.
struct RegionRefusal {
  std::string reason;   ///< NamespaceNotAllowed, RequirementsNotMet, RegionNotFound
  std::string message;  ///< what is missing and who can change it
  bool operator==(const RegionRefusal&) const = default;
};

struct TargetRecord {
  std::string uid;                ///< of the ScaleTarget; another uid starts a fresh record
  api::ScaleTargetStatus status;  ///< as it should be stored; conditions included
  std::optional<PendingStep> pending;
  std::string write_problem;    ///< of the last attempt to write its objects; empty: it succeeded
  std::string metrics_problem;  ///< why a query of its rules or lag guard has no answer; empty: all have. The planner's
  std::optional<absl::Time> lag_unknown_since;  ///< see there; the planner's, like metrics_problem
  Boxed<RegionRefusal> refusal;                 ///< the planner's, like metrics_problem
  Boxed<LandedWrite> landed;
  std::string finalized_over;  ///< the ScaleTarget's resourceVersion before our finalizer was added
  runtime::StoredStatus<api::ScaleTargetStatus> stored;
  SteadyTime stored_at{};
};

class TargetRecords {
 public:
  /// Calls `change` with the record of `target`, made from its stored status if there is none, under the lock: keep it
  /// short, no IO.
  template <class Change>
  auto update(const api::ScaleTarget& target, Change&& change) {
    std::lock_guard lock(mutex_);
    return change(record_of(target));
  }
  /// A copy.
  TargetRecord get(const api::ScaleTarget& target) {
    std::lock_guard lock(mutex_);
    return record_of(target);
  }
  /// A process that becomes the leader starts from what the former leader stored.
  void clear() {
    std::lock_guard lock(mutex_);
    records_.clear();
  }
  /// The cache shows this version now: what was kept until then can go.
  void shown(const api::ObjectMeta& meta) {
    std::lock_guard lock(mutex_);
    const auto it = records_.find(meta.key());
    if (it != records_.end()) it->second.stored.shown(meta.resource_version);
  }
  void forget(const api::ObjectKey& key) {
    std::lock_guard lock(mutex_);
    records_.erase(key);
  }

 private:
  TargetRecord& record_of(const api::ScaleTarget& target) {
    TargetRecord& record = records_[target.meta.key()];
    if (record.uid != target.meta.uid) {
      record = TargetRecord();
      record.uid = target.meta.uid;
      record.status = target.status;
    }
    return record;
  }
  std::mutex mutex_;
  std::unordered_map<api::ObjectKey, TargetRecord> records_;
};

}  // namespace headroom::controllers
