// What a Region that is being deleted leaves in its cluster, and how long it waits for that to be removed. Pure.
#pragma once

#include <absl/time/time.h>

#include <string>

#include "operator/api/region.h"
#include "operator/controllers/region_status.h"

namespace headroom::controllers {

/// Whether the Region is to carry our finalizer and does not: it has ConfigMaps rendered into its cluster.
bool lacks_finalizer(const api::Region& region);

struct RegionRelease {
  bool let_go = false;
  std::string left_because;  ///< why its ConfigMaps may stay behind when it goes now; empty: none does
};
/// Of a Region that is being deleted. It waits until its agent has removed the ConfigMaps, from the deletion on for
/// `patience` at most, and no longer at all once annotated with api::kForceDeleteAnnotation.
RegionRelease release_of(const api::ObjectMeta& meta, const RegionFacts& facts, absl::Time now,
                         absl::Duration patience);

/// The Warning that tells what is left behind, and how to remove it.
runtime::EventText left_behind_event(const api::Region& region, const std::string& because);

}  // namespace headroom::controllers
