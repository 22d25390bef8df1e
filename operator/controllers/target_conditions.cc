#include "operator/controllers/target_conditions.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string_view>

#include "operator/controllers/engine_writes.h"

namespace headroom::controllers {
namespace {

using Kind = api::Reason::Kind;

/// What Ready, Reconciling and Stalled say together.
struct Verdict {
  enum class State { Ready, Reconciling, Stalled };
  State state = State::Ready;
  std::string reason, message;
};

Verdict stalled(std::string reason, std::string message) {
  return {Verdict::State::Stalled, std::move(reason), std::move(message)};
}
Verdict reconciling(std::string reason, std::string message) {
  return {Verdict::State::Reconciling, std::move(reason), std::move(message)};
}
Verdict ready(std::string reason, std::string message) {
  return {Verdict::State::Ready, std::move(reason), std::move(message)};
}

/// The text of the last step of that kind; empty when there is none.
std::string text_of(const plan::Decision& decision, std::initializer_list<Kind> kinds) {
  std::string text;
  for (const api::Reason& reason : decision.reasons) {
    if (std::find(kinds.begin(), kinds.end(), reason.kind) != kinds.end()) text = reason.text;
  }
  return text;
}

bool is_made(const StatusInput& input) { return input.decision != nullptr && !input.decision->reasons.empty(); }

/// A workload that people switched off or paused is no fault as long as nothing is due for it.
bool is_at_rest(const StatusInput& input, const Obstacle& obstacle) {
  const bool deliberate = obstacle.reason == "ScalingDisabled" || obstacle.reason == "Paused";
  return deliberate && is_made(input) && !input.decision->active && !input.view.ownership.held;
}

std::optional<Verdict> hindered(const StatusInput& input) {
  for (const Obstacle& obstacle : input.view.obstacles) {
    if (obstacle.reason == "CacheNotSynced") return reconciling(obstacle.reason, obstacle.message);
    if (obstacle.reason == "RegionNotConnected") return stalled("RegionUnavailable", obstacle.message);
    if (!is_at_rest(input, obstacle)) return stalled(obstacle.reason, obstacle.message);
  }
  return std::nullopt;
}

bool is_contested(const TargetRecord& record) { return record.status.contest && record.status.contest->times > 0; }

Verdict sized(const TargetRecord& record, const StatusInput& input) {
  const plan::Decision& decision = *input.decision;
  if (input.target.spec.suspend == api::SuspendMode::Hold) {
    return ready("Suspended", absl::StrCat("spec.suspend is Hold: nothing is changed; the size in force is ",
                                           record.status.in_force.value_or(decision.size)));
  }
  if (input.target.spec.engine.type == api::EngineType::Advise) {
    return ready("Advised", absl::StrCat(decision.size, " advised by ", decision.decided_by, "; nothing is written"));
  }
  if (input.convergence != nullptr && !input.convergence->settled) {
    if (is_contested(record) && input.view.ownership.foreign_edit) {
      return stalled("Contested", "somebody else keeps writing the size, see condition Contested");
    }
    std::string message = input.convergence->waiting;
    if (message.empty()) message = absl::StrCat("going to ", decision.size);
    return reconciling(decision.active ? "Scaling" : "Restoring", message);
  }
  if (!decision.active) {
    const bool suspended = input.target.spec.suspend == api::SuspendMode::Restore;
    return ready(suspended ? "Suspended" : "AtOriginal",
                 suspended ? "spec.suspend is Restore: the original size stands and nothing is changed"
                           : "nothing is due; the original size stands");
  }
  if (record.status.ready && *record.status.ready < decision.size) {
    return reconciling("WaitingForReplicas", absl::StrCat(*record.status.ready, " of ", decision.size,
                                                          " replicas are ready, decided by ", decision.decided_by));
  }
  return ready("Scaled", absl::StrCat(decision.size, " by ", decision.decided_by));
}

/// Of a target that is being deleted. Whoever waits for it wants to know what it waits for, and how not to.
Verdict leaving(const StatusInput& input) {
  const std::string way_out = absl::StrCat("; annotate it with ", api::kForceDeleteAnnotation,
                                           "=true to let it go without having been put back");
  if (!input.write_problem.empty()) return stalled("RestoreFailed", input.write_problem + way_out);
  if (!input.region_problem.empty()) return stalled("RegionUnavailable", input.region_problem + way_out);
  const bool helpless = !input.view.obstacles.empty() && input.view.reach() == Reach::Nothing;
  if (helpless && input.convergence != nullptr && !input.convergence->restored) {
    const Obstacle& obstacle = input.view.obstacles.front();
    return stalled(
        obstacle.reason,
        absl::StrCat("being deleted, and the original size cannot be put back: ", obstacle.message, way_out));
  }
  std::string message = "being deleted: the original size is put back first";
  if (input.convergence != nullptr && !input.convergence->waiting.empty()) {
    absl::StrAppend(&message, "; ", input.convergence->waiting, way_out);
  }
  return reconciling("Restoring", std::move(message));
}

Verdict judge(const TargetRecord& record, const StatusInput& input) {
  if (input.target.meta.deleted) return leaving(input);
  if (!input.region_problem.empty()) return stalled("RegionUnavailable", input.region_problem);
  if (input.refusal) return stalled(input.refusal->reason, input.refusal->message);
  if (auto hindrance = hindered(input)) return *hindrance;
  if (!is_made(input)) return reconciling("Planning", "no plan has been made for it yet");
  if (!input.write_problem.empty()) return stalled("WriteFailed", input.write_problem);
  return sized(record, input);
}

class Conditions {
 public:
  Conditions(api::ScaleTargetStatus& status, std::int64_t generation, absl::Time now)
      : status_(status), generation_(generation), now_(now) {}

