// One sum of very many objects in eight bytes each. Not thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <vector>

#include "operator/limits/amounts.h"

namespace headroom::limits {

/// Exact amounts by slot. What 62 bits hold in whole units, thousandths, millionths or billionths takes eight bytes;
/// the rare rest lies beside.
class UsageColumn {
 public:
  Amount get(std::uint32_t slot) const;
  void set(std::uint32_t slot, Amount amount);

 private:
  std::vector<std::int64_t> packed_;
  absl::flat_hash_map<std::uint32_t, Amount> large_;
};

}  // namespace headroom::limits
