#include "operator/plan/recurrence.h"

#include <algorithm>
#include <bitset>

#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

using Frequency = RecurrenceRule::Frequency;

int weekday_index(absl::Weekday day) { return static_cast<int>(day); }

/// Days of weeks counted from `start`, 0 to 6.
int days_into_week(absl::CivilDay day, absl::Weekday start) {
  return (weekday_index(absl::GetWeekday(day)) - weekday_index(start) + 7) % 7;
}

int days_in_month(absl::CivilDay day) {
  return static_cast<int>(absl::CivilDay(absl::CivilMonth(day) + 1) - absl::CivilDay(absl::CivilMonth(day)));
}

int days_in_year(absl::CivilDay day) {
  return static_cast<int>(absl::CivilDay(absl::CivilYear(day) + 1) - absl::CivilDay(absl::CivilYear(day)));
}

/// Number of the week that holds `day`: a week belongs to the year that holds its fourth day (ISO 8601).
int week_number(absl::CivilDay day, absl::Weekday start) {
  return (absl::GetYearDay(day + (3 - days_into_week(day, start))) - 1) / 7 + 1;
}

int weeks_in_year_of(absl::CivilDay day, absl::Weekday start) {
  const absl::CivilDay fourth = day + (3 - days_into_week(day, start));
  return week_number(absl::CivilDay(fourth.year(), 12, 28), start);  // always in the last week
}

/// Which days the BY parts let through. A number n and, counted from the end, −m share one set each.
class DayFilter {
 public:
  DayFilter(const RecurrenceRule& rule, absl::CivilDay start) : rule_(rule), days_(rule.by_day) {
    std::vector<int> months = rule.by_month, month_days = rule.by_month_day;
    const bool no_day = days_.empty() && month_days.empty() && rule.by_year_day.empty();
    // What a rule leaves open it takes from its first day.
    if (rule.frequency == Frequency::Yearly && no_day && rule.by_week.empty()) {
      month_days = {start.day()};
      if (months.empty()) months = {start.month()};
    } else if (rule.frequency == Frequency::Monthly && no_day) {
      month_days = {start.day()};
    } else if ((rule.frequency == Frequency::Weekly || !rule.by_week.empty()) && no_day) {
      days_ = {{absl::GetWeekday(start), 0}};
    }
    fill(months_, months);
    fill(month_days_, month_days);
    fill(year_days_, rule.by_year_day);
    fill(weeks_, rule.by_week);
    ordinals_in_month_ = rule.frequency == Frequency::Monthly || !rule.by_month.empty();
  }

  bool passes(absl::CivilDay day) const {
    if (months_.any() && !has(months_, day.month(), 12)) return false;
    if (month_days_.any() && !has(month_days_, day.day(), days_in_month(day))) return false;
    if (year_days_.any() && !has(year_days_, absl::GetYearDay(day), days_in_year(day))) return false;
    if (weeks_.any() && !has(weeks_, week_number(day, rule_.week_start), weeks_in_year_of(day, rule_.week_start))) {
      return false;
    }
    return days_.empty() || std::ranges::any_of(days_, [&](const auto& wanted) { return is(wanted, day); });
  }

 private:
  static constexpr int kZero = 366;
  using Numbers = std::bitset<2 * kZero + 1>;

  static std::size_t place(int n) {
    const int from_zero = n + kZero;
    return static_cast<std::size_t>(from_zero);
  }
  static void fill(Numbers& set, const std::vector<int>& numbers) {
    for (const int n : numbers) set.set(place(n));
  }
  static bool has(const Numbers& set, int n, int of) { return set.test(place(n)) || set.test(place(n - of - 1)); }
  bool is(const RecurrenceRule::DayOfWeek& wanted, absl::CivilDay day) const {
    if (absl::GetWeekday(day) != wanted.weekday) return false;
    if (wanted.ordinal == 0) return true;
    const int position = ordinals_in_month_ ? day.day() : absl::GetYearDay(day);
    const int length = ordinals_in_month_ ? days_in_month(day) : days_in_year(day);
    return wanted.ordinal > 0 ? (position - 1) / 7 + 1 == wanted.ordinal
                              : (length - position) / 7 + 1 == -wanted.ordinal;
  }

  const RecurrenceRule& rule_;
  std::vector<RecurrenceRule::DayOfWeek> days_;
  Numbers months_, month_days_, year_days_, weeks_;
  bool ordinals_in_month_ = false;
};

