// What a region can carry: sizes that go beyond are cut, lowest priority first, then in proportion. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/target_facts.h"

namespace headroom::plan {

/// One target's wish in a region.
struct CapacityClaim {
  const TargetFacts* facts = nullptr;
  int size = 0;      ///< wanted; what is granted after fit_into
  int kept = 0;      ///< is not cut below this
  std::string text;  ///< why it was cut, for people; empty otherwise
};

/// What one replica of the target takes of a dimension; zero when it declares nothing.
Quantity taken_per_replica(const api::ScaleTargetSpec& spec, const std::string& dimension);

/// Cuts the claims until every declared dimension holds, as far as nobody falls below `kept`. Within one priority the
/// room that is left is shared in proportion to what goes beyond `kept`, whole replicas by largest remainder, ties by
/// key. The order of the claims does not matter.
void fit_into(const DecideRegion& region, std::vector<CapacityClaim>& claims);

}  // namespace headroom::plan
