#include "operator/cli/explanation.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/base/duration.h"
#include "operator/cli/text_table.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using plan::concat;

/// How far ahead the next changes are looked for.
constexpr absl::Duration kAhead = absl::Hours(366 * 24);

std::size_t index(int number) { return static_cast<std::size_t>(number); }

std::string local(absl::Time at, const absl::TimeZone& zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S %Ez", at, zone);
}

/// What the operator has said of the target.
void note_conditions(const api::ScaleTarget& target, std::vector<std::string>& notes) {
  for (const api::Condition& condition : target.status.conditions) {
    const bool good = condition.type == "Ready" ? condition.status : !condition.status;
    if (!good) notes.push_back(concat(condition.type, " ", condition.reason, ": ", condition.message));
  }
}

std::string role_of(const plan::Contribution& said, bool winner) {
  if (winner) return "won";
  if (said.waiting) return "waiting";
  if (said.leading) return "coming";
  return "lost";
}

}  // namespace

Result<Explanation> explain(const PlanningWorld& world, int target, absl::Time at, absl::Time now,
                            const plan::ZoneLoader& zones) {
  const api::ObjectKey key = world.targets[index(target)].meta.key();
  BOOST_OUTCOME_TRY(told, forecast(world, {at, at + kAhead, now, key.ns, "", true}, zones));
  Explanation explanation;
  explanation.target = target;
  explanation.at = at;
  for (const SizeStep& step : told.steps) {
    if (step.target != target) continue;
    if (step.from == at) {
      explanation.decision = step.decision;
    } else if (step.before != step.decision.size && explanation.next.size() < kNextSteps) {
      explanation.next.push_back(step);
    }
  }
  note_conditions(world.targets[index(target)], explanation.notes);
  const std::string title = key.to_string();
  for (const std::vector<std::string>* all : {&told.warnings, &told.assumptions}) {
    for (const std::string& one : *all) {
      const bool of_another = one.find(title) == std::string::npos && one.find("ScaleTarget ") != std::string::npos;
      if (!of_another) explanation.notes.push_back(one);
    }
  }
  return explanation;
}

std::string explanation_text(const PlanningWorld& world, const Explanation& explanation, const absl::TimeZone& zone,
                             bool colours) {
  const api::ScaleTarget& target = world.targets[index(explanation.target)];
  const plan::Decision& decision = explanation.decision;
  const plan::TargetObservation& observed = world.observed[index(explanation.target)];
  const auto heading = [&](std::string_view text) { return concat("\n", toned(text, Tone::Faint, colours), "\n"); };
  std::string out = concat("ScaleTarget ", target.meta.key().to_string(), ": ", decision.size, " at ",
                           local(explanation.at, zone), ", decided by ", decision.decided_by, "\n");
  plan::append_text(out, target.spec.target_ref.kind, " ", target.spec.target_ref.name, " in region ",
                    target.spec.region, "; bounds to write ", decision.min, " to ", decision.max);
  if (observed.current) plan::append_text(out, "; has ", *observed.current, " now");
  if (observed.ready) plan::append_text(out, ", ", *observed.ready, " ready");
  out += '\n';

  out += heading("STEPS");
  TextTable steps({"SIZE", "STEP", "BECAUSE"});
  for (const api::Reason& reason : decision.reasons) {
    const bool cap = reason.kind == api::Reason::Kind::Maximum || reason.kind == api::Reason::Kind::RegionCapacity;
    steps.add(
        {std::to_string(reason.size), {api::to_string(reason.kind), cap ? Tone::Attention : Tone::Plain}, reason.text});
  }
  out += steps.to_text(colours);

  if (!decision.contributions.empty()) {
    out += heading("WHO SPOKE");
    TextTable spoken({"", "SCHEDULE", "OCCURRENCE", "PHASE", "ASKED", "PRIORITY", "SAYS"});
    for (std::size_t i = 0; i < decision.contributions.size(); ++i) {
      const plan::Contribution& said = decision.contributions[i];
      const bool winner = i == 0 && !decision.decided_by_schedule.empty();
      spoken.add({{role_of(said, winner), winner ? Tone::Good : Tone::Plain},
                  said.schedule.name,
                  said.occurrence,
                  said.phase,
                  std::to_string(said.size),
                  std::to_string(said.priority),
                  said.text});
    }
    out += spoken.to_text(colours);
  }

  out += heading("NEXT");
  TextTable next({"TIME", "SIZE", "PHASE", "BECAUSE"});
  for (const SizeStep& step : explanation.next) {
    next.add({local(step.from, zone), concat(step.before, " -> ", step.decision.size), spoken_phase(step.decision),
              step.decision.reasons.empty() ? std::string() : step.decision.reasons.back().text});
  }
  out += next.empty() ? "no change of size within a year\n" : next.to_text(colours);

  if (!explanation.notes.empty()) out += heading("NOTES");
  for (const std::string& note : explanation.notes) plan::append_text(out, "- ", note, "\n");
  return out;
}

json explanation_json(const PlanningWorld& world, const Explanation& explanation) {
  const api::ObjectKey key = world.targets[index(explanation.target)].meta.key();
  const plan::Decision& decision = explanation.decision;
  json out = {{"target", {{"namespace", key.ns}, {"name", key.name}}},
              {"at", format_rfc3339(explanation.at)},
              {"replicas", decision.size},
              {"bounds", {{"min", decision.min}, {"max", decision.max}}},
              {"decidedBy", decision.decided_by},
              {"caps", caps_of(decision)},
              {"steps", json::array()},
              {"contributions", json::array()},
              {"next", json::array()},
              {"notes", explanation.notes}};
  for (const api::Reason& reason : decision.reasons) {
    out["steps"].push_back({{"kind", api::to_string(reason.kind)},
                            {"size", reason.size},
                            {"source", reason.source},
                            {"text", reason.text}});
  }
  for (std::size_t i = 0; i < decision.contributions.size(); ++i) {
    const plan::Contribution& said = decision.contributions[i];
    out["contributions"].push_back({{"verdict", role_of(said, i == 0 && !decision.decided_by_schedule.empty())},
                                    {"schedule", said.schedule.name},
                                    {"occurrence", said.occurrence},
                                    {"phase", said.phase},
                                    {"asked", said.size},
                                    {"priority", said.priority},
                                    {"text", said.text}});
  }
  for (const SizeStep& step : explanation.next) {
    out["next"].push_back({{"at", format_rfc3339(step.from)},
                           {"before", step.before},
                           {"replicas", step.decision.size},
                           {"decidedBy", step.decision.decided_by}});
  }
  return out;
}

}  // namespace headroom::cli
