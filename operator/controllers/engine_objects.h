// Gather for one ScaleTarget: everything its engine looks at, read from the caches in one go; then the view as a pure
// function of that.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/controllers/engine.h"

namespace headroom::controllers {

struct EngineObjects {
  std::string region;
  /// By engine.name, or the name of one of our own; `synced` also where no name is given.
  Lookup<Autoscaler> autoscaler;
  Lookup<ScaledObject> scaled_object;
  std::vector<std::shared_ptr<const Autoscaler>> autoscalers;       ///< that scale targetRef
  std::vector<std::shared_ptr<const ScaledObject>> scaled_objects;  ///< that scale targetRef
  Lookup<Workload> workload;
  std::optional<ScaleKind> kind;  ///< of the workload
};

EngineObjects gather_objects(const api::ScaleTarget& target, Cluster& cluster);

EngineView view_of(const api::ScaleTarget& target, const EngineObjects& objects, const OperatorOptions& options);

// The parts of view_of, by engine.
void view_autoscaler(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view);
void view_scaled_object(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view);
void view_workload(const api::ScaleTarget& target, const EngineObjects& objects, const OperatorOptions& options,
                   EngineView& view);
void view_advised(const api::ScaleTarget& target, const EngineObjects& objects, EngineView& view);

// --- shared between the parts ---

void add_obstacle(EngineView& view, const std::string& reason, const std::string& message,
                  Reach leaves = Reach::Nothing);
/// Identity, annotation and ownership of the object that is written, whose bounds now are `now`. Adds the obstacles
/// OriginalUnreadable and NotOurs.
void view_written(const api::ScaleTarget& target, const kube::ResourceType& type, const ObjectView& object,
                  const Size& now, EngineView& view);
/// Ownership of an autoscaler of our own: its originals are the spec's, and the status tells what was written last.
Ownership ownership_of_own(const api::ScaleTarget& target, const SizeObservation& size);
/// An obstacle for a look-up that cannot answer; true when there is one.
template <class T>
bool unanswered(const Lookup<T>& lookup, const std::string& what, EngineView& view) {
  if (lookup.synced) return false;
  const std::string reason = lookup.reason.empty() ? "CacheNotSynced" : lookup.reason;
  const std::string problem = lookup.problem.empty() ? "its cache is being filled" : lookup.problem;
  add_obstacle(view, reason, what + " cannot be read yet: " + problem);
  return true;
}
/// "HorizontalPodAutoscaler shop/web".
std::string described(const std::string& kind, const api::ObjectKey& key);
std::string described(const api::TargetRef& target, const std::string& ns);
/// The names of all that scale the target besides `except`, each with its kind; empty when there are none. An HPA that
/// a ScaledObject made is not named beside it.
std::vector<std::string> rivals(const EngineObjects& objects, const std::string& except_autoscaler,
                                const std::string& except_scaled_object);

/// KEDA's defaults for bounds that a ScaledObject leaves out.
inline constexpr int kKedaMin = 0, kKedaMax = 100;

}  // namespace headroom::controllers
