// Workers that take keys from a queue and reconcile them, once the caches are filled. Level-triggered: a request carries
// a key and nothing else.
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

/// What a reconcile wants next.
struct ReconcileResult {
  std::optional<std::chrono::milliseconds> requeue_after;  ///< ignored when the reconcile failed
  bool terminal = false;  ///< on error: do not retry, something must change first
};

/// `reconcile_id` is unique per run and goes into every log line of it.
using Reconciler =
    std::function<Result<ReconcileResult>(const WorkKey& key, const std::string& reconcile_id, std::stop_token stop)>;

struct ControllerOptions {
  std::string name;
  int workers = 4;
  std::chrono::milliseconds sync_timeout{120'000};
  Backoff retry{std::chrono::milliseconds(5), 2, std::chrono::milliseconds(60'000), 0.1};
};

class Controller {
 public:
  /// `synced` gates the workers: they start once it answers true.
  Controller(ControllerOptions options, Reconciler reconciler, std::function<bool()> synced, const Clock& clock,
             Metrics& metrics, std::uint64_t seed);
  ~Controller();

  WorkQueue& queue();
  void start();
  /// Lets running reconciles finish; `drain` bounds how long.
  void stop(std::chrono::milliseconds drain);
  bool running() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::runtime
