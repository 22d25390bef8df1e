// Rules of a ScaleTarget that need other objects. Pure.
#pragma once

#include <vector>

#include "operator/validation/finding.h"
#include "operator/validation/snapshot.h"

namespace headroom::validation {

/// Refused is what can never work: targets that follow one another in a circle. Whatever may still come to be, because
/// people apply objects in any order (a leader, a region, a capacity), is a warning.
std::vector<Finding> check(const api::ScaleTarget& target, const Snapshot& others);

}  // namespace headroom::validation
