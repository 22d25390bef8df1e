// Gather and converge for one ScaleTarget: what its engine's objects look like (view), and which writes bring them to a
// decision (converge). Both pure over the caches; the target reconciler sends the writes.
#pragma once

#include <absl/time/time.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/scale_target.h"
#include "operator/controllers/cluster.h"
#include "operator/controllers/options.h"
#include "operator/controllers/overrides.h"
#include "operator/kube/client.h"
#include "operator/plan/decide.h"

namespace headroom::controllers {

/// Why a target cannot be sized now.
struct Obstacle {
  std::string reason;   ///< TargetNotFound, NoScaleSubresource, RivalScaler, AmbiguousScaler, ScalingDisabled,
                        ///< Paused, FieldNotAllowed, AutoscalerNotFound, NotOurs, CacheNotSynced, KindNotServed
  std::string message;  ///< what, which object, what to do
};

struct EngineView {
  bool known = false;               ///< originals below are meaningful
  std::vector<Obstacle> obstacles;  ///< non-empty: nothing is written
  SizeObservation size;             ///< of the object that is written
  Ownership ownership;
  std::optional<int> current, ready;  ///< replicas of the workload
  std::string selector;
  std::map<std::string, Quantity> pod_requests;
  bool scaling_disabled = false;

  // What to write to.
  kube::ResourceType type;
  api::ObjectKey key;
  std::string resource_version;
};

/// `cluster` null: the region is not connected; then known=false with an obstacle that says so.
EngineView view_engine(const api::ScaleTarget& target, Cluster* cluster, const OperatorOptions& options);

/// What decide() needs from a view.
plan::TargetObservation observation_of(const api::ScaleTarget& target, const EngineView& view);

struct Write {
  enum class Kind { Create, Patch, Delete };
  Kind kind = Kind::Patch;
  kube::ResourceType type;
  api::ObjectKey key;
  std::string subresource;   ///< "" or "scale"
  nlohmann::json body;       ///< object or merge patch; carries metadata.resourceVersion
  bool then_rebase = false;  ///< the next write's resourceVersion is that of this one's answer
};

struct Convergence {
  std::vector<Write> writes;              ///< in order; the first failure ends the run
  std::optional<int> step_from, step_to;  ///< size before and after, when this writes a size
  std::optional<api::Contest> contest;
  std::optional<absl::Duration> look_again;  ///< a contest's back-off, a raised maximum that waits, a clone under way
  bool settled = false;                      ///< the objects are as decided, nothing outstanding
  bool restored = false;                     ///< no override of ours is left on the object
};

/// Sizes go up and down in steps of readReplica.maxStep, each once the one before is ready. HPA: minReplicas goes down
/// first, maxReplicas returns when replicas fit or `max_return_patience` has passed. Nothing to do: the originals,
/// exactly, and the annotation goes.
Convergence converge(const api::ScaleTarget& target, const EngineView& view, const plan::Decision& decision,
                     absl::Time now, const OperatorOptions& options);

/// Writes that put everything back and remove what we made (owned HPAs), for deletion and suspend: Restore.
Convergence release(const api::ScaleTarget& target, const EngineView& view, absl::Time now,
                    const OperatorOptions& options);

}  // namespace headroom::controllers
