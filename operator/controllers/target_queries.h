// What the metrics server says about one ScaleTarget: answers of its rules and of its lag guard, and what is missing.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>

#include "operator/api/scale_target.h"
#include "operator/controllers/world.h"
#include "operator/plan/rules.h"

namespace headroom::controllers {

struct TargetAnswers {
  plan::RuleSamples samples;          ///< by name of the rule; without a value where there is no answer
  std::optional<double> lag_seconds;  ///< absent too where there is no lag guard
  bool lag_guarded = false;
  /// "rule p99: the answer is empty…; lag guard: …", what has no answer and why; empty: all have, or the first is still
  /// under way.
  std::string problem;
};

/// Asks for all that `target` needs; never waits, see QuerySource.
TargetAnswers ask_for_target(const api::ScaleTarget& target, monitoring::QuerySource& queries);

/// Since when the lag guard has had no answer, `before` being what this said last; empty while it has one, or where
/// there is no lag guard.
std::optional<absl::Time> lag_unknown_since(const TargetAnswers& answers, std::optional<absl::Time> before,
                                            absl::Time now);

}  // namespace headroom::controllers
