#include "operator/controllers/target_queries.h"

#include <absl/strings/str_cat.h>

namespace headroom::controllers {

TargetAnswers ask_for_target(const api::ScaleTarget& target, monitoring::QuerySource& queries) {
  TargetAnswers answers;
  const api::ScaleTargetSpec& spec = target.spec;
  const auto ask = [&](const std::string& query, const std::string& asker) {
    monitoring::QuerySource::Answer answer = queries.ask(spec.region, query);
    if (answer.asked && !answer.value) {
      absl::StrAppend(&answers.problem, answers.problem.empty() ? "" : "; ", asker, ": ", answer.problem);
    }
    return answer.value;
  };
  for (const api::ScaleRule& rule : spec.rules) answers.samples[rule.name] = ask(rule.query, "rule " + rule.name);
  if (spec.role == api::Role::ReadReplica && spec.read_replica.lag_guard) {
    answers.lag_guarded = true;
    answers.lag_seconds = ask(spec.read_replica.lag_guard->query, "lag guard");
  }
  return answers;
}

std::optional<absl::Time> lag_unknown_since(const TargetAnswers& answers, std::optional<absl::Time> before,
                                            absl::Time now) {
  if (!answers.lag_guarded || answers.lag_seconds) return std::nullopt;
  // A clock that was set back must not stretch the wait.
  return before && *before <= now ? before : now;
}

}  // namespace headroom::controllers
