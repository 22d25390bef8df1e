// Leaders before followers. Pure.
#pragma once

#include <span>
#include <vector>

#include "operator/plan/target_facts.h"

namespace headroom::plan {

struct FollowOrder {
  std::vector<int> order;   ///< every target once, leaders first
  std::vector<int> leader;  ///< by target; -1: follows nobody, or is part of a cycle
  std::vector<std::vector<int>> cycles;
};

/// `follow.target` names a target of the follower's own namespace; one that is not there is not followed.
FollowOrder order_by_follow(std::span<const TargetFacts> facts);

}  // namespace headroom::plan
