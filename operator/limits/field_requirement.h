// Conditions of a limit on single fields. Pure.
#pragma once

#include "operator/api/scale_limit.h"
#include "operator/limits/object_view.h"

namespace headroom::limits {

/// Whether the object's field is as the requirement asks.
bool satisfied(const api::FieldRequirement& requirement, const ObjectView& object);

}  // namespace headroom::limits
