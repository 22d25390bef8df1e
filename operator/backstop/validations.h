// What a limit's policy checks, in CEL: see policy.h. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "operator/api/scale_limit.h"

namespace headroom::backstop {

/// "ScaleLimit shop/artifacts", as clients are told.
std::string limit_text(const api::ScaleLimit& limit);

/// Whether the policy can judge writes through `/scale`: there is a cap on replicas, and no selector that a Scale does
/// not show enough for.
bool judges_scale(const api::ScaleLimitSpec& spec);

/// Of the policy: the limit enforces, and selects the object as it is to be.
nlohmann::json match_conditions(const api::ScaleLimitSpec& spec);
/// What the validations share: `now`, `before`, whether that was under the limit (`counted`), `former`, which is it if
/// so and else empty, and of each cap whether a value of it is no amount.
nlohmann::json variables(const api::ScaleLimitSpec& spec);
/// Empty where a policy has nothing to hold.
nlohmann::json validations(const api::ScaleLimit& limit);

}  // namespace headroom::backstop
