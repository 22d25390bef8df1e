#include "tests/support/builders.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/support/civil.h"

namespace headroom::testing_support {
namespace {

template <class T>
T valid(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "test is wrong: %s\n", result.error().message.c_str());
    std::abort();
  }
  return std::move(result).value();
}

}  // namespace

Quantity quantity(const std::string& text) { return valid(Quantity::parse(text)); }
CalendarOffset offset(const std::string& text) { return valid(parse_calendar_offset(text)); }

api::TargetSelection named(std::vector<std::string> names) {
  api::TargetSelection selection;
  selection.names = std::move(names);
  return selection;
}

api::TargetSelection labelled(const std::string& key, const std::string& value) {
  api::TargetSelection selection;
  selection.selector.emplace().match_labels[key] = value;
  return selection;
}

api::TargetSelection everything() {
  api::TargetSelection selection;
  selection.selector.emplace();
  return selection;
}

api::TargetSelection with_role(api::Role role) {
  api::TargetSelection selection;
  selection.roles = {role};
  return selection;
}

TargetBuilder::TargetBuilder(std::string name) : key_{"shop", std::move(name)} {
  observed_.originals = api::Originals{1, 1, "uid"};
}

TargetBuilder& TargetBuilder::min(int size) {
  spec_.replicas.min = observed_.originals->min = size;
  return *this;
}
TargetBuilder& TargetBuilder::max(int size) {
  spec_.replicas.max = observed_.originals->max = size;
  return *this;
}
TargetBuilder& TargetBuilder::baseline(int size) {
  spec_.replicas.baseline = size;
  return *this;
}
TargetBuilder& TargetBuilder::original(int min_size, int max_size) {
  observed_.originals->min = min_size;
  observed_.originals->max = max_size;
  return *this;
}
TargetBuilder& TargetBuilder::engine(api::EngineType type) {
  spec_.engine.type = type;
  return *this;
}
TargetBuilder& TargetBuilder::ns(std::string name) {
  key_.ns = std::move(name);
  return *this;
}
TargetBuilder& TargetBuilder::label(const std::string& key, const std::string& value) {
  labels_[key] = value;
  return *this;
}
TargetBuilder& TargetBuilder::region(std::string name) {
  spec_.region = std::move(name);
  return *this;
}
TargetBuilder& TargetBuilder::consumes(const std::string& dimension, const std::string& per_replica) {
  spec_.consumes.push_back({dimension, quantity(per_replica)});
  return *this;
}
TargetBuilder& TargetBuilder::priority(int value) {
  spec_.priority = value;
  return *this;
}
TargetBuilder& TargetBuilder::follows(std::string leader, const std::string& ratio) {
  spec_.follow = api::Follow{std::move(leader), quantity(ratio)};
  return *this;
}
TargetBuilder& TargetBuilder::warm_up(absl::Duration estimate) {
  spec_.warm_up.estimate = estimate;
  return *this;
}
TargetBuilder& TargetBuilder::learned(int step, std::vector<int> seconds) {
  spec_.warm_up.learn = true;
  observed_.warm_up.push_back({step, std::move(seconds)});
  return *this;
}
TargetBuilder& TargetBuilder::ramp_up(int pods, int percent, absl::Duration period) {
  spec_.ramp_up = api::RampLimit{{pods, percent}, period};
  return *this;
}
TargetBuilder& TargetBuilder::ramp_down(int pods, int percent, absl::Duration period) {
  spec_.ramp_down = api::RampLimit{{pods, percent}, period};
  return *this;
}
TargetBuilder& TargetBuilder::read_replica() {
  spec_.role = api::Role::ReadReplica;
  spec_.engine.type = api::EngineType::Scale;
  spec_.read_replica.scale_down = api::ReadReplicaPolicy::ScaleDown::Automatic;
  return *this;
}
TargetBuilder& TargetBuilder::manual_scale_down() {
  spec_.read_replica.scale_down = api::ReadReplicaPolicy::ScaleDown::Manual;
  return *this;
}
TargetBuilder& TargetBuilder::max_step(int clones) {
  spec_.read_replica.max_step = clones;
  return *this;
}
TargetBuilder& TargetBuilder::floor(int size) {
  spec_.read_replica.floor = size;
  return *this;
}
TargetBuilder& TargetBuilder::lag_guard(absl::Duration freeze_above) {
  spec_.read_replica.lag_guard = api::ReadReplicaPolicy::LagGuard{"lag", freeze_above};
  return *this;
}
TargetBuilder& TargetBuilder::suspend(api::SuspendMode mode) {
  spec_.suspend = mode;
  return *this;
}

