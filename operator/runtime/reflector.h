// Keeps a Store in step with an API server: drives a WatchMachine with a real list and watch on a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "operator/api/object.h"
#include "operator/base/backoff.h"
#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "operator/runtime/store.h"

namespace headroom::runtime {

/// What a reflector does with objects; a typed Store behind it is the usual one (store_sink). Called from the
/// reflector's thread only.
class ObjectSink {
 public:
  virtual ~ObjectSink() = default;
  /// A list is about to be asked for; what a former one has buffered was committed or discarded.
  virtual void list_begins() {}
  /// The revision of the list under way, before the first of its objects.
  virtual void list_is_at(const std::string& /*revision*/) {}
  /// Buffers one object of a list under way.
  virtual void listed(const nlohmann::json& object) = 0;
  /// Throws the buffer away: that list will not be completed.
  virtual void discard_listed() = 0;
  /// Swaps the buffer in; returns keys added, changed or vanished.
  virtual std::vector<api::ObjectKey> commit_listed() = 0;
  /// Added or changed; returns its key.
  virtual api::ObjectKey applied(const nlohmann::json& object) = 0;
  /// `object` is its last state; returns its key.
  virtual api::ObjectKey deleted(const nlohmann::json& object) = 0;
  /// A bookmark: nothing at or below `revision` is still to come.
  virtual void progress(const std::string& /*revision*/) {}
};

/// What `decode` refused; valid during the call that tells of it.
struct RefusedObject {
  const api::ObjectKey& key;
  const std::string& uid;
  const Error& error;
  bool former_stays = false;  ///< a former good copy is still in the store

  /// For people: what becomes of the object now.
  const char* consequence() const {
    return former_stays ? "a former good version stays in force" : "nothing is done for it until it can be read";
  }
};

/// A sink that decodes into `store`. An object that `decode` refuses is kept out and reported to `on_bad`, once per
/// resource version; a former good copy stays. `on_over` hears when one that was refused is good again or gone. An
/// object that is listed again unchanged is not decoded again.
template <class T>
std::unique_ptr<ObjectSink> store_sink(std::shared_ptr<Store<T>> store,
                                       std::function<Result<T>(const nlohmann::json&)> decode,
                                       std::function<void(const RefusedObject&)> on_bad = {},
                                       std::function<void(const api::ObjectKey&)> on_over = {});

/// What to read, and how patiently.
struct ReflectorOptions {
  kube::ResourceType type;
  std::string ns;  ///< empty: all namespaces
  std::string label_selector, field_selector;
  bool metadata_only = false;
  Backoff backoff;  ///< 800 ms to 30 s
  /// A watch is asked to end after a time drawn from [half of it, all of it]; silent for 5 s longer, it counts as dead.
  std::chrono::seconds watch_timeout{290};
  int page_size = 200;
};

/// For readiness and status.
struct ReflectorHealth {
  bool synced = false;  ///< the first complete list is in
  bool stale = false;   ///< not connected now; the store holds what was last seen
  std::optional<SteadyTime> last_contact;
  std::string last_error;                   ///< empty while in touch
  std::optional<SteadyTime> failing_since;  ///< nothing but errors since then
  bool refused = false;  ///< by last_error nobody may see these objects, or there is no such kind (403, 404)

  /// Nobody who can do without should go on waiting for the first list: it was refused, or there was nothing but errors
  /// for half a minute.
  bool hopeless(SteadyTime now) const;
};

/// Runs from start() to request_stop() or destruction. `changed` is called from the reflector's thread with each key
/// that may have changed, after the store has it. Never gives up: whatever fails is tried again with back-off.
class Reflector {
 public:
  Reflector(std::shared_ptr<kube::Reader> reader, ReflectorOptions options, std::unique_ptr<ObjectSink> sink,
            std::function<void(const api::ObjectKey&)> changed, const Clock& clock, std::uint64_t seed);
  /// Stops and joins.
  ~Reflector();

  /// Once.
  void start();
  /// Forgets how far it has come and lists anew, whatever it is doing: after the store went back in time a watch would
  /// wait, without an error, for the revision that it had reached. Any thread.
  void begin_anew();
  /// Ends any wait, request or stream under way within milliseconds; final. Does not wait for it: see join().
  void request_stop();
  /// Waits until the thread has ended; after request_stop().
  void join();
  ReflectorHealth health() const;
  /// Waits for the first complete list; false when `timeout` passed first or the reflector was stopped.
  bool wait_synced(std::chrono::milliseconds timeout) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::runtime

#include "operator/runtime/store_sink.h"
