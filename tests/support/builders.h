// Targets, festivals, regions, and a small world of them that can be asked what it decides: what planning tests read
// like. Everything lives in namespace "shop" unless told otherwise.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/plan/compile.h"
#include "operator/plan/decide.h"
#include "operator/plan/readiness.h"
#include "operator/plan/walk.h"

namespace headroom::testing_support {

Quantity quantity(const std::string& text);
CalendarOffset offset(const std::string& text);

api::TargetSelection named(std::vector<std::string> names);
api::TargetSelection labelled(const std::string& key, const std::string& value);
api::TargetSelection everything();
api::TargetSelection with_role(api::Role role);

/// A ScaleTarget with what is observed of it. By default an HPA whose minReplicas and maxReplicas are `min` and `max`.
class TargetBuilder {
 public:
  explicit TargetBuilder(std::string name);

  TargetBuilder& min(int size);
  TargetBuilder& max(int size);
  TargetBuilder& baseline(int size);
  /// Originals, where they are not the target's own min and max.
  TargetBuilder& original(int min, int max);
  TargetBuilder& engine(api::EngineType type);
  TargetBuilder& ns(std::string name);
  TargetBuilder& label(const std::string& key, const std::string& value);
  TargetBuilder& region(std::string name);
  TargetBuilder& consumes(const std::string& dimension, const std::string& per_replica);
  TargetBuilder& priority(int value);
  TargetBuilder& follows(std::string leader, const std::string& ratio);
  TargetBuilder& warm_up(absl::Duration estimate);
  /// Learned warm-up samples of steps of about `step`, in seconds.
  TargetBuilder& learned(int step, std::vector<int> seconds);
  TargetBuilder& ramp_up(int pods, int percent, absl::Duration period);
  TargetBuilder& ramp_down(int pods, int percent, absl::Duration period);
  /// A `/scale` or field engine without bounds, role ReadReplica, scaleDown Automatic.
  TargetBuilder& read_replica();
  TargetBuilder& manual_scale_down();
  TargetBuilder& max_step(int clones);
  TargetBuilder& floor(int size);
  TargetBuilder& lag_guard(absl::Duration freeze_above);
  TargetBuilder& suspend(api::SuspendMode mode);

  api::ScaleTargetSpec& spec() { return spec_; }
  plan::TargetObservation& observed() { return observed_; }

 private:
  friend class World;
  api::ObjectKey key_;
  std::map<std::string, std::string> labels_;
  api::ScaleTargetSpec spec_;
  plan::TargetObservation observed_;
};

TargetBuilder a_target(std::string name);
/// A target of role ReadReplica that counts `size` replicas: baseline and original `size`, min 1, max 10.
TargetBuilder a_read_replica(std::string name, int size);

/// A FestivalSchedule. Methods after `phase` speak of the phase added last.
class FestivalBuilder {
 public:
  explicit FestivalBuilder(std::string name);

  FestivalBuilder& ns(std::string name);
  FestivalBuilder& zone(std::string name);
  FestivalBuilder& day(const std::string& civil);  ///< occurrence named as the festival
  FestivalBuilder& instant(absl::Time time);
  FestivalBuilder& recurring(const std::string& start, const std::string& rrule, std::vector<std::string> exdates = {});
  FestivalBuilder& calendar(const std::string& summary);
  FestivalBuilder& fold(Fold fold);
  FestivalBuilder& priority(int value);
  FestivalBuilder& suspend(api::SuspendMode mode);
  FestivalBuilder& wave(const std::string& name, api::TargetSelection targets,
                        absl::Duration gate_timeout = absl::Minutes(5), api::Wave::Gate gate = api::Wave::Gate::Ready);

  FestivalBuilder& phase(const std::string& name, const std::string& from, const std::string& to);
  FestivalBuilder& multiply(api::TargetSelection targets, const std::string& by);
  FestivalBuilder& add(api::TargetSelection targets, int replicas);
  FestivalBuilder& replicas(api::TargetSelection targets, int size);
  FestivalBuilder& decay(api::TargetSelection targets, const std::string& percent_per_hour,
                         api::Decay::Curve curve = api::Decay::Curve::Linear);
  FestivalBuilder& allow_decrease();
  FestivalBuilder& capacity_at_start();
  FestivalBuilder& phase_wave(const std::string& name, api::TargetSelection targets);

  api::FestivalScheduleSpec& spec() { return spec_; }
  Result<plan::CompiledSchedule> compile(absl::Time now, const std::vector<plan::CalendarEvent>& events = {}) const;

 private:
  friend class World;
  api::PhaseDemand& demand(api::TargetSelection targets);
  api::ObjectKey key_;
  api::FestivalScheduleSpec spec_;
};

FestivalBuilder a_festival(std::string name);

/// Targets, schedules and regions together. Compiles schedules as of `compiled_at`.
class World {
 public:
  explicit World(absl::Time compiled_at);
  World();  ///< 2026-10-20 in Asia/Kolkata

  World& add(TargetBuilder target);
  World& add(const FestivalBuilder& festival);
  /// False, with nothing added, when the festival does not compile.
  bool add_if_valid(const FestivalBuilder& festival);
  World& add_region(std::string name, api::RegionSpec spec, std::map<std::string, Quantity> used_elsewhere = {});

  plan::DecideTarget& target(const std::string& name);
  std::map<std::string, std::string>& labels(const std::string& name);
  plan::TargetObservation& observed(const std::string& name) { return target(name).observed; }
  api::ScaleTargetSpec& spec(const std::string& name);

  plan::DecideInput input(absl::Time now) const;
  plan::DecideResult decide(absl::Time now) const { return plan::decide(input(now)); }
  plan::Decision decide(absl::Time now, const std::string& name) const;
  /// Decides, and takes all decisions as written and ready.
  plan::DecideResult write(absl::Time now);
  plan::Walk walk(absl::Time from, absl::Time to) const;

  int index_of(const std::string& name) const;
  const std::vector<plan::DecideTarget>& targets() const { return targets_; }

 private:
  absl::Time compiled_at_;
  std::vector<std::unique_ptr<api::ScaleTargetSpec>> specs_;
  std::vector<std::unique_ptr<std::map<std::string, std::string>>> labels_;
  std::vector<std::unique_ptr<api::RegionSpec>> region_specs_;
  std::vector<plan::DecideTarget> targets_;
  std::vector<std::shared_ptr<const plan::CompiledSchedule>> schedules_;
  std::vector<plan::DecideRegion> regions_;
};

/// The reasons' texts, in order.
std::vector<std::string> texts(const plan::Decision& decision);

}  // namespace headroom::testing_support
