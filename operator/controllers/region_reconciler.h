// Region: connects its cluster, probes its health, renders its parameters, tells its capacity. A lost region stalls
// only its own targets.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "operator/controllers/world.h"
#include "operator/runtime/controller.h"

namespace headroom::controllers {

/// Opens a cluster for a region: the home client for Local, a client of its own for Kubeconfig.
using ClusterFactory =
    std::function<Result<std::shared_ptr<Cluster>>(const std::string& region, const std::string& kubeconfig_yaml)>;

class RegionReconciler {
 public:
  RegionReconciler(World& world, QuerySource& queries, ClusterFactory open_cluster, std::function<void()> replan);
  ~RegionReconciler();

  /// Keys are {"", region}. A region named `local` exists even without an object.
  Result<runtime::ReconcileResult> reconcile(const runtime::WorkKey& key, const std::string& reconcile_id,
                                             std::stop_token stop);
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
