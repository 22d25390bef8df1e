#include "operator/runtime/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <exception>
#include <list>
#include <mutex>
#include <set>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "operator/base/log.h"

namespace headroom::runtime {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

double seconds(std::chrono::microseconds duration) { return std::chrono::duration<double>(duration).count(); }

const Buckets& buckets_of(std::string_view name) {
  // The values are part of the standard: dashboards compute quantiles over them across controllers.
  static const Buckets kReconcile{0.005, 0.01, 0.025, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6,
                                  0.7,   0.8,  0.9,   1,    1.25, 1.5,  1.75, 2,    2.5, 3,    3.5, 4,    4.5, 5,
                                  6,     7,    8,     9,    10,   15,   20,   25,   30,  40,   50,  60};
  static const Buckets kQueue{1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000};
  static const Buckets kRequest{0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};
  static const Buckets kGeneric{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
  if (name.starts_with("controller_runtime_")) return kReconcile;
  if (name.starts_with("workqueue_")) return kQueue;
  if (name.starts_with("rest_client_")) return kRequest;
  return kGeneric;
}

struct LabelsHash {
  std::size_t operator()(const Labels& labels) const noexcept {
    std::size_t hash = labels.size();
    for (const auto& [name, value] : labels) {
      hash = (hash * 1'000'003 ^ std::hash<std::string>{}(name)) * 1'000'003 ^ std::hash<std::string>{}(value);
    }
    return hash;
  }
};

constexpr char kReconcileTotal[] = "controller_runtime_reconcile_total";
constexpr char kReconcileTotalHelp[] = "Reconciles run, by controller and result.";
constexpr char kReconcileErrors[] = "controller_runtime_reconcile_errors_total";
constexpr char kReconcileErrorsHelp[] = "Reconciles that failed, by controller.";
constexpr char kTerminalErrors[] = "controller_runtime_terminal_reconcile_errors_total";
constexpr char kTerminalErrorsHelp[] = "Reconciles that failed in a way that no retry mends, by controller.";
constexpr char kPanics[] = "controller_runtime_reconcile_panics_total";
constexpr char kPanicsHelp[] = "Reconciles that threw an exception, by controller.";
constexpr char kReconcileTime[] = "controller_runtime_reconcile_time_seconds";
constexpr char kReconcileTimeHelp[] = "How long reconciles take, by controller.";

}  // namespace

struct Metrics::Impl {
  /// One family and the metrics of it that exist, so that the hot path neither hashes names nor locks the registry.
  template <class T>
  struct Known {
    prometheus::Family<T>* family = nullptr;
    std::unordered_map<Labels, T*, LabelsHash> metrics;
  };
  template <class T>
  using Families = std::unordered_map<std::string, Known<T>>;

  std::mutex mutex;  ///< guards what follows; held while a metric is used, because remove() frees it
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Throw};
  Families<prometheus::Counter> counters;
  Families<prometheus::Gauge> gauges;
  Families<prometheus::Histogram> histograms;
  std::set<std::string> refused;

  std::mutex refresh_mutex;  ///< guards what follows; taken before `mutex`
  std::list<std::function<void()>> refreshes;

  template <class T>
  Known<T>& family(Families<T>& known, const std::string& name, std::string help) {
    const auto it = known.find(name);
    if (it != known.end()) return it->second;
    std::replace(help.begin(), help.end(), '\n', ' ');  // the serializer does not escape it
    prometheus::Family<T>* made = nullptr;
    if constexpr (std::is_same_v<T, prometheus::Counter>) {
      made = &prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    } else if constexpr (std::is_same_v<T, prometheus::Gauge>) {
      made = &prometheus::BuildGauge().Name(name).Help(help).Register(registry);
    } else {
      made = &prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
    }
    Known<T>& added = known[name];
    added.family = made;
    return added;
  }

  template <class T>
  T& metric(Families<T>& families, const std::string& name, const std::string& help, const Labels& labels) {
    Known<T>& known = family(families, name, help);
    const auto it = known.metrics.find(labels);
    if (it != known.metrics.end()) return *it->second;
    T* made = nullptr;
    if constexpr (std::is_same_v<T, prometheus::Histogram>) {
      made = &known.family->Add(labels, buckets_of(name));
    } else {
      made = &known.family->Add(labels);
    }
    known.metrics.emplace(labels, made);
    return *made;
  }

  template <class T>
  static void drop(Families<T>& families, const std::string& name, const Labels& labels) {
    const auto known = families.find(name);
    if (known == families.end()) return;
    const auto metric = known->second.metrics.find(labels);
    if (metric == known->second.metrics.end()) return;
    known->second.family->Remove(metric->second);
    known->second.metrics.erase(metric);
  }

