// RRULE expansion to civil dates (RFC 5545 §3.3.10). libical turns rules into dates and nothing else: zones and clock
// changes are ours (it resolves gaps differently). Pure; not cheap, so never called from the reconcile path without the
// bounds below.
#pragma once

#include <absl/time/civil_time.h>

#include <string>
#include <vector>

#include "operator/base/result.h"

namespace headroom::plan {

/// Bounds on one expansion: some rules never return from a single step of the iterator, others yield a billion dates.
struct RecurrenceBounds {
  absl::CivilDay from, to;  ///< inclusive; dates outside are not returned
  int max_dates = 1000;     ///< more is an error that says so
};

/// Checks a rule before it reaches the iterator: DAILY or coarser, parts RFC 5545 allows for the frequency, INTERVAL and
/// COUNT within [1, 100000], not both COUNT and UNTIL. The message names the part, its value and the remedy.
Status check_rrule(const std::string& rrule);

/// The dates of `rrule` from `start` on, without `exdates`, within `bounds`, ascending.
Result<std::vector<absl::CivilDay>> expand_rrule(const std::string& rrule, absl::CivilDay start,
                                                 const std::vector<absl::CivilDay>& exdates,
                                                 const RecurrenceBounds& bounds);

}  // namespace headroom::plan
