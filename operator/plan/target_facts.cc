#include "operator/plan/target_facts.h"

#include <algorithm>

#include "operator/plan/readiness.h"

namespace headroom::plan {
namespace {

TargetFacts facts_of(const DecideTarget& target) {
  TargetFacts facts;
  facts.target = &target;
  facts.known = target.observed.originals.has_value();
  if (!facts.known) return facts;
  const api::ScaleTargetSpec& spec = *target.spec;
  const TargetObservation& observed = target.observed;
  facts.original = observed.originals->min;
  facts.baseline = spec.replicas.baseline.value_or(
      spec.replicas.learn ? observed.learned_baseline.value_or(facts.original) : facts.original);
  facts.ceiling = std::max(spec.replicas.max, facts.original);
  facts.least = std::min(spec.replicas.min, facts.ceiling);
  if (spec.role == api::Role::ReadReplica) facts.floor = std::min(spec.read_replica.floor, facts.ceiling);
  facts.decay_end = std::max({facts.baseline, facts.original, 1});
  // Most targets have neither a warm-up nor a ramp; they are spared the rest.
  facts.can_lead = spec.warm_up.estimate > absl::ZeroDuration() || spec.ramp_up.has_value() ||
                   (spec.warm_up.learn && !observed.warm_up.empty());
  facts.longest_lead =
      facts.can_lead ? plan::longest_lead(spec, observed.warm_up, facts.ceiling) : absl::ZeroDuration();
  return facts;
}

}  // namespace

int TargetFacts::bounded(int size, api::Phase::Decrease decrease) const {
  const int within = std::min(std::max({size, least, floor}), ceiling);
  return decrease == api::Phase::Decrease::Allow ? within : std::max(within, original);
}

std::vector<TargetFacts> gather_facts(std::span<const DecideTarget> targets) {
  std::vector<TargetFacts> facts;
  facts.reserve(targets.size());
  for (const DecideTarget& target : targets) facts.push_back(facts_of(target));
  return facts;
}

}  // namespace headroom::plan
