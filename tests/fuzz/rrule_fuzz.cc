// Any bytes: two for the start, two for the window, the rest a rule. What the check accepts expands, in bounded time,
// to ascending dates within the window; a wider window holds the same dates and more.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "operator/plan/recurrence.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using headroom::fuzz::require;
  using headroom::plan::check_rrule;
  using headroom::plan::expand_rrule;
  using headroom::plan::RecurrenceBounds;

  if (size < 4) return 0;
  const absl::CivilDay start = absl::CivilDay(1950, 1, 1) + (data[0] * 256 + data[1]);
  const absl::CivilDay from = start - 400 + data[2] * 20, to = from + data[3] * 4;
  const std::string rule(reinterpret_cast<const char*>(data + 4), size - 4);

  const bool accepted = check_rrule(rule).has_value();
  const auto dates = expand_rrule(rule, start, {}, {from, to, 1100});
  // The window is at most 1021 days long, so that nothing but the rule itself can be refused.
  require(dates.has_value() == accepted, "what the check accepts expands, what it refuses does not");
  if (!accepted) {
    require(!dates.error().message.empty(), "a refusal says why");
    return 0;
  }
  const std::vector<absl::CivilDay>& days = dates.value();
  require(std::is_sorted(days.begin(), days.end()), "dates ascend");
  require(std::adjacent_find(days.begin(), days.end()) == days.end(), "each date is given once");
  require(days.empty() || (days.front() >= std::max(start, from) && days.back() <= to), "dates lie in the window");

  const auto wider = expand_rrule(rule, start, {}, {from - 200, to + 200, 2000});
  require(wider.has_value(), "a wider window is as good");
  std::vector<absl::CivilDay> within;
  std::copy_if(wider.value().begin(), wider.value().end(), std::back_inserter(within),
               [&](absl::CivilDay day) { return day >= from && day <= to; });
  require(within == days, "a wider window holds the same dates");

  if (!days.empty()) {
    const auto without = expand_rrule(rule, start, {days.front()}, {from, to, 1100});
    require(without.has_value() && without.value() == std::vector<absl::CivilDay>(days.begin() + 1, days.end()),
            "an exdate takes away its date and nothing else");
  }
  return 0;
}
