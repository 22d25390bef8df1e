// The Leases of all webhook replicas, as the watch shows them: who renews tells the ledger that it lives; who has not
// for long is tidied up. Thread-safe.
#pragma once

#include <absl/time/time.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/limits/identity.h"
#include "operator/runtime/reflector.h"
#include "webhook/app/lease_life.h"

namespace headroom::webhook {

class ReplicaLeases {
 public:
  using Now = std::function<limits::BootTime()>;
  using Renewed = std::function<void(const limits::Holder&)>;

  /// `renewed` hears of each renewal that is seen, from the reflector's thread. Times are those of seeing.
  ReplicaLeases(Now now, Renewed renewed) : now_(std::move(now)), renewed_(std::move(renewed)) {}

  /// For the reflector of Leases with the label kWebhookLeaseLabel; this outlives it.
  std::unique_ptr<runtime::ObjectSink> sink();

  /// A Lease that was read, not watched. Whether it shows a renewal that was not seen before.
  bool saw(const nlohmann::json& lease);

  struct Live {
    std::string name;
    Announcements announced;
  };
  /// Those that were renewed within `life`.
  std::vector<Live> live(absl::Duration life) const;

  struct Silent {
    std::string name, resource_version;
  };
  /// Those that were not renewed for `time`, at most `most` of them.
  std::vector<Silent> silent_for(absl::Duration time, std::size_t most) const;

 private:
  class Sink;
  struct Known {
    std::string renewed, resource_version;
    limits::BootTime seen;
    Announcements announced;
  };

  const Now now_;
  const Renewed renewed_;
  mutable std::mutex mutex_;
  std::map<std::string, Known> leases_;
};

}  // namespace headroom::webhook
