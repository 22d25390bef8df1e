// Whether what rises is ready by its hour. Pure.
#pragma once

#include <absl/time/time.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "operator/cli/forecast.h"
#include "operator/plan/schedule_view.h"
#include "operator/plan/target_facts.h"

namespace headroom::cli {

/// Indices of the targets of a namespace, ascending.
std::vector<int> candidates_in(std::span<const plan::DecideTarget> targets, const std::string& ns);

/// Every rise of a phase that begins in (from, to] and takes time, or is one of read replicas. Work starts as planned,
/// but not before `now`; phases that wait for their hour (capacity: Start) start then.
std::vector<ReadyForecast> rises_of(std::span<const plan::DecideTarget> targets,
                                    std::span<const std::shared_ptr<const plan::CompiledSchedule>> schedules,
                                    absl::Time from, absl::Time to, absl::Time now);

}  // namespace headroom::cli
