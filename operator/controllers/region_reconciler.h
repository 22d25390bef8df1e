// Region: connects its cluster, probes its health, renders its parameters, tells its capacity. A lost region stalls
// only its own targets.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "operator/controllers/world.h"
#include "operator/runtime/controller.h"

namespace headroom::controllers {

/// Opens a cluster for a region and starts it: the home client for Local (an empty text), a client of its own for
/// Kubeconfig. Must not wait for the network.
using ClusterFactory =
    std::function<Result<std::shared_ptr<Cluster>>(const std::string& region, const std::string& kubeconfig_yaml)>;

class RegionReconciler {
 public:
  RegionReconciler(World& world, monitoring::QuerySource& queries, ClusterFactory open_cluster,
                   std::function<void()> replan);
  ~RegionReconciler();

  /// Where a region whose connection, health or Secret has changed is queued again. Without a queue the reconciler
  /// looks every few seconds.
  void use_queue(runtime::WorkQueue& queue);

  /// Keys are {"", region}. A region named `local` exists even without an object. Talks to the home cluster only: what
  /// concerns a region's own servers happens on that region's thread.
  Result<runtime::ReconcileResult> reconcile(const runtime::WorkKey& key, const std::string& reconcile_id,
                                             const std::stop_token& stop);
  /// Ends the regions' threads and watches. Clusters stay open; their links hold them.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
