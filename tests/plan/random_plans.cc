#include "tests/plan/random_plans.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing_support::a_festival;
using testing_support::a_target;
using testing_support::FestivalBuilder;
using testing_support::ist;
using testing_support::quantity;
using testing_support::TargetBuilder;
using testing_support::World;

const char* const kRegions[] = {"local", "chennai"};
const char* const kTiers[] = {"web", "erp", "batch"};
const char* const kZones[] = {"Asia/Kolkata", "Europe/Berlin", "America/New_York"};

template <class T, std::size_t N>
const T& pick(Dice& dice, const T (&list)[N]) {
  return list[static_cast<std::size_t>(dice.between(0, static_cast<int>(N) - 1))];
}

TargetBuilder random_target(Dice& dice, const std::string& name, const RandomWorldOptions& options) {
  TargetBuilder target = a_target(name);
  const int min = dice.between(0, 20), max = min + dice.between(0, 80), original = dice.between(0, 40);
  target.min(min).max(max).original(original, original + dice.between(0, 60));
  if (!dice.one_in(4)) target.baseline(dice.between(0, 30));
  target.label("tier", pick(dice, kTiers)).region(pick(dice, kRegions)).priority(dice.between(0, 2));
  if (dice.one_in(2)) target.consumes("pods", "1");
  if (dice.one_in(3)) target.consumes("cpu", dice.one_in(2) ? "250m" : "1500m");
  if (dice.one_in(2)) target.warm_up(absl::Minutes(dice.between(1, 90)));
  if (dice.one_in(4)) target.learned(16, {60, 90, dice.between(30, 4000)});
  if (dice.one_in(4)) target.ramp_up(dice.between(1, 20), dice.between(0, 100), absl::Minutes(dice.between(1, 30)));
  if (dice.one_in(4)) target.ramp_down(dice.between(1, 20), 0, absl::Minutes(dice.between(1, 30)));
  if (dice.one_in(4)) target.read_replica().max_step(dice.between(1, 3)).floor(dice.between(0, 5));
  if (options.suspended && dice.one_in(5)) {
    target.suspend(dice.one_in(2) ? api::SuspendMode::Hold : api::SuspendMode::Restore);
  }
  return target;
}

api::TargetSelection random_selection(Dice& dice, int targets) {
  switch (dice.between(0, 4)) {
    case 0:
      return testing_support::everything();
    case 1:
      return testing_support::named({"t" + std::to_string(dice.between(0, targets - 1))});
    case 2:
      return testing_support::with_role(dice.one_in(2) ? api::Role::ReadReplica : api::Role::Workload);
    default:
      return testing_support::labelled("tier", pick(dice, kTiers));
  }
}

void add_demand(Dice& dice, FestivalBuilder& festival, int targets, bool may_decay) {
  const api::TargetSelection selection = random_selection(dice, targets);
  switch (dice.between(may_decay ? 0 : 1, 5)) {
    case 0:
      festival.decay(selection, dice.one_in(2) ? "10" : "7.5",
                     dice.one_in(2) ? api::Decay::Curve::Linear : api::Decay::Curve::Exponential);
      break;
    case 1:
      festival.add(selection, dice.between(1, 10));
      break;
    case 2:
      festival.replicas(selection, dice.between(0, 120));
      break;
    default:
      festival.multiply(selection, std::to_string(dice.between(1, 60)) + "00m");
      break;
  }
}

