#include "operator/plan/sizing.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "operator/base/duration.h"
#include "operator/plan/choice.h"
#include "operator/plan/ramp.h"
#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

using Kind = api::Reason::Kind;

constexpr std::size_t kMostReasons = 16, kMostContributions = 16;

/// Long enough for a restart of the operator or of the metrics server. A server that stays away must not cost the
/// festival its capacity.
constexpr absl::Duration kLongestBlindHold = absl::Minutes(10);

bool has_bounds(const api::ScaleTargetSpec& spec) {
  return spec.engine.type == api::EngineType::HorizontalPodAutoscaler ||
         spec.engine.type == api::EngineType::ScaledObject;
}

std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g s", value);
  return text;
}

}  // namespace

Sizing::Sizing(const TargetFacts& facts, Voice voice, absl::Time now, Pace pace)
    : facts_(facts), voice_(std::move(voice)), now_(now), pace_(pace), size_(facts.original) {
  decision_.target = facts.key();
  decision_.decided_by = "Original";
  if (!facts.known) return;
  decision_.baseline_zero = voice_.baseline_zero;
  reason(Kind::Original, "", concat("original ", facts.original));
  suspended_ = in_a_persons_hands();
}

void Sizing::reason(Kind kind, std::string source, std::string text) {
  if (decision_.reasons.size() < kMostReasons) {
    decision_.reasons.push_back({kind, size_, std::move(source), std::move(text)});
  }
}

bool Sizing::in_a_persons_hands() {
  const api::SuspendMode mode = facts_.spec().suspend;
  if (mode == api::SuspendMode::None) return false;
  voice_ = Voice();
  decision_.decided_by = "Suspended";
  if (mode == api::SuspendMode::Restore) {
    reason(Kind::Suspended, "", "suspended: the original stands");
  } else {
    size_ = facts_.observed().in_force.value_or(facts_.original);
    decision_.frozen = true;
    reason(Kind::Suspended, "", concat("suspended: holds ", size_));
  }
  return true;
}

void Sizing::apply_demand() {
  decision_.wanted = size_;
  if (!facts_.known || suspended_) return;
  std::vector<Spoken>& spoken = voice_.spoken;
  const std::size_t counting = rank(spoken);
  for (std::size_t i = 0; i < std::min(spoken.size(), kMostContributions); ++i) {
    decision_.contributions.push_back(to_contribution(spoken[i], facts_));
  }
  if (counting > 0) {
    const Contribution& winner = decision_.contributions.front();
    driven_ = true;
    size_ = spoken.front().counts;
    decision_.decided_by_schedule = winner.schedule.to_string();
    decision_.decided_by =
        concat("FestivalSchedule/", winner.schedule.name, " ", winner.phase.empty() ? "suspended" : winner.phase);
    reason(winner.held || winner.waiting ? Kind::Held : Kind::Schedule, winner.schedule.name, winner.text);
  }
  std::ranges::sort(voice_.waiting);
  for (std::string& text : voice_.waiting) reason(Kind::Held, "", std::move(text));
  const TargetObservation& observed = facts_.observed();
  if (observed.rule_size && *observed.rule_size > std::max(size_, facts_.original)) {
    driven_ = true;
    size_ = *observed.rule_size;
    const std::string name = observed.rule_text.substr(0, observed.rule_text.find(':'));
    decision_.decided_by = concat("Rule/", name);
    decision_.decided_by_schedule.clear();
    reason(Kind::Rule, name, observed.rule_text.empty() ? concat("rules: ", size_) : observed.rule_text);
  }
  decision_.wanted = size_;
}

void Sizing::follow(const std::string& leader, int leader_size) {
  if (!facts_.known || suspended_) return;
  const Quantity ratio = facts_.spec().follow->ratio;
  const int least = ceil_times(ratio, leader_size);
  if (least <= size_) return;
  driven_ = true;
  size_ = least;
  decision_.wanted = size_;
  decision_.decided_by = concat("Follow/", leader);
  decision_.decided_by_schedule.clear();
  reason(Kind::Follow, leader, concat("follows ", leader, ": ", ratio.to_string(), " x ", leader_size, " = ", size_));
}

