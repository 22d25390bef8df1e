// The smallest RFC 7386 merge patch between two documents, so that a status is written only where it differs and
// vanished fields really go. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace headroom::runtime {

/// What turns `before` into `after` when applied as a merge patch; empty when they are equal. Neither holds nulls.
std::optional<nlohmann::json> merge_patch_between(const nlohmann::json& before, const nlohmann::json& after);

/// As merge_patch_between(), of the statuses that two values of a kind's struct stand for. `before` without conditions
/// was never written: what its members say by default (a phase, a level) is not stored, and has to be sent.
std::optional<nlohmann::json> status_patch_between(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace headroom::runtime
