#include "operator/controllers/boundaries.h"

#include <algorithm>

namespace headroom::controllers {
namespace {

api::BoundaryStatus boundary_of(const plan::Transition& transition, absl::Duration late_by) {
  return {transition.at, transition.occurrence, transition.phase, to_string(transition.event), late_by};
}

bool same(const plan::Transition& transition, const api::BoundaryStatus& boundary) {
  // Status keeps whole seconds.
  return absl::AbsDuration(transition.at - boundary.at) < absl::Seconds(1) &&
         transition.occurrence == boundary.occurrence && transition.phase == boundary.phase &&
         to_string(transition.event) == boundary.event;
}

/// From when on boundaries count as ours to process; InfiniteFuture: none of those that have passed.
absl::Time first_look_from(const BoundaryQuestion& question) {
  const bool spec_known = question.before.observed_generation == question.meta.generation;
  if (spec_known && question.before.last_boundary) return question.before.last_boundary->at;
  const bool never_edited = question.meta.generation <= 1;
  if ((spec_known || never_edited) && question.meta.created) return *question.meta.created;
  return absl::InfiniteFuture();
}

}  // namespace

const char* to_string(plan::Transition::Event event) {
  return event == plan::Transition::Event::Start ? "Start" : "End";
}

BoundaryAccount account_boundaries(const BoundaryQuestion& question) {
  BoundaryAccount account{question.before.last_boundary, question.before.missed_boundaries, {}, 0};
  const absl::Time from = question.looked_until ? *question.looked_until : first_look_from(question);
  if (from < question.now) {
    account.passed = plan::transitions_between(question.schedule, from, question.now);
    // The stored instant lacks its fraction, so its own boundary seems to come after it.
    if (account.last) {
      std::erase_if(account.passed,
                    [&](const plan::Transition& transition) { return same(transition, *account.last); });
    }
  }
  if (!account.passed.empty()) {
    account.last =
        boundary_of(account.passed.back(), absl::Trunc(question.now - account.passed.back().at, absl::Milliseconds(1)));
    if (!question.looked_until) account.newly_missed = static_cast<std::int64_t>(account.passed.size());
    account.missed += account.newly_missed;
    return account;
  }
  if (!account.last || account.last->at < question.schedule.window_from) return account;
  // Does what is stored still stand in the schedule as it is now?
  const auto at_that_time = plan::transitions_between(question.schedule, account.last->at - absl::Seconds(1),
                                                      account.last->at + absl::Seconds(1));
  const bool stands =
      std::ranges::any_of(at_that_time, [&](const plan::Transition& one) { return same(one, *account.last); });
  if (stands) return account;
  const auto past = plan::transitions_between(question.schedule, question.schedule.window_from, question.now);
  account.last = past.empty() ? std::nullopt : std::optional(boundary_of(past.back(), absl::ZeroDuration()));
  return account;
}

}  // namespace headroom::controllers
