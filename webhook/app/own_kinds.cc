#include "webhook/app/own_kinds.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/log.h"

namespace headroom::webhook {

template <class T>
void OwnKinds::watch(const std::shared_ptr<kube::Reader>& reader, const kube::ResourceType& type,
                     std::shared_ptr<runtime::Store<T>> store, Result<T> (*decode)(const nlohmann::json&),
                     const Clock& clock, std::uint64_t seed) {
  runtime::ReflectorOptions options;
  options.type = type;
  auto sink =
      runtime::store_sink<T>(std::move(store), decode, [kind = type.kind](const runtime::RefusedObject& refused) {
        log::error(absl::StrCat("object cannot be read; ", refused.consequence()),
                   {{"object", absl::StrCat(kind, "/", refused.key.to_string())}, {"error", refused.error.message}});
      });
  reflectors_.push_back(std::make_unique<runtime::Reflector>(
      reader, std::move(options), std::move(sink), [](const api::ObjectKey&) {}, clock, seed));
}

OwnKinds::OwnKinds(const std::shared_ptr<kube::Reader>& reader, const LimitWatches& limits, std::string own_namespace,
                   std::vector<std::string> excluded_namespaces, const Clock& clock, std::uint64_t seed)
    : limits_(limits),
      own_namespace_(std::move(own_namespace)),
      excluded_namespaces_(std::move(excluded_namespaces)),
      regions_(std::make_shared<runtime::Store<api::Region>>()),
      targets_(std::make_shared<runtime::Store<api::ScaleTarget>>()),
      schedules_(std::make_shared<runtime::Store<api::FestivalSchedule>>()) {
  watch<api::Region>(reader, kube::types::kRegion, regions_, api::region_from_json, clock, seed);
  watch<api::ScaleTarget>(reader, kube::types::kScaleTarget, targets_, api::scale_target_from_json, clock, seed + 1);
  watch<api::FestivalSchedule>(reader, kube::types::kFestivalSchedule, schedules_, api::festival_schedule_from_json,
                               clock, seed + 2);
}

void OwnKinds::start() {
  for (const auto& reflector : reflectors_) reflector->start();
}

void OwnKinds::begin_anew() {
  for (const auto& reflector : reflectors_) reflector->begin_anew();
}

void OwnKinds::stop() {
  for (const auto& reflector : reflectors_) reflector->request_stop();
  for (const auto& reflector : reflectors_) reflector->join();
}

bool OwnKinds::synced() const {
  return limits_.synced() && regions_->synced() && targets_->synced() && schedules_->synced();
}

validation::Snapshot OwnKinds::snapshot() const {
  validation::Snapshot snapshot;
  snapshot.regions = regions_->list();
  snapshot.targets = targets_->list();
  snapshot.schedules = schedules_->list();
  snapshot.limits = limits_.limits();
  for (const auto& one : limits_.namespaces()) snapshot.namespace_labels.emplace(one->name, one->labels);
  snapshot.own_namespace = own_namespace_;
  snapshot.excluded_namespaces = excluded_namespaces_;
  return snapshot;
}

validation::Snapshot OwnKinds::regions_snapshot() const {
  validation::Snapshot snapshot;
  snapshot.regions = regions_->list();
  snapshot.own_namespace = own_namespace_;
  const bool by_label = std::ranges::any_of(snapshot.regions, [](const auto& region) {
    return region->spec.allowed_namespaces.from == api::AllowedNamespaces::From::Selector;
  });
  if (!by_label) return snapshot;
  for (const auto& one : limits_.namespaces()) snapshot.namespace_labels.emplace(one->name, one->labels);
  return snapshot;
}

}  // namespace headroom::webhook
