// What must never be, in the simulation: looked for whenever something has changed, and at every answer.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/limits/simulated_world.h"

namespace headroom::limits {

void World::changed() {
  for (const auto& replica : replicas) replica->store_changed();
  check();
}

void World::check(bool unaware) {
  unaware = unaware || !known_to_all(limits.generation);
  if (!known_to_all(limits.replaced_in)) tolerate(kFlagged, kApiDeadline);
  for (const LimitId ledger : kLimits) {
    const Amounts used = this->used(ledger);
    const Amounts soon = at_most_soon(ledger);
    Amounts& tolerated = tolerated_[ledger];
    const Amounts admitted = soon + reserved(ledger);
    const bool tolerant = unaware || agenda.now() <= tolerant_until_[ledger];
    tolerated = tolerant ? most(tolerated, admitted) : least(tolerated, admitted);
    const Amounts bound = most(limits.terms(ledger).hard, tolerated);
    hold_against(ledger, bound, used, "stored");
    hold_against(ledger, bound, soon, "stored if all lands that may");
    for (auto& [request, call] : calls) {
      Amounts& seen = call.most_used[ledger];
      seen = most(seen, used);
    }
  }
}

void World::hold_against(LimitId ledger, const Amounts& hard, const Amounts& used, const char* what) {
  for (std::size_t i = 0; i < hard.size(); ++i) {
    if (used[i] <= hard[i]) continue;
    violation(absl::StrCat("limit ", ledger, " dimension ", i, ": ", Quantity::from_nano(used[i]).to_string(), " ",
                           what, ", of ", Quantity::from_nano(hard[i]).to_string()));
  }
}

void World::tolerate(LimitId ledger, Seconds time) {
  tolerant_until_[ledger] = std::max(tolerant_until_[ledger], agenda.now() + time);
}

bool World::known_to_all(std::int64_t generation) const {
  return std::ranges::all_of(replicas, [&](const auto& replica) { return replica->knows(generation); });
}

Amounts World::used(LimitId ledger) const {
  Amounts sum(limits.terms(ledger).hard.size());
  for (const auto& [name, object] : store.objects()) {
    for (const Membership& one : limits.memberships(object)) {
      if (ledger_of(one.limit) == ledger && one.matches) sum += one.amounts;
    }
  }
  return sum;
}

Amounts World::reserved(LimitId ledger) const {
  Amounts sum(limits.terms(ledger).hard.size());
  for (const auto& replica : replicas) {
    if (replica->escrow() != nullptr) sum += replica->escrow()->pending(limits.id_of(ledger));
  }
  return sum;
}

Amounts World::at_most_soon(LimitId ledger) const {
  std::map<std::string, Amounts> by_name;
  const auto raise = [&](const StoredObject& object) {
    for (const Membership& one : limits.memberships(object)) {
      if (ledger_of(one.limit) == ledger && one.matches) by_name[object.name] = most(by_name[object.name], one.amounts);
    }
  };
  for (const auto& [name, object] : store.objects()) raise(object);
  for (const auto& [token, intent] : in_flight_) {
    // An update lands upon the version that it was made for, or not at all.
    const auto stored = store.objects().find(intent.object.name);
    if (intent.create || (stored != store.objects().end() && stored->second.uid == intent.object.uid &&
                          stored->second.version == intent.object.version)) {
      raise(intent.object);
    }
  }
  Amounts sum;
  for (const auto& [name, amounts] : by_name) sum += amounts;
  return sum;
}

void World::look_at_flow() {
  flow_in_use_ = Amounts(kFlowDimensions);
  for (const auto& replica : replicas) {
    if (replica->escrow() != nullptr) flow_in_use_ += replica->escrow()->pending(kFlow);
  }
  const Amounts hard = flow_terms().hard;
  const bool full = flow_in_use_[kConcurrency] >= hard[kConcurrency] || flow_in_use_[kRate] >= hard[kRate];
  // Writes that wait for room beneath a limit ask for units as well, and units go around among those who cannot start.
  const bool others_wait = std::ranges::any_of(kLimits, [&](LimitId limit) { return !store.recalls(limit).empty(); });
  if (full || others_wait) without_room_ = agenda.now();
}

void World::decided(RequestId request, const Verdict& verdict, bool aware) {
  if (flows()) look_at_flow();
  const auto call = calls.find(request);
  if (call == calls.end()) return;
  call->second.aware = aware;
  if (!aware) call->second.limits_known = false;
  if (verdict.kind == Verdict::Kind::Allowed && call->second.let_through) call->second.let_through();
  const bool by_flow = verdict.kind == Verdict::Kind::OverConcurrency || verdict.kind == Verdict::Kind::OverRate;
  // Long enough for a recall, and for whoever had to wait for one.
  constexpr Seconds kLongEnough = 4;
  const bool pauses = options.resume_below < options.flow.max;
  if (by_flow && !options.disturbances && !pauses && without_room_ + kLongEnough < agenda.now()) {
    violation(absl::StrCat("refused by flow, although there was room since ", without_room_, " s"));
  }
}

}  // namespace headroom::limits
