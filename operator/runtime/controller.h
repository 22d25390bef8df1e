// Workers that take keys from a queue and reconcile them, once the caches are filled. Level-triggered: a request
// carries a key and nothing else.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/runtime/metrics.h"
#include "operator/runtime/work_queue.h"

namespace headroom::runtime {

/// What a reconcile wants next. An Error instead of it means: failed, try again with back-off.
struct ReconcileResult {
  std::optional<std::chrono::milliseconds> requeue_after;  ///< none: wait for the next change
  /// Failed in a way that no retry mends; something must change first. Counted as an error, logged with `reason`.
  bool terminal = false;
  std::string reason = {};  ///< of a terminal failure, for people
};

/// `reconcile_id` is unique per run and goes into every log line of it. Called from any worker, never twice at once for
/// one key; must return soon after `stop` is requested. An exception is logged and counts as an Error.
using Reconciler =
    std::function<Result<ReconcileResult>(const WorkKey& key, const std::string& reconcile_id, std::stop_token stop)>;

struct ControllerOptions {
  std::string name;  ///< label of its metrics
  int workers = 4;
  std::chrono::milliseconds sync_timeout{120'000};
  Backoff retry{std::chrono::milliseconds(5), 2, std::chrono::milliseconds(60'000), 0.1};
  std::string object_kind = {};  ///< for logs: "ScaleTarget" makes the field object "ScaleTarget/ns/name"
  /// Called once when the caches are not filled in time, from a thread of the controller; must not stop it. The
  /// controller goes on waiting, so without this a late cache is only logged; ending the process is up to the caller.
  std::function<void()> on_sync_timeout = {};
};

/// Counts under controller-runtime's and client-go's metric names (controller_runtime_*, workqueue_*).
class Controller {
 public:
  /// `synced` gates the workers: they start once it answers true. `clock` and `metrics` outlive the controller.
  Controller(ControllerOptions options, Reconciler reconciler, std::function<bool()> synced, const Clock& clock,
             Metrics& metrics, std::uint64_t seed);
  /// As stop(0).
  ~Controller();

  /// Takes keys from construction on; they wait until the workers start.
  WorkQueue& queue();
  void start();
  /// Hands out no more keys and lets running reconciles finish; after `drain` their stop token fires. Final.
  void stop(std::chrono::milliseconds drain);
  /// True while the workers work: started, caches filled, not stopped.
  bool running() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::runtime
