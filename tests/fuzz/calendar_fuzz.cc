// Any bytes as an iCalendar text: an answer in bounded time and memory, either the reason of a refusal or events in
// order, within the bounds, each with a day or an instant.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "operator/plan/calendar.h"
#include "tests/fuzz/require.h"

namespace {

/// A few zones without the database, so that the same bytes do the same everywhere.
headroom::Result<absl::TimeZone> zone(const std::string& name) {
  if (name.empty() || name == "Asia/Kolkata") return absl::FixedTimeZone(5 * 3600 + 1800);
  if (name == "Europe/Berlin") return absl::FixedTimeZone(3600);
  return headroom::invalid("unknown zone");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using headroom::fuzz::require;
  using headroom::plan::CalendarBounds;
  using headroom::plan::CalendarEvent;
  using headroom::plan::parse_calendar;

  CalendarBounds bounds;
  bounds.max_bytes = 1 << 16;
  bounds.max_components = 200;
  bounds.recurrence = {absl::CivilDay(2026, 1, 1), absl::CivilDay(2027, 12, 31), 500};
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const auto parsed = parse_calendar(text, "", bounds, zone);
  if (!parsed) {
    require(!parsed.error().message.empty(), "a refusal says why");
    return 0;
  }
  const auto& events = parsed.value();
  require(events.size() <= 500, "the number of dates is bounded");
  const auto at = [](const CalendarEvent& event) {
    return event.day ? absl::FromCivil(*event.day, absl::UTCTimeZone()) : *event.instant;
  };
  for (const CalendarEvent& event : events) {
    require(event.day.has_value() != event.instant.has_value(), "an event has a day or an instant");
    const absl::Time first = absl::FromCivil(bounds.recurrence.from, absl::UTCTimeZone());
    const absl::Time last = absl::FromCivil(bounds.recurrence.to, absl::UTCTimeZone());
    // Zones that a text defines itself may lie up to a day and more from UTC.
    require(at(event) > first - absl::Hours(100) && at(event) < last + absl::Hours(100), "events lie in the bounds");
  }
  require(std::is_sorted(events.begin(), events.end(),
                         [&](const CalendarEvent& a, const CalendarEvent& b) { return at(a) < at(b); }),
          "events come in order");

  const auto again = parse_calendar(text, "", bounds, zone);
  require(again.has_value() && again.value() == events, "the same text means the same");
  if (!events.empty()) {
    const auto one = parse_calendar(text, events.front().summary, bounds, zone);
    require(one.has_value() && !one.value().empty(), "the summary of an event finds it");
  }
  return 0;
}
