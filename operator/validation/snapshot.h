// What the rules look at besides the object itself: all of Headroom's own objects, as far as watches have told.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/api/region.h"
#include "operator/api/scale_limit.h"
#include "operator/api/scale_target.h"

namespace headroom::validation {

template <class T>
using Objects = std::vector<std::shared_ptr<const T>>;

/// May hold the object under review as it was before: it stands back for the one that is judged.
struct Snapshot {
  Objects<api::Region> regions;
  Objects<api::ScaleTarget> targets;
  Objects<api::FestivalSchedule> schedules;
  Objects<api::ScaleLimit> limits;                                             ///< of both kinds
  std::map<std::string, std::map<std::string, std::string>> namespace_labels;  ///< by namespace
  std::string own_namespace = "headroom-system";
  std::vector<std::string> excluded_namespaces;  ///< neither gated nor counted by limits

  /// Null where there is none.
  const api::Region* region(const std::string& name) const;
  /// The labels of a namespace; nullopt: it is not known.
  std::optional<std::map<std::string, std::string>> labels_of(const std::string& ns) const;
};

}  // namespace headroom::validation
