// Scaling rules on queries, the consumer-lag kind: a step once a bound has been crossed for long enough, then a
// cool-down. Pure.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <optional>
#include <span>
#include <string>

#include "operator/api/scale_target.h"

namespace headroom::plan {

/// A query's answer; absent when it was empty, stale or NaN, which changes nothing and never scales down.
using RuleSamples = std::map<std::string, std::optional<double>>;

struct RuleStep {
  api::RuleProgress progress;
  std::string text;                     ///< what stepped last and why, for the explanation
  std::optional<absl::Time> next_look;  ///< when a `for` or cool-down that is running ends
};

/// One evaluation. A rule's bound is crossed beyond the bound, not at it (answer > `above`, answer < `below`); it steps
/// once that has lasted for `for`, then not again until its cool-down has passed. Any rule may raise, the largest step
/// counts; the size falls only when every rule with `below` agrees and no rule stands above, by the smallest of their
/// steps. An absent answer starts the wait for falling anew. Never leaves [spec.replicas.min, spec.replicas.max];
/// starts from `original`.
RuleStep step_rules(const api::ScaleTargetSpec& spec, int original, const api::RuleProgress& before,
                    const RuleSamples& samples, absl::Time now);

}  // namespace headroom::plan
