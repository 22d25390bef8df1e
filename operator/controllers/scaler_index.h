// Which autoscalers scale a workload: an index over a Store by scaleTargetRef, kept in the same step as the store by a
// sink around the store's own. One writer (the reflector's thread), any number of readers.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "operator/api/scale_target.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/store.h"

namespace headroom::controllers {

/// "apps" of "apps/v1", "" of "v1".
std::string group_of(const std::string& api_version);

/// T has `target`, a TargetRef in T's own namespace.
template <class T>
class ScalerIndex {
 public:
  using Ptr = std::shared_ptr<const T>;

  explicit ScalerIndex(std::shared_ptr<runtime::Store<T>> store) : store_(std::move(store)) {}

  /// Those that scale `target` in `ns`, by name; a reference without a group means any.
  std::vector<Ptr> of(const std::string& ns, const api::TargetRef& target) const {
    std::vector<Ptr> found;
    std::shared_lock lock(mutex_);
    const auto [first, last] = by_workload_.equal_range({ns, target.name});
    for (auto it = first; it != last; ++it) {
      const Ptr scaler = store_->get(it->second);
      if (!scaler || scaler->target.kind != target.kind || scaler->target.name != target.name) continue;
      if (!scaler->target.api_version.empty() && group_of(scaler->target.api_version) != group_of(target.api_version)) {
        continue;
      }
      found.push_back(scaler);
    }
    std::ranges::sort(found, {}, [](const Ptr& scaler) { return scaler->object.key.name; });
    return found;
  }
  /// True once store and index hold the first complete list.
  bool synced() const { return synced_.load(std::memory_order_acquire); }

  // --- writer side ---

  /// Brings the index in step with what the store says of `key`; returns the workloads concerned, before and after.
  std::vector<api::ObjectKey> refresh(const api::ObjectKey& key) {
    const Ptr scaler = store_->get(key);
    std::vector<api::ObjectKey> workloads;
    std::unique_lock lock(mutex_);
    if (const auto former = workload_of_.find(key); former != workload_of_.end()) {
      workloads.push_back(former->second);
      if (scaler && scaler->target.name == former->second.name) return workloads;
      const auto [first, last] = by_workload_.equal_range(former->second);
      by_workload_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == key; }));
      workload_of_.erase(former);
    }
    if (scaler) {
      workloads.push_back({key.ns, scaler->target.name});
      by_workload_.emplace(workloads.back(), key);
      workload_of_.emplace(key, workloads.back());
    }
    return workloads;
  }
  void mark_synced() { synced_.store(true, std::memory_order_release); }

 private:
  const std::shared_ptr<runtime::Store<T>> store_;
  mutable std::shared_mutex mutex_;
  std::unordered_multimap<api::ObjectKey, api::ObjectKey> by_workload_;
  std::unordered_map<api::ObjectKey, api::ObjectKey> workload_of_;
  std::atomic<bool> synced_{false};
};

/// Feeds a store through `inner` and the index right after. A reader who sees the index synced sees every rival.
template <class T>
class IndexedSink final : public runtime::ObjectSink {
 public:
  IndexedSink(std::unique_ptr<runtime::ObjectSink> inner, std::shared_ptr<ScalerIndex<T>> index)
      : inner_(std::move(inner)), index_(std::move(index)) {}

  void listed(const nlohmann::json& object) override { inner_->listed(object); }
  void discard_listed() override { inner_->discard_listed(); }
  /// The keys of scalers, then those of the workloads they scale.
  std::vector<api::ObjectKey> commit_listed() override {
    std::vector<api::ObjectKey> keys = inner_->commit_listed();
    for (std::size_t i = 0, n = keys.size(); i < n; ++i) {
      const auto workloads = index_->refresh(keys[i]);
      keys.insert(keys.end(), workloads.begin(), workloads.end());
    }
    index_->mark_synced();
    return keys;
  }
  api::ObjectKey applied(const nlohmann::json& object) override { return refreshed(inner_->applied(object)); }
  api::ObjectKey deleted(const nlohmann::json& object) override { return refreshed(inner_->deleted(object)); }

  /// Workloads touched by the last applied() or deleted(), for the `changed` callback that follows it on this thread.
  std::vector<api::ObjectKey> take_touched() { return std::exchange(touched_, {}); }

 private:
  api::ObjectKey refreshed(api::ObjectKey key) {
    touched_ = index_->refresh(key);
    return key;
  }

  std::unique_ptr<runtime::ObjectSink> inner_;
  std::shared_ptr<ScalerIndex<T>> index_;
  std::vector<api::ObjectKey> touched_;
};

}  // namespace headroom::controllers