FestivalBuilder random_festival(Dice& dice, const std::string& name, int targets, const RandomWorldOptions& options) {
  FestivalBuilder festival = a_festival(name).zone(pick(dice, kZones));
  if (dice.one_in(3)) {
    festival.recurring("2026-11-0" + std::to_string(dice.between(1, 6)),
                       dice.one_in(2) ? "FREQ=DAILY;INTERVAL=2;UNTIL=20261118" : "FREQ=WEEKLY;BYDAY=FR,SU;COUNT=5");
  } else {
    festival.day("2026-11-0" + std::to_string(dice.between(5, 9)));
  }
  if (dice.one_in(3)) festival.priority(dice.between(0, 2));
  if (dice.one_in(2)) {
    festival.wave("first", random_selection(dice, targets), absl::Minutes(dice.between(0, 90)));
    if (dice.one_in(2)) festival.wave("second", random_selection(dice, targets), absl::Minutes(dice.between(1, 10)));
  }
  if (options.suspended && dice.one_in(5)) {
    festival.suspend(dice.one_in(2) ? api::SuspendMode::Hold : api::SuspendMode::Restore);
  }
  int hour = -24 * dice.between(0, 3);
  for (int p = 0; p < dice.between(1, 4); ++p) {
    const int to = hour + dice.between(1, 40);
    const auto text = [](int hours) { return (hours < 0 ? "-PT" : "PT") + std::to_string(std::abs(hours)) + "H"; };
    festival.phase("p" + std::to_string(p), text(hour), text(to));
    for (int d = 0; d < dice.between(1, 3); ++d) add_demand(dice, festival, targets, p > 0);
    if (options.decrease && dice.one_in(3)) festival.allow_decrease();
    if (dice.one_in(5)) festival.capacity_at_start();
    hour = to + (dice.one_in(3) ? dice.between(1, 5) : 0);
  }
  return festival;
}

void observe(Dice& dice, TargetObservation& observed, int schedules) {
  const int original = observed.originals->min;
  if (dice.one_in(2)) {
    observed.in_force = std::max(0, original + dice.between(-10, 60));
    observed.in_force_since = random_instant(dice);
    observed.decided_by_schedule = "shop/f" + std::to_string(dice.between(0, schedules - 1));
  }
  const int present = observed.in_force.value_or(original);
  if (dice.one_in(2)) observed.ready = std::max(0, present - dice.between(0, 3));
  if (dice.one_in(2)) observed.current = present + dice.between(0, 3);
  if (dice.one_in(4)) {
    observed.rule_size = dice.between(0, 90);
    observed.rule_text = "lag: 500 above 300, +4";
  }
  if (dice.one_in(4)) {
    observed.started_leads.push_back({"shop/f0", "f0", "p" + std::to_string(dice.between(0, 2)), random_instant(dice)});
  }
}

api::RegionSpec random_region(Dice& dice) {
  api::RegionSpec region;
  if (dice.one_in(2)) region.capacity.push_back({"pods", Quantity::from_int(dice.between(20, 400)), ""});
  if (dice.one_in(2)) region.capacity.push_back({"cpu", quantity(std::to_string(dice.between(10, 200)) + "500m"), ""});
  return region;
}

}  // namespace

std::uint64_t Dice::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

int Dice::between(int low, int high) {
  return low + static_cast<int>(next() % static_cast<std::uint64_t>(high - low + 1));
}

absl::Time random_instant(Dice& dice) {
  const absl::Time start = ist("2026-11-03");
  return start + absl::Seconds(dice.between(0, 10 * 24 * 3600));
}

World random_world(std::uint64_t seed, const RandomWorldOptions& options) {
  Dice dice(seed);
  World world(ist("2026-11-01"));
  const int targets = dice.between(1, 6), schedules = dice.between(1, 4);
  for (int t = 0; t < targets; ++t) {
    const std::string name = "t" + std::to_string(t);
    TargetBuilder target = random_target(dice, name, options);
    // Mostly earlier ones, now and then a later one: cycles happen.
    if (dice.one_in(4)) {
      target.follows("t" + std::to_string(dice.between(0, targets - 1)), dice.one_in(2) ? "0.5" : "1.25");
    }
    if (options.observed) observe(dice, target.observed(), schedules);
    world.add(std::move(target));
  }
  for (int s = 0; s < schedules; ++s) {
    // What the compiler refuses for its overlaps is drawn again.
    while (!world.add_if_valid(random_festival(dice, "f" + std::to_string(s), targets, options))) {
    }
  }
  if (options.capacity) {
    for (const char* region : kRegions) world.add_region(region, random_region(dice));
  }
  return world;
}

}  // namespace headroom::plan
