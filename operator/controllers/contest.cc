#include <algorithm>

#include "operator/controllers/overrides.h"

namespace headroom::controllers {
namespace {

constexpr absl::Duration kContestEnd = absl::Minutes(10);
constexpr absl::Duration kLongestWait = absl::Minutes(1);
constexpr int kLoweringAttempts = 3;

absl::Duration wait_after(int times) { return std::min(kLongestWait, absl::Seconds(1) * (1 << std::min(times, 10))); }

/// Absent bounds mean KEDA's defaults, 0 and 100; only ScaledObjects may lack them.
bool is_raising(const Size& from, const Size& to) {
  const int min_change = to.min.value_or(0) - from.min.value_or(0);
  return min_change != 0 ? min_change > 0 : to.max.value_or(100) > from.max.value_or(100);
}

}  // namespace

ContestVerdict judge_contest(const Boxed<api::Contest>& before, const Ownership& ownership, const Size& now,
                             const Size& wanted, const std::string& manager, absl::Time at) {
  if (!ownership.foreign_edit || now == wanted) {
    if (!before || at - before->last >= kContestEnd) return {};
    return {before, /*may_write=*/true, before->last + kContestEnd - at};
  }
  api::Contest contest;
  contest.value = (now.min != ownership.written.min ? now.min : now.max).value_or(0);
  contest.manager = manager;
  contest.last = at;
  if (!before && ownership.new_original) return {contest, /*may_write=*/true, std::nullopt};

  const api::Contest* const last = before ? &*before : nullptr;
  const int times = last != nullptr ? last->times : 0;
  if (!is_raising(now, wanted) && times >= kLoweringAttempts) return {before, /*may_write=*/false, std::nullopt};
  const absl::Time due = (last != nullptr ? last->last : ownership.written_at) + wait_after(times);
  if (at < due) return {before, /*may_write=*/false, due - at};
  contest.times = times + 1;
  return {contest, /*may_write=*/true, std::nullopt};
}

}  // namespace headroom::controllers
