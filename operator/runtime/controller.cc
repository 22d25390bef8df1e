#include "operator/runtime/controller.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "operator/base/log.h"

namespace headroom::runtime {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// `synced` is a question, not an event; asked this often a cold start loses nothing that anyone sees.
constexpr milliseconds kSyncPoll{20};

/// A random UUID (RFC 9562 version 4).
std::string make_id(std::mt19937_64& random) {
  const std::uint64_t high = (random() & ~0xf000ULL) | 0x4000ULL;
  const std::uint64_t low = (random() & ~(3ULL << 62)) | (2ULL << 62);
  std::array<char, 37> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16 & 0xffff), static_cast<unsigned>(high & 0xffff),
                static_cast<unsigned>(low >> 48), static_cast<unsigned long long>(low & 0xffff'ffff'ffffULL));
  return text.data();
}

double seconds(microseconds duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

struct Controller::Impl {
  Impl(ControllerOptions options_, Reconciler reconciler_, std::function<bool()> synced_, const Clock& clock_,
       Metrics& metrics_, std::uint64_t seed_)
      : options(std::move(options_)),
        reconciler(std::move(reconciler_)),
        synced(std::move(synced_)),
        clock(clock_),
        metrics(metrics_),
        seed(seed_),
        queue_labels{{"name", options.name}, {"controller", options.name}},
        queue(clock, options.retry, seed,
              QueueObserver{[this](microseconds waited) { observe_waiting(waited); },
                            [this](microseconds worked) { observe_working(worked); }}) {
    metrics.introduce_controller(options.name, options.workers);
    refresh_metrics();
    refresh = metrics.before_serialize([this] { refresh_metrics(); });
  }

  // Constant after construction.
  const ControllerOptions options;
  const Reconciler reconciler;
  const std::function<bool()> synced;
  const Clock& clock;
  Metrics& metrics;
  const std::uint64_t seed;
  const Labels queue_labels;

  WorkQueue queue;

  std::mutex mutex;  ///< guards what follows
  std::condition_variable_any changed;
  int live_workers = 0;
  bool gate_open = false;
  bool stopped = false;

  std::atomic<int> active{0};
  QueueStats exported;  ///< what the counters of the queue say; only a refresh touches it, one at a time
  std::shared_ptr<void> refresh;
  std::stop_source end_gate, end_reconciles;
  std::jthread gate;
  std::vector<std::jthread> workers;  ///< filled by the gate's thread, joined after it

  // --- waiting for the caches ---

  void run_gate() {
    const SteadyTime started = clock.steady_now();
    bool late = false;
    const std::stop_token stop = end_gate.get_token();
    while (!synced()) {
      std::unique_lock lock(mutex);
      changed.wait_for(lock, stop, kSyncPoll, [] { return false; });
      lock.unlock();
      if (stop.stop_requested()) return;
      if (!late && clock.steady_now() - started >= options.sync_timeout) {
        late = true;
        log::error("the caches of a controller are not filled in time; it goes on waiting",
                   {{"controller", options.name}, {"seconds", std::to_string(options.sync_timeout.count() / 1000)}});
        if (options.on_sync_timeout) options.on_sync_timeout();
      }
    }
    std::lock_guard lock(mutex);
    if (stopped) return;
    gate_open = true;
    live_workers = options.workers;
    for (int i = 0; i < options.workers; ++i) {
      workers.emplace_back([this, i] { work(seed + 1 + static_cast<std::uint64_t>(i)); });
    }
  }

  // --- working ---

  void work(std::uint64_t worker_seed) {
    std::seed_seq spread{worker_seed & 0xffff'ffff, worker_seed >> 32};
    std::mt19937_64 random(spread);
    while (std::optional<WorkKey> key = queue.take(end_reconciles.get_token())) {
      ++active;
      reconcile(*key, make_id(random));
      queue.done(*key);
      --active;
    }
    std::lock_guard lock(mutex);
    --live_workers;
    changed.notify_all();
  }

  void reconcile(const WorkKey& key, const std::string& id) {
    const SteadyTime started = clock.steady_now();
    const Result<ReconcileResult> result = guarded(key, id);
    const auto took = duration_cast<microseconds>(clock.steady_now() - started);
    // The retry is due before done(): a key added while in work waits for its end, so none is lost in between.
    if (!result) {
      if (end_reconciles.stop_requested() && result.error().code == ErrorCode::Cancelled) return;
      log_failure("reconcile failed and will be retried", key, id, result.error().message);
      metrics.reconcile_error(options.name, /*terminal=*/false);
      metrics.reconciled(options.name, "error", took);
      queue.add_rate_limited(key, queue.taken_as(key));
      return;
    }
    queue.forget(key);
    if (result.value().terminal) {
      log_failure("reconcile failed; it waits for a change", key, id, result.value().reason);
      metrics.reconcile_error(options.name, /*terminal=*/true);
      metrics.reconciled(options.name, "error", took);
      return;
    }
    metrics.reconciled(options.name, result.value().requeue_after ? "requeue_after" : "success", took);
    if (result.value().requeue_after) queue.add_after(key, *result.value().requeue_after, queue.taken_as(key));
  }

  Result<ReconcileResult> guarded(const WorkKey& key, const std::string& id) {
    try {
      return reconciler(key, id, end_reconciles.get_token());
    } catch (const std::exception& thrown) {
      metrics.reconcile_panic(options.name);
      return Error{ErrorCode::Internal, std::string("exception: ") + thrown.what(), 0, {}};
    } catch (...) {
      metrics.reconcile_panic(options.name);
      return Error{ErrorCode::Internal, "exception of an unknown type", 0, {}};
    }
  }

  void log_failure(const char* message, const WorkKey& key, const std::string& id, const std::string& reason) const {
    const std::string object = key.object.to_string();
    log::error(message, {{"controller", options.name},
                         {"object", options.object_kind.empty() ? object : options.object_kind + "/" + object},
                         {"task", key.kind},
                         {"reconcileID", id},
                         {"reason", reason}});
  }

  // --- metrics ---

  void observe_waiting(microseconds waited) {
    metrics.observe("workqueue_queue_duration_seconds", "How long keys wait in the queue.", queue_labels,
                    seconds(waited));
  }
  void observe_working(microseconds worked) {
    metrics.observe("workqueue_work_duration_seconds", "How long work on a key takes.", queue_labels, seconds(worked));
  }
  void refresh_metrics() {
    metrics.workers(options.name, options.workers, active);
    const QueueStats now = queue.stats();
    metrics.set("workqueue_depth", "Keys that are ready and wait for a worker.", queue_labels,
                static_cast<double>(now.depth));
    metrics.add("workqueue_adds_total", "Keys added to the queue.", queue_labels,
                static_cast<double>(now.adds - exported.adds));
    metrics.add("workqueue_retries_total", "Keys added once more after a failure.", queue_labels,
                static_cast<double>(now.retries - exported.retries));
    metrics.set("workqueue_unfinished_work_seconds", "Age of all work under way, summed; a stuck worker makes it grow.",
                queue_labels, seconds(now.unfinished));
    metrics.set("workqueue_longest_running_processor_seconds", "Age of the oldest work under way.", queue_labels,
                seconds(now.longest_running));
    exported = now;
  }
};

Controller::Controller(ControllerOptions options, Reconciler reconciler, std::function<bool()> synced,
                       const Clock& clock, Metrics& metrics, std::uint64_t seed)
    : impl_(
          std::make_unique<Impl>(std::move(options), std::move(reconciler), std::move(synced), clock, metrics, seed)) {}

Controller::~Controller() { stop(milliseconds(0)); }

WorkQueue& Controller::queue() { return impl_->queue; }

void Controller::start() {
  std::lock_guard lock(impl_->mutex);
  if (impl_->stopped || impl_->gate.joinable()) return;
  impl_->gate = std::jthread([impl = impl_.get()] { impl->run_gate(); });
}

void Controller::stop(milliseconds drain) {
  {
    std::unique_lock lock(impl_->mutex);
    if (impl_->stopped) return;
    impl_->stopped = true;
    impl_->end_gate.request_stop();
    impl_->queue.shut_down();
    impl_->changed.notify_all();
    impl_->changed.wait_for(lock, drain, [this] { return impl_->live_workers == 0; });
  }
  impl_->end_reconciles.request_stop();
  if (impl_->gate.joinable()) impl_->gate.join();
  impl_->workers.clear();
}

bool Controller::running() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->gate_open && !impl_->stopped;
}

}  // namespace headroom::runtime
