// The switches that deny rules look at: keys of ConfigMaps, watched one ConfigMap at a time. Thread-safe but for
// watch() and stop(), which are for one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "operator/api/object.h"
#include "operator/api/scale_limit.h"
#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "operator/limits/limit_set.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/store.h"

namespace headroom::webhook {

class Switches {
 public:
  /// `clock` outlives this.
  Switches(std::shared_ptr<kube::Reader> reader, const Clock& clock, std::uint64_t seed);
  ~Switches();

  /// Watches the ConfigMaps that the limits' rules name, and no others any more.
  void watch(const limits::LimitSet& limits);
  void stop();
  /// Lists all anew; see runtime::Reflector.
  void begin_anew();

  /// Whether the key has the value. Off while the ConfigMap is not there, or was not read yet.
  bool is_on(const api::SwitchCondition& condition) const;
  /// Every ConfigMap that is watched was looked for, but for those that cannot be (see runtime::ReflectorHealth): what
  /// one limit names keeps no replica from judging for the others.
  bool known() const;

 private:
  using Data = std::map<std::string, std::string>;
  struct Watch {
    std::shared_ptr<runtime::Store<Data>> store;
    std::unique_ptr<runtime::Reflector> reflector;
  };

  Watch open(const api::ObjectKey& config_map);

  const std::shared_ptr<kube::Reader> reader_;
  const Clock& clock_;
  std::uint64_t seed_;
  mutable std::mutex mutex_;  ///< guards the map; who holds it does not wait
  std::map<api::ObjectKey, Watch> watches_;
};

}  // namespace headroom::webhook
