#include "operator/controllers/cluster.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "operator/base/log.h"
#include "operator/controllers/scaled_object_watch.h"
#include "operator/controllers/scaler_cache.h"
#include "operator/controllers/workload_caches.h"

namespace headroom::controllers {
namespace {

using std::chrono::seconds;

/// A cluster's version changes with an upgrade, rarely; a question that failed is asked again soon.
constexpr seconds kRareLook{300}, kRetry{5};

}  // namespace

struct Cluster::Impl {
  Impl(std::string region_in, std::shared_ptr<kube::Client> client_in, const Clock& clock_in,
       runtime::Metrics& metrics_in, std::function<void(const api::ObjectKey&)> changed_in, std::uint64_t seed_in)
      : region(std::move(region_in)),
        client(std::move(client_in)),
        clock(clock_in),
        metrics(metrics_in),
        changed(std::move(changed_in)),
        seed(seed_in),
        autoscalers(client, kube::types::kHorizontalPodAutoscaler, autoscaler_from_json,
                    on_bad("HorizontalPodAutoscaler"), changed, clock, seed),
        scaled_objects(client, changed, on_bad("ScaledObject"), clock, seed + 1),
        workloads(
            client, changed, on_bad("workload"), [this] { look_soon(); }, clock, seed + 1'000) {
    export_sizes = metrics.before_serialize([this] { set_sizes(); });
  }

  const std::string region;
  const std::shared_ptr<kube::Client> client;
  const Clock& clock;
  runtime::Metrics& metrics;
  const std::function<void(const api::ObjectKey&)> changed;
  const std::uint64_t seed;

  ScalerCache<Autoscaler> autoscalers;
  ScaledObjectWatch scaled_objects;
  WorkloadCaches workloads;

  mutable std::mutex mutex;
  std::condition_variable_any wake;
  // Guarded by mutex.
  bool look_now = false, started = false, stopped = false;
  std::string version;

  SteadyTime version_due{};  ///< the looker's thread only
  std::jthread looker;
  std::shared_ptr<void> export_sizes;

  std::function<void(const runtime::RefusedObject&)> on_bad(const std::string& kind) {
    return [this, kind](const runtime::RefusedObject& refused) {
      log::warning(absl::StrCat("object cannot be read; ", refused.consequence()),
                   {{"region", region},
                    {"object", absl::StrCat(kind, "/", refused.key.to_string())},
                    {"error", refused.error.message}});
      metrics.add("headroom_undecodable_objects_total", "Versions of objects that could not be read.",
                  {{"region", region}, {"kind", kind}});
    };
  }

  void set_sizes() {
    const std::string name = "headroom_cached_objects";
    const std::string help = "Objects held in memory.";
    metrics.set(name, help, {{"region", region}, {"resource", "horizontalpodautoscalers.autoscaling"}},
                static_cast<double>(autoscalers.size()));
    metrics.set(name, help, {{"region", region}, {"resource", "scaledobjects.keda.sh"}},
                static_cast<double>(scaled_objects.size()));
    for (const auto& [resource, size] : workloads.sizes()) {
      metrics.set(name, help, {{"region", region}, {"resource", resource}}, static_cast<double>(size));
    }
  }

  void look_soon() {
    std::lock_guard lock(mutex);
    look_now = true;
    wake.notify_all();
  }

  /// Everything that has to be asked rather than watched, so that no look-up ever waits.
  void look(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const SteadyTime now = clock.steady_now();
      if (now >= version_due) version_due = now + read_version(stop);
      const SteadyTime next = std::min({version_due, scaled_objects.look_due(stop), workloads.resolve_due(stop)});
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, next - clock.steady_now(), [this] { return look_now; });
      look_now = false;
    }
  }

  seconds read_version(const std::stop_token& stop) {
    const Result<kube::Response> answer = client->raw_get("/version", stop);
    if (!answer || answer.value().status != 200) return kRetry;
    const auto document = nlohmann::json::parse(answer.value().body, nullptr, /*allow_exceptions=*/false);
    if (!document.is_object() || !document.contains("gitVersion") || !document["gitVersion"].is_string()) return kRetry;
    std::lock_guard lock(mutex);
    version = document["gitVersion"].get<std::string>();
    return kRareLook;
  }

  void stop() {
    {
      std::lock_guard lock(mutex);
      if (std::exchange(stopped, true) || !started) return;
    }
    looker.request_stop();
    looker.join();
    autoscalers.request_stop();
    scaled_objects.stop();
    workloads.stop();
    autoscalers.join();
  }
};

Cluster::Cluster(std::string region, std::shared_ptr<kube::Client> client, const Clock& clock,
                 runtime::Metrics& metrics, std::function<void(const api::ObjectKey&)> changed, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(region), std::move(client), clock, metrics, std::move(changed), seed)) {}

Cluster::~Cluster() { stop(); }

void Cluster::start() {
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopped || std::exchange(impl_->started, true)) return;
  }
  impl_->autoscalers.start();
  impl_->looker = std::jthread([impl = impl_.get()](const std::stop_token& stop) { impl->look(stop); });
}

void Cluster::stop() { impl_->stop(); }

const std::string& Cluster::region() const { return impl_->region; }

const std::shared_ptr<kube::Client>& Cluster::client() const { return impl_->client; }

ClusterHealth Cluster::health() const {
  const runtime::ReflectorHealth watch = impl_->autoscalers.health();
  ClusterHealth health;
  health.synced = impl_->autoscalers.synced();
  health.reachable = !watch.stale && watch.last_contact.has_value();
  if (!health.reachable) health.problem = watch.last_error;
  health.last_contact = watch.last_contact;
  std::lock_guard lock(impl_->mutex);
  health.kubernetes_version = impl_->version;
  return health;
}

Lookup<Autoscaler> Cluster::autoscaler(const api::ObjectKey& key) const {
  if (!impl_->autoscalers.synced()) return {nullptr, false, "CacheNotSynced", impl_->autoscalers.health().last_error};
  return {impl_->autoscalers.get(key), true, "", ""};
}

std::vector<std::shared_ptr<const Autoscaler>> Cluster::autoscalers_of(const std::string& ns,
                                                                       const api::TargetRef& target) const {
  return impl_->autoscalers.scaling(ns, target);
}

Lookup<ScaledObject> Cluster::scaled_object(const api::ObjectKey& key) const { return impl_->scaled_objects.get(key); }

std::vector<std::shared_ptr<const ScaledObject>> Cluster::scaled_objects_of(const std::string& ns,
                                                                            const api::TargetRef& target) const {
  return impl_->scaled_objects.scaling(ns, target);
}

Lookup<Workload> Cluster::workload(const std::string& ns, const api::TargetRef& target, const std::string& field_path) {
  return impl_->workloads.get(ns, target, field_path);
}

std::optional<ScaleKind> Cluster::kind_of(const api::TargetRef& target, const std::string& field_path) const {
  return impl_->workloads.kind_of(target, field_path);
}

}  // namespace headroom::controllers
