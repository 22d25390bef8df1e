// RRULE to civil dates (RFC 5545 §3.3.10). Days only: zones and clock changes belong to compile.h. Written out here
// rather than taken from libical, whose iterator reads some valid rules otherwise than the RFC (it ignores BYSETPOS in
// weeks, keeps only the first month of FREQ=YEARLY;BYMONTHDAY=13) and never returns from others. Pure, thread-safe;
// the work is bounded by the days between the rule's start and the end of the bounds.
#pragma once

#include <absl/time/civil_time.h>

#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace headroom::plan {

/// Bounds on one expansion.
struct RecurrenceBounds {
  absl::CivilDay from, to;  ///< inclusive; dates outside are not returned
  int max_dates = 1000;     ///< more is an error that says so
};

/// A rule taken apart and checked. Numbers count from the end where negative, as the RFC has it.
struct RecurrenceRule {
  enum class Frequency { Daily, Weekly, Monthly, Yearly };
  struct DayOfWeek {
    absl::Weekday weekday = absl::Weekday::monday;
    int ordinal = 0;  ///< 0: every one; else the n-th of the month or year
  };
  Frequency frequency = Frequency::Daily;
  int interval = 1;
  std::optional<int> count;
  /// UNTIL as written; `until_utc` when it ended in Z. A date alone stands for the whole of that day.
  std::optional<absl::CivilSecond> until;
  bool until_has_time = false, until_utc = false;
  std::vector<DayOfWeek> by_day;
  std::vector<int> by_month_day, by_year_day, by_week, by_month, by_set_position;
  absl::Weekday week_start = absl::Weekday::monday;
};

/// Reads and checks a rule: DAILY or coarser, parts RFC 5545 allows for the frequency, INTERVAL within [1, 10000],
/// COUNT within [1, 100000], not both COUNT and UNTIL. The message names the part, its value and the remedy.
Result<RecurrenceRule> parse_rrule(const std::string& rrule);

/// parse_rrule for those who only ask whether it is right.
Status check_rrule(const std::string& rrule);

/// The dates of the rule from `start` (1900 to 2400) on, without `exdates`, within `bounds`, ascending. A start that
/// does not match its own rule is not a date of it. Of UNTIL only the date counts.
Result<std::vector<absl::CivilDay>> expand_rule(const RecurrenceRule& rule, absl::CivilDay start,
                                                const std::vector<absl::CivilDay>& exdates,
                                                const RecurrenceBounds& bounds);

/// parse_rrule and expand_rule in one.
Result<std::vector<absl::CivilDay>> expand_rrule(const std::string& rrule, absl::CivilDay start,
                                                 const std::vector<absl::CivilDay>& exdates,
                                                 const RecurrenceBounds& bounds);

}  // namespace headroom::plan
