// What of a target the rules need again and again, worked out once per decision. Pure.
#pragma once

#include <absl/time/time.h>

#include <span>
#include <vector>

#include "operator/plan/decide.h"

namespace headroom::plan {

struct TargetFacts {
  const DecideTarget* target = nullptr;
  bool known = false;  ///< the workload has been seen; nothing is decided otherwise
  int original = 0;    ///< HPA: original minReplicas
  int baseline = 0;    ///< what multipliers multiply
  int least = 0;       ///< spec.replicas.min, at most `ceiling`
  int ceiling = 0;     ///< spec.replicas.max, never below the original: what runs is not shrunk by a maximum
  int floor = 0;       ///< ReadReplica quorum, at most `ceiling`
  int decay_end = 1;   ///< a decay ends at this size
  bool can_lead = false;
  absl::Duration longest_lead;  ///< of any rise up to `ceiling`

  const api::ScaleTargetSpec& spec() const { return *target->spec; }
  const TargetObservation& observed() const { return target->observed; }
  const api::ObjectKey& key() const { return target->key; }

  /// What a phase's size comes to after the target's own bounds; not below the original unless `decrease` is allowed.
  int bounded(int size, api::Phase::Decrease decrease) const;
};

std::vector<TargetFacts> gather_facts(std::span<const DecideTarget> targets);

}  // namespace headroom::plan
