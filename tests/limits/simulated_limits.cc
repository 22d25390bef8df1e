#include "tests/limits/simulated_limits.h"

namespace headroom::limits {
namespace {

constexpr Amount kOne = Quantity::kNano;

bool even(int number) { return number % 2 == 0; }

}  // namespace

LimitId SimulatedLimits::id_of(LimitId ledger) const {
  return ledger == kFlagged ? ledger + static_cast<LimitId>(kLedgers.size()) * static_cast<LimitId>(replaced) : ledger;
}

LimitTerms SimulatedLimits::terms(LimitId ledger) const {
  if (ledger == kAll) return {generation, "all", {hard_count * kOne, hard_sum * kOne}, {0, 1}};
  return {generation, even(replaced) ? "flagged" : "others", {hard_flagged * kOne}, {0}};
}

std::vector<Membership> SimulatedLimits::memberships(const StoredObject& object) const {
  std::vector<Membership> memberships{{kAll, true, {kOne, object.amount * kOne}}};
  if (object.type == 0) {
    const bool matches = object.flagged == even(replaced);
    memberships.push_back({id_of(kFlagged), matches, matches ? Amounts{kOne} : Amounts(1)});
  }
  return memberships;
}

Charges SimulatedLimits::charges(const StoredObject* before, const StoredObject& after) const {
  Charges charges;
  for (const Membership& now : memberships(after)) {
    Amounts more = now.amounts;
    if (before != nullptr) {
      for (const Membership& former : memberships(*before)) {
        if (former.limit == now.limit) more = positive(more - former.amounts);
      }
    }
    if (!more.is_zero()) charges.push_back({now.limit, more});
  }
  return charges;
}

}  // namespace headroom::limits
