// All autoscalers of one kind in one cluster: store, index by workload, and the reflector that feeds both. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operator/controllers/scaler_index.h"
#include "operator/runtime/reflector.h"

namespace headroom::controllers {

template <class T>
class ScalerCache {
 public:
  using Changed = std::function<void(const api::ObjectKey&)>;
  using Decode = std::function<Result<T>(const nlohmann::json&)>;
  using OnBad = std::function<void(const runtime::RefusedObject&)>;

  /// `changed` hears of scalers and of the workloads that they scale or scaled.
  ScalerCache(std::shared_ptr<kube::Reader> reader, const kube::ResourceType& type, Decode decode, OnBad on_bad,
              Changed changed, const Clock& clock, std::uint64_t seed)
      : store_(std::make_shared<runtime::Store<T>>()), index_(std::make_shared<ScalerIndex<T>>(store_)) {
    auto sink =
        std::make_unique<IndexedSink<T>>(runtime::store_sink<T>(store_, std::move(decode), std::move(on_bad)), index_);
    runtime::ReflectorOptions options;
    options.type = type;
    auto pass_on = [from = sink.get(), changed = std::move(changed)](const api::ObjectKey& key) {
      changed(key);
      for (const api::ObjectKey& workload : from->take_touched()) changed(workload);
    };
    reflector_ = std::make_unique<runtime::Reflector>(std::move(reader), std::move(options), std::move(sink),
                                                      std::move(pass_on), clock, seed);
  }

  void start() { reflector_->start(); }
  void request_stop() { reflector_->request_stop(); }
  void join() { reflector_->join(); }

  bool synced() const { return index_->synced(); }
  std::shared_ptr<const T> get(const api::ObjectKey& key) const { return store_->get(key); }
  std::vector<std::shared_ptr<const T>> scaling(const std::string& ns, const api::TargetRef& target) const {
    return index_->of(ns, target);
  }
  runtime::ReflectorHealth health() const { return reflector_->health(); }
  std::size_t size() const { return store_->size(); }

 private:
  const std::shared_ptr<runtime::Store<T>> store_;
  const std::shared_ptr<ScalerIndex<T>> index_;
  std::unique_ptr<runtime::Reflector> reflector_;
};

}  // namespace headroom::controllers
