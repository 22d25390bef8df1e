#include "operator/controllers/object_metrics.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "operator/runtime/status_metrics.h"

namespace headroom::controllers {
namespace {

using runtime::Exposition;

double unix_seconds(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

/// As status.atRisk names it.
std::string phase_text(const std::string& occurrence, const std::string& phase) {
  return absl::StrCat(occurrence, " ", phase);
}

/// When the phase of a risk begins. One that is not to come any more has begun, with the last boundary at the latest.
absl::Time start_of(const api::FestivalScheduleStatus& status, const std::string& phase) {
  for (const api::TransitionStatus& next : status.next) {
    if (next.event == "Start" && phase_text(next.occurrence, next.phase) == phase) return next.at;
  }
  if (status.last_boundary) return status.last_boundary->at;
  const api::Condition* at_risk = api::find_condition(status.conditions, "AtRisk");
  return at_risk == nullptr ? absl::UnixEpoch() : at_risk->last_transition;
}

template <class T, class Expose>
void expose_first(const std::vector<std::shared_ptr<const T>>& objects, std::size_t most, const char* kind,
                  Exposition& scrape, Expose one) {
  const std::size_t told = std::min(objects.size(), most);
  for (std::size_t i = 0; i < told; ++i) one(*objects[i]);
  scrape.gauge("headroom_series_left_out", "Objects that are too many to be told of in metrics, by kind",
               {{"kind", kind}}, static_cast<double>(objects.size() - told));
}

}  // namespace

void expose(const api::ScaleTarget& target, Exposition& scrape) {
  const api::ScaleTargetStatus& status = target.status;
  const auto size = [&](const char* name, const char* help, const std::optional<int>& value) {
    if (!value) return;
    scrape.gauge(name, help,
                 {{"namespace", target.meta.ns}, {"target", target.meta.name}, {"region", target.spec.region}}, *value);
  };
  size("headroom_target_current_replicas", "Replicas that a ScaleTarget's workload has", status.current);
  size("headroom_target_ready_replicas", "Of these, those that are ready", status.ready);
  size("headroom_target_desired_replicas", "Size that is decided for a ScaleTarget", status.desired);
  size("headroom_target_bound_min_replicas", "Lower bound in force at the autoscaler", status.bounds_min);
  size("headroom_target_bound_max_replicas", "Upper bound in force at the autoscaler", status.bounds_max);
  size("headroom_target_baseline_replicas", "What phases multiply", status.baseline);
  if (!status.decided_by.empty()) {
    scrape.gauge("headroom_target_decision_info", "What decided the size of a ScaleTarget, always 1",
                 {{"namespace", target.meta.ns}, {"target", target.meta.name}, {"decided_by", status.decided_by}}, 1);
  }
  runtime::expose_conditions(scrape, "ScaleTarget", target.meta.key(), status.conditions);
}

void expose(const api::FestivalSchedule& schedule, Exposition& scrape, std::size_t& risks_left) {
  const api::FestivalScheduleStatus& status = schedule.status;
  const std::string& ns = schedule.meta.ns;
  const std::string& name = schedule.meta.name;
  if (!status.state.empty()) {
    scrape.gauge("headroom_schedule_info", "State of a FestivalSchedule, and occurrence and phase in force; always 1",
                 {{"namespace", ns},
                  {"schedule", name},
                  {"state", status.state},
                  {"occurrence", status.occurrence},
                  {"phase", status.phase}},
                 1);
  }
  scrape.gauge("headroom_schedule_targets", "ScaleTargets that a FestivalSchedule selects",
               {{"namespace", ns}, {"schedule", name}}, static_cast<double>(status.targets));
  scrape.gauge("headroom_schedule_missed_boundaries",
               "Boundaries that passed while no operator was awake, and were caught up",
               {{"namespace", ns}, {"schedule", name}}, static_cast<double>(status.missed_boundaries));
  std::set<std::pair<std::string, std::string>> told;
  for (const api::TransitionStatus& next : status.next) {
    const std::string phase = phase_text(next.occurrence, next.phase);
    if (!told.emplace(phase, next.event).second) continue;  // of several leads the first
    scrape.gauge(
        "headroom_schedule_transition_timestamp_seconds", "When a coming boundary of a FestivalSchedule is due",
        {{"namespace", ns}, {"schedule", name}, {"phase", phase}, {"event", next.event}}, unix_seconds(next.at));
  }
  if (const auto& last = status.last_boundary) {
    const std::string phase = phase_text(last->occurrence, last->phase);
    scrape.gauge("headroom_schedule_boundary_timestamp_seconds", "When the last boundary of a FestivalSchedule was due",
                 {{"namespace", ns}, {"schedule", name}, {"phase", phase}, {"event", last->event}},
                 unix_seconds(last->at));
    scrape.gauge("headroom_schedule_boundary_late_seconds", "How late it was carried out",
                 {{"namespace", ns}, {"schedule", name}, {"phase", phase}, {"event", last->event}},
                 absl::ToDoubleSeconds(last->late_by));
  }
  for (const api::AtRiskTarget& risk : status.at_risk) {
    if (risks_left == 0) break;
    --risks_left;
    scrape.gauge("headroom_schedule_at_risk_timestamp_seconds",
                 "When the phase begins that a ScaleTarget will not be ready for",
                 {{"namespace", ns},
                  {"schedule", name},
                  {"target", risk.target},
                  {"phase", risk.phase},
                  {"reason", risk.reason}},
                 unix_seconds(start_of(status, risk.phase)));
  }
  runtime::expose_conditions(scrape, "FestivalSchedule", schedule.meta.key(), status.conditions);
}

void expose(const api::Region& region, Exposition& scrape) {
  const std::string& name = region.meta.name;
  for (const api::CapacityStatus& dimension : region.status.capacity) {
    scrape.gauge("headroom_region_capacity_hard", "What a Region can carry, by dimension",
                 {{"region", name}, {"dimension", dimension.name}}, dimension.hard.to_double());
    scrape.gauge("headroom_region_capacity_planned", "What the decided sizes of ScaleTargets take of it",
                 {{"region", name}, {"dimension", dimension.name}}, dimension.planned.to_double());
    if (!dimension.used) continue;
    scrape.gauge("headroom_region_capacity_used", "What others use of it, as the dimension's query tells",
                 {{"region", name}, {"dimension", dimension.name}}, dimension.used->to_double());
  }
  for (const api::ProbeStatus& probe : region.status.probes) {
    scrape.gauge("headroom_region_probe_healthy", "1 while a probe of a Region succeeds, else 0",
                 {{"region", name}, {"probe", probe.name}}, probe.healthy ? 1 : 0);
  }
  scrape.gauge("headroom_region_targets", "ScaleTargets that a Region holds", {{"region", name}},
               static_cast<double>(region.status.targets));
  runtime::expose_conditions(scrape, "Region", region.meta.key(), region.status.conditions);
}

void expose_objects(const World& world, Exposition& scrape, const ObjectMetricsBounds& bounds) {
  expose_first(world.regions->list(), bounds.regions, "Region", scrape,
               [&](const api::Region& region) { expose(region, scrape); });
  expose_first(world.targets->list(), bounds.targets, "ScaleTarget", scrape,
               [&](const api::ScaleTarget& target) { expose(target, scrape); });
  std::size_t risks_left = bounds.risks;
  expose_first(world.schedules->list(), bounds.schedules, "FestivalSchedule", scrape,
               [&](const api::FestivalSchedule& schedule) { expose(schedule, scrape, risks_left); });
}

}  // namespace headroom::controllers
