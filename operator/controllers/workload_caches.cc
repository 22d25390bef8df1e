#include "operator/controllers/workload_caches.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace headroom::controllers {
namespace {

using std::chrono::seconds;

/// After a failure that may pass by itself, and after one that a person has to mend.
constexpr seconds kSoon{5}, kLater{30};
/// How often a watch that is not connected makes us ask whether its kind still exists.
constexpr seconds kExistenceCheck{30};

}  // namespace

/// One kind: not resolved yet, missing (problem), or watched (reflector).
struct WorkloadCaches::Watched {
  std::optional<ScaleKind> kind;
  std::string reason, problem;
  SteadyTime look_at{};
  bool built_in = false;
  std::shared_ptr<runtime::Store<Workload>> store;
  std::unique_ptr<runtime::Reflector> reflector;
};

WorkloadCaches::WorkloadCaches(std::shared_ptr<kube::Client> client, Changed changed, OnBad on_bad,
                               std::function<void()> due, const Clock& clock, std::uint64_t seed)
    : client_(std::move(client)),
      changed_(std::move(changed)),
      on_bad_(std::move(on_bad)),
      due_(std::move(due)),
      clock_(clock),
      seed_(seed) {}

WorkloadCaches::~WorkloadCaches() { stop(); }

Lookup<Workload> WorkloadCaches::get(const std::string& ns, const api::TargetRef& target,
                                     const std::string& field_path) {
  const KindKey key{target.api_version, target.kind, field_path};
  std::unique_lock lock(mutex_);
  const auto [it, added] = kinds_.try_emplace(key);
  if (added) {
    it->second = std::make_shared<Watched>();
    if (const auto kind = built_in_kind(target, field_path)) {
      it->second->built_in = true;
      open(*it->second, *kind);
    }
  }
  const std::shared_ptr<Watched> watched = it->second;
  const bool unresolved = added && !watched->built_in;
  Lookup<Workload> answer{nullptr, false, watched->reason, watched->problem};
  const auto store = watched->store;
  if (store && !store->synced() && answer.problem.empty()) answer.problem = watched->reflector->health().last_error;
  lock.unlock();

  if (unresolved) due_();
  if (!store) return answer;
  answer.synced = store->synced();
  if (answer.synced) answer.object = store->get({ns, target.name});
  return answer;
}

std::optional<ScaleKind> WorkloadCaches::kind_of(const api::TargetRef& target, const std::string& field_path) const {
  std::lock_guard lock(mutex_);
  const auto it = kinds_.find({target.api_version, target.kind, field_path});
  return it == kinds_.end() ? std::nullopt : it->second->kind;
}

void WorkloadCaches::open(Watched& watched, const ScaleKind& kind) {
  watched.kind = kind;
  watched.reason.clear();
  watched.problem.clear();
  watched.store = std::make_shared<runtime::Store<Workload>>();
  runtime::ReflectorOptions options;
  options.type = kind.type;
  auto decode = [paths = kind.paths, requests = plan::SharedRequests()](const nlohmann::json& object) mutable {
    Result<Workload> workload = workload_from_json(object, paths);
    if (workload) workload.value().pod_requests = requests.share(workload.value().pod_requests);
    return workload;
  };
  watched.reflector = std::make_unique<runtime::Reflector>(
      client_, std::move(options), runtime::store_sink<Workload>(watched.store, std::move(decode), on_bad_), changed_,
      clock_, ++seed_);
  if (!stopped_) watched.reflector->start();
}

WorkloadCaches::Resolution WorkloadCaches::resolve(const KindKey& key, const std::stop_token& stop) {
  const auto& [api_version, kind_name, field_path] = key;
  Result<kube::ResourceType> type = client_->resource_for(api_version, kind_name, stop);
  if (!type) {
    const bool missing = type.error().code == ErrorCode::NotFound;
    return {std::nullopt, missing ? "KindNotServed" : "CacheNotSynced", type.error().message, missing,
            missing ? kLater : kSoon};
  }
  Result<nlohmann::json> crd =
      client_->get(kube::types::kCustomResourceDefinition, {"", type.value().to_string()}, stop);
  if (crd) {
    Result<ScaleKind> kind = kind_from_crd(type.value(), crd.value(), field_path);
    if (kind) return {std::move(kind).value(), "", "", false, seconds(0)};
    return {std::nullopt, "NoScaleSubresource", kind.error().message, true, kLater};
  }
  // A field can be written without knowing the rest; its status then goes unseen.
  if (!field_path.empty()) return {kind_without_crd(type.value(), field_path), "", "", false, seconds(0)};
  switch (crd.error().code) {
    case ErrorCode::NotFound:
      return {std::nullopt, "NoScaleSubresource",
              absl::StrCat(kind_name, " of ", api_version,
                           " has no CustomResourceDefinition that says where its size lies; ScaleTargets can name "
                           "Deployments, StatefulSets, ReplicaSets and custom resources with a scale subresource"),
              true, kLater};
    case ErrorCode::Forbidden:
    case ErrorCode::Unauthorized:
      return {std::nullopt, "NoScaleSubresource",
              absl::StrCat("reading CustomResourceDefinition ", type.value().to_string(), " is not allowed (",
                           crd.error().message, "); grant get on customresourcedefinitions"),
              false, kLater};
    default:
      return {std::nullopt, "CacheNotSynced", crd.error().message, false, kSoon};
  }
}

SteadyTime WorkloadCaches::resolve_due(const std::stop_token& stop) {
  const SteadyTime now = clock_.steady_now();
  std::vector<KindKey> due;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [key, watched] : kinds_) {
      const bool watching = watched->reflector != nullptr;
      if (watched->built_in || watched->look_at > now) continue;
      if (!watching || watched->reflector->health().stale) due.push_back(key);
    }
  }
  for (const KindKey& key : due) {
    Resolution resolution = resolve(key, stop);
    if (stop.stop_requested()) return SteadyTime::max();
    apply(key, std::move(resolution));
  }
  return clock_.steady_now() + kSoon;
}

void WorkloadCaches::apply(const KindKey& key, Resolution resolution) {
  std::unique_ptr<runtime::Reflector> ended;  // its thread is waited for after the lock is given back
  std::lock_guard lock(mutex_);
  Watched& watched = *kinds_.at(key);
  watched.look_at = clock_.steady_now() + (resolution.again > seconds(0) ? resolution.again : kExistenceCheck);
  if (resolution.kind) {
    if (!watched.reflector) open(watched, *resolution.kind);
    return;
  }
  if (watched.reflector && !resolution.gone) return;
  ended = std::move(watched.reflector);
  watched.store.reset();
  watched.kind.reset();
  watched.reason = std::move(resolution.reason);
  watched.problem = std::move(resolution.problem);
}

void WorkloadCaches::stop() {
  std::vector<runtime::Reflector*> running;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto& [key, watched] : kinds_) {
      if (watched->reflector) running.push_back(watched->reflector.get());
    }
  }
  for (runtime::Reflector* reflector : running) reflector->request_stop();
  for (runtime::Reflector* reflector : running) reflector->join();
}

std::map<std::string, std::size_t> WorkloadCaches::sizes() const {
  std::map<std::string, std::size_t> sizes;
  std::lock_guard lock(mutex_);
  for (const auto& [key, watched] : kinds_) {
    if (watched->kind && watched->store) sizes[watched->kind->type.to_string()] += watched->store->size();
  }
  return sizes;
}

}  // namespace headroom::controllers
