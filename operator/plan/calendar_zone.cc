#include "operator/plan/calendar_zone.h"

#include <algorithm>
#include <utility>

#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

/// The latest onset of `observance` that does not lie after `civil`.
std::optional<absl::CivilSecond> last_onset(const Observance& observance, absl::CivilSecond civil) {
  std::optional<absl::CivilSecond> last;
  const auto offer = [&](absl::CivilSecond onset) {
    if (onset <= civil && (!last || *last < onset)) last = onset;
  };
  offer(observance.start);
  for (const absl::CivilSecond onset : observance.more_onsets) offer(onset);
  if (!observance.rule || civil < observance.start) return last;

  RecurrenceRule rule = *observance.rule;
  // UNTIL is in UTC here, onsets are in the local time before the change.
  if (rule.until && rule.until_utc) *rule.until += absl::ToInt64Seconds(observance.offset_from);
  const absl::CivilDay day(civil);
  const int years = std::max(4, 2 * rule.interval);
  const RecurrenceBounds bounds{absl::CivilDay(absl::CivilYear(day) - years), day, 2000};
  const auto dates = expand_rule(rule, absl::CivilDay(observance.start), {}, bounds);
  if (!dates) return last;
  const absl::CivilSecond start = observance.start;
  for (const absl::CivilDay date : dates.value()) {
    offer(absl::CivilSecond(date.year(), date.month(), date.day(), start.hour(), start.minute(), start.second()));
  }
  return last;
}

absl::Time at_offset(absl::CivilSecond civil, absl::Duration offset) {
  return absl::FromCivil(civil, absl::UTCTimeZone()) - offset;
}

}  // namespace

absl::Time CalendarZone::instant(absl::CivilSecond civil) const {
  if (zone_) return instant_of(civil, *zone_);
  const Observance* holds = nullptr;
  absl::CivilSecond since;
  for (const Observance& observance : observances_) {
    const std::optional<absl::CivilSecond> onset = last_onset(observance, civil);
    if (onset && (!holds || *onset > since)) {
      holds = &observance;
      since = *onset;
    }
  }
  if (!holds) {  // before everything that is defined
    const auto first = std::ranges::min_element(observances_, {}, &Observance::start);
    return at_offset(civil, first->offset_from);
  }
  const bool in_gap = at_offset(civil, holds->offset_to) < at_offset(since, holds->offset_from);
  return in_gap ? at_offset(since, holds->offset_from) : at_offset(civil, holds->offset_to);
}

absl::CivilSecond CalendarZone::civil(absl::Time instant) const {
  if (zone_) return absl::ToCivilSecond(instant, *zone_);
  // An instant and its local time differ by less than a day; the offset at the guess is the one in force.
  const absl::CivilSecond guess = absl::ToCivilSecond(instant, absl::UTCTimeZone());
  const absl::Duration offset = absl::FromCivil(guess, absl::UTCTimeZone()) - this->instant(guess);
  return absl::ToCivilSecond(instant + offset, absl::UTCTimeZone());
}

Result<const CalendarZone*> CalendarZones::find(const std::string& tzid) {
  if (const auto known = found_.find(tzid); known != found_.end()) return &known->second;
  BOOST_OUTCOME_TRY(zone, resolve(tzid));
  return &found_.emplace(tzid, std::move(zone)).first->second;
}

Result<CalendarZone> CalendarZones::resolve(const std::string& tzid) const {
  if (tzid.empty()) {
    if (!default_zone_.empty()) {
      if (const auto loaded = loader_(default_zone_)) return CalendarZone(loaded.value());
    }
    const auto own = loader_("");
    if (!own) return invalid("calendar: a time of day has neither Z nor TZID: add one, or make it a DATE");
    return CalendarZone(own.value());
  }
  if (const auto loaded = loader_(tzid)) return CalendarZone(loaded.value());
  // "/citadel.org/20260101_1/Asia/Kolkata": some programs put the database's name last.
  const std::size_t city = tzid.rfind('/');
  if (city != std::string::npos && city > 0) {
    const std::size_t area = tzid.rfind('/', city - 1);
    if (area != std::string::npos) {
      if (const auto loaded = loader_(tzid.substr(area + 1))) return CalendarZone(loaded.value());
    }
  }
  const auto defined = definitions_.find(tzid);
  if (defined == definitions_.end()) {
    return invalid(concat("calendar: TZID \"", tzid.substr(0, 64),
                          "\" is neither an IANA zone nor defined by a VTIMEZONE: use a name such as "
                          "Asia/Kolkata"));
  }
  if (!defined->second.location.empty()) {
    if (const auto loaded = loader_(defined->second.location)) return CalendarZone(loaded.value());
  }
  if (defined->second.observances.empty()) {
    return invalid(concat("calendar: VTIMEZONE \"", tzid.substr(0, 64), "\" has neither STANDARD nor DAYLIGHT"));
  }
  return CalendarZone(defined->second.observances);
}

}  // namespace headroom::plan
