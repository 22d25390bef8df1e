// Instants and days as tests write them down.
#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <string>

namespace headroom::testing_support {

/// A zone of the database; a test that names an unknown one ends the program.
absl::TimeZone zone(const std::string& name);

/// "2026-11-05 00:00:00", "2026-11-05 00:00" or "2026-11-05" as read on a clock in `zone_name`. Ends the program on
/// anything else, and on times that no clock there ever showed or showed twice.
absl::Time at(const std::string& civil, const std::string& zone_name);

/// The same in Asia/Kolkata.
absl::Time ist(const std::string& civil);

absl::CivilDay day(const std::string& civil);

/// "2026-11-05 00:00:00" in Asia/Kolkata, for messages.
std::string in_ist(absl::Time time);

}  // namespace headroom::testing_support
