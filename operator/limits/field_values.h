// Reading what limits count and cap: quantities at paths. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/api/json_path.h"
#include "operator/base/result.h"
#include "operator/limits/amounts.h"
#include "operator/limits/object_view.h"

namespace headroom::limits {

/// All values at a path as one: their sum, and the largest. Of none: 0 and nullopt.
struct FieldValues {
  Amount sum = 0;
  std::optional<Amount> most;
};

/// InvalidArgument, naming path, value and remedy, when one of them is no quantity, is negative, or cannot be added.
Result<FieldValues> read_field(const ObjectView& object, const api::JsonPath& path);

/// Where workloads, and their `/scale`, say how many they want.
const api::JsonPath& replicas_path();

}  // namespace headroom::limits
