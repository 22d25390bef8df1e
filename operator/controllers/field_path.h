// Paths to one field of an object, ".spec.replicas": what CRDs name in their scale subresource and `Field` engines in
// their spec. Only fields of objects; elements of lists cannot be reached by a merge patch. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace headroom::controllers {

/// ".spec.instances" → {"spec", "instances"}. InvalidArgument names the path and what it should look like.
Result<std::vector<std::string>> parse_field_path(const std::string& path);

/// The value at `path`; null when it is absent, JSON null, or the path is none.
const nlohmann::json* find_field(const nlohmann::json& object, const std::string& path);

/// The text at `path`; empty where find_field() finds none.
std::string text_at(const nlohmann::json& object, const std::string& path);

/// metadata.resourceVersion, as an API server answers with; empty when it is not there.
std::string version_of(const nlohmann::json& object);

/// The merge patch that sets `path` to `value` (JSON null removes it). `path` must parse.
nlohmann::json field_patch(const std::string& path, nlohmann::json value);

}  // namespace headroom::controllers
