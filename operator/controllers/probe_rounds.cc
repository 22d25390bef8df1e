#include "operator/controllers/probe_rounds.h"

#include <algorithm>
#include <utility>

namespace headroom::controllers {
namespace {

constexpr absl::Duration kShortestInterval = absl::Seconds(1);

std::chrono::nanoseconds interval_of(const api::HealthProbe& probe) {
  return absl::ToChronoNanoseconds(std::max(probe.interval, kShortestInterval));
}

}  // namespace

ProbeRounds::ProbeRounds(const api::RegionStatus& stored) : stored_(stored.probes) {
  const api::Condition* healthy = api::find_condition(stored.conditions, "Healthy");
  if (healthy != nullptr && !healthy->status) health_ = {false, std::nullopt};
}

void ProbeRounds::set_spec(const api::RegionHealth& health, SteadyTime now) {
  if (spec_ == health && slots_.size() == health.probes.size()) return;
  spec_ = health;
  std::vector<Slot> slots;
  for (const api::HealthProbe& probe : health.probes) {
    const auto former = std::ranges::find(slots_, probe, &Slot::probe);
    if (former != slots_.end()) {
      slots.push_back(std::move(*former));
      continue;
    }
    const auto stored = std::ranges::find(stored_, probe.name, &api::ProbeStatus::name);
    api::ProbeStatus status{probe.name, true, 0, "not probed yet", std::nullopt};
    if (stored != stored_.end()) status = *stored;
    slots.push_back({probe, std::move(status), now});
  }
  slots_ = std::move(slots);
  stored_.clear();
  judge(now);
}

bool ProbeRounds::run_due(Prober& prober, const std::shared_ptr<Cluster>& cluster, SteadyTime now, absl::Time wall,
                          const std::stop_token& stop) {
  bool changed = false;
  for (Slot& slot : slots_) {
    if (slot.due > now || stop.stop_requested()) continue;
    const ProbeOutcome outcome = prober.probe(slot.probe, cluster, stop);
    if (stop.stop_requested()) return changed;
    const bool was_healthy = slot.status.healthy;
    const bool first = !slot.status.last_probe;
    record_outcome(slot.status, outcome, slot.probe.failure_threshold, wall);
    changed = changed || was_healthy != slot.status.healthy || (first && outcome.known);
    slot.due = now + (outcome.known ? interval_of(slot.probe) : std::chrono::nanoseconds(std::chrono::seconds(1)));
  }
  return judge(now) || changed;
}

bool ProbeRounds::judge(SteadyTime now) {
  const bool was_healthy = health_.healthy;
  const std::vector<api::ProbeStatus> present = statuses();
  verdict_ = judge_probes(spec_.policy, present);
  health_ = step_health(health_, verdict_.healthy, spec_.unhealthy_after, now);
  return was_healthy != health_.healthy;
}

std::optional<SteadyTime> ProbeRounds::next_due() const {
  std::optional<SteadyTime> earliest;
  for (const Slot& slot : slots_) {
    if (!earliest || slot.due < *earliest) earliest = slot.due;
  }
  return earliest;
}

std::vector<api::ProbeStatus> ProbeRounds::statuses() const {
  std::vector<api::ProbeStatus> all;
  all.reserve(slots_.size());
  for (const Slot& slot : slots_) all.push_back(slot.status);
  return all;
}

}  // namespace headroom::controllers
