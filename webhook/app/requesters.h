// The users whose writes are let through, as numbers: the ledger keeps one per write. Not thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "operator/limits/reservations.h"

namespace headroom::webhook {

class Requesters {
 public:
  /// A user that has none yet gets a number that was never used before; 0 while there are too many.
  limits::Requester number_of(std::string_view user);
  /// Empty for 0, and for one that was forgotten. Long names are cut.
  std::string name_of(limits::Requester requester) const;

  /// There are so many that those without a write should be forgotten.
  bool crowded() const { return names_.size() * 2 >= kMost; }
  void retain(const std::set<limits::Requester>& used);

 private:
  static constexpr std::size_t kMost = 2000;

  absl::flat_hash_map<std::string, limits::Requester> numbers_;
  absl::flat_hash_map<limits::Requester, std::string> names_;
  limits::Requester last_ = 0;
};

}  // namespace headroom::webhook
