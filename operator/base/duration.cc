#include "operator/base/duration.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <optional>

namespace headroom {
namespace {

// Ten years with their leap days: longer than any festival, far from the end of every integer type.
constexpr std::int64_t kMostDays = 3660;
constexpr std::int64_t kMostNanoseconds = kMostDays * 24 * 3600 * 1'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongestQuote = 64;
  std::string quote(1, '"');
  quote += text.substr(0, kLongestQuote);
  return quote += '"';
}

// Reads digits off the front; nothing when there are none. A number above `most` reads as most + 1.
std::optional<std::int64_t> take_number(std::string_view& text, std::int64_t most) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  std::int64_t number = 0;
  while (!text.empty() && is_digit(text.front())) {
    if (number <= most) number = number * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  return std::min(number, most + 1);
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Nanoseconds of the unit on the front of `text`, 0 for an unknown one.
std::int64_t take_unit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
  };
  // Longer names first: "m" is also the beginning of "ms". The micro sign has two code points.
  static constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                                  {"us", 1'000},
                                                  {"\xC2\xB5s", 1'000},
                                                  {"\xCE\xBCs", 1'000},
                                                  {"ms", 1'000'000},
                                                  {"s", 1'000'000'000},
                                                  {"m", 60'000'000'000},
                                                  {"h", 3'600'000'000'000}}};
  for (const Unit& unit : kUnits) {
    if (take(text, unit.name)) return unit.nanoseconds;
  }
  return 0;
}

// The fraction's digits on the front of `text`, in nanoseconds of `unit` once that is known.
struct Fraction {
  std::int64_t digits = 0, scale = 1;
  bool present = false;
};

Fraction take_fraction(std::string_view& text) {
  Fraction fraction;
  while (!text.empty() && is_digit(text.front())) {
    // 14 digits of an hour are finer than a nanosecond; what follows is cut, as in Go.
    if (fraction.scale < 100'000'000'000'000) {
      fraction.digits = fraction.digits * 10 + (text.front() - '0');
      fraction.scale *= 10;
    }
    fraction.present = true;
    text.remove_prefix(1);
  }
  return fraction;
}

bool is_rfc3339(std::string_view text) {
  constexpr std::string_view kPattern = "dddd-dd-ddTdd:dd:dd";
  const auto matches = [&text](std::string_view pattern) {
    if (text.size() < pattern.size()) return false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == 'd' ? !is_digit(text[i]) : text[i] != pattern[i]) return false;
    }
    text.remove_prefix(pattern.size());
    return true;
  };
  if (!matches(kPattern)) return false;
  if (take(text, ".") && !take_fraction(text).present) return false;
  return (matches("Z") || matches("+dd:dd") || matches("-dd:dd")) && text.empty();
}

}  // namespace

Result<absl::Duration> parse_duration(std::string_view text) {
  const auto malformed = [&](const std::string& what) {
    return invalid("duration " + quoted(text) + " " + what + ": write it like 90s, 1h30m or 250ms");
  };
  std::string_view rest = text;
  const bool negative = take(rest, "-");
  if (!negative) take(rest, "+");
  if (rest == "0") return absl::ZeroDuration();
  if (rest.empty()) return malformed("is empty");

  __extension__ __int128 nanoseconds = 0;
  while (!rest.empty()) {
    const std::optional<std::int64_t> whole = take_number(rest, kMostNanoseconds);
    const Fraction fraction = take(rest, ".") ? take_fraction(rest) : Fraction{};
    if (!whole && !fraction.present) return malformed("is not a number with a unit");
    const std::int64_t unit = take_unit(rest);
    if (unit == 0) return malformed("lacks a unit (ns, us, ms, s, m or h)");
    __extension__ using Wide = __int128;
    nanoseconds +=
        static_cast<Wide>(whole.value_or(0)) * unit + static_cast<Wide>(fraction.digits) * unit / fraction.scale;
    if (nanoseconds > kMostNanoseconds) return malformed("is longer than ten years");
  }
  if (negative && nanoseconds != 0) return malformed("is negative");
  return absl::Nanoseconds(static_cast<std::int64_t>(nanoseconds));
}

