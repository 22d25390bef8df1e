// What limits have refused, and what they would have refused: counted for metrics, and told by cause for statuses.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/limits/limit_set.h"
#include "operator/runtime/metrics.h"

namespace headroom::webhook {

/// One denial, or with mode Warn and Audit what would have been one.
struct Denial {
  std::string reason;     ///< CamelCase
  std::string dimension;  ///< dimension, field cap or deny rule; may be empty
  std::string message;    ///< what the client was told
};

/// Thread-safe. Rows per limit are bounded; the metric headroom_limit_denials_total counts all, while there is the
/// limit.
class Denials {
 public:
  /// `metrics` outlives this.
  explicit Denials(runtime::Metrics& metrics) : metrics_(metrics) {}

  /// `limit` may be null: one that is not known any more.
  void count(const api::ScaleLimit* limit, Denial denial, absl::Time now);
  /// What was counted since the last call, by cause; that is forgotten.
  std::vector<api::DenialStatus> take(const api::ScaleLimit& limit);
  /// What was taken could not be told.
  void put_back(const api::ScaleLimit& limit, const std::vector<api::DenialStatus>& rows);
  /// Forgets the limits that are not among these.
  void retain(const limits::LimitSet& limits);

 private:
  runtime::Metrics& metrics_;
  std::mutex mutex_;
  absl::flat_hash_map<std::string, std::vector<api::DenialStatus>> rows_;  ///< by the limit's uid
  absl::flat_hash_map<std::string, std::set<runtime::Labels>> counters_;   ///< that there are, by the same
};

}  // namespace headroom::webhook
