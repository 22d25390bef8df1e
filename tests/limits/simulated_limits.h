// The limits of the simulation as of one generation: what they say, and what objects count under them. Pure.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <vector>

#include "operator/limits/escrow.h"
#include "tests/limits/simulated_store.h"

namespace headroom::limits {

/// The ledger of a limit: one that replaces another takes its ledger, and is another limit.
constexpr LimitId ledger_of(LimitId limit) { return limit % kLedgers.size(); }

struct SimulatedLimits {
  std::int64_t generation = 1;
  int hard_count = 0, hard_sum = 0;  ///< over both types
  int hard_flagged = 0;              ///< over flagged objects of type 0
  /// How often the limit over flagged objects has made place for one over those that it does not count.
  int replaced = 0;
  std::int64_t replaced_in = 0;  ///< the generation in which it last did

  LimitId id_of(LimitId ledger) const;
  /// Of all but the flow.
  LimitTerms terms(LimitId ledger) const;
  /// What an object counts under each limit.
  std::vector<Membership> memberships(const StoredObject& object) const;
  /// The charge of a write from `before` (null: a create) to `after`.
  Charges charges(const StoredObject* before, const StoredObject& after) const;
};

}  // namespace headroom::limits
