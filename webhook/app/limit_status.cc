#include "webhook/app/limit_status.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>

#include "operator/api/object.h"

namespace headroom::webhook {
namespace {

using EventText = runtime::EventText;
using Kind = api::LimitDimension::Kind;
using Mode = api::ScaleLimitSpec::Mode;
using Stage = Enforcement::Stage;

/// What Ready, Reconciling and Stalled say together.
struct Verdict {
  enum class State { Ready, Reconciling, Stalled };
  State state = State::Ready;
  std::string reason, message;
};

std::string effect(const api::ScaleLimit& limit, Stage stage) {
  switch (limit.spec.mode) {
    case Mode::Warn:
      return "a write over the limit gets a warning and passes, as spec.mode is Warn";
    case Mode::Audit:
      return "a write over the limit is counted and passes, as spec.mode is Audit";
    case Mode::Enforce:
      break;
  }
  return stage == Stage::Holds ? "writes over the limit are refused"
                               : "writes over the limit are refused; see condition Enforced for when it is exact";
}

std::string ready_reason(const api::ScaleLimit& limit, Stage stage) {
  if (limit.spec.mode == Mode::Warn) return "Warns";
  if (limit.spec.mode == Mode::Audit) return "Audits";
  return to_string(stage);
}

constexpr char kOtherVersion[] = "OtherVersion";

std::string overlooks(const std::string& other_version) {
  return absl::StrCat(other_version,
                      ": writes in that version are not held against this limit; name one version in all limits");
}

Verdict judge(const StatusFacts& facts) {
  using State = Verdict::State;
  const Enforcement& enforcement = facts.enforcement;
  if (!facts.count_problem.empty()) {
    return {State::Stalled, "CannotCount",
            absl::StrCat("the stored objects of ", absl::StrJoin(facts.uncounted, ", "),
                         " cannot be counted: ", facts.count_problem,
                         "; correct spec.match.resources, or let the webhook list and watch them")};
  }
  if (!facts.other_version.empty()) return {State::Stalled, kOtherVersion, overlooks(facts.other_version)};
  if (enforcement.stage == Stage::NoWebhook) return {State::Stalled, to_string(enforcement.stage), enforcement.message};
  if (enforcement.stage < Stage::SettlingIn) {
    return {State::Reconciling, to_string(enforcement.stage), enforcement.message};
  }
  if (!facts.uncounted.empty()) {
    return {State::Reconciling, "Counting",
            absl::StrCat("the stored objects of ", absl::StrJoin(facts.uncounted, ", "), " are being counted")};
  }
  return {State::Ready, ready_reason(facts.limit, enforcement.stage), effect(facts.limit, enforcement.stage)};
}

class Conditions {
 public:
  Conditions(std::vector<api::Condition>& list, std::int64_t generation, absl::Time now)
      : list_(list), generation_(generation), now_(now) {}

  void put(const char* type, bool holds, std::string reason, std::string message) {
    api::set_condition(list_, {type, holds, std::move(reason), std::move(message), generation_, now_});
  }
  /// One that is there only while it holds.
  void abnormal(const char* type, bool holds, std::string reason, std::string message) {
    if (holds) {
      put(type, true, std::move(reason), std::move(message));
    } else {
      api::remove_condition(list_, type);
    }
  }

