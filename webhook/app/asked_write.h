// What a review asks, in the terms of the limits. Pure.
#pragma once

#include <optional>

#include "operator/limits/limit_set.h"
#include "webhook/review.h"

namespace headroom::webhook {

/// Views into the review; null for an operation that writes nothing (Connect).
std::optional<limits::AskedWrite> asked_write(const Review& review);

}  // namespace headroom::webhook
