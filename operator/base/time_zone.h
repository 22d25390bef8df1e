// IANA zones and civil time. Reading a zone is IO (/usr/share/zoneinfo), so zones are loaded at the rim and passed to
// the planner as values. Thread-safe.
#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <string>

#include "operator/base/result.h"

namespace headroom {

/// Loads an IANA zone; an unknown one is InvalidArgument naming it, with the remedy.
Result<absl::TimeZone> load_time_zone(const std::string& name);

/// Which of two instants a civil time inside a fold means. (A civil time inside a gap is the first instant after it.)
enum class Fold { Earlier, Later };

/// The instant that a civil time means in `zone`.
absl::Time instant_of(absl::CivilSecond civil, const absl::TimeZone& zone, Fold fold = Fold::Earlier);

}  // namespace headroom
