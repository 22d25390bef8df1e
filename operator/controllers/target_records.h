// What the operator knows of each ScaleTarget beyond its spec: seeded from the stored status at first sight, then the
// authority until the status writer has written it (status writes are slow and go last). Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "operator/api/scale_target.h"

namespace headroom::controllers {

/// A size change that has been written and is not ready yet.
struct PendingStep {
  int from = 0, to = 0;
  absl::Time patched_at;
};

struct TargetRecord {
  std::string uid;                ///< of the ScaleTarget; another uid starts a fresh record
  api::ScaleTargetStatus status;  ///< as it should be stored; conditions included
  std::optional<PendingStep> pending;
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
  void forget(const api::ObjectKey& key) {
    std::lock_guard lock(mutex_);
    records_.erase(key);
  }

 private:
  TargetRecord& record_of(const api::ScaleTarget& target) {
    TargetRecord& record = records_[target.meta.key()];
    if (record.uid != target.meta.uid) record = TargetRecord{target.meta.uid, target.status, std::nullopt};
    return record;
  }
  std::mutex mutex_;
  std::unordered_map<api::ObjectKey, TargetRecord> records_;
};

}  // namespace headroom::controllers
