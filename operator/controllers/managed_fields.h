// Who else writes a field: metadata.managedFields, as server-side apply tracks ownership. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

namespace headroom::controllers {

/// The manager besides Headroom that last wrote one of the fields at `paths` (".spec.minReplicas") and owns it still;
/// empty when there is none, or when the server does not track it (/scale of custom resources, kubernetes #131892).
std::string other_manager_of(const nlohmann::json& object, std::span<const std::string> paths);

}  // namespace headroom::controllers
