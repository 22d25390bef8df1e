// Everything the controllers read, in one place: the home cluster's caches of our own kinds, the regions' clusters, and
// the latest plan. One World per operator process. Thread-safe through its parts.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/base/clock.h"
#include "operator/controllers/cluster.h"
#include "operator/controllers/object_index.h"
#include "operator/controllers/options.h"
#include "operator/controllers/target_records.h"
#include "operator/kube/client.h"
#include "operator/monitoring/query_source.h"
#include "operator/plan/compile.h"
#include "operator/plan/decide.h"
#include "operator/plan/readiness.h"
#include "operator/runtime/events.h"
#include "operator/runtime/metrics.h"
#include "operator/runtime/store.h"

namespace headroom::controllers {

/// A region as connected now.
struct RegionLink {
  std::shared_ptr<Cluster> cluster;                ///< null while its kubeconfig is missing or bad
  bool healthy = true;                             ///< probes, after unhealthyAfter
  std::string problem;                             ///< why it is not connected or not healthy
  std::map<std::string, Quantity> used_elsewhere;  ///< answers of usedQuery
};

/// Region name → link. The region controller writes, everyone reads.
class RegionLinks {
 public:
  std::optional<RegionLink> get(const std::string& region) const {
    std::lock_guard lock(mutex_);
    const auto it = links_.find(region);
    return it == links_.end() ? std::nullopt : std::optional(it->second);
  }
  std::map<std::string, RegionLink> all() const {
    std::lock_guard lock(mutex_);
    return links_;
  }
  void set(const std::string& region, RegionLink link) {
    std::lock_guard lock(mutex_);
    links_[region] = std::move(link);
  }
  void remove(const std::string& region) {
    std::lock_guard lock(mutex_);
    links_.erase(region);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, RegionLink> links_;
};

/// A schedule as the planner last compiled it, or why it could not.
struct ScheduleCompilation {
  std::shared_ptr<const plan::CompiledSchedule> compiled;  ///< a former good one may stand beside `problem`
  std::string problem_reason, problem;                     ///< empty: fine
  std::optional<absl::Time> calendar_read;
};

/// The planner's latest output. Immutable; readers keep what they got.
struct PlanSnapshot {
  absl::Time at;
  std::vector<std::shared_ptr<const api::ScaleTarget>> targets;  ///< ascending by key
  plan::DecideResult result;                                     ///< decisions run parallel to `targets`
  /// Targets that are not planned any more because they are being deleted.
  std::vector<std::shared_ptr<const api::ScaleTarget>> leaving;
  /// Workloads and autoscalers → the targets that they belong to: positions in `targets`, and after them in `leaving`.
  ObjectIndex by_object;
  std::map<api::ObjectKey, ScheduleCompilation> schedules;
  std::vector<plan::Risk> risks;
  /// Of each schedule, when work for its coming phases will start; as old as the risks.
  std::map<api::ObjectKey, std::vector<api::TransitionStatus>> lead_starts;

  const plan::Decision* decision(const api::ObjectKey& target) const {
    const auto it = std::ranges::lower_bound(result.decisions, target, {}, &plan::Decision::target);
    return it == result.decisions.end() || it->target != target ? nullptr : &*it;
  }
  /// The target at a position that `by_object` gives.
  const api::ScaleTarget& concerned(std::size_t position) const {
    return position < targets.size() ? *targets[position] : *leaving[position - targets.size()];
  }
};

/// The latest plan, handed from the planner to everyone else.
class LatestPlan {
 public:
  std::shared_ptr<const PlanSnapshot> get() const {
    std::lock_guard lock(mutex_);
    return plan_;
  }
  void set(std::shared_ptr<const PlanSnapshot> snapshot) {
    std::lock_guard lock(mutex_);
    plan_ = std::move(snapshot);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const PlanSnapshot> plan_;
};

/// What quota and nodes of a region leave for further replicas of a target; refreshed in the background.
class ConstraintSource {
 public:
  virtual ~ConstraintSource() = default;
  /// `pod_requests` (null: not known) and `selector` are those of the target's workload; see EngineView.
  virtual plan::TargetConstraints constraints(const api::ScaleTarget& target, const plan::PodRequests& pod_requests,
                                              const std::string& selector) = 0;
};

/// iCalendar texts of ConfigMaps, watched and parsed off the reconcile path, the last good one kept.
class CalendarSource {
 public:
  virtual ~CalendarSource() = default;
  struct Answer {
    std::shared_ptr<const std::vector<plan::CalendarEvent>> events;  ///< the last good parse, may be null
    std::optional<absl::Time> read;                                  ///< when that was
    std::string problem;                                             ///< why the present text is not in use
  };
  virtual Answer events(const std::string& ns, const api::Occurrence::CalendarRef& ref) = 0;
};

struct World {
  const OperatorOptions& options;
  const Clock& clock;
  std::shared_ptr<kube::Client> home;  ///< the cluster that holds our own kinds
  runtime::Metrics& metrics;
  runtime::EventRecorder& events;
  std::shared_ptr<runtime::Store<api::Region>> regions;
  std::shared_ptr<runtime::Store<api::ScaleTarget>> targets;
  std::shared_ptr<runtime::Store<api::FestivalSchedule>> schedules;
  RegionLinks links{};
  TargetRecords records{};
  /// Labels of the home cluster's namespaces, by {"", name}. Watched (by the region controller) only while a Region
  /// admits namespaces by label; such a Region is connected only once they are known.
  std::shared_ptr<runtime::Store<std::map<std::string, std::string>>> namespace_labels =
      std::make_shared<runtime::Store<std::map<std::string, std::string>>>();

  LatestPlan latest_plan{};

  /// Null before the first plan.
  std::shared_ptr<const PlanSnapshot> plan() const { return latest_plan.get(); }
  void publish(std::shared_ptr<const PlanSnapshot> snapshot) { latest_plan.set(std::move(snapshot)); }
};

}  // namespace headroom::controllers
