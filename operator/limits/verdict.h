// What the ledger says of a write. Pure values.
#pragma once

#include <absl/time/time.h>

#include <cstddef>

#include "operator/limits/amounts.h"
#include "operator/limits/identity.h"

namespace headroom::limits {

struct Verdict {
  enum class Kind {
    Allowed,
    OverLimit,        ///< final: at a moment after the write was asked for, what was stored left no room for it
    OverConcurrency,  ///< as many writes are in progress as may be, and so many wait, or it has waited its time
    OverRate,         ///< as many writes were let through lately as may be
    InFlight,         ///< it fits what is stored; writes that have not landed yet, or may never land, hold the rest
    NameTaken,        ///< final: an object of this name was stored when looked for, after the create was asked for
    Unavailable,      ///< the ledger, the cache or this replica's Lease cannot be trusted now
  };
  Kind kind = Kind::Allowed;
  // Of the first limit that stands in the way:
  LimitId limit = 0;
  std::size_t dimension = 0;
  Amount used = 0;   ///< stored; of flow: in use
  Amount asked = 0;  ///< by this write
  Amount hard = 0;
  absl::Duration retry_after = absl::ZeroDuration();  ///< when it may fit, where that is known
};

}  // namespace headroom::limits
