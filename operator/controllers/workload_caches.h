// Caches of the workloads of one cluster, a watch for each kind from its first use on. Custom kinds are found by
// discovery, which is IO and happens in resolve_due() on a thread of the owner's; look-ups never wait for it.
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>

#include "operator/controllers/cluster.h"
#include "operator/runtime/reflector.h"

namespace headroom::controllers {

class WorkloadCaches {
 public:
  using Changed = std::function<void(const api::ObjectKey&)>;
  using OnBad = std::function<void(const runtime::RefusedObject&)>;

  /// `due` is called when there is something for resolve_due() to do at once; it must not call back.
  WorkloadCaches(std::shared_ptr<kube::Client> client, Changed changed, OnBad on_bad, std::function<void()> due,
                 const Clock& clock, std::uint64_t seed);
  ~WorkloadCaches();

  Lookup<Workload> get(const std::string& ns, const api::TargetRef& target, const std::string& field_path);
  std::optional<ScaleKind> kind_of(const api::TargetRef& target, const std::string& field_path) const;

  /// Finds kinds that were asked for, and looks again for those that were missing or have gone. Returns when it wants
  /// to be called next.
  SteadyTime resolve_due(const std::stop_token& stop);
  /// Ends all watches; later look-ups start none.
  void stop();
  /// Objects held, by kind's resource ("deployments.apps").
  std::map<std::string, std::size_t> sizes() const;

 private:
  struct Watched;
  using KindKey = std::tuple<std::string, std::string, std::string>;  ///< apiVersion, kind, field path

  struct Resolution {
    std::optional<ScaleKind> kind;
    std::string reason, problem;
    bool gone = false;  ///< it is certain that there is no such kind
    std::chrono::seconds again{0};
  };
  Resolution resolve(const KindKey& key, const std::stop_token& stop);
  void open(Watched& watched, const ScaleKind& kind);
  void apply(const KindKey& key, Resolution resolution);

  const std::shared_ptr<kube::Client> client_;
  const Changed changed_;
  const OnBad on_bad_;
  const std::function<void()> due_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::map<KindKey, std::shared_ptr<Watched>> kinds_;  // guarded by mutex_, as is all below
  std::uint64_t seed_;
  bool stopped_ = false;
};

}  // namespace headroom::controllers
