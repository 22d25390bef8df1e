// What a time in a calendar means as an instant: IANA zones, VTIMEZONE definitions, UTC. Pure.
#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time_zone.h"
#include "operator/plan/calendar.h"
#include "operator/plan/recurrence.h"

namespace headroom::plan {

/// STANDARD or DAYLIGHT of a VTIMEZONE: from each onset on, local time is UTC plus `offset_to`.
struct Observance {
  absl::CivilSecond start;  ///< first onset, in local time as it was before
  absl::Duration offset_from, offset_to;
  std::optional<RecurrenceRule> rule;
  std::vector<absl::CivilSecond> more_onsets;  ///< RDATE
};

/// A VTIMEZONE as the calendar defines it.
struct ZoneDefinition {
  std::string location;  ///< X-LIC-LOCATION, the IANA name that some programs add
  std::vector<Observance> observances;
};

/// A zone in either form. Gaps and folds as everywhere: the first instant after the gap, the earlier of the fold.
class CalendarZone {
 public:
  explicit CalendarZone(absl::TimeZone zone) : zone_(zone) {}
  explicit CalendarZone(std::vector<Observance> observances) : observances_(std::move(observances)) {}

  absl::Time instant(absl::CivilSecond civil) const;
  /// The civil time of `instant`, exact to the offset in force around it.
  absl::CivilSecond civil(absl::Time instant) const;

 private:
  std::optional<absl::TimeZone> zone_;
  std::vector<Observance> observances_;
};

/// Finds and keeps the zones of one calendar.
class CalendarZones {
 public:
  CalendarZones(const ZoneLoader& loader, std::map<std::string, ZoneDefinition> definitions, std::string default_zone)
      : loader_(loader), definitions_(std::move(definitions)), default_zone_(std::move(default_zone)) {}

  /// `tzid` as written in the calendar; empty for floating times. InvalidArgument when nothing tells what it means.
  Result<const CalendarZone*> find(const std::string& tzid);

 private:
  Result<CalendarZone> resolve(const std::string& tzid) const;

  const ZoneLoader& loader_;
  std::map<std::string, ZoneDefinition> definitions_;
  std::string default_zone_;
  std::map<std::string, CalendarZone> found_;
};

}  // namespace headroom::plan
