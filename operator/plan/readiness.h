// Ready-by: how long a step takes from patch to ready, when work must start, and whether it will be in time. Pure.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operator/api/scale_target.h"
#include "operator/plan/decide.h"

namespace headroom::plan {

/// Adds one measured patch-to-ready time for a step of `step` replicas; old samples leave. Steps below 1 and negative
/// times are no measurements and are left out.
void record_warm_up(std::vector<api::WarmUpSamples>& samples, int step, absl::Duration took);

/// p50 or p95 (`percentile` 50 or 95, by nearest rank) of the bucket that `step` falls in; empty below three samples.
std::optional<absl::Duration> learned_warm_up(std::span<const api::WarmUpSamples> samples, int step, int percentile);

/// Time that a rise from `from_size` to `to_size` takes: warm-up (learned p95 of a step of that size, else the
/// estimate), times the number of clones one after the other, plus the ramp. Zero when it does not rise; at most a
/// year.
absl::Duration lead_time(const api::ScaleTargetSpec& spec, std::span<const api::WarmUpSamples> samples, int from_size,
                         int to_size);

/// No rise between any two sizes up to `most` has a longer lead_time.
absl::Duration longest_lead(const api::ScaleTargetSpec& spec, std::span<const api::WarmUpSamples> samples, int most);

/// 10 % of the lead, at least 30 s, nothing where there is no lead.
absl::Duration lead_margin(absl::Duration lead);

/// One resource of one ResourceQuota, and what a replica of the target takes of it.
struct QuotaRoom {
  std::string quota, resource;  ///< "compute", "limits.cpu"
  Quantity free, per_replica;
};

/// What can hold a target back besides its own spec. Targets of one namespace and region share quotas by name; targets
/// of one region share nodes.
struct TargetConstraints {
  std::vector<QuotaRoom> quotas;           ///< those that the target's pods are charged to; preferred to the next two
  std::optional<int> quota_replicas_left;  ///< further replicas that the namespace's ResourceQuotas admit
  std::string quota_text;                  ///< "ResourceQuota compute: limits.cpu 96 of 100"
  std::optional<int> node_replicas_left;   ///< further replicas that the nodes' free allocatable holds
  std::string node_text;
  std::optional<int> limit_replicas_left;  ///< further replicas that ScaleLimits admit
  std::string limit_text;
  std::optional<int> unschedulable;  ///< pods of the workload that cannot be scheduled now
  bool region_healthy = true, region_reachable = true, rival = false, lag_frozen = false;
};

struct Risk {
  api::ObjectKey target, schedule;
  std::string occurrence, phase;
  std::string reason;   ///< LeadTooShort, ResourceQuota, NodeCapacity, ScaleLimit, RegionCapacity, RegionUnhealthy,
                        ///< LagFrozen, RivalScaler, Unschedulable
  std::string message;  ///< by how much, what is missing, what to do
};

/// Everything of the next 24 hours that will not be ready by its hour, judged from planned sizes; and for phases whose
/// lead has begun, whether what is still missing reaches past `from`. `constraints` runs parallel to `input.targets`.
/// A risk is told once per target, phase and reason, for the first hour that it threatens.
std::vector<Risk> assess_risks(const DecideInput& input, const DecideResult& result,
                               std::span<const TargetConstraints> constraints);

}  // namespace headroom::plan
