#include "operator/cli/planning_world.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "operator/cli/offline_sizes.h"
#include "operator/plan/baseline.h"
#include "operator/plan/text.h"
#include "operator/validation/region_admission.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using plan::concat;

std::string text_at(const json& object, const char* field) {
  const auto found = object.is_object() ? object.find(field) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string place(const GivenObject& given) { return given.where.empty() ? "" : given.where + ": "; }

template <class T>
void put(std::vector<T>& into, T one) {
  const auto same = std::ranges::find_if(into, [&](const T& other) { return other.meta.key() == one.meta.key(); });
  if (same == into.end()) {
    into.push_back(std::move(one));
  } else {
    *same = std::move(one);
  }
}

template <class T>
void take(const GivenObject& given, Result<T> read, std::vector<T>& into, std::vector<std::string>& problems) {
  if (read) {
    put(into, std::move(read).value());
  } else {
    problems.push_back(concat(place(given), read.error().message));
  }
}

template <class T>
void by_key(std::vector<T>& all) {
  std::ranges::sort(all, {}, [](const T& one) { return one.meta.key(); });
}

json in_namespace(const json& object, const std::string& ns) {
  json copy = object;
  if (text_at(copy["metadata"], "namespace").empty()) copy["metadata"]["namespace"] = ns;
  return copy;
}

void take_config_map(const json& object, PlanningWorld& world) {
  const api::ObjectMeta meta = api::meta_from_json(object);
  const auto data = object.find("data");
  if (data == object.end() || !data->is_object()) return;
  std::map<std::string, std::string>& texts = world.config_maps[meta.key()];
  for (const auto& [key, value] : data->items()) {
    if (value.is_string()) texts[key] = value.get<std::string>();
  }
}

/// As the operator left it in the status.
plan::TargetObservation observation_of(const api::ScaleTarget& target) {
  const api::ScaleTargetStatus& status = target.status;
  plan::TargetObservation seen;
  seen.originals = status.originals;
  seen.current = status.current;
  seen.ready = status.ready;
  seen.in_force = status.in_force;
  seen.in_force_since = status.in_force_since;
  seen.decided_by_schedule = plan::schedule_in_decided_by(status.decided_by, target.meta.ns);
  seen.rule_size = status.rules.size;
  seen.started_leads = status.started_leads;
  seen.warm_up = status.warm_up;
  seen.approved_size = status.approved_size;
  return seen;
}

void learn(const api::ScaleTarget& target, plan::TargetObservation& seen, std::vector<std::string>& assumptions) {
  if (!target.spec.replicas.learn || target.spec.replicas.baseline) return;
  const auto learned = plan::learned_baseline(target.status.samples, *target.spec.replicas.learn);
  if (learned) {
    seen.learned_baseline = learned->size;
    seen.baseline_uncertain = learned->uncertain;
    if (!learned->uncertain) return;
  }
  assumptions.push_back(concat("ScaleTarget ", target.meta.key().to_string(), ": its baseline is learned, from ",
                               learned ? "less than a day so far" : "nothing so far", "; taken as ",
                               learned ? learned->size : seen.originals->min));
}

const api::Region* region_of(const api::ScaleTarget& target, const PlanningWorld& world) {
  const auto region =
      std::ranges::find_if(world.regions, [&](const api::Region& one) { return one.meta.name == target.spec.region; });
  return region == world.regions.end() ? nullptr : &*region;
}

/// A region that is not among the objects refuses nobody: its file may lie elsewhere.
std::optional<std::string> refusal_of(const api::ScaleTarget& target, const PlanningWorld& world) {
  const api::Region* const region = region_of(target, world);
  if (region == nullptr) return std::nullopt;
  return validation::requirements_refusal(region->meta.name, region->spec, target.spec.requirements);
}

void assume_regions(PlanningWorld& world) {
  std::set<std::string> missing;
  for (const api::ScaleTarget& target : world.targets) {
    if (target.spec.region != api::kLocalRegion && region_of(target, world) == nullptr) {
      missing.insert(target.spec.region);
    }
  }
  for (const std::string& region : missing) {
    world.assumptions.push_back(
        concat("Region ", region, " is not given; what it can carry, and what it does not allow, is not looked at"));
  }
}

}  // namespace

int PlanningWorld::target(const api::ObjectKey& key) const {
  const auto found = std::ranges::find_if(targets, [&](const api::ScaleTarget& one) { return one.meta.key() == key; });
  return found == targets.end() ? -1 : static_cast<int>(found - targets.begin());
}

