// Taking and leaving the finalizer of an object of ours.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "operator/api/object.h"

namespace headroom::controllers {

/// Merge patch that adds our finalizer to those of `meta`, or takes it off; holds against `version` only.
nlohmann::json finalizer_patch(const api::ObjectMeta& meta, bool wanted, const std::string& version);

}  // namespace headroom::controllers