  /// Calls `use` with the metric; what prometheus-cpp refuses by an exception is logged once per name.
  template <class T, class Use>
  void with(Families<T>& families, const std::string& name, const std::string& help, const Labels& labels, Use use) {
    std::lock_guard lock(mutex);
    try {
      use(metric(families, name, help, labels));
    } catch (const std::exception& refusal) {
      if (refused.size() < 100 && refused.insert(name).second) {
        log::error("a metric was refused", {{"metric", name}, {"reason", refusal.what()}});
      }
    }
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::add(const std::string& name, const std::string& help, const Labels& labels, double by) {
  impl_->with(impl_->counters, name, help, labels, [by](prometheus::Counter& counter) { counter.Increment(by); });
}

void Metrics::set(const std::string& name, const std::string& help, const Labels& labels, double value) {
  impl_->with(impl_->gauges, name, help, labels, [value](prometheus::Gauge& gauge) { gauge.Set(value); });
}

void Metrics::remove(const std::string& name, const Labels& labels) {
  std::lock_guard lock(impl_->mutex);
  impl_->drop(impl_->gauges, name, labels);
  impl_->drop(impl_->counters, name, labels);
}

void Metrics::observe(const std::string& name, const std::string& help, const Labels& labels, double value) {
  impl_->with(impl_->histograms, name, help, labels,
              [value](prometheus::Histogram& histogram) { histogram.Observe(value); });
}

void Metrics::introduce_controller(const std::string& controller, int max_workers) {
  workers(controller, max_workers, 0);
  for (const char* result : {"success", "error", "requeue", "requeue_after"}) {
    add(kReconcileTotal, kReconcileTotalHelp, {{"controller", controller}, {"result", result}}, 0);
  }
  add(kReconcileErrors, kReconcileErrorsHelp, {{"controller", controller}}, 0);
  add(kTerminalErrors, kTerminalErrorsHelp, {{"controller", controller}}, 0);
  add(kPanics, kPanicsHelp, {{"controller", controller}}, 0);
  impl_->with(impl_->histograms, kReconcileTime, kReconcileTimeHelp, {{"controller", controller}},
              [](prometheus::Histogram&) {});
}

void Metrics::reconciled(const std::string& controller, const std::string& result, std::chrono::microseconds took) {
  add(kReconcileTotal, kReconcileTotalHelp, {{"controller", controller}, {"result", result}});
  observe(kReconcileTime, kReconcileTimeHelp, {{"controller", controller}}, seconds(took));
}

void Metrics::reconcile_error(const std::string& controller, bool terminal) {
  add(kReconcileErrors, kReconcileErrorsHelp, {{"controller", controller}});
  if (terminal) add(kTerminalErrors, kTerminalErrorsHelp, {{"controller", controller}});
}

void Metrics::reconcile_panic(const std::string& controller) {
  add(kPanics, kPanicsHelp, {{"controller", controller}});
}

void Metrics::workers(const std::string& controller, int max, int active) {
  set("controller_runtime_max_concurrent_reconciles", "Workers that the controller has.", {{"controller", controller}},
      max);
  set("controller_runtime_active_workers", "Workers that reconcile right now.", {{"controller", controller}}, active);
}

void Metrics::request(const std::string& host, const std::string& method, int status, std::chrono::microseconds took) {
  add("rest_client_requests_total", "Requests sent to API servers, by status code, method and host.",
      {{"code", status == 0 ? "<error>" : std::to_string(status)}, {"host", host}, {"method", method}});
  observe("rest_client_request_duration_seconds", "How long requests to API servers take, by verb and host.",
          {{"host", host}, {"verb", method}}, seconds(took));
}

void Metrics::leading(const std::string& lease, bool leader) {
  set("leader_election_master_status", "1 while this process leads by the lease of that name, else 0.",
      {{"name", lease}}, leader ? 1 : 0);
}

std::shared_ptr<void> Metrics::before_serialize(std::function<void()> refresh) {
  std::lock_guard lock(impl_->refresh_mutex);
  const auto it = impl_->refreshes.insert(impl_->refreshes.end(), std::move(refresh));
  return {nullptr, [impl = impl_.get(), it](void*) {
            std::lock_guard drop(impl->refresh_mutex);
            impl->refreshes.erase(it);
          }};
}

std::string Metrics::serialize() const {
  {
    std::lock_guard lock(impl_->refresh_mutex);
    for (const std::function<void()>& refresh : impl_->refreshes) refresh();
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace headroom::runtime