  void put(const char* type, bool holds, std::string reason, std::string message) {
    api::set_condition(status_.conditions, {type, holds, std::move(reason), std::move(message), generation_, now_});
  }
  /// One that is there only while it holds.
  void abnormal(const char* type, bool holds, std::string reason, std::string message) {
    if (holds) {
      put(type, true, std::move(reason), std::move(message));
    } else {
      api::remove_condition(status_.conditions, type);
    }
  }

 private:
  api::ScaleTargetStatus& status_;
  const std::int64_t generation_;
  const absl::Time now_;
};

void put_obstacle(Conditions& conditions, const char* type, const EngineView& view) {
  const Obstacle* obstacle = view.obstacle(type);
  conditions.abnormal(type, obstacle != nullptr, type, obstacle == nullptr ? "" : obstacle->message);
}

/// Whether it is about the maximum: a value that is contested has become the original of its bound.
bool is_about_maximum(const api::Contest& contest, const Ownership& ownership) {
  return contest.value != ownership.original.min && contest.value == ownership.original.max;
}

std::string contest_text(const api::Contest& contest, const StatusInput& input) {
  const Ownership& ownership = input.view.ownership;
  const bool maximum = is_about_maximum(contest, ownership);
  const std::string who =
      contest.manager.empty() ? std::string("somebody") : absl::StrCat("field manager ", contest.manager);
  const std::optional<int>& written = maximum ? ownership.written.max : ownership.written.min;
  const SizeFields fields = size_fields(input.target.spec.engine);
  return absl::StrCat(who, " wrote ", contest.value, " over Headroom's ",
                      written ? absl::StrCat(*written) : std::string("size"), ", ", contest.times,
                      contest.times == 1 ? " time" : " times", " so far",
                      ownership.foreign_edit ? ", and it stands" : "", "; take ", maximum ? fields.max : fields.min,
                      " out of what it manages, or set spec.suspend");
}

void put_decided(Conditions& conditions, const StatusInput& input) {
  const plan::Decision& decision = *input.decision;
  const bool capped = decision.capped_by_max || decision.capped_by_region;
  conditions.abnormal("Capped", capped, decision.capped_by_region ? "RegionCapacity" : "Maximum",
                      absl::StrCat(decision.wanted, " wanted, ", decision.size,
                                   " decided: ", text_of(decision, {Kind::Maximum, Kind::RegionCapacity})));
  conditions.abnormal("Frozen", decision.frozen, text_of(decision, {Kind::LagGuard}).empty() ? "Suspended" : "LagGuard",
                      text_of(decision, {Kind::LagGuard, Kind::Suspended, Kind::Held}));
  conditions.abnormal("AwaitingApproval", decision.awaiting_approval, "ApprovalNeeded",
                      text_of(decision, {Kind::AwaitingApproval}));
}

void put_baseline(Conditions& conditions, const TargetRecord& record, const StatusInput& input) {
  const bool zero = is_made(input) && input.decision->baseline_zero;
  constexpr std::size_t kDay = 24;
  const std::size_t hours = record.status.samples.hourly.size();
  const bool learning = input.target.spec.replicas.learn && hours < kDay;
  if (zero) {
    conditions.put("BaselineUncertain", true, "BaselineZero",
                   "a phase multiplies a baseline of 0; use add or replicas in that phase, or give replicas.baseline");
  } else {
    conditions.abnormal("BaselineUncertain", learning, "Learning",
                        absl::StrCat(hours, " of ", kDay, " hourly samples so far, so plans are estimates"));
  }
}

}  // namespace

void update_conditions(TargetRecord& record, const StatusInput& input, absl::Time now) {
  Conditions conditions(record.status, input.target.meta.generation, now);
  const Verdict verdict = judge(record, input);
  using State = Verdict::State;
  conditions.put("Ready", verdict.state == State::Ready, verdict.reason, verdict.message);
  conditions.abnormal("Reconciling", verdict.state == State::Reconciling, verdict.reason, verdict.message);
  conditions.abnormal("Stalled", verdict.state == State::Stalled, verdict.reason, verdict.message);

  // What was true of an object that cannot be seen now is left standing.
  const bool unseen =
      input.view.obstacle("CacheNotSynced") != nullptr || input.view.obstacle("RegionNotConnected") != nullptr;
  if (!unseen) {
    put_obstacle(conditions, "RivalScaler", input.view);
    put_obstacle(conditions, "AmbiguousScaler", input.view);
    conditions.abnormal("ScalingDisabled", input.view.scaling_disabled, "ScaledToZero",
                        input.view.obstacle("ScalingDisabled") != nullptr
                            ? input.view.obstacle("ScalingDisabled")->message
                            : "the workload stands at 0; it is raised to 1 when a size is due");
  }
  const bool contested = is_contested(record);
  conditions.abnormal("Contested", contested, "FieldContested",
                      contested ? contest_text(*record.status.contest, input) : "");
  if (is_made(input)) put_decided(conditions, input);
  put_baseline(conditions, record, input);
  const std::optional<FollowProblem>& follow = input.follow_problem;
  conditions.abnormal("FollowIgnored", follow.has_value(), follow ? follow->reason : "", follow ? follow->message : "");
  conditions.abnormal("MetricsUnavailable", input.metrics_unavailable, "NoAnswer", input.metrics_problem);
}

}  // namespace headroom::controllers
