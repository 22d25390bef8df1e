#include <algorithm>
#include <iterator>
#include <utility>

#include "operator/controllers/engine.h"
#include "operator/controllers/engine_objects.h"
#include "operator/controllers/engine_writes.h"
#include "operator/controllers/size_steps.h"

namespace headroom::controllers {
namespace {

using api::EngineType;

/// A workload that went back to 0 after it was woken is woken again at most this often.
constexpr absl::Duration kWakeAgain = absl::Minutes(1);

absl::Time to_second(absl::Time time) { return absl::FromUnixSeconds(absl::ToUnixSeconds(time)); }

/// The originals that a decision started from; empty where it was made without having seen the object.
std::optional<int> base_of(const plan::Decision& decision) {
  if (decision.reasons.empty() || decision.reasons.front().kind != api::Reason::Kind::Original) return std::nullopt;
  return decision.reasons.front().size;
}

/// Numbers that stand for what the object leaves out are not written into it.
Size wanted_size(const api::ScaleTarget& target, const EngineView& view, const plan::Decision& decision) {
  const Size& original = view.ownership.original;
  if (!decision.active) return original;
  const api::Originals numbers = originals_of(target, view);
  Size wanted{decision.min, std::nullopt};
  if (decision.min == numbers.min) wanted.min = original.min;
  const EngineType engine = target.spec.engine.type;
  if (engine == EngineType::HorizontalPodAutoscaler || engine == EngineType::ScaledObject) {
    wanted.max = decision.max == numbers.max ? original.max : std::optional(decision.max);
  }
  return wanted;
}

/// Never below what stands now: for decisions that do not know of a new original yet.
Size only_raised(Size wanted, const Size& now) {
  if (now.min && wanted.min.value_or(kKedaMin) < *now.min) wanted.min = now.min;
  if (now.max && wanted.max.value_or(kKedaMax) < *now.max) wanted.max = now.max;
  return wanted;
}

std::optional<OriginalRecord> record_after(const api::ScaleTarget& target, const EngineView& view, const Size& next,
                                           absl::Time now) {
  const Ownership& ownership = view.ownership;
  if (next == ownership.original) return std::nullopt;
  OriginalRecord record;
  record.uid = view.size.uid;
  record.original = ownership.original;
  record.written = next;
  record.target = target.meta.key().to_string();
  const bool same_size = ownership.held && ownership.written.min == next.min;
  record.written_at = same_size ? ownership.written_at : to_second(now);
  if (target.spec.engine.type == EngineType::Scale) {
    if (next != view.size.now) {
      record.former = view.size.now;
    } else if (view.size.annotation && view.size.annotation->uid == view.size.uid) {
      record.former = view.size.annotation->former;
    }
  }
  return record;
}

void append(std::vector<Write>& writes, std::vector<Write> more) {
  writes.insert(writes.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool wants_waking(const EngineView& view, absl::Time now) {
  if (!view.sleeper || !view.sleeper->at_zero) return false;
  return !view.sleeper->woken || now - view.sleeper->woken->written_at >= kWakeAgain;
}

/// Brings the object a step towards `wanted`, minding contests and the record on it.
Convergence move_towards(const api::ScaleTarget& target, const EngineView& view, const Size& wanted, absl::Time now,
                         absl::Duration max_patience) {
  Convergence result;
  SizeStep step = next_step(target, view, wanted, now, max_patience);
  const ContestVerdict verdict =
      judge_contest(target.status.contest, view.ownership, view.size.now, step.next, view.size.other_manager, now);
  result.contest = verdict.contest;
  result.look_again = step.look_again;
  result.waiting = std::move(step.waiting);
  if (verdict.retry_in) result.look_again = std::min(result.look_again.value_or(*verdict.retry_in), *verdict.retry_in);

  const bool own = target.spec.engine.owns_autoscaler();
  std::optional<OriginalRecord> record;
  if (!verdict.may_write) {
    // The edit stands for now; only what it means for the originals is noted.
    result.waiting = "somebody else's value stands, see condition Contested";
    record = view.size.annotation;
    if (record) record->original = view.ownership.original;
    step.next = view.size.now;
    if (view.ownership.held) {
      result.in_force = view.ownership.written;
      result.in_force_since = view.ownership.written_at;
    }
  } else {
    record = record_after(target, view, step.next, now);
    if (step.next != view.ownership.original) {
      result.in_force = step.next;
      result.in_force_since = own ? to_second(now) : record->written_at;
      if (own && view.ownership.written.min == step.next.min) result.in_force_since = view.ownership.written_at;
    }
  }
  if (step.next.min != view.size.now.min) {
    result.step_from = view.size.now.min.value_or(kKedaMin);
    result.step_to = step.next.min.value_or(kKedaMin);
  }
  if (own) {
    result.writes = view.exists ? update_autoscaler(target, view, step.next)
                                : std::vector<Write>{create_autoscaler(target, step.next)};
    if (!view.exists) result.step_from = result.step_to = std::nullopt;
  } else {
    result.writes = write_move(target, view, {step.next, record});
  }
  result.size = step.next;
  result.record = own ? std::nullopt : record;
  result.restored = verdict.may_write && step.next == view.ownership.original && !record;
  result.settled = result.writes.empty() && verdict.may_write && step.next == wanted;
  return result;
}

/// Another scaler has the size now; all that is left of ours is the annotation.
Convergence forget(const EngineView& view) {
  Convergence result;
  result.restored = true;
  result.size = view.size.now;
  if (view.annotated) {
    Write write;
    write.type = view.type;
    write.key = view.key;
    write.body = {
        {"metadata",
         {{"resourceVersion", view.resource_version}, {"annotations", {{api::kOriginalAnnotation, nullptr}}}}}};
    result.writes.push_back(std::move(write));
  }
  result.settled = result.writes.empty();
  return result;
}

Convergence put_back(const api::ScaleTarget& target, const EngineView& view, absl::Time now,
                     absl::Duration max_patience) {
  Convergence result = move_towards(target, view, view.ownership.original, now, max_patience);
  if (view.sleeper && view.sleeper->woken) {
    append(result.writes, put_to_sleep(*view.sleeper));
    result.settled = false;
  }
  return result;
}

Convergence untouched(const EngineView& view) {
  Convergence result;
  result.restored = !view.ownership.held;
  if (view.ownership.held) {
    result.in_force = view.ownership.written;
    result.in_force_since = view.ownership.written_at;
  }
  return result;
}

}  // namespace

Convergence converge(const api::ScaleTarget& target, const EngineView& view, const plan::Decision& decision,
                     absl::Time now, const OperatorOptions& options) {
  Convergence result = untouched(view);
  if (target.spec.engine.type == EngineType::Advise || target.spec.suspend == api::SuspendMode::Hold) {
    result.contest = target.status.contest;
    result.settled = true;
    return result;
  }
  const std::optional<int> base = base_of(decision);
  const Reach reach = view.reach();
  if (!view.known || !base || reach == Reach::Nothing) return result;
  if (!decision.active) {
    return reach == Reach::Forget ? forget(view) : put_back(target, view, now, options.max_return_patience);
  }
  if (reach != Reach::Full) return result;

  Size wanted = wanted_size(target, view, decision);
  if (view.exists && *base != originals_of(target, view).min) wanted = only_raised(wanted, view.size.now);
  result = move_towards(target, view, wanted, now, options.max_return_patience);
  if (wants_waking(view, now)) {
    append(result.writes, wake(target, *view.sleeper, to_second(now)));
    result.settled = false;
  } else if (view.sleeper && view.sleeper->at_zero) {
    result.settled = false;
    result.look_again = std::min(result.look_again.value_or(kWakeAgain), kWakeAgain);
    result.waiting = "the workload went back to 0 after it was woken; it is woken again at most once a minute";
  }
  return result;
}

Convergence release(const api::ScaleTarget& target, const EngineView& view, absl::Time now,
                    const OperatorOptions& options) {
  const Reach reach = view.reach();
  if (target.spec.engine.type == EngineType::Advise) {
    Convergence nothing;
    nothing.settled = nothing.restored = true;
    return nothing;
  }
  // What does not exist needs no putting back.
  if (view.obstacle("TargetNotFound") != nullptr || view.obstacle("AutoscalerNotFound") != nullptr) {
    if (!view.exists) {
      Convergence nothing;
      nothing.settled = nothing.restored = true;
      return nothing;
    }
  }
  if (target.spec.engine.owns_autoscaler()) {
    Convergence result;
    if (view.known && view.exists) result.writes.push_back(delete_autoscaler(view));
    if (view.sleeper && view.sleeper->woken) append(result.writes, put_to_sleep(*view.sleeper));
    result.restored = view.known || view.obstacle("NotOurs") != nullptr;
    result.settled = result.restored && result.writes.empty();
    return result;
  }
  if (reach == Reach::Forget) return forget(view);
  if (!view.known || reach == Reach::Nothing) {
    Convergence result = untouched(view);
    result.restored = view.known && !view.ownership.held;
    // An object that a rival holds is none of ours to put back.
    if (view.known && view.obstacle("RivalScaler") != nullptr) result.restored = true;
    return result;
  }
  const int original = view.ownership.original.min.value_or(kKedaMin);
  const bool clones_stay = target.spec.role == api::Role::ReadReplica &&
                           target.spec.read_replica.scale_down == api::ReadReplicaPolicy::ScaleDown::Manual &&
                           view.size.now.min.value_or(kKedaMin) > original &&
                           approved_scale_down(target).value_or(INT32_MAX) > original;
  if (clones_stay) return forget(view);
  return put_back(target, view, now, options.max_return_patience);
}

}  // namespace headroom::controllers
