// One limit's policy and binding are as they should be, and its status says whether they act in the webhook's place.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/kube/client.h"
#include "operator/runtime/controller.h"
#include "operator/runtime/store.h"

namespace headroom::controllers {

/// A policy or a binding as it is stored.
struct StoredPolicy {
  api::ObjectMeta meta;
  nlohmann::json spec;
};
Result<StoredPolicy> stored_policy_from_json(const nlohmann::json& object);

/// What the reconciler goes by.
struct BackstopSources {
  std::shared_ptr<runtime::Store<api::ScaleLimit>> limits, cluster_limits;
  std::shared_ptr<runtime::Store<StoredPolicy>> policies, bindings;
  /// Whether there is a limit of that name that this version can't read: what stands behind it stays.
  std::function<bool(api::LimitKind, const api::ObjectKey&)> unreadable;
  /// Whether no webhook is alive; null: not known yet, and statuses stay as they are.
  std::function<std::optional<bool>()> needed;
};

class BackstopReconciler {
 public:
  /// Limits of other namespaces than `watched` are left alone, unless that is empty.
  BackstopReconciler(std::shared_ptr<kube::Writer> writer, BackstopSources sources,
                     std::vector<std::string> excluded_namespaces, std::string watched);

  /// Keys are {"ScaleLimit" or "ClusterScaleLimit", limit}.
  Result<runtime::ReconcileResult> reconcile(const runtime::WorkKey& key, const std::stop_token& stop);

 private:
  /// Null `wanted`: it is removed.
  Status put(const kube::ResourceType& type, const runtime::Store<StoredPolicy>& store, const std::string& name,
             const nlohmann::json* wanted, const std::stop_token& stop);
  Status tell(const api::ScaleLimit& limit, api::ScaleLimitStatus::Backstop backstop, const std::stop_token& stop);

  const std::shared_ptr<kube::Writer> writer_;
  const BackstopSources sources_;
  const std::vector<std::string> excluded_;
  const std::string watched_;

  std::mutex mutex_;
  /// Stored versions that differ from what is wanted, and are what came of writing it: by type and name, with a digest
  /// of what was wanted. A newer API server may put in defaults of its own.
  std::map<std::pair<std::string, std::string>, std::pair<std::string, std::size_t>> accepted_;
};

}  // namespace headroom::controllers
