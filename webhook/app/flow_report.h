// How much of the limits' flow one replica's writes had in use: what it announces on its Lease, for the status. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "operator/limits/amounts.h"
#include "webhook/app/engine.h"

namespace headroom::webhook {

/// On a replica's Lease: FlowReport::text().
inline constexpr char kFlowAnnotation[] = "headroom.dev/flow-peaks";

/// The most between two renewals of the Lease, by limit. Those of several replicas add up to at least what was in use
/// at a time, and hardly to more.
struct FlowReport {
  std::map<std::string, limits::Amounts> peaks;  ///< by the limit's uid, in limits::kFlowDimensions

  /// Of more limits than a Lease has room for, the fullest.
  static FlowReport of(const std::vector<FlowPeak>& peaks);
  /// "<uid>=<writes in progress>/<writes within the window>,...".
  std::string text() const;
  /// What is not of that form says nothing.
  static FlowReport parse(std::string_view text);
  bool operator==(const FlowReport&) const = default;
};

/// What these replicas, by their reports, had in use of a limit's rate, in writes per second, or of its concurrency; at
/// most its bound, as shares move between replicas from one report to the next.
Quantity flow_used(const api::ScaleLimit& limit, api::LimitDimension::Kind dimension,
                   const std::vector<FlowReport>& replicas);

}  // namespace headroom::webhook
