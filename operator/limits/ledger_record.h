// The record that all webhook replicas share about one limit: what is stored as of a revision, and how much of the
// rest each replica may admit by itself. Changed by compare-and-swap only. Pure values; its JSON is api::LimitLedger.
//
// What makes it safe: for each dimension, used + Σ (granted - what its holder could settle) <= hard, whoever moved the
// base. A base that another replica moves may count writes that their admitter still holds a grant for; counting them
// twice delays, counting them never would overshoot. So a holder spends a grant once, until a swap of its own settles.
// Where more is granted than that, by an advance on what deletes will free, whoever took it spends no more of it than
// its own cache leaves room for beside all that others hold (LimitAccount::affordable()).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operator/limits/amounts.h"
#include "operator/limits/identity.h"

namespace headroom::limits {

/// What is stored of one type, as of a revision of that type.
struct Base {
  TypeId type = 0;
  Revision revision = 0;
  Amounts used;
};

/// The same in every ledger that one replica raises it on, so that all agree which recall is the oldest.
struct RecallId {
  std::int64_t raised = 0;  ///< microseconds since 1970 on its holder's clock; orders, and measures nothing
  Holder holder;
  std::int64_t sequence = 0;

  auto operator<=>(const RecallId&) const = default;
};

struct Grant {
  Holder holder;
  Amounts granted;
  std::int64_t sequence = 0;    ///< the holder's last swap: tells it whether a swap whose answer was lost has landed
  std::int64_t generation = 0;  ///< of the hard that it goes by; until it goes by the record's it spends nothing
  RecallId recall_ack{};        ///< the newest recall by another that it has answered

  bool operator==(const Grant&) const = default;
};

struct LedgerRecord {
  std::string resource_version;  ///< what a swap is conditional upon; empty before the record exists
  std::int64_t generation = 0;   ///< of the limit that `hard` and `selection` come from
  std::int64_t epoch = 0;        ///< counts the changes of what is counted, and the returns from a restored store
  std::string selection;         ///< digest of what is counted; bases of another are never merged
  Amounts hard;
  std::vector<Base> bases;
  std::vector<Grant> grants;
  std::vector<RecallId> recalls;

  const Base* base(TypeId type) const;
  const Grant* grant(const Holder& holder) const;
  bool has(const RecallId& recall) const;
  /// The base of all types together.
  Amounts used() const;
  Amounts granted() const;
  /// What no base and no grant speaks for; negative where a limit was lowered, or somebody took an advance.
  Amounts left() const { return hard - used() - granted(); }
  /// Null when none is open.
  const RecallId* oldest_recall() const;
};

}  // namespace headroom::limits
