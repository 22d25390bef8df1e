// Which webhook replicas are alive, told from the renewals of their Leases. Pure; not thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <cstddef>
#include <optional>

#include "operator/limits/identity.h"

namespace headroom::limits {

/// Times are those at which this replica saw things: other machines' clocks are never compared.
class Holders {
 public:
  /// `life`: how long a renewal lasts. `request_deadline`: how long a write that was admitted may still land.
  Holders(absl::Duration life, absl::Duration request_deadline) : life_(life), request_deadline_(request_deadline) {}

  /// A renewal of its Lease.
  void renewed(const Holder& holder, BootTime now);
  /// A grant of it; it counts as renewed now where nothing was known of it.
  void noticed(const Holder& holder, BootTime now);

  /// How many are alive, `self` not counted.
  std::size_t others_alive(const Holder& self, BootTime now) const;
  bool alive(const Holder& holder, BootTime now) const;
  /// Since when nothing that it admitted can land any more, as far as was heard of it; null while something may.
  std::optional<BootTime> silent_since(const Holder& holder, BootTime now) const;
  /// Its Lease was read, not only watched, in a read begun at `begun`, and shows no renewal beyond what was heard: a
  /// watch that stalls makes the living look dead. A life that has lapsed never comes back, so this stays true.
  void confirm_silence(const Holder& holder, BootTime begun);
  /// As silent_since(), and confirmed. Then its grants may be dropped, together with a base at the revision of a
  /// consistent read begun after that.
  std::optional<BootTime> over_since(const Holder& holder, BootTime now) const;
  /// Forgets those whose last renewal is older.
  void forget_before(BootTime before);

 private:
  absl::Duration life_, request_deadline_;
  struct Life {
    BootTime renewed;
    bool confirmed_over = false;
  };
  absl::flat_hash_map<std::pair<std::string, std::int64_t>, Life> lives_;
};

}  // namespace headroom::limits
