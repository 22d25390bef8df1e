#include "operator/plan/calendar.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "operator/plan/calendar_content.h"
#include "operator/plan/calendar_text.h"
#include "operator/plan/calendar_zone.h"
#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

/// One instance of an event: its civil day where the event is, and the instant unless it lasts all day.
struct Instance {
  absl::CivilDay day;
  std::optional<absl::Time> instant;
};

class Calendar {
 public:
  Calendar(CalendarZones& zones, const CalendarBounds& bounds) : zones_(zones), bounds_(bounds.recurrence) {}

  /// The instances within bounds: of a series with its changes applied, or the one instance that is a change.
  Result<std::vector<Instance>> instances(const Event& event, const std::vector<const Event*>& changes) {
    BOOST_OUTCOME_TRY(start, at(*event.start));
    std::vector<Instance> list = {start};
    if (!event.replaces) {
      BOOST_OUTCOME_TRYV(recur(event, list));
      for (const Stamp& stamp : event.added) {
        BOOST_OUTCOME_TRY(added, at(stamp));
        if (event.start->is_date) added.instant.reset();
        list.push_back(added);
      }
      for (const Stamp& stamp : event.removed) {
        BOOST_OUTCOME_TRYV(remove(stamp, list));
      }
      for (const Event* change : changes) {
        BOOST_OUTCOME_TRYV(remove(*change->replaces, list));
      }
    }
    std::erase_if(list,
                  [&](const Instance& instance) { return instance.day < bounds_.from || instance.day > bounds_.to; });
    return list;
  }

 private:
  Result<Instance> at(const Stamp& stamp) {
    Instance instance{absl::CivilDay(stamp.civil), std::nullopt};
    if (stamp.is_date) return instance;
    if (stamp.is_utc) {
      instance.instant = absl::FromCivil(stamp.civil, absl::UTCTimeZone());
    } else {
      BOOST_OUTCOME_TRY(zone, zones_.find(stamp.tzid));
      instance.instant = zone->instant(stamp.civil);
    }
    return instance;
  }

  Status recur(const Event& event, std::vector<Instance>& list) {
    if (!event.rule) return ok();
    const Stamp& start = *event.start;
    RecurrenceRule rule = *event.rule;
    std::optional<absl::Time> until;
    if (rule.until && rule.until_utc && !start.is_date) {
      // UNTIL is an instant here: as a day it has to be one of the event's own zone.
      until = absl::FromCivil(*rule.until, absl::UTCTimeZone());
      if (!start.is_utc) {
        BOOST_OUTCOME_TRY(zone, zones_.find(start.tzid));
        rule.until = zone->civil(*until);
      }
    }
    auto dates = expand_rule(rule, absl::CivilDay(start.civil), {}, bounds_);
    if (!dates) return wrong_event(event, dates.error().message);
    for (const absl::CivilDay date : dates.value()) {
      Stamp stamp = start;
      stamp.civil = absl::CivilSecond(date.year(), date.month(), date.day(), start.civil.hour(), start.civil.minute(),
                                      start.civil.second());
      BOOST_OUTCOME_TRY(instance, at(stamp));
      if (!until || *instance.instant <= *until) list.push_back(instance);
    }
    return ok();
  }

  /// A date takes away all that starts on that day, a time what starts at that instant.
  Status remove(const Stamp& stamp, std::vector<Instance>& list) {
    BOOST_OUTCOME_TRY(gone, at(stamp));
    std::erase_if(list, [&](const Instance& instance) {
      return gone.instant && instance.instant ? *gone.instant == *instance.instant : gone.day == instance.day;
    });
    return ok();
  }

  CalendarZones& zones_;
  const RecurrenceBounds& bounds_;
};

/// Of several versions of one event the latest counts.
std::vector<Event> latest_versions(std::vector<Event> events) {
  std::map<std::string, int> newest;
  for (const Event& event : events) {
    if (!event.uid.empty() && !event.replaces) {
      int& sequence = newest.emplace(event.uid, event.sequence).first->second;
      sequence = std::max(sequence, event.sequence);
    }
  }
  std::erase_if(events, [&](const Event& event) {
    return !event.uid.empty() && !event.replaces && event.sequence < newest.at(event.uid);
  });
  return events;
}

bool earlier(const CalendarEvent& a, const CalendarEvent& b) {
  const auto at = [](const CalendarEvent& event) {
    return event.day ? absl::FromCivil(*event.day, absl::UTCTimeZone()) : *event.instant;
  };
  const absl::Time a_at = at(a), b_at = at(b);
  const bool a_timed = a.instant.has_value(), b_timed = b.instant.has_value();
  return std::tie(a_at, a_timed, a.uid, a.summary) < std::tie(b_at, b_timed, b.uid, b.summary);
}

Status collect(CalendarContent content, const std::string& summary, const CalendarBounds& bounds,
               const ZoneLoader& loader, std::vector<CalendarEvent>& found) {
  CalendarZones zones(loader, std::move(content.zones), content.default_zone);
  const std::vector<Event> events = latest_versions(std::move(content.events));
  std::map<std::string, std::vector<const Event*>> changes;
  for (const Event& event : events) {
    if (event.replaces) changes[event.uid].push_back(&event);
  }
  Calendar calendar(zones, bounds);
  for (const Event& event : events) {
    if (event.cancelled || (!summary.empty() && event.summary != summary)) continue;
    BOOST_OUTCOME_TRY(instances, calendar.instances(event, changes[event.uid]));
    for (const Instance& instance : instances) {
      CalendarEvent entry{event.uid, event.summary, std::nullopt, instance.instant};
      if (!instance.instant) entry.day = instance.day;
      found.push_back(std::move(entry));
    }
  }
  return ok();
}

}  // namespace

Result<std::vector<CalendarEvent>> parse_calendar(std::string_view text, const std::string& summary,
                                                  const CalendarBounds& bounds, const ZoneLoader& zones) {
  BOOST_OUTCOME_TRY(reduced, reduce_calendar(text, bounds));
  BOOST_OUTCOME_TRY(calendars, read_calendars(reduced));
  std::vector<CalendarEvent> found;
  for (CalendarContent& content : calendars) {
    BOOST_OUTCOME_TRYV(collect(std::move(content), summary, bounds, zones, found));
  }
  std::ranges::sort(found, earlier);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  if (static_cast<int>(found.size()) > bounds.recurrence.max_dates) {
    return invalid(concat("calendar: gives more than ", bounds.recurrence.max_dates,
                          " dates: name a summary, or split the calendar"));
  }
  return found;
}

}  // namespace headroom::plan
