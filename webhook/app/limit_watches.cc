#include "webhook/app/limit_watches.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/log.h"

namespace headroom::webhook {
namespace {

Result<KnownNamespace> namespace_from_json(const nlohmann::json& object) {
  api::ObjectMeta meta = api::meta_from_json(object);
  return KnownNamespace{std::move(meta.name), std::move(meta.labels)};
}

}  // namespace

template <class T>
void LimitWatches::watch(const std::shared_ptr<kube::Reader>& reader, runtime::ReflectorOptions options,
                         std::shared_ptr<runtime::Store<T>> store, Result<T> (*decode)(const nlohmann::json&),
                         const Clock& clock, std::uint64_t seed, const std::function<void()>& changed) {
  const std::string kind = options.type.kind;
  auto sink = runtime::store_sink<T>(std::move(store), decode, [kind](const runtime::RefusedObject& refused) {
    log::error(absl::StrCat("object cannot be read; ", refused.consequence()),
               {{"object", absl::StrCat(kind, "/", refused.key.to_string())}, {"error", refused.error.message}});
  });
  reflectors_.push_back(std::make_unique<runtime::Reflector>(
      reader, std::move(options), std::move(sink), [changed](const api::ObjectKey&) { changed(); }, clock, seed));
}

LimitWatches::LimitWatches(const std::shared_ptr<kube::Reader>& reader, const Clock& clock, std::uint64_t seed,
                           std::function<void()> changed)
    : scale_limits_(std::make_shared<runtime::Store<api::ScaleLimit>>()),
      cluster_scale_limits_(std::make_shared<runtime::Store<api::ScaleLimit>>()),
      namespaces_(std::make_shared<runtime::Store<KnownNamespace>>()) {
  runtime::ReflectorOptions options;
  options.type = kube::types::kScaleLimit;
  watch<api::ScaleLimit>(reader, options, scale_limits_, api::scale_limit_from_json, clock, seed, changed);
  options.type = kube::types::kClusterScaleLimit;
  watch<api::ScaleLimit>(reader, options, cluster_scale_limits_, api::cluster_scale_limit_from_json, clock, seed + 1,
                         changed);
  options.type = kube::types::kNamespace;
  options.metadata_only = true;
  watch<KnownNamespace>(reader, options, namespaces_, namespace_from_json, clock, seed + 2, changed);
}

void LimitWatches::start() {
  for (const auto& reflector : reflectors_) reflector->start();
}

void LimitWatches::stop() {
  for (const auto& reflector : reflectors_) reflector->request_stop();
  for (const auto& reflector : reflectors_) reflector->join();
}

void LimitWatches::begin_anew() {
  for (const auto& reflector : reflectors_) reflector->begin_anew();
}

bool LimitWatches::synced() const {
  return scale_limits_->synced() && cluster_scale_limits_->synced() && namespaces_->synced();
}

std::vector<std::shared_ptr<const api::ScaleLimit>> LimitWatches::limits() const {
  auto all = scale_limits_->list();
  std::ranges::copy(cluster_scale_limits_->list(), std::back_inserter(all));
  return all;
}

std::vector<std::shared_ptr<const KnownNamespace>> LimitWatches::namespaces() const { return namespaces_->list(); }

}  // namespace headroom::webhook
