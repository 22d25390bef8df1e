// Which targets a phase, demand or wave speaks of. Pure, thread-safe.
#pragma once

#include <map>
#include <string>

#include "operator/api/festival_schedule.h"
#include "operator/api/scale_target.h"

namespace headroom::plan {

/// Whether every given part of `selection` matches the target; nothing given matches everything. Namespaces are the
/// caller's: a selection speaks of its schedule's own.
bool selects(const api::TargetSelection& selection, const std::string& name,
             const std::map<std::string, std::string>& labels, const api::ScaleTargetSpec& spec);

/// Whether the two selections alone prove that whatever one of them selects (or a target both name) the other selects
/// too. False where only the labels of real targets can tell.
bool surely_share_targets(const api::TargetSelection& a, const api::TargetSelection& b);

}  // namespace headroom::plan
