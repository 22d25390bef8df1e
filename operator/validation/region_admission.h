// Who may use a region: namespaces (as Gateway API's allowedRoutes), compliance and residency. Pure. A refusal says
// what is missing and who can change it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "operator/api/region.h"
#include "operator/api/scale_target.h"

namespace headroom::validation {

/// Whether objects of namespace `ns` may use the region; empty: they may. `ns_labels` are the Namespace's, empty while
/// it is not known, which refuses where labels decide.
std::optional<std::string> namespace_refusal(const std::string& region, const api::AllowedNamespaces& allowed,
                                             const std::string& ns,
                                             const std::optional<std::map<std::string, std::string>>& ns_labels,
                                             const std::string& own_namespace);

/// Whether the region offers what `requirements` ask for; empty: it does.
std::optional<std::string> requirements_refusal(const std::string& region, const api::RegionSpec& spec,
                                                const api::Requirements& requirements);

}  // namespace headroom::validation