 private:
  std::vector<api::Condition>& list_;
  const std::int64_t generation_;
  const absl::Time now_;
};

void put_enforced(Conditions& conditions, const StatusFacts& facts) {
  const Enforcement& enforcement = facts.enforcement;
  switch (facts.limit.spec.mode) {
    case Mode::Warn:
      return conditions.put(kEnforced, false, "Warns", "spec.mode is Warn: writes over the limit pass with a warning");
    case Mode::Audit:
      return conditions.put(kEnforced, false, "Audits", "spec.mode is Audit: writes over the limit are only counted");
    case Mode::Enforce:
      if (!facts.other_version.empty()) {
        return conditions.put(kEnforced, false, kOtherVersion, overlooks(facts.other_version));
      }
      return conditions.put(kEnforced, enforcement.stage == Stage::Holds, to_string(enforcement.stage),
                            enforcement.message);
  }
}

/// Why figures of Prometheus are old, or not there.
void put_metrics(Conditions& conditions, const StatusFacts& facts) {
  bool all_shown = true;
  std::string problems;
  for (std::size_t i = 0; i < facts.observed.size(); ++i) {
    const ObservedFigure& figure = facts.observed[i];
    if (figure.problem.empty()) continue;
    all_shown = all_shown && figure.used.has_value();
    absl::StrAppend(
        &problems, problems.empty() ? "" : "; ", facts.limit.spec.observed[i].name,
        figure.used ? " (the last figure is shown): " : " (no figure; what it has paused or halted stays so): ",
        figure.problem);
  }
  conditions.abnormal("MetricsUnavailable", !problems.empty(), all_shown ? "StaleMetrics" : "NoAnswer", problems);
}

void put_scaled_field(Conditions& conditions, const StatusFacts& facts) {
  conditions.abnormal(
      "ScaledFieldUnknown", !facts.scaled_blindly.empty(), "NoDefinition",
      absl::StrCat(
          "no CustomResourceDefinition tells which field /scale of ", absl::StrJoin(facts.scaled_blindly, ", "),
          " writes, so a write to it is held against every field of the spec that this limit names; let the "
          "webhook get customresourcedefinitions, and let all versions of the type name one specReplicasPath"));
}

/// What is worth telling: a few lost writes of a large limit are in nobody's way.
constexpr int kWorthTelling = 100;  // the hundredth part

void put_unlanded(Conditions& conditions, const StatusFacts& facts) {
  limits::Amounts held;
  for (const UnlandedWrites& row : facts.unlanded) held += row.held;
  std::vector<std::string> parts;
  bool tells = false;
  std::size_t place = 0;
  for (const api::LimitDimension& dimension : api::dimensions_of(facts.limit.spec)) {
    if (dimension.kind != Kind::Count && dimension.kind != Kind::Sum) continue;
    const limits::Amount here = held[place++];
    if (here <= 0) continue;
    tells = tells || here * kWorthTelling >= dimension.hard.nano();
    parts.push_back(
        absl::StrCat(dimension.name, " ", Quantity::from_nano(here).to_string(), " of ", dimension.hard.to_string()));
  }
  conditions.abnormal(
      kHoldsUnlanded, tells, "WritesDidNotLand",
      absl::StrCat("writes that were let through and are not stored hold ", absl::StrJoin(parts, ", "), ": ",
                   who(facts.unlanded),
                   "; another webhook or a quota has refused them, or their client went away. What they hold is free "
                   "again when the API server's request deadline has passed"));
}

EventText level_event(const limits::LevelEvent& event) {
  const bool stops = event.reason.starts_with("Writes");
  return {event.warning ? EventText::Type::Warning : EventText::Type::Normal, event.reason,
          stops ? "JudgeWrites" : "Measure", event.message};
}

/// Of the promise that has come to stand, or does not stand any more.
std::optional<EventText> enforced_event(const api::ScaleLimitStatus& before, const api::ScaleLimitStatus& after) {
  const api::Condition* const then = api::find_condition(before.conditions, kEnforced);
  const api::Condition* const now = api::find_condition(after.conditions, kEnforced);
  if ((then != nullptr && then->status) == now->status) return std::nullopt;
  if (now->status) return EventText{EventText::Type::Normal, "LimitEnforced", "Enforce", now->message};
  const bool wanted = then->observed_generation != now->observed_generation;
  return EventText{wanted ? EventText::Type::Normal : EventText::Type::Warning, "LimitNotEnforced", "Enforce",
                   absl::StrCat(now->reason, ": ", now->message)};
}

std::optional<EventText> unlanded_event(const api::ScaleLimitStatus& before, const api::ScaleLimitStatus& after) {
  const api::Condition* const now = api::find_condition(after.conditions, kHoldsUnlanded);
  if (now == nullptr || api::find_condition(before.conditions, kHoldsUnlanded) != nullptr) return std::nullopt;
  return EventText{EventText::Type::Warning, now->reason, "JudgeWrites", now->message};
}

/// Without what moves all the time.
api::ScaleLimitStatus without_figures(api::ScaleLimitStatus status) {
  for (api::DimensionStatus& dimension : status.dimensions) {
    // Whether it is known counts, the figure does not.
    if (dimension.used) dimension.used = Quantity();
    if (dimension.percent) dimension.percent = 0;
    dimension.held = Quantity();
  }
  if (status.paused) status.paused->message.clear();
  if (status.halted) status.halted->message.clear();
  status.denials.clear();
  for (api::Condition& condition : status.conditions) {
    if (condition.type == kHoldsUnlanded) condition.message.clear();
  }
  return status;
}

}  // namespace

std::vector<api::DenialStatus> added_denials(std::vector<api::DenialStatus> rows,
                                             const std::vector<api::DenialStatus>& more) {
  for (const api::DenialStatus& one : more) {
    const auto known = std::ranges::find_if(
        rows, [&](const api::DenialStatus& row) { return row.reason == one.reason && row.dimension == one.dimension; });
    if (known == rows.end()) {
      rows.push_back(one);
      continue;
    }
    known->count += one.count;
    if (one.last_time >= known->last_time) {
      known->last_time = one.last_time;
      known->last_message = one.last_message;
    }
  }
  std::ranges::stable_sort(rows, std::ranges::greater(), &api::DenialStatus::count);
  if (rows.size() > api::kMostDenials) rows.resize(api::kMostDenials);
  return rows;
}

StatusReport limit_status(const StatusFacts& facts, const api::ScaleLimitStatus& former, absl::Time now) {
  limits::Levels levels = limits::levels_of(facts.limit.spec, facts.use, former, now);
  StatusReport report;
  report.status = former;
  api::ScaleLimitStatus& status = report.status;
  status.observed_generation = facts.limit.meta.generation;
  status.level = levels.level;
  status.dimensions = std::move(levels.dimensions);
  status.thresholds = std::move(levels.thresholds);
  status.paused = std::move(levels.paused);
  status.halted = std::move(levels.halted);
  status.denials = added_denials(former.denials, facts.denials);
  status.excluded_namespaces = facts.excluded_namespaces;

  Conditions conditions(status.conditions, facts.limit.meta.generation, now);
  const Verdict verdict = judge(facts);
  using State = Verdict::State;
  conditions.put("Ready", verdict.state == State::Ready, verdict.reason, verdict.message);
  put_enforced(conditions, facts);
  put_metrics(conditions, facts);
  put_scaled_field(conditions, facts);
  put_unlanded(conditions, facts);
  conditions.abnormal("Reconciling", verdict.state == State::Reconciling, verdict.reason, verdict.message);
  conditions.abnormal("Stalled", verdict.state == State::Stalled, verdict.reason, verdict.message);

  for (const limits::LevelEvent& event : levels.events) report.events.push_back(level_event(event));
  if (auto event = enforced_event(former, status)) report.events.push_back(*std::move(event));
  if (auto event = unlanded_event(former, status)) report.events.push_back(*std::move(event));
  return report;
}

StatusChange change_between(const api::ScaleLimitStatus& before, const api::ScaleLimitStatus& after) {
  if (before == after) return StatusChange::None;
  return without_figures(before) == without_figures(after) ? StatusChange::Figures : StatusChange::Substance;
}

}  // namespace headroom::webhook