/// Removing a read replica deletes its data: without a person's word the size in force stays.
int Sizing::hold_for_approval(int goal) {
  const api::ScaleTargetSpec& spec = facts_.spec();
  const TargetObservation& observed = facts_.observed();
  const bool manual =
      spec.role == api::Role::ReadReplica && spec.read_replica.scale_down == api::ReadReplicaPolicy::ScaleDown::Manual;
  if (pace_ == Pace::Ideal || !manual || !observed.in_force) return goal;
  approval_keeps_ = std::min(*observed.in_force, observed.approved_size.value_or(*observed.in_force));
  if (approval_keeps_ <= goal) return goal;
  decision_.awaiting_approval = true;
  size_ = approval_keeps_;
  reason(Kind::AwaitingApproval, "",
         concat("keeps ", size_, ": removing read replicas deletes their data; annotate the ScaleTarget with ",
                api::kApproveScaleDownAnnotation, "=", goal, " to approve ", goal));
  return approval_keeps_;
}

int Sizing::pace_ramp(int from, int goal) {
  const Boxed<api::RampLimit>& ramp = goal > from ? facts_.spec().ramp_up : facts_.spec().ramp_down;
  if (!ramp) return goal;
  const TargetObservation& observed = facts_.observed();
  if (observed.in_force && observed.in_force_since && now_ < *observed.in_force_since + ramp->period) {
    voice_.changes_at(*observed.in_force_since + ramp->period);
    return from;
  }
  const int step = std::min(ramp_step(ramp->step, from), std::abs(goal - from));
  const int size = goal > from ? from + step : from - step;
  if (size != goal) voice_.changes_at(now_ + ramp->period);
  return size;
}

/// At most max_step clones are under way at a time, and as many removals.
int Sizing::pace_clones(int from, int goal) const {
  const api::ScaleTargetSpec& spec = facts_.spec();
  const TargetObservation& observed = facts_.observed();
  if (spec.role != api::Role::ReadReplica || spec.read_replica.max_step < 1) return goal;
  if (goal > from) {
    if (!observed.ready) return goal;
    // Before the first of ours, replicas that are not ready are no clones under way.
    const int ready = observed.in_force ? std::min(from, *observed.ready) : from;
    return std::clamp(ready + spec.read_replica.max_step, from, goal);
  }
  const int present = std::max(from, observed.current.value_or(from));
  return std::clamp(present - spec.read_replica.max_step, goal, from);
}

int Sizing::pace_steps(int goal) {
  if (pace_ == Pace::Ideal) return goal;
  int from = facts_.observed().in_force.value_or(facts_.original);
  // The original may have been raised meanwhile; no pace goes back below it.
  if (goal >= facts_.original) from = std::max(from, facts_.original);
  if (goal == from) return goal;
  const int cloned = pace_clones(from, goal);
  if (cloned != goal) {
    size_ = cloned;
    reason(Kind::Ramp, "",
           concat("at most ", facts_.spec().read_replica.max_step, goal > from ? " clone" : " removal",
                  " at a time: ", cloned, " on the way to ", goal));
  }
  if (cloned == from) return from;
  const int ramped = pace_ramp(from, cloned);
  if (ramped != cloned) {
    size_ = ramped;
    reason(Kind::Ramp, "", concat("ramp: ", ramped, " on the way to ", goal));
  }
  return ramped;
}

/// Floor and minimum hold whether too little was wanted or a ramp is still on its way.
void Sizing::bound() {
  const int lowest = std::min(decision_.wanted, size_);
  if (lowest < facts_.floor) {
    size_ = std::max(size_, facts_.floor);
    reason(Kind::Floor, "", concat("not below the floor ", facts_.floor));
  }
  if (std::max(lowest, facts_.floor) < facts_.least) {
    size_ = std::max(size_, facts_.least);
    reason(Kind::Minimum, "", concat("not below min ", facts_.least));
  }
}

void Sizing::apply_limits() {
  if (!facts_.known || suspended_) return;
  int goal = size_;
  if (driven_) goal = std::min(std::max({goal, facts_.floor, facts_.least}), facts_.ceiling);
  size_ = pace_steps(hold_for_approval(goal));
  if (driven_) bound();
  const int most = std::max(facts_.ceiling, approval_keeps_);
  decision_.capped_by_max = driven_ && decision_.wanted > facts_.ceiling;
  size_ = std::min(size_, most);
  if (decision_.capped_by_max) {
    reason(Kind::Maximum, "", concat("capped by max ", facts_.ceiling, " (wanted ", decision_.wanted, ")"));
  }
  const std::optional<std::string>& refused = facts_.observed().region_refused;
  const int present = std::max(facts_.original, facts_.observed().in_force.value_or(facts_.original));
  if (refused && size_ > present) {
    cut_by_region(present,
                  concat("region ", facts_.spec().region, " may not hold more than ", present, ": ", *refused));
  }
}

