#include "tests/api/sample_world.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/base/time_zone.h"
#include "operator/plan/calendar.h"
#include "tests/support/yaml_objects.h"

namespace headroom::api {

using nlohmann::json;

SampleWorld& SampleWorld::apply(const std::string& folder, const std::string& region) {
  for (const json& object : testing_support::yaml_objects_of_folder("manifests/samples/" + folder)) {
    const std::string kind = object.at("kind");
    if (kind == "ConfigMap") {
      for (const auto& [key, value] : object.at("data").items()) {
        config_maps_[object.at("metadata").at("name")][key] = value;
      }
    } else if (kind == "Region") {
      const Result<Region> decoded = region_from_json(object);
      if (!decoded) ADD_FAILURE() << folder << ": " << decoded.error().message;
      if (decoded) regions_.insert_or_assign(decoded.value().meta.name, decoded.value());
    } else if (kind == "ScaleTarget") {
      const Result<ScaleTarget> decoded = scale_target_from_json(object);
      if (!decoded) ADD_FAILURE() << folder << ": " << decoded.error().message;
      if (decoded) targets_.insert_or_assign(decoded.value().meta.name, decoded.value());
    } else if (kind == "ScaleLimit" || kind == "ClusterScaleLimit") {
      const Result<ScaleLimit> decoded =
          kind == "ScaleLimit" ? scale_limit_from_json(object) : cluster_scale_limit_from_json(object);
      if (!decoded) ADD_FAILURE() << folder << ": " << decoded.error().message;
      if (decoded) limits_.insert_or_assign(decoded.value().meta.name, decoded.value());
    } else if (kind == "FestivalSchedule") {
      take_schedule(object);
    } else if (kind != "Namespace" && kind != "CustomResourceDefinition") {
      take_workload(object, region);
    }
  }
  return *this;
}

SampleWorld& SampleWorld::remove_schedule(const std::string& name) {
  EXPECT_EQ(schedules_.erase(name), 1u) << name;
  return *this;
}

void SampleWorld::take_workload(const json& object, const std::string& region) {
  const json& spec = object.at("spec");
  const std::string name = object.at("metadata").at("name");
  if (object.at("kind") == "HorizontalPodAutoscaler") {
    autoscalers_[{region, spec.at("scaleTargetRef").at("name")}] = {spec.at("minReplicas"), spec.at("maxReplicas"), ""};
  } else {
    workloads_[{region, name}] =
        spec.contains("instances") ? spec.at("instances").get<int>() : spec.value("replicas", 1);
  }
}

void SampleWorld::take_schedule(const json& object) {
  const Result<FestivalSchedule> decoded = festival_schedule_from_json(object);
  ASSERT_TRUE(decoded) << decoded.error().message;
  const FestivalSchedule& schedule = decoded.value();
  const Result<absl::TimeZone> zone = load_time_zone(schedule.spec.time_zone);
  ASSERT_TRUE(zone) << zone.error().message;
  plan::CompileInput input{schedule.meta.key(), schedule.spec, zone.value(), {}, now_};
  for (const Occurrence& occurrence : schedule.spec.occurrences) {
    if (!occurrence.calendar) continue;
    plan::CalendarBounds bounds;
    bounds.recurrence = {absl::CivilDay(2026, 1, 1), absl::CivilDay(2028, 1, 1)};
    const auto events = plan::parse_calendar(config_maps_[occurrence.calendar->config_map][occurrence.calendar->key],
                                             occurrence.calendar->summary, bounds, load_time_zone);
    ASSERT_TRUE(events) << events.error().message;
    input.calendars[occurrence.name] = events.value();
  }
  Result<plan::CompiledSchedule> compiled = plan::compile(input);
  ASSERT_TRUE(compiled) << compiled.error().message;
  schedules_[schedule.meta.name] = std::make_shared<const plan::CompiledSchedule>(std::move(compiled.value()));
}

std::optional<Originals> SampleWorld::originals_of(const ScaleTarget& target) const {
  const InRegion workload{target.spec.region, target.spec.target_ref.name};
  if (target.spec.engine.owns_autoscaler()) return Originals{target.spec.replicas.min, target.spec.replicas.max, ""};
  if (target.spec.engine.type == EngineType::HorizontalPodAutoscaler) {
    const auto autoscaler = autoscalers_.find(workload);
    return autoscaler == autoscalers_.end() ? std::nullopt : std::optional(autoscaler->second);
  }
  const auto found = workloads_.find(workload);
  if (found == workloads_.end()) return std::nullopt;
  return Originals{found->second, found->second, ""};
}

plan::DecideResult SampleWorld::decide(absl::Time at) const {
  std::vector<plan::DecideTarget> targets;
  for (const auto& [name, target] : targets_) {
    plan::DecideTarget one{target.meta.key(), &target.meta.labels, &target.spec, {}};
    one.observed.originals = originals_of(target);
    EXPECT_TRUE(one.observed.originals) << name << " names a workload that the sample does not bring";
    targets.push_back(std::move(one));
  }
  std::vector<std::shared_ptr<const plan::CompiledSchedule>> schedules;
  for (const auto& [name, schedule] : schedules_) schedules.push_back(schedule);
  std::vector<plan::DecideRegion> regions;
  for (const auto& [name, region] : regions_) regions.push_back({name, &region.spec, true, true, {}});
  return plan::decide({at, targets, schedules, regions});
}

int SampleWorld::size(const std::string& target, absl::Time at) const {
  for (const plan::Decision& decision : decide(at).decisions) {
    if (decision.target.name == target) return decision.size;
  }
  return -1;
}

}  // namespace headroom::api
