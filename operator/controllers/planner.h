// Makes the plan: gathers every target, schedule and region, calls plan::decide, publishes the snapshot, and hands on
// the keys whose decision changed. One thread; runs when something changed (debounced), when the next transition comes,
// and at least every ten minutes.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "operator/controllers/world.h"

namespace headroom::controllers {

struct PlannerSources {
  monitoring::QuerySource& queries;
  ConstraintSource& constraints;
  CalendarSource& calendars;
};

/// Who is told about a new plan. Called from the planner's thread.
struct PlannerListeners {
  std::function<void(const api::ObjectKey& target)> target_changed;      ///< its decision differs from the last plan's
  std::function<void(const api::ObjectKey& schedule)> schedule_changed;  ///< a transition, a risk or a problem changed
  std::function<void(const std::string& region)> region_changed;         ///< its planned use changed
};

class Planner {
 public:
  Planner(World& world, PlannerSources sources, PlannerListeners listeners);
  ~Planner();

  void start();
  void stop();
  /// Something that a plan depends on changed. Cheap; calls within a few milliseconds share one plan.
  void poke();
  /// The same for what comes in swarms and can wait a moment: readiness of workloads, answers of queries.
  void poke_soon();
  /// True when every poke so far has been answered by a plan.
  bool idle() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
