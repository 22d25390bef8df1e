// The two duration notations of the API: Go's ("90s", "1h30m") for lengths of time, RFC 5545 §3.3.6 ("-P3D", "P1W",
// "-P1DT6H") for offsets on a calendar. Pure, thread-safe.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace headroom {

/// Go's time.ParseDuration syntax, not negative, at most 10 years. Units ns, us, ms, s, m, h.
Result<absl::Duration> parse_duration(std::string_view text);
/// Shortest Go notation: "1h30m", "90s" becomes "1m30s", zero is "0s".
std::string format_duration(absl::Duration duration);

/// An RFC 5545 duration kept in its two halves, because days are civil and hours are exact: `-P3D` is local midnight
/// three dates earlier, whatever a clock change makes of the hours between.
struct CalendarOffset {
  int days = 0;                                ///< weeks count seven; signed
  absl::Duration time = absl::ZeroDuration();  ///< hours, minutes, seconds; signed as `days`

  bool operator==(const CalendarOffset&) const = default;
};

/// At most 3660 days either way.
Result<CalendarOffset> parse_calendar_offset(std::string_view text);
std::string format_calendar_offset(const CalendarOffset& offset);

/// RFC 3339 with a zone ("2026-11-08T00:00:00+05:30"); fractions accepted.
Result<absl::Time> parse_rfc3339(std::string_view text);
/// UTC with second precision, as Kubernetes writes metav1.Time.
std::string format_rfc3339(absl::Time time);
/// UTC with microseconds, as Kubernetes writes metav1.MicroTime.
std::string format_rfc3339_micro(absl::Time time);

}  // namespace headroom
