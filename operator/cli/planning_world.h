// What a plan is made of, from plain objects: targets with what is known of their sizes, schedules, regions, calendars.
// The objects come from files or from a cluster. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/api/region.h"
#include "operator/api/scale_target.h"
#include "operator/cli/pod_pools.h"
#include "operator/plan/calendar.h"
#include "operator/plan/compile.h"
#include "operator/plan/decide.h"

namespace headroom::cli {

/// One object and where it was found.
struct GivenObject {
  const nlohmann::json* object = nullptr;  ///< borrowed for the call
  std::string where;                       ///< "dir/a.yaml:3:1", for messages; empty for objects of a cluster
  std::string region;                      ///< whose cluster it stands in; empty: the home cluster
};

struct PlanningWorld {
  std::vector<api::ScaleTarget> targets;                                     ///< ascending by key
  std::vector<plan::TargetObservation> observed;                             ///< parallel to targets
  std::vector<api::FestivalSchedule> schedules;                              ///< ascending by key
  std::vector<api::Region> regions;                                          ///< ascending by name
  std::map<api::ObjectKey, std::map<std::string, std::string>> config_maps;  ///< what calendars are read from
  PodPools room;                                                             ///< its sentences are among those below
  std::vector<std::string> assumptions;  ///< what was taken for granted, a sentence each
  std::vector<std::string> problems;     ///< objects that could not be read, and are left out

  /// Replaces `room`, and tells what it says.
  void take_room(PodPools pools);
  /// Index of a target; -1 where there is none.
  int target(const api::ObjectKey& key) const;
};

/// kubectl's for objects that name none, where no other is asked for.
inline constexpr char kDefaultNamespace[] = "default";

/// Sizes come from a target's status where it has been seen by an operator, else from the autoscalers and workloads
/// among the objects, else they are assumed (and said so). A second object of the same kind and name replaces the
/// first, as applying both would. Objects that name no namespace are of `default_namespace`. A target whose region is
/// among the objects and does not meet its requirements is refused there, as the operator does it.
PlanningWorld planning_world(const std::vector<GivenObject>& objects,
                             const std::string& default_namespace = kDefaultNamespace);

/// The schedules of a world on the time line around `at`. What does not compile is left out and told in `problems`.
std::vector<std::shared_ptr<const plan::CompiledSchedule>> compile_schedules(const PlanningWorld& world, absl::Time at,
                                                                             const plan::ZoneLoader& zones,
                                                                             std::vector<std::string>& problems);

}  // namespace headroom::cli
