#include "operator/plan/calendar_content.h"

#include <libical/ical.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

struct ComponentDeleter {
  void operator()(icalcomponent* component) const { icalcomponent_free(component); }
};
using Component = std::unique_ptr<icalcomponent, ComponentDeleter>;

/// libical keeps returned strings in a ring per thread; nothing of it is left behind.
struct RingGuard {
  ~RingGuard() { icalmemory_free_ring(); }
};

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

std::optional<Stamp> stamp(const icalproperty* property, const icaltimetype& time) {
  if (icaltime_is_null_time(time)) return std::nullopt;
  const bool is_date = time.is_date != 0;
  Stamp stamp;
  stamp.civil =
      is_date ? absl::CivilSecond(time.year, time.month, time.day)
              : absl::CivilSecond(time.year, time.month, time.day, time.hour, time.minute, std::min(time.second, 59));
  // Civil types normalise: the 30th of February would become the 2nd of March.
  const bool exists = stamp.civil.month() == time.month && stamp.civil.day() == time.day &&
                      (is_date || (stamp.civil.hour() == time.hour && stamp.civil.minute() == time.minute));
  if (!exists || time.year < 1900 || time.year > 2400) return std::nullopt;
  stamp.is_date = is_date;
  stamp.is_utc = icaltime_is_utc(time) != 0;
  auto* writable = const_cast<icalproperty*>(property);  // libical's getters are not const
  if (icalparameter* tzid = icalproperty_get_first_parameter(writable, ICAL_TZID_PARAMETER); tzid != nullptr) {
    stamp.tzid = text_or_empty(icalparameter_get_tzid(tzid));
  }
  return stamp;
}

std::optional<Stamp> rdate(const icalproperty* property) {
  const icaldatetimeperiodtype either = icalproperty_get_rdate(property);
  return stamp(property, icaltime_is_null_time(either.time) ? either.period.start : either.time);
}

/// RRULE was checked as text before; read back from libical it is the same rule in its spelling.
Result<RecurrenceRule> rule_of(const icalproperty* property) {
  icalrecurrencetype parsed = icalproperty_get_rrule(property);
  char* text = icalrecurrencetype_as_string_r(&parsed);
  const std::string rrule = text_or_empty(text);
  icalmemory_free_buffer(text);
  return parse_rrule(rrule);
}

std::vector<icalproperty*> properties(icalcomponent* component) {
  std::vector<icalproperty*> list;
  for (icalproperty* property = icalcomponent_get_first_property(component, ICAL_ANY_PROPERTY); property != nullptr;
       property = icalcomponent_get_next_property(component, ICAL_ANY_PROPERTY)) {
    list.push_back(property);
  }
  return list;
}

std::vector<icalcomponent*> components(icalcomponent* parent, icalcomponent_kind kind) {
  std::vector<icalcomponent*> list;
  for (icalcomponent* component = icalcomponent_get_first_component(parent, kind); component != nullptr;
       component = icalcomponent_get_next_component(parent, kind)) {
    list.push_back(component);
  }
  return list;
}

Status read_property(const icalproperty* property, Event& event) {
  const auto read = [&](std::string_view name, std::optional<Stamp> value) -> Result<Stamp> {
    if (!value) return wrong_event(event, concat(name, " is not a date from 1900 to 2400"));
    return *value;
  };
  switch (icalproperty_isa(const_cast<icalproperty*>(property))) {
    case ICAL_DTSTART_PROPERTY: {
      if (event.start) return wrong_event(event, "has DTSTART twice");
      BOOST_OUTCOME_TRY(value, read("DTSTART", stamp(property, icalproperty_get_dtstart(property))));
      event.start = value;
      break;
    }
    case ICAL_RECURRENCEID_PROPERTY: {
      if (icalproperty_get_first_parameter(const_cast<icalproperty*>(property), ICAL_RANGE_PARAMETER) != nullptr) {
        return wrong_event(event,
                           "RECURRENCE-ID with RANGE is not understood: end the series with UNTIL and start another");
      }
      BOOST_OUTCOME_TRY(value, read("RECURRENCE-ID", stamp(property, icalproperty_get_recurrenceid(property))));
      event.replaces = value;
      break;
    }
    case ICAL_EXDATE_PROPERTY: {
      BOOST_OUTCOME_TRY(value, read("EXDATE", stamp(property, icalproperty_get_exdate(property))));
      event.removed.push_back(value);
      break;
    }
    case ICAL_RDATE_PROPERTY: {
      BOOST_OUTCOME_TRY(value, read("RDATE", rdate(property)));
      event.added.push_back(value);
      break;
    }
    case ICAL_RRULE_PROPERTY: {
      if (event.rule) return wrong_event(event, "has RRULE twice: make two events of it");
      BOOST_OUTCOME_TRY(rule, rule_of(property));
      event.rule = rule;
      break;
    }
    case ICAL_STATUS_PROPERTY:
      event.cancelled = icalproperty_get_status(property) == ICAL_STATUS_CANCELLED;
      break;
    case ICAL_SEQUENCE_PROPERTY:
      event.sequence = icalproperty_get_sequence(property);
      break;
    default:
      break;
  }
  return ok();
}

