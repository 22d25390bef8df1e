// Whether ScaleTargets may use their regions, by what the caches hold.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

/// What validation/region_admission.h says of one ScaleTarget. `region` null: there is no such object; region `local`
/// then exists all the same, open to everyone and promising nothing.
std::optional<RegionRefusal> refusal_of(const World& world, const api::ScaleTarget& target, const api::Region* region);

/// Why nothing can be done in a region that has no cluster yet; `link` empty: it has not been looked at.
std::string unconnected_problem(const World& world, const std::string& region, const std::optional<RegionLink>& link);

/// The labels of a namespace of the home cluster, as far as the region controller's watch has told.
std::optional<std::map<std::string, std::string>> namespace_labels_of(const World& world, const std::string& ns);

}  // namespace headroom::controllers
