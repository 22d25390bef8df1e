#include "operator/limits/amounts.h"

#include <algorithm>

namespace headroom::limits {
namespace {

template <class Choose>
Amounts each(const Amounts& left, const Amounts& right, Choose choose) {
  Amounts chosen(std::max(left.size(), right.size()));
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen.at(i) = choose(left[i], right[i]);
  return chosen;
}

}  // namespace

Amounts most(const Amounts& left, const Amounts& right) {
  return each(left, right, [](Amount a, Amount b) { return a < b ? b : a; });
}

Amounts least(const Amounts& left, const Amounts& right) {
  return each(left, right, [](Amount a, Amount b) { return a < b ? a : b; });
}

Amounts positive(const Amounts& amounts) { return most(amounts, {}); }

}  // namespace headroom::limits
