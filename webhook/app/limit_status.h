// The status of a limit, and what people are to hear of it. Pure.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/limits/levels.h"
#include "operator/runtime/events.h"
#include "webhook/app/enforcement.h"
#include "webhook/app/observed.h"
#include "webhook/app/unlanded.h"

namespace headroom::webhook {

/// Condition that is there while writes that did not land hold a good part of a dimension.
inline constexpr char kHoldsUnlanded[] = "HoldsUnlanded";

struct StatusFacts {
  const api::ScaleLimit& limit;
  std::vector<limits::DimensionUse> use;  ///< in the order of api::dimensions_of()
  Enforcement enforcement;
  std::vector<std::string> uncounted;      ///< resources whose stored objects are not counted yet
  std::string count_problem;               ///< why that does not come about; empty: it does
  std::vector<ObservedFigure> observed;    ///< in the order of spec.observed; their figures are in `use`
  std::string other_version;               ///< see validation::other_version()
  std::vector<UnlandedWrites> unlanded;    ///< by_user(), of all replicas
  std::vector<api::DenialStatus> denials;  ///< since the former status
  std::vector<std::string> excluded_namespaces;
  std::vector<std::string> scaled_blindly{};  ///< resources; see CompiledLimit::scaled_blindly()
};

struct StatusReport {
  api::ScaleLimitStatus status;
  std::vector<runtime::EventText> events;  ///< what is new against the former status
};

/// `former` tells since when things have been so, and what was denied before.
StatusReport limit_status(const StatusFacts& facts, const api::ScaleLimitStatus& former, absl::Time now);

/// How soon a difference between two statuses is worth a write: figures that move all the time can wait a little.
enum class StatusChange { None, Figures, Substance };
StatusChange change_between(const api::ScaleLimitStatus& before, const api::ScaleLimitStatus& after);

/// Adds `more` row by row; of more than api::kMostDenials the largest counts stay, in descending order.
std::vector<api::DenialStatus> added_denials(std::vector<api::DenialStatus> rows,
                                             const std::vector<api::DenialStatus>& more);

}  // namespace headroom::webhook
