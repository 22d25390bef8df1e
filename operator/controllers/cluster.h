// One region's API server as the controllers see it: a client and caches of the objects that ScaleTargets name. HPAs
// are watched at once, ScaledObjects where they are served, other kinds on first use. Thread-safe; no look-up blocks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/scale_target.h"
#include "operator/base/clock.h"
#include "operator/controllers/projections.h"
#include "operator/controllers/scale_kinds.h"
#include "operator/kube/client.h"
#include "operator/runtime/metrics.h"

namespace headroom::controllers {

/// A cache's answer: absence counts only once the cache is complete.
template <class T>
struct Lookup {
  std::shared_ptr<const T> object;  ///< null: absent or not known yet
  bool synced = false;
  /// Why it cannot be known, beside `problem`: KindNotServed, NoScaleSubresource, CacheNotSynced.
  std::string reason;
  std::string problem;
};

struct ClusterHealth {
  bool reachable = false;  ///< the watch of HPAs is connected
  bool synced = false;     ///< and its first list is in; other caches never hold this back
  std::string problem, kubernetes_version;
  std::optional<SteadyTime> last_contact;
};

class Cluster {
 public:
  /// `changed` is called, from watch threads, with the namespace and name of a ScaleTarget-relevant object that
  /// changed: for autoscalers and ScaledObjects both their own key and that of what they scale.
  Cluster(std::string region, std::shared_ptr<kube::Client> client, const Clock& clock, runtime::Metrics& metrics,
          std::function<void(const api::ObjectKey&)> changed, std::uint64_t seed);
  ~Cluster();

  void start();
  /// `changed` is not called any more once this returns. Final.
  void stop();

  const std::string& region() const;
  const std::shared_ptr<kube::Client>& client() const;
  ClusterHealth health() const;

  Lookup<Autoscaler> autoscaler(const api::ObjectKey& key) const;
  /// Every HPA that scales `target` in `ns`, by name. Complete once autoscaler() answers synced.
  std::vector<std::shared_ptr<const Autoscaler>> autoscalers_of(const std::string& ns,
                                                                const api::TargetRef& target) const;
  /// Synced also where KEDA is not installed (checked again every few minutes).
  Lookup<ScaledObject> scaled_object(const api::ObjectKey& key) const;
  std::vector<std::shared_ptr<const ScaledObject>> scaled_objects_of(const std::string& ns,
                                                                     const api::TargetRef& target) const;
  /// `field_path` empty: the kind's /scale. The first call for a kind starts its watch and answers synced=false.
  Lookup<Workload> workload(const std::string& ns, const api::TargetRef& target, const std::string& field_path);
  /// The kind behind a reference once discovery has told; empty until then. Asked with the same arguments as
  /// workload(), which starts discovery.
  std::optional<ScaleKind> kind_of(const api::TargetRef& target, const std::string& field_path) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
