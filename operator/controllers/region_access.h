// Who may use a region: namespaces (Gateway API's allowedRoutes), compliance and residency. Pure but for refusal_of,
// which only reads caches. A refusal says what is missing and who can change it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

/// Whether objects of namespace `ns` may use the region; empty: they may. `ns_labels` are the Namespace's, empty while
/// it is not known, which refuses where labels decide.
std::optional<std::string> namespace_refusal(const std::string& region, const api::AllowedNamespaces& allowed,
                                             const std::string& ns,
                                             const std::optional<std::map<std::string, std::string>>& ns_labels,
                                             const std::string& own_namespace);

/// Whether the region offers what `requirements` ask for; empty: it does.
std::optional<std::string> requirements_refusal(const std::string& region, const api::RegionSpec& spec,
                                                const api::Requirements& requirements);

/// Both for one ScaleTarget. `region` null: there is no such object; region `local` then exists all the same, open to
/// everyone and promising nothing.
std::optional<RegionRefusal> refusal_of(const World& world, const api::ScaleTarget& target, const api::Region* region);

/// Why nothing can be done in a region that has no cluster yet; `link` empty: it has not been looked at.
std::string unconnected_problem(const World& world, const std::string& region, const std::optional<RegionLink>& link);

/// The labels of a namespace of the home cluster, as far as the region controller's watch has told.
std::optional<std::map<std::string, std::string>> namespace_labels_of(const World& world, const std::string& ns);

}  // namespace headroom::controllers
