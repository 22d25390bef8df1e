// Room that is held by writes which were let through and never seen stored: another webhook or a quota has refused them
// since, or their client went away. How much that is, and by whose requests. Pure.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "operator/limits/amounts.h"
#include "webhook/app/limit_book.h"

namespace headroom::webhook {

/// On a replica's Lease: UnlandedReport::text().
inline constexpr char kUnlandedAnnotation[] = "headroom.dev/unlanded-writes";

/// A write that was let through longer ago, and is not seen stored, counts as not landed.
absl::Duration unlanded_after(absl::Duration request_deadline);

/// What one user's writes hold of one limit.
struct UnlandedWrites {
  std::string user;  ///< as in the review's userInfo; empty: of all others
  std::int64_t writes = 0;
  limits::Amounts held;  ///< in the order of CompiledLimit::ledger_dimensions()
  bool operator==(const UnlandedWrites&) const = default;
};

/// One row for each user, in descending order of writes; of more than a few users, the rest in one row at the end.
std::vector<UnlandedWrites> by_user(const std::vector<UnlandedWrites>& rows);

/// Of one limit, by_user().
struct UnlandedUnderLimit {
  LimitPtr limit;
  std::vector<UnlandedWrites> by_user;
};

/// What one replica announces of its own writes, for the status.
struct UnlandedReport {
  std::map<std::string, std::vector<UnlandedWrites>> limits;  ///< by the limit's uid

  /// Of more limits than a Lease has room for, those with most writes.
  static UnlandedReport of(const std::vector<UnlandedUnderLimit>& limits);
  /// JSON; empty where there is nothing to say.
  std::string text() const;
  /// What is not of that form says nothing.
  static UnlandedReport parse(std::string_view text);
  bool operator==(const UnlandedReport&) const = default;
};

/// Of one limit, by all these replicas.
std::vector<UnlandedWrites> unlanded_under(const api::ScaleLimit& limit, const std::vector<UnlandedReport>& replicas);

/// "2 of system:serviceaccount:shop:importer, 1 of ann".
std::string who(const std::vector<UnlandedWrites>& rows);

}  // namespace headroom::webhook
