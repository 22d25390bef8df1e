// A forecast for people, programs and calendars. Pure.
#pragma once

#include <absl/time/time.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "operator/cli/forecast.h"

namespace headroom::cli {

struct ForecastView {
  absl::TimeZone zone;  ///< times are told in it
  bool colours = false;
  bool wide = false;  ///< every reason, steps that change a reason alone, and every resource of a quota
};

/// What holds at forecast.from: one line for each target, then regions, quotas, nodes, read replicas, cost, warnings,
/// assumptions.
std::string instant_text(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view);

/// Every change of the range, then the same.
std::string range_text(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view);

/// Sums of the range without its steps: what `simulate` prints.
std::string simulation_text(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view);

/// The whole forecast: {from, to, steps, phases, regions, quotas, nodes, rises, overlaps, targets, cost, warnings,
/// assumptions}. Times are RFC 3339 in UTC, quantities texts.
nlohmann::json forecast_json(const PlanningWorld& world, const Forecast& forecast);

/// RFC 5545: an event for each phase, with the sizes that it brings in the description. `now` is the DTSTAMP.
std::string forecast_calendar(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view,
                              absl::Time now);

/// One line of a calendar, folded at 75 bytes and never inside a character, ended by CRLF.
std::string calendar_line(const std::string& line);

}  // namespace headroom::cli