TargetBuilder a_target(std::string name) { return TargetBuilder(std::move(name)); }

TargetBuilder a_read_replica(std::string name, int size) {
  return a_target(std::move(name)).min(1).max(10).baseline(size).original(size, size).read_replica();
}

FestivalBuilder::FestivalBuilder(std::string name) : key_{"shop", std::move(name)} { spec_.time_zone = "Asia/Kolkata"; }

FestivalBuilder& FestivalBuilder::ns(std::string name) {
  key_.ns = std::move(name);
  return *this;
}
FestivalBuilder& FestivalBuilder::zone(std::string name) {
  spec_.time_zone = std::move(name);
  return *this;
}
FestivalBuilder& FestivalBuilder::day(const std::string& civil) {
  api::Occurrence occurrence;
  occurrence.name = key_.name;
  occurrence.day = testing_support::day(civil);
  spec_.occurrences.push_back(std::move(occurrence));
  return *this;
}
FestivalBuilder& FestivalBuilder::instant(absl::Time time) {
  api::Occurrence occurrence;
  occurrence.name = key_.name;
  occurrence.instant = time;
  spec_.occurrences.push_back(std::move(occurrence));
  return *this;
}
FestivalBuilder& FestivalBuilder::recurring(const std::string& start, const std::string& rrule,
                                            std::vector<std::string> exdates) {
  api::Occurrence occurrence;
  occurrence.name = key_.name;
  occurrence.recurring = api::Occurrence::Recurring{testing_support::day(start), rrule, {}};
  for (const std::string& date : exdates) occurrence.recurring->exdates.push_back(testing_support::day(date));
  spec_.occurrences.push_back(std::move(occurrence));
  return *this;
}
FestivalBuilder& FestivalBuilder::calendar(const std::string& summary) {
  api::Occurrence occurrence;
  occurrence.name = key_.name;
  occurrence.calendar = api::Occurrence::CalendarRef{"holidays", "calendar.ics", summary};
  spec_.occurrences.push_back(std::move(occurrence));
  return *this;
}
FestivalBuilder& FestivalBuilder::fold(Fold fold) {
  spec_.fold = fold;
  return *this;
}
FestivalBuilder& FestivalBuilder::priority(int value) {
  spec_.priority = value;
  return *this;
}
FestivalBuilder& FestivalBuilder::suspend(api::SuspendMode mode) {
  spec_.suspend = mode;
  return *this;
}
FestivalBuilder& FestivalBuilder::wave(const std::string& name, api::TargetSelection targets,
                                       absl::Duration gate_timeout, api::Wave::Gate gate) {
  spec_.waves.push_back({name, std::move(targets), gate, gate_timeout});
  return *this;
}
FestivalBuilder& FestivalBuilder::phase(const std::string& name, const std::string& from, const std::string& to) {
  api::Phase phase;
  phase.name = name;
  phase.from = offset(from);
  phase.to = offset(to);
  spec_.phases.push_back(std::move(phase));
  return *this;
}
api::PhaseDemand& FestivalBuilder::demand(api::TargetSelection targets) {
  return spec_.phases.back().demands.emplace_back(api::PhaseDemand{std::move(targets), {}});
}
FestivalBuilder& FestivalBuilder::multiply(api::TargetSelection targets, const std::string& by) {
  api::Demand& asked = demand(std::move(targets)).demand;
  asked.type = api::Demand::Type::Multiplier;
  asked.multiplier = quantity(by);
  return *this;
}
FestivalBuilder& FestivalBuilder::add(api::TargetSelection targets, int replicas) {
  api::Demand& asked = demand(std::move(targets)).demand;
  asked.type = api::Demand::Type::Add;
  asked.add = replicas;
  return *this;
}
FestivalBuilder& FestivalBuilder::replicas(api::TargetSelection targets, int size) {
  api::Demand& asked = demand(std::move(targets)).demand;
  asked.type = api::Demand::Type::Replicas;
  asked.replicas = size;
  return *this;
}
FestivalBuilder& FestivalBuilder::decay(api::TargetSelection targets, const std::string& percent_per_hour,
                                        api::Decay::Curve curve) {
  api::Demand& asked = demand(std::move(targets)).demand;
  asked.type = api::Demand::Type::Decay;
  asked.decay = {quantity(percent_per_hour), curve};
  return *this;
}
FestivalBuilder& FestivalBuilder::allow_decrease() {
  spec_.phases.back().decrease = api::Phase::Decrease::Allow;
  return *this;
}
FestivalBuilder& FestivalBuilder::capacity_at_start() {
  spec_.phases.back().capacity = api::Phase::Capacity::Start;
  return *this;
}
FestivalBuilder& FestivalBuilder::phase_wave(const std::string& name, api::TargetSelection targets) {
  spec_.phases.back().waves.push_back({name, std::move(targets), api::Wave::Gate::Ready, absl::Minutes(5)});
  return *this;
}

