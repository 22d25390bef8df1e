// Gather and converge for one ScaleTarget: what its engine's objects look like (view), and which writes bring them to a
// decision (converge). Both pure over the caches; the target reconciler sends the writes.
#pragma once

#include <absl/time/time.h>

#include <map>
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

/// What may still be written despite an obstacle, from nothing to everything.
enum class Reach {
  Nothing,
  Forget,   ///< only our annotation may go: the size is somebody else's now
  PutBack,  ///< an override of ours may be taken back
  Full
};

/// Why a target cannot be sized now.
struct Obstacle {
  std::string reason;   ///< RegionNotConnected, CacheNotSynced, KindNotServed, TargetNotFound, NoScaleSubresource,
                        ///< AutoscalerNotFound, RivalScaler, AmbiguousScaler, ScalingDisabled, Paused, FieldNotAllowed,
                        ///< NotOurs, OriginalUnreadable
  std::string message;  ///< what, which object, what to do
  Reach leaves = Reach::Nothing;
};

/// A workload that stands at 0 behind an HPA, which switches the HPA off.
struct Sleeper {
  kube::ResourceType type;
  ObjectView object;
  bool at_zero = false;
  /// That we woke it, and that 0 was its size before. Kept on the workload itself.
  std::optional<OriginalRecord> woken;
};

struct EngineView {
  bool known = false;               ///< originals below are meaningful
  std::vector<Obstacle> obstacles;  ///< non-empty: nothing is raised; see Reach for the rest
  SizeObservation size;             ///< of the object that is written
  Ownership ownership;
  std::optional<int> current, ready;  ///< replicas of the workload
  std::string selector;
  plan::PodRequests pod_requests;
  bool scaling_disabled = false;

  // What to write to.
  kube::ResourceType type;
  api::ObjectKey key;
  std::string resource_version;

  bool exists = false;     ///< an autoscaler of our own may still have to be made
  bool annotated = false;  ///< it carries headroom.dev/original
  std::string made_from;   ///< of an autoscaler of our own: which metrics and behavior it was made from
  /// The ScaleTarget that the annotation names, where that is another one of this namespace. See take_over_orphan.
  std::optional<api::ObjectKey> claimed_by;
  std::optional<Sleeper> sleeper;

  Reach reach() const;
  const Obstacle* obstacle(std::string_view reason) const;
};

/// `target.status` should be what Headroom knows, which may be ahead of what is stored (TargetRecords). `cluster` null:
/// the region is not connected; then known=false with an obstacle that says so.
EngineView view_engine(const api::ScaleTarget& target, Cluster* cluster, const OperatorOptions& options);

/// The ScaleTarget that claims the object is gone (force-deleted, renamed): its record is ours from now on, unless
/// something else keeps the object out of our reach, so that we could not put it back.
void take_over_orphan(EngineView& view);

/// Makes a view from caches that lag behind our own last write show what was written.
void show_landed(const api::ScaleTarget& target, const Size& size, const std::optional<OriginalRecord>& record,
                 const std::string& resource_version, const std::string& uid, EngineView& view);

/// The sizes an object had before, as whole numbers: absent bounds become what they stand for (KEDA: 0 and 100).
/// Only of a view that is known.
api::Originals originals_of(const api::ScaleTarget& target, const EngineView& view);

/// What decide() needs from a view and `target.status`. Lag, compliance and learned baselines are added by the planner.
plan::TargetObservation observation_of(const api::ScaleTarget& target, const EngineView& view);

struct Write {
  enum class Kind { Create, Patch, Delete };
  Kind kind = Kind::Patch;
  kube::ResourceType type;
  api::ObjectKey key;
  std::string subresource;   ///< "" or "scale"
  nlohmann::json body;       ///< object or merge patch; metadata.resourceVersion (and uid, to delete) as precondition
  bool then_rebase = false;  ///< the next write's resourceVersion is that of this one's answer
};

struct Convergence {
  std::vector<Write> writes;                 ///< in order; the first failure ends the run
  std::optional<int> step_from, step_to;     ///< size before and after, when this writes a size
  Boxed<api::Contest> contest;               ///< to be kept once the writes have landed
  std::optional<absl::Duration> look_again;  ///< a contest's back-off, a raised maximum that waits, a clone under way
  std::string waiting;    ///< what for, in words, where look_again or readiness holds the next step back
  bool settled = false;   ///< the objects are as decided, nothing outstanding
  bool restored = false;  ///< no override of ours is left on the object, once the writes have landed
  /// The bounds that stand once the writes have landed, and since when, while an override is held.
  std::optional<Size> in_force;
  absl::Time in_force_since = absl::UnixEpoch();
  // What the object says once the writes have landed.
  Size size;
  std::optional<OriginalRecord> record;
};

/// Sizes go up and down in steps of readReplica.maxStep, each once the one before is ready. HPA: minReplicas goes down
/// first, maxReplicas returns when replicas fit or `max_return_patience` has passed. Nothing to do: the originals,
/// exactly, and the annotation goes. A decision made from other originals than the view's may raise, never lower.
Convergence converge(const api::ScaleTarget& target, const EngineView& view, const plan::Decision& decision,
                     absl::Time now, const OperatorOptions& options);

/// Writes that put everything back and remove what we made (owned HPAs), for deletion. Read replicas whose removal a
/// person has to approve stay; only our claim on them goes.
Convergence release(const api::ScaleTarget& target, const EngineView& view, absl::Time now,
                    const OperatorOptions& options);

/// The annotation headroom.dev/approve-scale-down of a ScaleTarget; empty when absent or not a count.
std::optional<int> approved_scale_down(const api::ScaleTarget& target);

}  // namespace headroom::controllers
