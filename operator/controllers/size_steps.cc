#include "operator/controllers/size_steps.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdlib>

#include "operator/controllers/engine_objects.h"

namespace headroom::controllers {
namespace {

/// Changes of the workload wake the target; this only catches a status that stopped moving.
constexpr absl::Duration kCloneCheck = absl::Minutes(1);

/// What the step before still lacks; empty: the next may be taken.
std::string step_under_way(const EngineView& view, int from, bool up) {
  if (!view.ownership.held) return "";
  if (up && view.ready && *view.ready < from) {
    return absl::StrCat("waiting for replica ", from, ": ", *view.ready, " of ", from, " ready");
  }
  if (!up && view.current && *view.current > from) {
    return absl::StrCat("waiting for a replica to leave: ", *view.current, " there, ", from, " asked for");
  }
  return "";
}

void take_one_step(const api::ScaleTarget& target, const EngineView& view, SizeStep& step) {
  const int from = view.size.now.min.value_or(0), to = step.next.min.value_or(0);
  const int most = std::max(target.spec.read_replica.max_step, 1);
  if (from == to) return;
  step.waiting = step_under_way(view, from, to > from);
  if (!step.waiting.empty()) {
    step.next.min = view.size.now.min;
    step.look_again = kCloneCheck;
    return;
  }
  if (std::abs(to - from) <= most) return;
  const int next = to > from ? from + most : from - most;
  step.next.min = next;
  step.look_again = kCloneCheck;
  step.waiting = absl::StrCat("on the way from ", from, " to ", to, ", now ", next);
}

void hold_maximum(const EngineView& view, absl::Time now, absl::Duration patience, SizeStep& step) {
  const Size& present = view.size.now;
  const int wanted = step.next.max.value_or(kKedaMax);
  if (!present.max || wanted >= *present.max) return;
  const bool fits = view.current && *view.current <= wanted && step.next.min.value_or(0) <= wanted;
  if (fits) return;
  // Lowered below what runs, a maximum makes the autoscaler cut at once, past its own behavior.
  const bool minimum_is_down = present.min == step.next.min && step.next.min.value_or(0) <= wanted;
  const absl::Duration left = minimum_is_down ? view.ownership.written_at + patience - now : patience;
  if (left <= absl::ZeroDuration()) return;
  step.next.max = present.max;
  step.look_again = std::min(step.look_again.value_or(absl::InfiniteDuration()), left);
  if (!step.waiting.empty()) return;
  step.waiting =
      absl::StrCat("the maximum stays ", *present.max, " until ", wanted, " hold the ",
                   view.current ? absl::StrCat(*view.current) : "unknown number of", " replicas that run, at most ",
                   absl::FormatDuration(absl::Trunc(left, absl::Seconds(1))));
}

}  // namespace

SizeStep next_step(const api::ScaleTarget& target, const EngineView& view, const Size& wanted, absl::Time now,
                   absl::Duration max_patience) {
  SizeStep step{wanted, std::nullopt, ""};
  if (target.spec.role == api::Role::ReadReplica) take_one_step(target, view, step);
  hold_maximum(view, now, max_patience, step);
  return step;
}

}  // namespace headroom::controllers