/// The span of days of one period: first day and the day after the last.
struct Period {
  absl::CivilDay from, to;
};

/// The k-th period of the rule, counted from the one that holds `start`; steps of `interval` periods.
Period period(const RecurrenceRule& rule, absl::CivilDay start, std::int64_t k) {
  const std::int64_t step = k * rule.interval;
  switch (rule.frequency) {
    case Frequency::Yearly:
      return {absl::CivilDay(absl::CivilYear(start) + step), absl::CivilDay(absl::CivilYear(start) + step + 1)};
    case Frequency::Monthly:
      return {absl::CivilDay(absl::CivilMonth(start) + step), absl::CivilDay(absl::CivilMonth(start) + step + 1)};
    case Frequency::Weekly: {
      const absl::CivilDay week = start - days_into_week(start, rule.week_start) + step * 7;
      return {week, week + 7};
    }
    case Frequency::Daily:
      break;
  }
  return {start + step, start + step + 1};
}

/// A k whose period does not lie after `day`, close to it, so that old rules need no walk through the years.
std::int64_t periods_before(const RecurrenceRule& rule, absl::CivilDay start, absl::CivilDay day) {
  if (day <= start) return 0;
  const std::int64_t longest = rule.frequency == Frequency::Yearly    ? 366
                               : rule.frequency == Frequency::Monthly ? 31
                               : rule.frequency == Frequency::Weekly  ? 7
                                                                      : 1;
  return std::max<std::int64_t>(0, (day - start) / (longest * rule.interval) - 1);
}

std::vector<absl::CivilDay> at_positions(const std::vector<absl::CivilDay>& set, const std::vector<int>& positions) {
  std::vector<absl::CivilDay> picked;
  const int size = static_cast<int>(set.size());
  for (const int position : positions) {
    const int index = position > 0 ? position - 1 : size + position;
    if (index >= 0 && index < size) picked.push_back(set[static_cast<std::size_t>(index)]);
  }
  std::ranges::sort(picked);
  picked.erase(std::unique(picked.begin(), picked.end()), picked.end());
  return picked;
}

}  // namespace

Result<std::vector<absl::CivilDay>> expand_rule(const RecurrenceRule& rule, absl::CivilDay start,
                                                const std::vector<absl::CivilDay>& exdates,
                                                const RecurrenceBounds& bounds) {
  if (start.year() < 1900 || start.year() > 2400) {
    return invalid(concat("rrule: starts in the year ", start.year(), ": from 1900 to 2400 only"));
  }
  const DayFilter filter(rule, start);
  absl::CivilDay last = bounds.to;
  if (rule.until) last = std::min(last, absl::CivilDay(*rule.until));

  std::vector<absl::CivilDay> dates;
  int counted = 0;
  // A rule with COUNT has to be counted through from its start.
  for (std::int64_t k = rule.count ? 0 : periods_before(rule, start, bounds.from);; ++k) {
    const Period days = period(rule, start, k);
    if (days.from > last) return dates;
    std::vector<absl::CivilDay> set;
    for (absl::CivilDay day = days.from; day < days.to; ++day) {
      if (filter.passes(day)) set.push_back(day);
    }
    if (!rule.by_set_position.empty()) set = at_positions(set, rule.by_set_position);
    for (const absl::CivilDay day : set) {
      if (day < start) continue;
      if (day > last || (rule.count && ++counted > *rule.count)) return dates;
      if (day < bounds.from || std::ranges::find(exdates, day) != exdates.end()) continue;
      if (static_cast<int>(dates.size()) >= bounds.max_dates) {
        return invalid(concat("rrule: gives more than ", bounds.max_dates, " dates between ",
                              absl::FormatCivilTime(bounds.from), " and ", absl::FormatCivilTime(bounds.to),
                              ": make it coarser, or end it with COUNT or UNTIL"));
      }
      dates.push_back(day);
    }
  }
}

Result<std::vector<absl::CivilDay>> expand_rrule(const std::string& rrule, absl::CivilDay start,
                                                 const std::vector<absl::CivilDay>& exdates,
                                                 const RecurrenceBounds& bounds) {
  BOOST_OUTCOME_TRY(rule, parse_rrule(rrule));
  return expand_rule(rule, start, exdates, bounds);
}

}  // namespace headroom::plan
