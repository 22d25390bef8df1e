#include "operator/cli/when.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "operator/base/duration.h"
#include "operator/base/time_zone.h"
#include "operator/plan/compile.h"

namespace headroom::cli {
namespace {

/// As far as parse_duration goes.
constexpr int kMostDays = 3660;

/// Takes "2w" off the front; nothing where another unit follows the number.
std::optional<int> take_number_of(std::string_view& text, char unit) {
  int number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end == text.data() + text.size() || *end != unit || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

/// "2w3d12h30m" as days and a length of time; nothing where it is something else, or too long.
std::optional<CalendarOffset> parse_distance(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const int weeks = take_number_of(text, 'w').value_or(0);
  const int days = take_number_of(text, 'd').value_or(0);
  if (weeks > kMostDays / 7 || days > kMostDays || weeks * 7 + days > kMostDays) return std::nullopt;
  CalendarOffset distance{weeks * 7 + days, absl::ZeroDuration()};
  if (!text.empty()) {
    const Result<absl::Duration> rest = parse_duration(text);
    if (!rest) return std::nullopt;
    distance.time = rest.value();
  }
  return distance;
}

}  // namespace

Result<absl::Time> parse_when(const std::string& text, const std::string& flag, const absl::TimeZone& zone,
                              absl::Time now) {
  if (text == "now") return now;
  if (text.starts_with('+') || text.starts_with('-')) {
    if (std::optional<CalendarOffset> distance = parse_distance(std::string_view(text).substr(1))) {
      if (text.front() == '-') *distance = {-distance->days, -distance->time};
      return plan::offset_instant(now, *distance, zone, Fold::Earlier);
    }
    return invalid(
        flag + ": '" + text +
        "' is no distance from now of at most ten years; write weeks, days and hours like +2w, +30d, +36h or "
        "+1d12h");
  }
  if (const auto instant = parse_rfc3339(text)) return instant.value();
  absl::CivilSecond civil;
  // "2027-10-29 18:00" reads like "2027-10-29T18:00".
  std::string normal = text;
  if (normal.size() > 10 && normal[10] == ' ') normal[10] = 'T';
  if (absl::ParseLenientCivilTime(normal, &civil)) return instant_of(civil, zone);
  return invalid(flag + ": '" + text +
                 "' is no time; write 2027-10-29, 2027-10-29T18:00, 2027-10-29T18:00:00+05:30, now, +36h, +30d or +2w");
}

}  // namespace headroom::cli
