// A small shop in one file, nothing wrong with it; tests spoil it.
#pragma once

#include <string>

#include "operator/lint/lint.h"

namespace headroom::lint {

/// Region, two ScaleTargets, a FestivalSchedule with a calendar, a ScaleLimit and a ClusterScaleLimit, and the
/// workloads and autoscaler that they speak of.
const std::string& shop();

/// The shop with the only place where `part` stands replaced; a test fails where that is not exactly one.
std::string spoiled(const std::string& part, const std::string& replacement);

/// October 2026, with the IANA database.
Options options_of_test();

Report lint_text(const std::string& text, const Options& options = options_of_test());

}  // namespace headroom::lint
