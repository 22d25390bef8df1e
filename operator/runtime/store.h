// The last known objects of one type, typed and small: one writer (a reflector), any number of snapshot readers.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "operator/api/object.h"

namespace headroom::runtime {

/// Objects of type T by key. Values are immutable; readers keep what they got for as long as they like.
template <class T>
class Store {
 public:
  using Ptr = std::shared_ptr<const T>;

  /// Null when unknown.
  Ptr get(const api::ObjectKey& key) const {
    std::shared_lock lock(mutex_);
    const auto it = objects_.find(key);
    return it == objects_.end() ? nullptr : it->second.value;
  }
  std::vector<Ptr> list() const {
    std::shared_lock lock(mutex_);
    std::vector<Ptr> all;
    all.reserve(objects_.size());
    for (const auto& [key, entry] : objects_) all.push_back(entry.value);
    return all;
  }
  std::size_t size() const {
    std::shared_lock lock(mutex_);
    return objects_.size();
  }
  /// True once the first complete list is in.
  bool synced() const { return synced_.load(std::memory_order_acquire); }

  // --- writer side: the owning reflector only ---

  struct Versioned {
    std::string resource_version;
    Ptr value;  ///< null when unknown
  };
  Versioned get_versioned(const api::ObjectKey& key) const {
    std::shared_lock lock(mutex_);
    const auto it = objects_.find(key);
    return it == objects_.end() ? Versioned{} : it->second;
  }
  void apply(const api::ObjectKey& key, std::string resource_version, Ptr value) {
    std::unique_lock lock(mutex_);
    objects_.insert_or_assign(key, Versioned{std::move(resource_version), std::move(value)});
  }
  bool remove(const api::ObjectKey& key) {
    std::unique_lock lock(mutex_);
    return objects_.erase(key) > 0;
  }
  struct Listed {
    api::ObjectKey key;
    std::string resource_version;
    Ptr value;
  };
  /// Replaces everything; returns the keys that were added, changed or vanished.
  std::vector<api::ObjectKey> replace(std::vector<Listed> all) {
    std::vector<api::ObjectKey> changed;
    std::unordered_map<api::ObjectKey, Versioned> next;
    next.reserve(all.size());
    std::unique_lock lock(mutex_);
    for (Listed& listed : all) {
      const auto it = objects_.find(listed.key);
      if (it == objects_.end() || it->second.resource_version != listed.resource_version) changed.push_back(listed.key);
      next.insert_or_assign(std::move(listed.key),
                            Versioned{std::move(listed.resource_version), std::move(listed.value)});
    }
    for (const auto& [key, entry] : objects_) {
      if (!next.contains(key)) changed.push_back(key);
    }
    objects_.swap(next);  // the former objects die after the lock is given back
    synced_.store(true, std::memory_order_release);
    return changed;
  }

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<api::ObjectKey, Versioned> objects_;
  std::atomic<bool> synced_{false};
};

}  // namespace headroom::runtime
