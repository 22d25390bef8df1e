// The smallest RFC 7386 merge patch between two documents, so that a status is written only where it differs and
// vanished fields really go. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace headroom::runtime {

/// What turns `before` into `after` when applied as a merge patch; empty when they are equal. Neither holds nulls.
std::optional<nlohmann::json> merge_patch_between(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace headroom::runtime
