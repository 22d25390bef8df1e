// The sizes that targets have where no operator has seen them: from the autoscalers and workloads beside them. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/cli/planning_world.h"

namespace headroom::cli {

struct OfflineSize {
  api::Originals originals;
  std::string assumption;  ///< a sentence; empty when an object told the size
};

/// The region's objects stand in the home cluster, as far as `regions` tell.
bool is_home(const std::string& region, const std::vector<api::Region>& regions);

class OfflineSizes {
 public:
  /// Both are borrowed. `default_namespace` is that of objects that name none.
  OfflineSizes(const std::vector<GivenObject>& objects, const std::vector<api::Region>& regions,
               std::string default_namespace)
      : objects_(objects), regions_(regions), default_namespace_(std::move(default_namespace)) {}

  OfflineSize of(const api::ScaleTarget& target) const;
  /// What the target sizes; null where it is not among the objects.
  const nlohmann::json* workload_of(const api::ScaleTarget& target) const;
  std::string namespace_of(const nlohmann::json& object) const;

 private:
  bool stands_in(const GivenObject& given, const std::string& region) const;
  const nlohmann::json* find(const api::ScaleTarget& target, const std::string& group, const std::string& kind,
                             const std::string& name) const;
  const nlohmann::json* scaler_of(const api::ScaleTarget& target, const std::string& group,
                                  const std::string& kind) const;
  std::string scale_path(const api::TargetRef& ref) const;

  const std::vector<GivenObject>& objects_;
  const std::vector<api::Region>& regions_;
  const std::string default_namespace_;
};

}  // namespace headroom::cli
