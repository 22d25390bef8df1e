// The conditions of a ScaleTarget. Pure.
#pragma once

#include "operator/controllers/target_status.h"

namespace headroom::controllers {

/// Sets those that hold and removes those that do not; `record` has its sizes up to date.
void update_conditions(TargetRecord& record, const StatusInput& input, absl::Time now);

}  // namespace headroom::controllers
