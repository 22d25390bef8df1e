#include "operator/runtime/status_metrics.h"

#include <algorithm>
#include <chrono>

namespace headroom::runtime {

void expose_conditions(Exposition& scrape, std::string_view kind, const api::ObjectKey& key,
                       const std::vector<api::Condition>& conditions) {
  for (const api::Condition& condition : conditions) {
    scrape.gauge("headroom_condition", "Conditions in the status of Headroom's objects: 1 True, 0 False",
                 {{"kind", kind},
                  {"namespace", key.ns},
                  {"name", key.name},
                  {"type", condition.type},
                  {"reason", condition.reason}},
                 condition.status ? 1 : 0);
  }
}

void WatchHealths::add(const std::string& resource, bool stale, std::optional<SteadyTime> last_contact) {
  const SteadyTime::duration age = stale ? now_ - last_contact.value_or(started_) : SteadyTime::duration(0);
  const auto [it, added] = stale_.try_emplace(resource, age);
  if (!added) it->second = std::max(it->second, age);
}

void WatchHealths::expose(Exposition& scrape, std::string_view region) const {
  for (const auto& [resource, age] : stale_) {
    scrape.gauge("headroom_watch_stale_seconds",
                 "How long a watch has been without its API server; what it has seen is as old",
                 {{"region", region}, {"resource", resource}}, std::chrono::duration<double>(age).count());
  }
}

}  // namespace headroom::runtime
