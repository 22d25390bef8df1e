// ScaledObjects of one cluster, watched where KEDA is installed and only there. Whether it is has to be asked, which is
// IO and happens in look_due() on a thread of the owner's; look-ups never wait for it. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/controllers/cluster.h"
#include "operator/controllers/scaler_cache.h"

namespace headroom::controllers {

class ScaledObjectWatch {
 public:
  using Cache = ScalerCache<ScaledObject>;

  ScaledObjectWatch(std::shared_ptr<kube::Client> client, Cache::Changed changed, Cache::OnBad on_bad,
                    const Clock& clock, std::uint64_t seed);
  ~ScaledObjectWatch();

  /// Synced with reason KindNotServed where KEDA is not installed.
  Lookup<ScaledObject> get(const api::ObjectKey& key) const;
  std::vector<std::shared_ptr<const ScaledObject>> scaling(const std::string& ns, const api::TargetRef& target) const;
  std::size_t size() const;

  /// Asks whether KEDA is there, when that is due; starts or ends the watch. Returns when it wants to be called next.
  SteadyTime look_due(const std::stop_token& stop);
  /// Ends the watch; no look_due() may be under way or follow.
  void stop();

 private:
  std::shared_ptr<Cache> cache() const;

  const std::shared_ptr<kube::Client> client_;
  const Cache::Changed changed_;
  const Cache::OnBad on_bad_;
  const Clock& clock_;
  const std::uint64_t seed_;

  mutable std::mutex mutex_;
  bool known_ = false;  // guarded by mutex_, as is all below
  std::string problem_;
  SteadyTime due_{};
  std::shared_ptr<Cache> cache_;  ///< null: KEDA is not there, or not known yet
};

}  // namespace headroom::controllers
