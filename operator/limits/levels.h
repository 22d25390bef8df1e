// How full a limit is, and what that calls for. Pure.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/base/quantity.h"

namespace headroom::limits {

/// What is known of one dimension now.
struct DimensionUse {
  /// Not known: thresholds that were crossed stay so, with their levels, pauses and halts, until a figure says
  /// otherwise; none is crossed anew, and one that was not yet for long enough begins anew.
  std::optional<Quantity> used;
  Quantity held;  ///< admitted, not yet seen stored; or in progress
  bool operator==(const DimensionUse&) const = default;
};

/// Something that people are to hear of.
struct LevelEvent {
  std::string reason;  ///< CamelCase: "LimitThresholdCrossed", "LimitThresholdCleared", "WritesPaused", "WritesHalted",
                       ///< "WritesResumed"
  bool warning = true;
  std::string message;
  const api::Threshold* threshold = nullptr;  ///< of the spec; its escalation names receivers; null: nobody's
};

struct Levels {
  api::LimitLevel level = api::LimitLevel::Green;
  std::vector<api::DimensionStatus> dimensions;
  std::vector<api::CrossedThreshold> thresholds;
  Boxed<api::WriteStop> paused, halted;
  std::vector<LevelEvent> events;  ///< what is new against the former status
};

/// The levels by `use`, which is in the order of api::dimensions_of(spec). `former` tells since when things have been
/// so. A threshold is crossed while used × 100 >= percent × hard; one of an observed dimension counts once that has
/// been so for as long as its `for` asks.
Levels levels_of(const api::ScaleLimitSpec& spec, const std::vector<DimensionUse>& use,
                 const api::ScaleLimitStatus& former, absl::Time now);

/// When levels_of() may answer differently although nothing is used differently; null: never.
std::optional<absl::Time> next_change(const api::ScaleLimitSpec& spec, const api::ScaleLimitStatus& status);

}  // namespace headroom::limits
