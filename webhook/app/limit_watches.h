// Watches limits and namespaces, and tells when there may be another set of limits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/kube/client.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/store.h"
#include "webhook/app/limit_book.h"

namespace headroom::webhook {

class LimitWatches {
 public:
  /// `changed` is called from the watches' threads, often: whoever hears of it looks later.
  LimitWatches(const std::shared_ptr<kube::Reader>& reader, const Clock& clock, std::uint64_t seed,
               std::function<void()> changed);

  void start();
  void stop();
  /// Lists all anew; see runtime::Reflector.
  void begin_anew();
  /// Everything has been listed once; before, limits() says too little.
  bool synced() const;
  std::vector<std::shared_ptr<const api::ScaleLimit>> limits() const;
  std::vector<std::shared_ptr<const KnownNamespace>> namespaces() const;

 private:
  template <class T>
  void watch(const std::shared_ptr<kube::Reader>& reader, runtime::ReflectorOptions options,
             std::shared_ptr<runtime::Store<T>> store, Result<T> (*decode)(const nlohmann::json&), const Clock& clock,
             std::uint64_t seed, const std::function<void()>& changed);

  std::shared_ptr<runtime::Store<api::ScaleLimit>> scale_limits_, cluster_scale_limits_;
  std::shared_ptr<runtime::Store<KnownNamespace>> namespaces_;
  std::vector<std::unique_ptr<runtime::Reflector>> reflectors_;
};

}  // namespace headroom::webhook
