// The watches of the types that limits look at. One thread, where nothing else is said.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "operator/kube/client.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/status_metrics.h"
#include "webhook/app/engine.h"

namespace headroom::webhook {

class TypeWatches {
 public:
  /// `engine` and `clock` outlive the watches.
  TypeWatches(std::shared_ptr<kube::Reader> reader, Engine& engine, const Clock& clock, std::uint64_t seed);
  ~TypeWatches();

  /// Starts what is missing and stops what is not needed any more. A type whose bodies are needed from now on is
  /// watched anew; one whose bodies are not needed any more keeps its watch.
  void watch(const std::vector<WatchedType>& types);
  void stop();
  /// Lists all anew; see runtime::Reflector.
  void begin_anew();

  // From any thread:

  /// Of types whose first list does not come: why.
  std::map<limits::TypeId, std::string> problems() const;
  /// Those of them that are not worth waiting for (see runtime::ReflectorHealth), such as of a kind that is not
  /// defined. Limits over other kinds are to be judged meanwhile.
  std::map<limits::TypeId, std::string> hopeless() const;
  void report(runtime::WatchHealths& healths) const;

 private:
  struct Watch {
    bool bodies = false;
    std::string resource;  ///< for report()
    std::unique_ptr<runtime::Reflector> reflector;
  };

  std::map<limits::TypeId, std::string> problems_where(
      absl::FunctionRef<bool(const runtime::ReflectorHealth&)> chosen) const;

  const std::shared_ptr<kube::Reader> reader_;
  Engine& engine_;
  const Clock& clock_;
  std::uint64_t seed_;
  mutable std::mutex mutex_;  ///< held while the map changes, and by other threads that look at it
  std::map<limits::TypeId, Watch> watches_;
};

}  // namespace headroom::webhook
