// Which bounds of one limit another keeps from ever being reached. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/validation/snapshot.h"

namespace headroom::validation {

/// Whether every write that `narrow` judges, and every object that it counts, is also one of `wide`, as far as the two
/// selections prove it.
bool covers(const api::ScaleLimit& wide, const api::ScaleLimit& narrow, const Snapshot& others);

struct HiddenBound {
  std::string field;    ///< of the bound that is never reached: "spec.total.count"
  std::string bound;    ///< "100"
  std::string by;       ///< the field that hides it
  std::string by_most;  ///< "50"
};

/// Bounds of `hidden` that lie above one of `hiding`, which covers it.
std::vector<HiddenBound> hidden_bounds(const api::ScaleLimitSpec& hidden, const api::ScaleLimitSpec& hiding);

}  // namespace headroom::validation
