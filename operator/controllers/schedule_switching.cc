#include "operator/controllers/schedule_switching.h"

#include <absl/strings/str_cat.h>

#include <iterator>
#include <set>
#include <utility>

#include "operator/base/deadline.h"
#include "operator/base/log.h"
#include "operator/controllers/switch_writer.h"
#include "operator/monitoring/region_patience.h"
#include "operator/plan/transitions.h"

namespace headroom::controllers {
namespace {

constexpr std::chrono::seconds kLookAgain{60};

SwitchPlace place_of(const std::string& ns, const api::SwitchStatus& status) {
  return {status.region.empty() ? api::kLocalRegion : status.region, ns, status.config_map};
}

std::vector<api::Switch> as_claims(const std::vector<api::SwitchStatus>& held) {
  std::vector<api::Switch> claims;
  claims.reserve(held.size());
  for (const api::SwitchStatus& one : held) claims.push_back({one.config_map, one.key, one.value, {one.region}});
  return claims;
}

/// Everywhere the schedule may have set something.
std::set<SwitchPlace> places_of(const api::FestivalSchedule& schedule, const std::vector<api::SwitchStatus>& held) {
  std::set<SwitchPlace> places;
  for (const api::Phase& phase : schedule.spec.phases) {
    const std::vector<SwitchClaimant> alone = {{schedule.meta.name, 0, phase.switches}};
    for (const auto& [place, wanted] : wanted_switches(schedule.meta.ns, alone)) places.insert(place);
  }
  for (const api::SwitchStatus& one : held) places.insert(place_of(schedule.meta.ns, one));
  return places;
}

std::vector<api::SwitchStatus> held_in(const SwitchPlace& place, const std::vector<api::SwitchStatus>& held) {
  std::vector<api::SwitchStatus> here;
  for (const api::SwitchStatus& one : held) {
    if (place_of(place.ns, one) == place) here.push_back(one);
  }
  return here;
}

}  // namespace

std::vector<SwitchClaimant> switch_claimants(const std::string& ns,
                                             std::span<const std::shared_ptr<const api::FestivalSchedule>> schedules,
                                             const std::map<std::string, std::vector<api::SwitchStatus>>& known,
                                             const PlanSnapshot* plan, absl::Time now) {
  std::vector<SwitchClaimant> claimants;
  for (const auto& schedule : schedules) {
    const bool wants_nothing = schedule->meta.deleted || schedule->spec.suspend == api::SuspendMode::Restore;
    if (schedule->meta.ns != ns || wants_nothing) continue;
    SwitchClaimant claimant{schedule->meta.name, schedule->spec.priority.value_or(0), {}};
    const plan::CompiledSchedule* compiled = nullptr;
    if (plan != nullptr) {
      const auto it = plan->schedules.find(schedule->meta.key());
      if (it != plan->schedules.end()) compiled = it->second.compiled.get();
    }
    if (compiled == nullptr || schedule->spec.suspend == api::SuspendMode::Hold) {
      const auto held = known.find(schedule->meta.name);
      claimant.claims = as_claims(held == known.end() ? schedule->status.switches : held->second);
    } else {
      for (const plan::PhaseInForce& in_force : plan::phases_at(*compiled, now)) {
        const auto& switches = compiled->spec.phases[static_cast<std::size_t>(in_force.phase)].switches;
        claimant.claims.insert(claimant.claims.end(), switches.begin(), switches.end());
      }
    }
    claimants.push_back(std::move(claimant));
  }
  return claimants;
}

ScheduleSwitching::Look ScheduleSwitching::look_at(const SwitchPlace& place, const WantedSwitches& wanted,
                                                   const api::FestivalSchedule& schedule,
                                                   const std::vector<api::SwitchStatus>& held,
                                                   const std::stop_token& stop) {
  Look look{wanted, false, world_.clock.steady_now(), {}};
  std::map<std::string, SwitchRecord> remembered;
  const auto remember = [&](const std::string& name, const std::vector<api::SwitchStatus>& switches) {
    for (const api::SwitchStatus& one : held_in(place, switches)) remembered[one.key] = {one.value, name, one.former};
  };
  for (const auto& other : world_.schedules->list()) {
    if (other->meta.ns == place.ns) remember(other->meta.name, other->status.switches);
  }
  remember(schedule.meta.name, held);

  const bool region_exists = place.region == api::kLocalRegion || world_.regions->get({"", place.region});
  if (!region_exists && wanted.empty()) {
    // Nothing can be put back in a region that was taken away.
    for (const api::SwitchStatus& one : held_in(place, held)) {
      log::warning("switch forgotten: its region is gone", {{"place", place.to_string()}, {"key", one.key}});
    }
    look.well = true;
    return look;
  }
  const Deadline deadline(monitoring::kRegionPatience, stop);
  const auto client = client_for_switches(world_, place.region, place.ns);
  const auto written = client ? write_switches(*client.value(), place, wanted, remembered, deadline.token())
                              : Result<SwitchOutcome>(client.error());
  if (!written) {
    look.outcome.held = held_in(place, held);
    const bool idle = look.outcome.held.empty() && wanted.empty();
    if (!idle) {
      look.outcome.problems.push_back(absl::StrCat(place.to_string(), ": ", deadline.judge(written.error()).message));
    }
    return look;
  }
  look.well = true;
  for (const auto& [key, record] : written.value().held) {
    if (record.schedule != schedule.meta.name) continue;
    look.outcome.held.push_back({place.region, place.config_map, key, record.value, record.former});
  }
  for (const std::string& key : written.value().refused) {
    look.outcome.problems.push_back(
        absl::StrCat(place.to_string(), " key '", key, "' holds more than ", kLongestFormer,
                     " bytes: too much to keep until the end of the phase; use another key"));
  }
  for (const std::string& key : written.value().left_alone) {
    look.outcome.left_alone.push_back(absl::StrCat(place.to_string(), " key '", key, "'"));
  }
  return look;
}

ScheduleSwitching::Outcome ScheduleSwitching::settle(const api::FestivalSchedule& schedule,
                                                     const std::vector<api::SwitchStatus>& held,
                                                     const PlanSnapshot* plan, absl::Time now,
                                                     const std::stop_token& stop) {
  Outcome all;
  const std::set<SwitchPlace> places = places_of(schedule, held);
  if (places.empty()) return all;
  const auto schedules = world_.schedules->list();
  const auto claimants = switch_claimants(schedule.meta.ns, schedules, {{schedule.meta.name, held}}, plan, now);
  const auto wanted = wanted_switches(schedule.meta.ns, claimants);
  std::set<std::string> silent;  // regions that have just cost us a deadline
  for (const SwitchPlace& place : places) {
    const auto wish = wanted.find(place);
    const WantedSwitches wanted_here = wish == wanted.end() ? WantedSwitches{} : wish->second;
    Look look;
    {
      const std::lock_guard lock(mutex_);
      look = looks_[schedule.meta.key()][place];
    }
    const bool idle = wanted_here.empty() && held_in(place, held).empty();
    const bool recent = idle || world_.clock.steady_now() - look.at < kLookAgain;
    if (!(look.well && look.wanted == wanted_here && recent)) {
      if (silent.contains(place.region)) {
        look = {wanted_here, false, world_.clock.steady_now(), {}};
        look.outcome.held = held_in(place, held);
        look.outcome.problems.push_back(absl::StrCat(place.to_string(), ": the region does not answer now"));
      } else {
        const SteadyTime began = world_.clock.steady_now();
        look = look_at(place, wanted_here, schedule, held, stop);
        if (!look.well && world_.clock.steady_now() - began >= monitoring::kRegionPatience) silent.insert(place.region);
      }
      const std::lock_guard lock(mutex_);
      looks_[schedule.meta.key()][place] = look;
    }
    std::ranges::move(look.outcome.held, std::back_inserter(all.held));
    std::ranges::move(look.outcome.problems, std::back_inserter(all.problems));
    std::ranges::move(look.outcome.left_alone, std::back_inserter(all.left_alone));
  }
  return all;
}

void ScheduleSwitching::forget(const api::ObjectKey& schedule) {
  const std::lock_guard lock(mutex_);
  looks_.erase(schedule);
}

}  // namespace headroom::controllers