Result<Event> read_event(icalcomponent* component) {
  Event event;
  const std::vector<icalproperty*> all = properties(component);
  for (const icalproperty* property : all) {  // first, so that errors can name the event
    const icalproperty_kind kind = icalproperty_isa(const_cast<icalproperty*>(property));
    if (kind == ICAL_UID_PROPERTY) event.uid = text_or_empty(icalproperty_get_uid(property));
    if (kind == ICAL_SUMMARY_PROPERTY) event.summary = text_or_empty(icalproperty_get_summary(property));
  }
  for (const icalproperty* property : all) {
    BOOST_OUTCOME_TRYV(read_property(property, event));
  }
  // A cancelled instance needs no date of its own.
  if (!event.start && !(event.cancelled && event.replaces)) return wrong_event(event, "has no DTSTART");
  return event;
}

Result<Observance> read_observance(icalcomponent* component) {
  Observance observance;
  std::optional<Stamp> start;
  bool from = false, to = false;
  for (const icalproperty* property : properties(component)) {
    switch (icalproperty_isa(const_cast<icalproperty*>(property))) {
      case ICAL_DTSTART_PROPERTY: {
        // Many programs write the year 1601 or 1970 for "always"; only its day and hour tell anything.
        icaltimetype time = icalproperty_get_dtstart(property);
        time.year = std::max(time.year, 1900);
        start = stamp(property, time);
        break;
      }
      case ICAL_RRULE_PROPERTY: {
        BOOST_OUTCOME_TRY(rule, rule_of(property));
        observance.rule = rule;
        break;
      }
      case ICAL_RDATE_PROPERTY:
        if (const std::optional<Stamp> onset = rdate(property)) observance.more_onsets.push_back(onset->civil);
        break;
      case ICAL_TZOFFSETFROM_PROPERTY:
        observance.offset_from = absl::Seconds(icalproperty_get_tzoffsetfrom(property));
        from = true;
        break;
      case ICAL_TZOFFSETTO_PROPERTY:
        observance.offset_to = absl::Seconds(icalproperty_get_tzoffsetto(property));
        to = true;
        break;
      default:
        break;
    }
  }
  if (!start || !from || !to) return invalid("calendar: a VTIMEZONE lacks DTSTART, TZOFFSETFROM or TZOFFSETTO");
  observance.start = start->civil;
  return observance;
}

std::string named_property(icalcomponent* component, std::string_view name) {
  for (icalproperty* property : properties(component)) {
    if (icalproperty_isa(property) == ICAL_X_PROPERTY && text_or_empty(icalproperty_get_x_name(property)) == name) {
      return text_or_empty(icalproperty_get_x(property));
    }
  }
  return {};
}

Result<std::map<std::string, ZoneDefinition>> read_zones(icalcomponent* calendar) {
  std::map<std::string, ZoneDefinition> zones;
  for (icalcomponent* component : components(calendar, ICAL_VTIMEZONE_COMPONENT)) {
    ZoneDefinition zone;
    zone.location = named_property(component, "X-LIC-LOCATION");
    for (const icalcomponent_kind kind : {ICAL_XSTANDARD_COMPONENT, ICAL_XDAYLIGHT_COMPONENT}) {
      for (icalcomponent* observance : components(component, kind)) {
        BOOST_OUTCOME_TRY(read, read_observance(observance));
        zone.observances.push_back(std::move(read));
      }
    }
    icalproperty* tzid = icalcomponent_get_first_property(component, ICAL_TZID_PROPERTY);
    if (tzid == nullptr) return invalid("calendar: a VTIMEZONE has no TZID");
    zones[text_or_empty(icalproperty_get_tzid(tzid))] = std::move(zone);
  }
  return zones;
}

Result<CalendarContent> read_calendar(icalcomponent* component) {
  CalendarContent content;
  BOOST_OUTCOME_TRY(zones, read_zones(component));
  content.zones = std::move(zones);
  content.default_zone = named_property(component, "X-WR-TIMEZONE");
  for (icalcomponent* vevent : components(component, ICAL_VEVENT_COMPONENT)) {
    BOOST_OUTCOME_TRY(event, read_event(vevent));
    content.events.push_back(std::move(event));
  }
  return content;
}

}  // namespace

Error wrong_event(const Event& event, std::string_view what) {
  const std::string& name = event.summary.empty() ? event.uid : event.summary;
  return invalid(concat("calendar: event \"", name.substr(0, 64), "\": ", what));
}

Result<std::vector<CalendarContent>> read_calendars(const std::string& reduced) {
  const RingGuard guard;
  const Component root(icalparser_parse_string(reduced.c_str()));
  if (!root) return invalid("calendar: is not an iCalendar text");
  if (icalcomponent_count_errors(root.get()) > 0) {
    return invalid("calendar: a date, rule or other value is malformed");
  }
  // Several calendars in one text come wrapped in a component of libical's own.
  std::vector<icalcomponent*> calendars = components(root.get(), ICAL_VCALENDAR_COMPONENT);
  if (icalcomponent_isa(root.get()) == ICAL_VCALENDAR_COMPONENT) calendars = {root.get()};
  std::vector<CalendarContent> contents;
  for (icalcomponent* calendar : calendars) {
    BOOST_OUTCOME_TRY(content, read_calendar(calendar));
    contents.push_back(std::move(content));
  }
  return contents;
}

}  // namespace headroom::plan
