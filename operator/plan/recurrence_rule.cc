// Reading and checking of RRULEs; expansion is in recurrence.cc.
#include "operator/plan/recurrence.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

using Frequency = RecurrenceRule::Frequency;

constexpr std::size_t kLongestRule = 1024;
constexpr int kMostInterval = 10'000, kMostCount = 100'000;
constexpr std::size_t kMostValues = 400;  // every day of a year, and some

constexpr std::array<std::pair<std::string_view, absl::Weekday>, 7> kWeekdays = {{{"MO", absl::Weekday::monday},
                                                                                  {"TU", absl::Weekday::tuesday},
                                                                                  {"WE", absl::Weekday::wednesday},
                                                                                  {"TH", absl::Weekday::thursday},
                                                                                  {"FR", absl::Weekday::friday},
                                                                                  {"SA", absl::Weekday::saturday},
                                                                                  {"SU", absl::Weekday::sunday}}};

Error wrong(std::string_view part, std::string_view value, std::string_view remedy) {
  return invalid(concat("rrule: ", part, "=", value.substr(0, 64), " ", remedy));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Digits with an optional sign, at most six of them.
std::optional<int> number(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) digits.remove_prefix(1);
  int value = 0;
  if (digits.empty() || digits.size() > 6 || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return text.front() == '-' ? -value : value;
}

std::optional<absl::Weekday> weekday(std::string_view text) {
  const auto found = std::ranges::find(kWeekdays, text, &std::pair<std::string_view, absl::Weekday>::first);
  return found == kWeekdays.end() ? std::nullopt : std::optional(found->second);
}

/// A comma list of numbers with 1 ≤ |n| ≤ most, negative ones only where `from_end`.
Result<std::vector<int>> numbers(std::string_view part, std::string_view value, int most, bool from_end) {
  std::vector<int> list;
  bool right = true;
  for_each_piece(value, ',', [&](std::string_view item) {
    const std::optional<int> n = number(item);
    right = right && n && *n != 0 && std::abs(*n) <= most && (*n > 0 || from_end) && list.size() < kMostValues;
    list.push_back(n.value_or(0));
  });
  if (right) return list;
  return wrong(part, value,
               concat("must list numbers from ", from_end ? -most : 1, " to ", most, from_end ? ", not 0" : ""));
}

Result<std::vector<RecurrenceRule::DayOfWeek>> days_of_week(std::string_view value) {
  std::vector<RecurrenceRule::DayOfWeek> list;
  bool right = true;
  for_each_piece(value, ',', [&](std::string_view item) {
    const std::size_t split = item.size() < 2 ? 0 : item.size() - 2;
    const std::optional<absl::Weekday> day = weekday(item.substr(split));
    const std::optional<int> ordinal = split == 0 ? std::optional(0) : number(item.substr(0, split));
    right = right && day && ordinal && std::abs(*ordinal) <= 53 && (split == 0 || *ordinal != 0) &&
            list.size() < kMostValues;
    if (right) list.push_back({*day, *ordinal});
  });
  if (right) return list;
  return wrong("BYDAY", value, "must list days such as MO, 2TU or -1SU");
}

Status read_until(std::string_view value, RecurrenceRule& rule) {
  const Error malformed = wrong("UNTIL", value, "must be a date such as 20271231, or one with a time in UTC");
  std::string_view rest = value;
  const auto take = [&](std::size_t digits) -> int {
    const std::optional<int> n = rest.size() >= digits ? number(rest.substr(0, digits)) : std::nullopt;
    if (!n || !is_digit(rest.front())) return -1;
    rest.remove_prefix(digits);
    return *n;
  };
  const int year = take(4), month = take(2), day = take(2);
  int hour = 0, minute = 0, second = 0;
  if (year < 0 || month < 0 || day < 0) return malformed;
  if (!rest.empty()) {
    if (rest.front() != 'T') return malformed;
    rest.remove_prefix(1);
    rule.until_has_time = true;
    hour = take(2), minute = take(2), second = take(2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return malformed;
    rule.until_utc = rest == "Z";
    if (!rest.empty() && !rule.until_utc) return malformed;
  }
  const absl::CivilSecond until(year, month, day, hour, minute, std::min(second, 59));
  // Civil types normalise: the 30th of February would become the 2nd of March.
  if (until.month() != month || until.day() != day || year == 0) return malformed;
  rule.until = until;
  return ok();
}

Status read_part(std::string_view name, std::string_view value, RecurrenceRule& rule) {
  const auto list = [&](std::vector<int>& into, int most, bool from_end) -> Status {
    BOOST_OUTCOME_TRY(read, numbers(name, value, most, from_end));
    into = std::move(read);
    return ok();
  };
  if (name == "FREQ") {
    static constexpr std::array<std::pair<std::string_view, Frequency>, 4> kFrequencies = {
        {{"DAILY", Frequency::Daily},
         {"WEEKLY", Frequency::Weekly},
         {"MONTHLY", Frequency::Monthly},
         {"YEARLY", Frequency::Yearly}}};
    const auto found = std::ranges::find(kFrequencies, value, &std::pair<std::string_view, Frequency>::first);
    if (found == kFrequencies.end()) return wrong(name, value, "must be DAILY, WEEKLY, MONTHLY or YEARLY");
    rule.frequency = found->second;
  } else if (name == "INTERVAL" || name == "COUNT") {
    const int most = name == "COUNT" ? kMostCount : kMostInterval;
    const std::optional<int> n = number(value);
    if (!n || *n < 1 || *n > most) return wrong(name, value, concat("must be from 1 to ", most));
    if (name == "COUNT") {
      rule.count = n;
    } else {
      rule.interval = *n;
    }
  } else if (name == "UNTIL") {
    return read_until(value, rule);
  } else if (name == "WKST") {
    const std::optional<absl::Weekday> start = weekday(value);
    if (!start) return wrong(name, value, "must be one of MO, TU, WE, TH, FR, SA, SU");
    rule.week_start = *start;
  } else if (name == "BYDAY") {
    BOOST_OUTCOME_TRY(days, days_of_week(value));
    rule.by_day = std::move(days);
  } else if (name == "BYMONTHDAY") {
    return list(rule.by_month_day, 31, true);
  } else if (name == "BYYEARDAY") {
    return list(rule.by_year_day, 366, true);
  } else if (name == "BYWEEKNO") {
    return list(rule.by_week, 53, true);
  } else if (name == "BYMONTH") {
    return list(rule.by_month, 12, false);
  } else if (name == "BYSETPOS") {
    return list(rule.by_set_position, 366, true);
  } else if (name == "BYHOUR" || name == "BYMINUTE" || name == "BYSECOND") {
    return wrong(name, value, "speaks of the time of day: leave it out, occurrences are days");
  } else {
    return wrong(name, value, "is not a part of a rule that is understood here: leave it out");
  }
  return ok();
}

/// RFC 5545 §3.3.10: which part may stand beside which.
Status check_combination(const RecurrenceRule& rule) {
  const bool yearly = rule.frequency == Frequency::Yearly, monthly = rule.frequency == Frequency::Monthly;
  const bool ordinals = std::ranges::any_of(rule.by_day, [](const auto& day) { return day.ordinal != 0; });
  if (rule.count && rule.until) return invalid("rrule: COUNT and UNTIL exclude each other: keep one");
  if (!rule.by_week.empty() && !yearly) return invalid("rrule: BYWEEKNO needs FREQ=YEARLY");
  if (!rule.by_year_day.empty() && !yearly) return invalid("rrule: BYYEARDAY needs FREQ=YEARLY");
  if (!rule.by_month_day.empty() && rule.frequency == Frequency::Weekly) {
    return invalid("rrule: BYMONTHDAY does not go with FREQ=WEEKLY: use MONTHLY");
  }
  if (ordinals && !yearly && !monthly) {
    return invalid("rrule: BYDAY with a number (2TU) needs FREQ=MONTHLY or YEARLY");
  }
  if (ordinals && !rule.by_week.empty()) {
    return invalid("rrule: BYDAY with a number (2TU) does not go with BYWEEKNO: leave the number out");
  }
  const bool narrowed = !rule.by_day.empty() || !rule.by_month_day.empty() || !rule.by_year_day.empty() ||
                        !rule.by_week.empty() || !rule.by_month.empty();
  if (!rule.by_set_position.empty() && !narrowed) {
    return invalid("rrule: BYSETPOS picks from another BY part: add one, such as BYDAY");
  }
  return ok();
}

}  // namespace

Result<RecurrenceRule> parse_rrule(const std::string& rrule) {
  if (rrule.size() > kLongestRule) {
    return invalid(concat("rrule: has ", rrule.size(), " characters: at most ", kLongestRule));
  }
  const std::string upper = upper_case(rrule);  // names and values are case-insensitive
  std::vector<std::string_view> parts, seen;
  for_each_piece(upper, ';', [&](std::string_view part) { parts.push_back(part); });
  RecurrenceRule rule;
  for (const std::string_view part : parts) {
    const std::size_t equals = part.find('=');
    if (equals == 0 || equals == std::string_view::npos || equals + 1 == part.size()) {
      return invalid(concat("rrule: \"", part.substr(0, 64), "\" must be NAME=VALUE"));
    }
    const std::string_view name = part.substr(0, equals), value = part.substr(equals + 1);
    if (std::ranges::find(seen, name) != seen.end()) return wrong(name, value, "is given twice: keep one");
    seen.push_back(name);
    BOOST_OUTCOME_TRYV(read_part(name, value, rule));
  }
  if (std::ranges::find(seen, "FREQ") == seen.end()) {
    return invalid("rrule: FREQ is missing: add FREQ=DAILY, WEEKLY, MONTHLY or YEARLY");
  }
  BOOST_OUTCOME_TRYV(check_combination(rule));
  return rule;
}

Status check_rrule(const std::string& rrule) {
  BOOST_OUTCOME_TRYV(parse_rrule(rrule));
  return ok();
}

}  // namespace headroom::plan
