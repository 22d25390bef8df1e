#include "operator/controllers/calendar_users.h"

#include <algorithm>
#include <optional>
#include <set>

namespace headroom::controllers {
namespace {

bool uses(const api::FestivalSchedule& schedule, const CalendarSourceKey& source,
          const std::optional<std::string>& summary) {
  if (schedule.meta.ns != source.ns) return false;
  return std::ranges::any_of(schedule.spec.occurrences, [&](const api::Occurrence& occurrence) {
    return occurrence.calendar && occurrence.calendar->config_map == source.config_map &&
           occurrence.calendar->key == source.key && (!summary || occurrence.calendar->summary == *summary);
  });
}

}  // namespace

std::string zone_of_users(Schedules schedules, const CalendarSourceKey& source, const std::string& summary) {
  std::set<std::string> zones;
  for (const auto& schedule : schedules) {
    if (uses(*schedule, source, summary)) zones.insert(schedule->spec.time_zone);
  }
  return zones.size() == 1 ? *zones.begin() : std::string();
}

std::vector<api::OwnerReference> owners_of_copy(Schedules schedules, const CalendarSourceKey& source) {
  std::vector<api::OwnerReference> owners;
  for (const auto& schedule : schedules) {
    if (schedule->meta.deleted || !uses(*schedule, source, std::nullopt)) continue;
    owners.push_back({std::string(api::kGroup) + "/" + api::kVersion, "FestivalSchedule", schedule->meta.name,
                      schedule->meta.uid, false});
  }
  std::ranges::sort(owners, {}, &api::OwnerReference::uid);
  return owners;
}

}  // namespace headroom::controllers
