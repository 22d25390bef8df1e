#include "operator/plan/walk.h"

#include <algorithm>
#include <utility>

#include "operator/plan/near_schedules.h"

namespace headroom::plan {
namespace {

/// More steps at one instant than any ladder of clones has.
constexpr int kMostStepsAtOnce = 1000;

bool same(const Decision& a, const Decision& b) {
  return a.active == b.active && a.frozen == b.frozen && a.size == b.size && a.min == b.min && a.max == b.max &&
         a.decided_by == b.decided_by && a.reasons == b.reasons;
}

/// Whether a size that has been written can make the next decision differ at once: where it goes step by step, or where
/// others wait for it.
bool goes_by_steps(const DecideTarget& target) {
  const api::ScaleTargetSpec& spec = *target.spec;
  return spec.role == api::Role::ReadReplica || spec.ramp_up || spec.ramp_down ||
         spec.suspend != api::SuspendMode::None;
}

bool has_waves(const CompiledSchedule& schedule) {
  return schedule.spec.suspend != api::SuspendMode::None ||
         std::ranges::any_of(schedule.phases, [](const CompiledPhase& phase) { return !phase.waves.empty(); });
}

/// Decides and writes until nothing moves at this instant any more.
DecideResult settle(WalkInput& input, absl::Time now, std::span<const std::shared_ptr<const CompiledSchedule>> asked) {
  std::vector<std::vector<api::StartedLead>> begun(input.targets.size());
  const bool waves = std::ranges::any_of(asked, [](const auto& schedule) { return has_waves(*schedule); });
  DecideResult decided;
  for (int step = 0; step < kMostStepsAtOnce; ++step) {
    decided = decide({now, input.targets, asked, input.regions});
    bool moved = false;
    for (std::size_t t = 0; t < decided.decisions.size(); ++t) {
      const Decision& decision = decided.decisions[t];
      begun[t].insert(begun[t].end(), decision.leads_begun.begin(), decision.leads_begun.end());
      TargetObservation& observed = input.targets[t].observed;
      if (decision.awaiting_approval && input.approve_removals && observed.approved_size != 0) {
        observed.approved_size = 0;
        moved = true;
      }
      const std::optional<int> before = observed.in_force;
      take_as_written(observed, decision, now);
      moved |= observed.in_force != before && (waves || goes_by_steps(input.targets[t]));
    }
    if (!moved) break;
  }
  // A lead that began on the way is told by the row, although the last step no longer finds it new.
  for (std::size_t t = 0; t < begun.size(); ++t) decided.decisions[t].leads_begun = std::move(begun[t]);
  return decided;
}

}  // namespace

void take_as_written(TargetObservation& observed, const Decision& decision, absl::Time now) {
  if (!observed.originals) return;
  const std::optional<int> in_force = decision.active ? std::optional(decision.size) : std::nullopt;
  if (in_force != observed.in_force) observed.in_force_since = now;
  observed.in_force = in_force;
  if (!in_force) observed.in_force_since.reset();
  observed.current = observed.ready = decision.size;
  observed.decided_by_schedule = decision.decided_by_schedule;
  observed.started_leads.insert(observed.started_leads.end(), decision.leads_begun.begin(), decision.leads_begun.end());
}

const Decision* Walk::decision_at(int target, absl::Time at) const {
  const Decision* latest = nullptr;
  for (const WalkRow& row : rows) {
    if (row.at > at) break;
    for (const WalkChange& change : row.changes) {
      if (change.target == target) latest = &change.decision;
    }
  }
  return latest;
}

void walk(WalkInput input, WalkVisitor visit) {
  std::vector<Decision> last;
  NearSchedules near(input.schedules, input.targets);
  for (absl::Time now = input.from; now <= input.to;) {
    near.move_to(now, input.targets);
    DecideResult decided = settle(input, now, near.schedules());
    WalkRow row{now, {}};
    for (std::size_t t = 0; t < decided.decisions.size(); ++t) {
      if (!last.empty() && same(last[t], decided.decisions[t])) continue;
      row.changes.push_back({static_cast<int>(t), decided.decisions[t]});
    }
    if (!row.changes.empty() && !visit(row, decided)) return;
    const absl::Time next = std::min(decided.next_transition.value_or(absl::InfiniteFuture()),
                                     near.next().value_or(absl::InfiniteFuture()));
    last = std::move(decided.decisions);
    if (next <= now || next == absl::InfiniteFuture()) return;
    now = next;
  }
}

Walk walk(WalkInput input) {
  Walk result;
  const int most = input.max_rows;
  walk(std::move(input), [&](const WalkRow& row, const DecideResult&) {
    if (static_cast<int>(result.rows.size()) >= most) {
      result.complete = false;
      return false;
    }
    result.rows.push_back(row);
    return true;
  });
  return result;
}

}  // namespace headroom::plan
