// Why a target has the size that it has: each step of the decision, who spoke and who was overruled, what comes next.
// Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/cli/forecast.h"

namespace headroom::cli {

struct Explanation {
  int target = 0;  ///< index into PlanningWorld::targets
  absl::Time at;
  plan::Decision decision;
  std::vector<SizeStep> next;      ///< the next changes of size, at most kNextSteps
  std::vector<std::string> notes;  ///< conditions that ask for attention, problems, assumptions
};

inline constexpr std::size_t kNextSteps = 5;

Result<Explanation> explain(const PlanningWorld& world, int target, absl::Time at, absl::Time now,
                            const plan::ZoneLoader& zones);

std::string explanation_text(const PlanningWorld& world, const Explanation& explanation, const absl::TimeZone& zone,
                             bool colours);
nlohmann::json explanation_json(const PlanningWorld& world, const Explanation& explanation);

}  // namespace headroom::cli