void PlanningWorld::take_room(PodPools pools) {
  room = std::move(pools);
  std::ranges::copy(room.assumptions, std::back_inserter(assumptions));
  std::ranges::copy(room.problems, std::back_inserter(problems));
}

PlanningWorld planning_world(const std::vector<GivenObject>& objects, const std::string& default_namespace) {
  PlanningWorld world;
  for (const GivenObject& given : objects) {
    const std::string kind = text_at(*given.object, "kind");
    if (kind == "ConfigMap" && given.region.empty())
      take_config_map(in_namespace(*given.object, default_namespace), world);
    if (!text_at(*given.object, "apiVersion").starts_with("headroom.dev/") || !given.region.empty()) continue;
    if (kind == "ScaleTarget") {
      take(given, api::scale_target_from_json(in_namespace(*given.object, default_namespace)), world.targets,
           world.problems);
    } else if (kind == "FestivalSchedule") {
      take(given, api::festival_schedule_from_json(in_namespace(*given.object, default_namespace)), world.schedules,
           world.problems);
    } else if (kind == "Region") {
      take(given, api::region_from_json(*given.object), world.regions, world.problems);
    }
  }
  std::erase_if(world.targets, [](const api::ScaleTarget& one) { return one.meta.deleted.has_value(); });
  std::erase_if(world.schedules, [](const api::FestivalSchedule& one) { return one.meta.deleted.has_value(); });
  by_key(world.targets);
  by_key(world.schedules);
  by_key(world.regions);
  assume_regions(world);
  const OfflineSizes sizes(objects, world.regions, default_namespace);
  for (const api::ScaleTarget& target : world.targets) {
    plan::TargetObservation seen = observation_of(target);
    if (!seen.originals) {
      const OfflineSize found = sizes.of(target);
      seen = {};
      seen.originals = found.originals;
      if (!found.assumption.empty()) world.assumptions.push_back(found.assumption);
    }
    learn(target, seen, world.assumptions);
    seen.region_refused = refusal_of(target, world);
    world.observed.push_back(std::move(seen));
  }
  world.take_room(pod_pools(world.targets, world.regions, objects, default_namespace));
  return world;
}

std::vector<std::shared_ptr<const plan::CompiledSchedule>> compile_schedules(const PlanningWorld& world, absl::Time at,
                                                                             const plan::ZoneLoader& zones,
                                                                             std::vector<std::string>& problems) {
  std::vector<std::shared_ptr<const plan::CompiledSchedule>> compiled;
  for (const api::FestivalSchedule& schedule : world.schedules) {
    const std::string title = concat("FestivalSchedule ", schedule.meta.key().to_string(), ": ");
    const Result<absl::TimeZone> zone = zones(schedule.spec.time_zone);
    if (!zone) {
      problems.push_back(title + zone.error().message);
      continue;
    }
    plan::CompileInput input{schedule.meta.key(), schedule.spec, zone.value(), {}, at};
    for (const api::Occurrence& occurrence : schedule.spec.occurrences) {
      if (!occurrence.calendar) continue;
      const api::ObjectKey key{schedule.meta.ns, occurrence.calendar->config_map};
      const auto map = world.config_maps.find(key);
      const bool there = map != world.config_maps.end() && map->second.contains(occurrence.calendar->key);
      if (!there) {
        problems.push_back(concat(title, "occurrence ", occurrence.name, ": ConfigMap ", key.to_string(), " with key ",
                                  occurrence.calendar->key, " is not there, so it has no days; give its file too"));
        continue;
      }
      plan::CalendarBounds bounds;
      bounds.recurrence = plan::occurrence_bounds(schedule.spec, zone.value(), at);
      const plan::ZoneLoader with_own = [&](const std::string& name) -> Result<absl::TimeZone> {
        if (name.empty()) return zone.value();
        return zones(name);
      };
      auto events = plan::parse_calendar(map->second.at(occurrence.calendar->key), occurrence.calendar->summary, bounds,
                                         with_own);
      if (events) {
        input.calendars[occurrence.name] = std::move(events).value();
      } else {
        problems.push_back(concat(title, "occurrence ", occurrence.name, ": ", events.error().message));
      }
    }
    Result<plan::CompiledSchedule> one = plan::compile(input);
    if (one) {
      compiled.push_back(std::make_shared<const plan::CompiledSchedule>(std::move(one).value()));
    } else {
      problems.push_back(title + one.error().message);
    }
  }
  return compiled;
}

}  // namespace headroom::cli
