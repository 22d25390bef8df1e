// Rules of a Region that need other objects. Pure.
#pragma once

#include <vector>

#include "operator/validation/finding.h"
#include "operator/validation/snapshot.h"

namespace headroom::validation {

/// Warnings: what uses the region and would not be served by it any more, and another Region that is the same cluster.
std::vector<Finding> check(const api::Region& region, const Snapshot& others);

}  // namespace headroom::validation
