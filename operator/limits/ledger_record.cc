#include "operator/limits/ledger_record.h"

#include <algorithm>

namespace headroom::limits {

const Base* LedgerRecord::base(TypeId type) const {
  const auto it = std::ranges::find(bases, type, &Base::type);
  return it == bases.end() ? nullptr : &*it;
}

const Grant* LedgerRecord::grant(const Holder& holder) const {
  const auto it = std::ranges::find(grants, holder, &Grant::holder);
  return it == grants.end() ? nullptr : &*it;
}

bool LedgerRecord::has(const RecallId& recall) const { return std::ranges::find(recalls, recall) != recalls.end(); }

Amounts LedgerRecord::used() const {
  Amounts sum(hard.size());
  for (const Base& base : bases) sum += base.used;
  return sum;
}

Amounts LedgerRecord::granted() const {
  Amounts sum(hard.size());
  for (const Grant& grant : grants) sum += grant.granted;
  return sum;
}

const RecallId* LedgerRecord::oldest_recall() const {
  const auto it = std::ranges::min_element(recalls);
  return it == recalls.end() ? nullptr : &*it;
}

}  // namespace headroom::limits
