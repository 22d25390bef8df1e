// A forecast as a picture: SVG, readable alone, in a light and in a dark page. Pure.
#pragma once

#include <string>

#include "operator/cli/forecast.h"
#include "operator/cli/forecast_text.h"

namespace headroom::cli {

/// One panel a target, one above the other: its size as a step line, its original, its largest allowed size where that
/// caps it; phases as bands behind all panels, named above. At most kMostPanels targets, those that move most; a line
/// at the bottom says how many are left out.
std::string forecast_picture(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view);

inline constexpr int kMostPanels = 24;

}  // namespace headroom::cli
