// The few fields of other people's objects that Headroom needs, decoded from JSON as it arrives so that ten thousand of
// them stay small. Pure; each decode fails with the path of what is wrong.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/object.h"
#include "operator/api/scale_target.h"
#include "operator/base/quantity.h"

namespace headroom::controllers {

/// Identity of an overridden object and who else writes the field in question.
struct ObjectView {
  api::ObjectKey key;
  std::string uid, resource_version;
  std::string original_annotation;                ///< headroom.dev/original, empty when absent
  std::optional<api::OwnerReference> controller;  ///< the owner with controller=true
  std::string other_manager;  ///< the manager besides "headroom" that last wrote the size fields, for `Contested`
  bool being_deleted = false;
};

/// autoscaling/v2 HorizontalPodAutoscaler.
struct Autoscaler {
  ObjectView object;
  api::TargetRef target;
  int min = 1, max = 1;
  int current = 0, desired = 0;
  bool scaling_disabled = false;  ///< ScalingActive=False with reason ScalingDisabled: the workload stands at 0
  std::string managed_by;         ///< label headroom.dev/scale-target: "ns/name" of the ScaleTarget that made it
};

/// keda.sh/v1alpha1 ScaledObject.
struct ScaledObject {
  ObjectView object;
  api::TargetRef target;        ///< KEDA's defaults filled in (apps/v1 Deployment)
  std::optional<int> min, max;  ///< as written; absent means KEDA's own default (0 and 100)
  bool paused = false;          ///< annotations autoscaling.keda.sh/paused, paused-replicas
};

/// Anything with a size: built-in workloads and custom resources.
struct Workload {
  ObjectView object;
  std::optional<int> replicas;  ///< the size field as written
  int current = 0, ready = 0;   ///< from status; ready falls back to current where the kind has no such field
  std::string selector;         ///< label selector of its pods in text form, empty where unknown
  std::map<std::string, Quantity> pod_requests;  ///< "requests.cpu", "limits.memory", "pods": of one pod
};

/// Where a kind keeps its size: JSON paths (".spec.replicas"). From the CRD's scale subresource, or known for
/// built-ins.
struct SizePaths {
  std::string spec, status, ready, selector;
};

Result<Autoscaler> autoscaler_from_json(const nlohmann::json& object);
Result<ScaledObject> scaled_object_from_json(const nlohmann::json& object);
Result<Workload> workload_from_json(const nlohmann::json& object, const SizePaths& paths);

}  // namespace headroom::controllers
