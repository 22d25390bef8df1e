#include "operator/controllers/scaled_object_watch.h"

#include <utility>

namespace headroom::controllers {
namespace {

using std::chrono::seconds;

/// KEDA comes and goes with an installation, rarely; a question that failed is asked again soon.
constexpr seconds kRareLook{300}, kRetry{5};

}  // namespace

ScaledObjectWatch::ScaledObjectWatch(std::shared_ptr<kube::Client> client, Cache::Changed changed, Cache::OnBad on_bad,
                                     const Clock& clock, std::uint64_t seed)
    : client_(std::move(client)),
      changed_(std::move(changed)),
      on_bad_(std::move(on_bad)),
      clock_(clock),
      seed_(seed) {}

ScaledObjectWatch::~ScaledObjectWatch() { stop(); }

std::shared_ptr<ScaledObjectWatch::Cache> ScaledObjectWatch::cache() const {
  std::lock_guard lock(mutex_);
  return cache_;
}

Lookup<ScaledObject> ScaledObjectWatch::get(const api::ObjectKey& key) const {
  std::shared_ptr<Cache> cache;
  {
    std::lock_guard lock(mutex_);
    if (!known_) return {nullptr, false, "CacheNotSynced", problem_};
    cache = cache_;
  }
  if (!cache) return {nullptr, true, "KindNotServed", "KEDA is not installed there"};
  if (!cache->synced()) return {nullptr, false, "CacheNotSynced", cache->health().last_error};
  return {cache->get(key), true, "", ""};
}

std::vector<std::shared_ptr<const ScaledObject>> ScaledObjectWatch::scaling(const std::string& ns,
                                                                            const api::TargetRef& target) const {
  const auto held = cache();
  return held ? held->scaling(ns, target) : std::vector<std::shared_ptr<const ScaledObject>>{};
}

std::size_t ScaledObjectWatch::size() const {
  const auto held = cache();
  return held ? held->size() : 0;
}

SteadyTime ScaledObjectWatch::look_due(const std::stop_token& stop) {
  const SteadyTime now = clock_.steady_now();
  {
    std::lock_guard lock(mutex_);
    if (now < due_) return due_;
  }
  const Result<kube::Response> answer = client_->raw_get("/apis/" + kube::types::kScaledObject.api_version(), stop);
  const bool served = answer && answer.value().status == 200;
  const bool absent = answer && answer.value().status == 404;
  std::shared_ptr<Cache> fresh, ended;
  SteadyTime next;
  {
    std::lock_guard lock(mutex_);
    known_ = known_ || served || absent;
    problem_ = answer ? "" : answer.error().message;
    if (served && !cache_) {
      fresh = cache_ = std::make_shared<Cache>(client_, kube::types::kScaledObject, scaled_object_from_json, on_bad_,
                                               changed_, clock_, seed_);
    }
    if (absent) ended = std::exchange(cache_, nullptr);
    next = due_ = clock_.steady_now() + (served || absent ? kRareLook : kRetry);
  }
  if (fresh) fresh->start();
  if (ended) {
    ended->request_stop();
    ended->join();
  }
  return next;
}

void ScaledObjectWatch::stop() {
  const auto held = cache();
  if (!held) return;
  held->request_stop();
  held->join();
}

}  // namespace headroom::controllers
