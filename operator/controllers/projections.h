// The few fields of other people's objects that Headroom needs, decoded from JSON as it arrives so that ten thousand of
// them stay small. Pure; each decode fails with the path of what is wrong.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/api/object.h"
#include "operator/api/scale_target.h"
#include "operator/base/quantity.h"
#include "operator/plan/pod_requests.h"

namespace headroom::controllers {

/// On an autoscaler that Headroom made: which ScaleTarget it belongs to, as label_of() spells its name.
inline constexpr char kScaleTargetLabel[] = "headroom.dev/scale-target";
/// On the same: a hash of the metrics and behavior that it was made from, since the API server fills in defaults.
inline constexpr char kMadeFromAnnotation[] = "headroom.dev/made-from";
/// A ScaleTarget's name as a label value: the name itself, or where it is longer than the 63 characters that a label
/// holds, its beginning and a hash.
std::string label_of(const std::string& scale_target_name);
/// Sixteen hexadecimal digits, the same on every machine; for telling apart, not for safety.
std::string digest(std::string_view text);

/// Identity of an overridden object and who else writes the field in question.
struct ObjectView {
  api::ObjectKey key;
  std::string uid, resource_version;
  std::string original_annotation;        ///< headroom.dev/original, empty when absent
  Boxed<api::OwnerReference> controller;  ///< the owner with controller=true
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
  std::string managed_by;         ///< label kScaleTargetLabel: of the ScaleTarget that made it, see label_of
  std::string made_from;          ///< annotation kMadeFromAnnotation
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
  int current = 0, ready = 0;   ///< from status
  std::string selector;         ///< label selector of its pods in text form, empty where unknown
  plan::PodRequests
      pod_requests;  ///< "requests.cpu", "limits.memory", "pods": of one pod; null where it has no template
};

/// Where a kind keeps its size: field paths (".spec.replicas", see field_path.h). From the CRD's scale subresource, or
/// known for built-ins.
struct SizePaths {
  std::string spec;
  std::string status;  ///< empty: the kind does not tell; the written size counts
  /// Empty: not known from the schema; then each object is asked for `.status.readyReplicas`, `.status.readyInstances`
  /// and `status`, in this order. A field named here that an object leaves out counts 0, as built-in kinds mean it.
  std::string ready;
  std::string selector;  ///< a selector in text form, or a metav1.LabelSelector; empty: none
};

Result<Autoscaler> autoscaler_from_json(const nlohmann::json& object);
Result<ScaledObject> scaled_object_from_json(const nlohmann::json& object);
Result<Workload> workload_from_json(const nlohmann::json& object, const SizePaths& paths);

}  // namespace headroom::controllers
