// timestamp(), duration(), and what their parts are.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/civil_time.h>

#include <charconv>
#include <limits>

#include "operator/base/duration.h"
#include "operator/cel/expression.h"

namespace headroom::cel {
namespace {

Result<Value> to_timestamp(const Call& call) {
  if (call[0].as<absl::Time>()) return call[0];
  if (const auto* seconds = call[0].as<std::int64_t>()) {
    if (*seconds < -62135596800 || *seconds >= 253402300800) return cel_error("timestamp overflow");  // years 1 to 9999
    return Value(absl::FromUnixSeconds(*seconds));
  }
  if (const auto* text = call[0].as<std::string>()) {
    const auto time = parse_rfc3339(*text);
    if (!time) return cel_error(absl::StrCat("type conversion error: \"", *text, "\" is no timestamp"));
    return Value(time.value());
  }
  return no_such_overload("timestamp", call);
}

Result<Value> to_duration(const Call& call) {
  if (call[0].as<absl::Duration>()) return call[0];
  if (const auto* nanoseconds = call[0].as<std::int64_t>()) return Value(absl::Nanoseconds(*nanoseconds));
  if (const auto* text = call[0].as<std::string>()) {
    BOOST_OUTCOME_TRY(duration, parse_go_duration(*text));
    return Value(duration);
  }
  return no_such_overload("duration", call);
}

enum class Part { Year, Month, Day, DayOfMonth, DayOfWeek, DayOfYear, Hours, Minutes, Seconds, Milliseconds };

Result<absl::TimeZone> zone_of(const Call& call) {
  if (call.arguments.size() < 2) return absl::UTCTimeZone();
  const std::string* name = call[1].as<std::string>();
  if (!name) return no_such_overload("zone", call);
  // "+05:30", "-08:00", "05:30"
  const std::size_t colon = name->find(':');
  if (colon == std::string::npos) return call.evaluation.zone(*name);
  const bool negative = name->starts_with('-');
  const std::size_t from = negative || name->starts_with('+') ? 1 : 0;
  int hours = 0, minutes = 0;
  if (!absl::SimpleAtoi(name->substr(from, colon - from), &hours) ||
      !absl::SimpleAtoi(name->substr(colon + 1), &minutes) || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
    return cel_error(absl::StrCat("no time zone: ", *name));
  }
  return absl::FixedTimeZone((negative ? -1 : 1) * (hours * 3600 + minutes * 60));
}

std::int64_t part_of(Part part, absl::Time time, const absl::TimeZone& zone) {
  const absl::TimeZone::CivilInfo info = zone.At(time);
  const absl::CivilDay day(info.cs);
  switch (part) {
    case Part::Year:
      return info.cs.year();
    case Part::Month:
      return info.cs.month() - 1;
    case Part::Day:
      return info.cs.day();
    case Part::DayOfMonth:
      return info.cs.day() - 1;
    case Part::DayOfWeek:  // absl counts from Monday, CEL from Sunday
      return (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;
    case Part::DayOfYear:
      return absl::GetYearDay(day) - 1;
    case Part::Hours:
      return info.cs.hour();
    case Part::Minutes:
      return info.cs.minute();
    case Part::Seconds:
      return info.cs.second();
    case Part::Milliseconds:
      return absl::ToInt64Milliseconds(info.subsecond);
  }
  return 0;
}

template <Part Which>
Result<Value> part(const Call& call) {
  if (const auto* time = call[0].as<absl::Time>()) {
    BOOST_OUTCOME_TRY(zone, zone_of(call));
    return Value(part_of(Which, *time, zone));
  }
  const auto* duration = call[0].as<absl::Duration>();
  if (!duration || call.arguments.size() > 1) return no_such_overload("get", call);
  switch (Which) {
    case Part::Hours:
      return Value(absl::ToInt64Hours(*duration));
    case Part::Minutes:
      return Value(absl::ToInt64Minutes(*duration));
    case Part::Seconds:
      return Value(absl::ToInt64Seconds(*duration));
    case Part::Milliseconds:
      return Value(absl::ToInt64Milliseconds(*duration) % 1000);
    default:
      return no_such_overload("get", call);
  }
}

constexpr Function kFunctions[] = {
    {"timestamp", false, 1, to_timestamp},
    {"duration", false, 1, to_duration},
    {"getFullYear", true, 1, part<Part::Year>},
    {"getFullYear", true, 2, part<Part::Year>},
    {"getMonth", true, 1, part<Part::Month>},
    {"getMonth", true, 2, part<Part::Month>},
    {"getDate", true, 1, part<Part::Day>},
    {"getDate", true, 2, part<Part::Day>},
    {"getDayOfMonth", true, 1, part<Part::DayOfMonth>},
    {"getDayOfMonth", true, 2, part<Part::DayOfMonth>},
    {"getDayOfWeek", true, 1, part<Part::DayOfWeek>},
    {"getDayOfWeek", true, 2, part<Part::DayOfWeek>},
    {"getDayOfYear", true, 1, part<Part::DayOfYear>},
    {"getDayOfYear", true, 2, part<Part::DayOfYear>},
    {"getHours", true, 1, part<Part::Hours>},
    {"getHours", true, 2, part<Part::Hours>},
    {"getMinutes", true, 1, part<Part::Minutes>},
    {"getMinutes", true, 2, part<Part::Minutes>},
    {"getSeconds", true, 1, part<Part::Seconds>},
    {"getSeconds", true, 2, part<Part::Seconds>},
    {"getMilliseconds", true, 1, part<Part::Milliseconds>},
    {"getMilliseconds", true, 2, part<Part::Milliseconds>},
};

struct Unit {
  const char* name;
  std::int64_t nanoseconds;
};
constexpr Unit kUnits[] = {{"ns", 1},         {"us", 1'000},        {"\u00b5s", 1'000},    {"\u03bcs", 1'000},
                           {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};

}  // namespace

std::span<const Function> time_functions() { return kFunctions; }

Result<absl::Duration> parse_go_duration(std::string_view text) {
  const auto fault = [&] {
    return cel_error(absl::StrCat("type conversion error: \"", std::string(text), "\" is no duration, such as 1h30m"));
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return absl::ZeroDuration();
  if (rest.empty()) return fault();
  Int128 total = 0;
  while (!rest.empty()) {
    Int128 whole = 0, fraction = 0, scale = 1;
    std::size_t digits = 0;
    bool after_point = false;
    for (; !rest.empty(); rest.remove_prefix(1)) {
      const char c = rest[0];
      if (c == '.' && !after_point) {
        after_point = true;
        continue;
      }
      if (c < '0' || c > '9') break;
      ++digits;
      constexpr Int128 kEnough = std::numeric_limits<std::int64_t>::max();
      if (!after_point) {
        whole = whole * 10 + (c - '0');
        if (whole > kEnough) return fault();
      } else if (scale < kEnough / 10) {  // further digits are below a nanosecond
        fraction = fraction * 10 + (c - '0');
        scale *= 10;
      }
    }
    if (digits == 0) return fault();
    std::size_t length = 0;
    while (length < rest.size() && rest[length] != '.' && (rest[length] < '0' || rest[length] > '9')) ++length;
    const Unit* unit = nullptr;
    for (const Unit& each : kUnits) {
      if (rest.substr(0, length) == each.name) unit = &each;
    }
    if (!unit) return fault();
    rest.remove_prefix(length);
    total += whole * unit->nanoseconds + fraction * unit->nanoseconds / scale;
    if (total > Int128{std::numeric_limits<std::int64_t>::max()} + (negative ? 1 : 0)) return fault();
  }
  return absl::Nanoseconds(static_cast<std::int64_t>(negative ? -total : total));
}

}  // namespace headroom::cel
