// The usual ObjectSink: decodes JSON into a typed Store. Part of reflector.h; a file of its own because it needs the
// JSON library, which the others only name.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "operator/api/object.h"
#include "operator/base/result.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/store.h"

namespace headroom::runtime {

/// Namespace, name, version and uid of an object; empty where it has none. Pure.
struct ObjectIdentity {
  api::ObjectKey key;
  std::string resource_version, uid;
};
ObjectIdentity identity_of(const nlohmann::json& object);

/// Made by store_sink() (reflector.h), which says what it does. Used by the reflector's thread only.
template <class T>
class StoreSink final : public ObjectSink {
 public:
  using Decode = std::function<Result<T>(const nlohmann::json&)>;
  using OnBad = std::function<void(const RefusedObject&)>;
  using OnOver = std::function<void(const api::ObjectKey&)>;

  StoreSink(std::shared_ptr<Store<T>> store, Decode decode, OnBad on_bad, OnOver on_over)
      : store_(std::move(store)),
        decode_(std::move(decode)),
        on_bad_(std::move(on_bad)),
        on_over_(std::move(on_over)) {}

  void listed(const nlohmann::json& object) override {
    ObjectIdentity id = identity_of(object);
    auto former = store_->get_versioned(id.key);
    // What has not changed is not decoded again: a relist of ten thousand costs ten thousand look-ups.
    if (former.value && former.resource_version == id.resource_version) {
      listed_.push_back({std::move(id.key), std::move(former.resource_version), std::move(former.value)});
      return;
    }
    if (typename Store<T>::Ptr value = decoded(id, object)) {
      listed_.push_back({std::move(id.key), std::move(id.resource_version), std::move(value)});
    } else if (former.value) {
      listed_bad_.insert_or_assign(id.key, std::move(id.resource_version));
      listed_.push_back({std::move(id.key), std::move(former.resource_version), std::move(former.value)});
    } else {
      listed_bad_.insert_or_assign(std::move(id.key), std::move(id.resource_version));
    }
  }

  void discard_listed() override {
    listed_ = {};
    listed_bad_ = {};
  }

  std::vector<api::ObjectKey> commit_listed() override {
    const auto former_bad = std::exchange(bad_, std::exchange(listed_bad_, {}));
    for (const auto& [key, version] : former_bad) {
      if (on_over_ && !bad_.contains(key)) on_over_(key);
    }
    return store_->replace(std::exchange(listed_, {}));
  }

  api::ObjectKey applied(const nlohmann::json& object) override {
    ObjectIdentity id = identity_of(object);
    if (typename Store<T>::Ptr value = decoded(id, object)) {
      over(id.key);
      store_->apply(id.key, std::move(id.resource_version), std::move(value));
    }
    return std::move(id.key);
  }

  api::ObjectKey deleted(const nlohmann::json& object) override {
    ObjectIdentity id = identity_of(object);
    over(id.key);
    store_->remove(id.key);
    return std::move(id.key);
  }

 private:
  /// Null when `decode` refuses; says so once per version of the object.
  typename Store<T>::Ptr decoded(const ObjectIdentity& id, const nlohmann::json& object) {
    Error error;
    if (id.key.name.empty()) {
      if (on_bad_) on_bad_({id.key, id.uid, invalid("metadata.name is missing"), false});
      return nullptr;
    }
    try {
      Result<T> value = decode_(object);
      if (value) return std::make_shared<const T>(std::move(value).value());
      error = value.error();
    } catch (const std::exception& thrown) {  // the JSON library's way to say that a field has another type
      error = invalid(thrown.what());
    }
    std::string& reported = bad_[id.key];
    if (on_bad_ && reported != id.resource_version) {
      on_bad_({id.key, id.uid, error, store_->get(id.key) != nullptr});
    }
    reported = id.resource_version;
    return nullptr;
  }

  void over(const api::ObjectKey& key) {
    if (bad_.erase(key) > 0 && on_over_) on_over_(key);
  }

  const std::shared_ptr<Store<T>> store_;
  const Decode decode_;
  const OnBad on_bad_;
  const OnOver on_over_;
  std::vector<typename Store<T>::Listed> listed_;
  std::unordered_map<api::ObjectKey, std::string> bad_, listed_bad_;  ///< refused, and at which version
};

template <class T>
std::unique_ptr<ObjectSink> store_sink(std::shared_ptr<Store<T>> store,
                                       std::function<Result<T>(const nlohmann::json&)> decode,
                                       std::function<void(const RefusedObject&)> on_bad,
                                       std::function<void(const api::ObjectKey&)> on_over) {
  return std::make_unique<StoreSink<T>>(std::move(store), std::move(decode), std::move(on_bad), std::move(on_over));
}

}  // namespace headroom::runtime