Result<plan::CompiledSchedule> FestivalBuilder::compile(absl::Time now,
                                                        const std::vector<plan::CalendarEvent>& events) const {
  plan::CompileInput input{key_, spec_, testing_support::zone(spec_.time_zone), {}, now};
  if (!events.empty()) input.calendars[key_.name] = events;
  return plan::compile(input);
}

FestivalBuilder a_festival(std::string name) { return FestivalBuilder(std::move(name)); }

World::World(absl::Time compiled_at) : compiled_at_(compiled_at) {}
World::World() : World(ist("2026-10-20")) {}

World& World::add(TargetBuilder target) {
  specs_.push_back(std::make_unique<api::ScaleTargetSpec>(std::move(target.spec_)));
  labels_.push_back(std::make_unique<std::map<std::string, std::string>>(std::move(target.labels_)));
  targets_.push_back({std::move(target.key_), labels_.back().get(), specs_.back().get(), std::move(target.observed_)});
  return *this;
}

World& World::add(const FestivalBuilder& festival) {
  schedules_.push_back(std::make_shared<const plan::CompiledSchedule>(valid(festival.compile(compiled_at_))));
  return *this;
}

bool World::add_if_valid(const FestivalBuilder& festival) {
  auto compiled = festival.compile(compiled_at_);
  if (!compiled) return false;
  schedules_.push_back(std::make_shared<const plan::CompiledSchedule>(std::move(compiled).value()));
  return true;
}

World& World::add_region(std::string name, api::RegionSpec spec, std::map<std::string, Quantity> used_elsewhere) {
  region_specs_.push_back(std::make_unique<api::RegionSpec>(std::move(spec)));
  regions_.push_back({std::move(name), region_specs_.back().get(), true, true, std::move(used_elsewhere)});
  return *this;
}

int World::index_of(const std::string& name) const {
  const auto found = std::ranges::find(targets_, name, [](const plan::DecideTarget& one) { return one.key.name; });
  if (found == targets_.end()) {
    std::fprintf(stderr, "test is wrong: no target %s\n", name.c_str());
    std::abort();
  }
  return static_cast<int>(found - targets_.begin());
}

plan::DecideTarget& World::target(const std::string& name) {
  return targets_[static_cast<std::size_t>(index_of(name))];
}

std::map<std::string, std::string>& World::labels(const std::string& name) {
  return *labels_[static_cast<std::size_t>(index_of(name))];
}

api::ScaleTargetSpec& World::spec(const std::string& name) { return *specs_[static_cast<std::size_t>(index_of(name))]; }

plan::DecideInput World::input(absl::Time now) const { return {now, targets_, schedules_, regions_}; }

plan::Decision World::decide(absl::Time now, const std::string& name) const {
  return decide(now).decisions[static_cast<std::size_t>(index_of(name))];
}

plan::DecideResult World::write(absl::Time now) {
  plan::DecideResult result = decide(now);
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    plan::take_as_written(targets_[i].observed, result.decisions[i], now);
  }
  return result;
}

plan::Walk World::walk(absl::Time from, absl::Time to) const {
  plan::WalkInput input;
  input.targets = targets_;
  input.schedules = schedules_;
  input.regions = regions_;
  input.from = from;
  input.to = to;
  return plan::walk(std::move(input));
}

std::vector<std::string> texts(const plan::Decision& decision) {
  std::vector<std::string> all;
  for (const api::Reason& reason : decision.reasons) all.push_back(reason.text);
  return all;
}

}  // namespace headroom::testing_support