bool Sizing::is_guarded() const {
  const api::ScaleTargetSpec& spec = facts_.spec();
  return pace_ == Pace::AsObserved && !suspended_ && spec.role == api::Role::ReadReplica &&
         spec.read_replica.lag_guard && (driven_ || facts_.observed().in_force);
}

bool Sizing::lag_frozen() const {
  const std::optional<double>& lag = facts_.observed().lag_seconds;
  return is_guarded() && lag && *lag > absl::ToDoubleSeconds(facts_.spec().read_replica.lag_guard->freeze_above);
}

bool Sizing::lag_unknown() const {
  const TargetObservation& observed = facts_.observed();
  return is_guarded() && !observed.lag_seconds && observed.lag_unknown_since;
}

bool Sizing::holds_unknown_lag() const {
  if (!lag_unknown()) return false;
  return size_ <= held_size() || now_ < *facts_.observed().lag_unknown_since + kLongestBlindHold;
}

int Sizing::held_size() const {
  const TargetObservation& observed = facts_.observed();
  // Somebody who raised the original since has it running: holding still is not going back.
  const int running = std::min(facts_.original, observed.current.value_or(facts_.original));
  return std::max({observed.in_force.value_or(facts_.original), running, facts_.floor});
}

int Sizing::kept_in_region() const {
  if (suspended_ || lag_frozen() || holds_unknown_lag()) return size_;
  return std::max({facts_.original, facts_.least, facts_.floor, approval_keeps_});
}

void Sizing::cut_by_region(int size, const std::string& text) {
  size_ = size;
  decision_.capped_by_region = true;
  reason(Kind::RegionCapacity, facts_.spec().region, text);
}

void Sizing::guard_lag() {
  if (lag_frozen()) {
    size_ = held_size();
    decision_.frozen = true;
    const double limit = absl::ToDoubleSeconds(facts_.spec().read_replica.lag_guard->freeze_above);
    reason(Kind::LagGuard, "",
           concat("holds ", size_, ": replica lag ", seconds(*facts_.observed().lag_seconds), " is above ",
                  seconds(limit)));
  } else if (lag_unknown() && size_ != held_size()) {
    tell_unknown_lag();
  }
}

void Sizing::tell_unknown_lag() {
  const std::string where =
      concat("see condition MetricsUnavailable and spec.metrics of region ", facts_.spec().region);
  const absl::Time since = *facts_.observed().lag_unknown_since;
  if (!holds_unknown_lag()) {
    reason(Kind::LagGuard, "",
           concat("goes on to ", size_, ": replica lag has been unknown since ", format_rfc3339(since), ", ", where));
    return;
  }
  const int goal = std::exchange(size_, held_size());
  decision_.frozen = true;
  std::string text = concat("holds ", size_, ": replica lag is unknown, ", where);
  if (goal > size_) {
    const absl::Time until = since + kLongestBlindHold;
    voice_.changes_at(until);
    append_text(text, "; goes on to ", goal, " regardless at ", format_rfc3339(until));
  } else {
    append_text(text, "; nothing is removed before it is known");
  }
  reason(Kind::LagGuard, "", std::move(text));
}

Decision Sizing::finish() {
  if (!facts_.known) return std::move(decision_);
  const TargetObservation& observed = facts_.observed();
  guard_lag();
  if (size_ < facts_.original) {
    reason(Kind::AllowDecrease, "", concat("below the original ", facts_.original));
  }
  decision_.size = size_;
  decision_.active = size_ != facts_.original;
  const api::Originals& originals = *observed.originals;
  decision_.min = decision_.max = size_;
  if (has_bounds(facts_.spec())) {
    decision_.max = originals.max;
    // At the top of its range the autoscaler would have no room left to answer load above the plan.
    if (decision_.active && size_ >= originals.max) {
      decision_.max = std::max({facts_.spec().replicas.max, size_, originals.max});
    }
  } else if (!decision_.active) {
    decision_.min = originals.min;
    decision_.max = originals.max;
  }
  if (!decision_.active && !suspended_) {
    decision_.decided_by = "Original";
    decision_.decided_by_schedule.clear();
  }
  std::ranges::sort(voice_.overlapping);
  decision_.overlapping_phases = std::move(voice_.overlapping);
  std::ranges::sort(voice_.leads_begun, {},
                    [](const api::StartedLead& lead) { return std::tie(lead.schedule, lead.occurrence, lead.phase); });
  decision_.leads_begun = std::move(voice_.leads_begun);
  decision_.next_transition = voice_.next;
  return std::move(decision_);
}

}  // namespace headroom::plan