std::string format_duration(absl::Duration duration) {
  return duration == absl::ZeroDuration() ? "0s" : absl::FormatDuration(duration);
}

Result<CalendarOffset> parse_calendar_offset(std::string_view text) {
  const auto malformed = [&](const std::string& what) {
    return invalid("offset " + quoted(text) + " " + what + ": write an RFC 5545 duration like -P3D, P1W or -P1DT6H");
  };
  std::string_view rest = text;
  const bool negative = take(rest, "-");
  if (!negative) take(rest, "+");
  if (!take(rest, "P")) return malformed("does not start with P");

  constexpr std::int64_t kMostSeconds = kMostDays * 24 * 3600;
  std::int64_t days = 0, seconds = 0;
  if (const auto number = take_number(rest, kMostDays)) {
    if (take(rest, "W")) {
      if (!rest.empty()) return malformed("combines weeks with other units");
      days = *number * 7;
    } else if (take(rest, "D")) {
      days = *number;
    } else {
      return malformed("has a number without W or D");
    }
  } else if (!rest.starts_with('T')) {
    return malformed("has no number after P");
  }
  if (take(rest, "T")) {
    struct Unit {
      std::string_view letter;
      std::int64_t seconds;
    };
    constexpr std::array<Unit, 3> kUnits = {{{"H", 3600}, {"M", 60}, {"S", 1}}};
    if (rest.empty()) return malformed("ends after T");
    std::size_t next = 0;  // units come in this order, each at most once
    while (!rest.empty()) {
      const auto number = take_number(rest, kMostSeconds);
      while (next < kUnits.size() && !take(rest, kUnits[next].letter)) ++next;
      if (!number || next == kUnits.size())
        return malformed("has something other than hours, minutes, seconds after T");
      seconds += *number * kUnits[next++].seconds;
    }
  }
  if (!rest.empty()) return malformed("has something left at its end");
  if (days * 24 * 3600 + seconds > kMostSeconds) return malformed("reaches further than 3660 days");
  const int sign = negative ? -1 : 1;
  return CalendarOffset{static_cast<int>(days) * sign, absl::Seconds(seconds * sign)};
}

std::string format_calendar_offset(const CalendarOffset& offset) {
  const bool negative = offset.days < 0 || offset.time < absl::ZeroDuration();
  assert(!negative || (offset.days <= 0 && offset.time <= absl::ZeroDuration()));
  const std::int64_t seconds = std::abs(absl::ToInt64Seconds(offset.time));
  std::string text = negative ? "-P" : "P";
  if (offset.days != 0 || seconds == 0) text += std::to_string(std::abs(offset.days)) + "D";
  if (seconds == 0) return text;
  text += "T";
  const std::int64_t hours = seconds / 3600, minutes = seconds / 60 % 60;
  if (hours != 0) text += std::to_string(hours) + "H";
  // The grammar has no hours followed by seconds: a zero of minutes joins them.
  if (minutes != 0 || (hours != 0 && seconds % 60 != 0)) text += std::to_string(minutes) + "M";
  if (seconds % 60 != 0) text += std::to_string(seconds % 60) + "S";
  return text;
}

Result<absl::Time> parse_rfc3339(std::string_view text) {
  absl::Time time;
  std::string problem;
  // Abseil alone would also take blanks, lower case and "infinite-future".
  if (!is_rfc3339(text) || !absl::ParseTime(absl::RFC3339_full, std::string(text), &time, &problem)) {
    return invalid("time " + quoted(text) +
                   " is not an RFC 3339 instant with a zone: write it like 2026-11-08T00:00:00+05:30");
  }
  return time;
}

std::string format_rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string format_rfc3339_micro(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone());
}

}  // namespace headroom
