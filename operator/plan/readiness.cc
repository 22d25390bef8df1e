#include "operator/plan/readiness.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "operator/plan/ramp.h"

namespace headroom::plan {
namespace {

constexpr std::size_t kMostSamples = 20, kFewestSamples = 3;
/// Schedules are compiled 400 days ahead; a longer lead could never be kept.
constexpr absl::Duration kLongestLead = absl::Hours(365 * 24);
constexpr absl::Duration kLeastMargin = absl::Seconds(30);

/// The power of two at or above `step`: steps of about one size take about the same time.
int bucket_of(int step) {
  const auto bucket = std::bit_ceil(static_cast<std::uint32_t>(std::clamp(step, 1, 1 << 30)));
  return static_cast<int>(bucket);
}

absl::Duration warm_up(const api::ScaleTargetSpec& spec, std::span<const api::WarmUpSamples> samples, int step) {
  if (!spec.warm_up.learn) return spec.warm_up.estimate;
  return learned_warm_up(samples, step, 95).value_or(spec.warm_up.estimate);
}

/// How many clones follow one another where only so many may run at a time.
std::int64_t clone_rounds(const api::ScaleTargetSpec& spec, int rise) {
  if (spec.role != api::Role::ReadReplica || spec.read_replica.max_step < 1) return 1;
  return (std::int64_t{rise} + spec.read_replica.max_step - 1) / spec.read_replica.max_step;
}

}  // namespace

void record_warm_up(std::vector<api::WarmUpSamples>& samples, int step, absl::Duration took) {
  if (step < 1 || took < absl::ZeroDuration() || took > kLongestLead) return;
  const int bucket = bucket_of(step);
  auto place = std::ranges::lower_bound(samples, bucket, {}, &api::WarmUpSamples::step);
  if (place == samples.end() || place->step != bucket) place = samples.insert(place, {bucket, {}});
  place->seconds.push_back(static_cast<int>(std::ceil(absl::ToDoubleSeconds(took))));
  if (place->seconds.size() > kMostSamples) place->seconds.erase(place->seconds.begin());
}

std::optional<absl::Duration> learned_warm_up(std::span<const api::WarmUpSamples> samples, int step, int percentile) {
  const auto bucket = std::ranges::find(samples, bucket_of(step), &api::WarmUpSamples::step);
  if (bucket == samples.end() || bucket->seconds.size() < kFewestSamples) return std::nullopt;
  std::vector<int> sorted = bucket->seconds;
  std::ranges::sort(sorted);
  const std::size_t rank = (sorted.size() * static_cast<std::size_t>(std::clamp(percentile, 1, 100)) + 99) / 100;
  return absl::Seconds(sorted[rank - 1]);
}

absl::Duration lead_time(const api::ScaleTargetSpec& spec, std::span<const api::WarmUpSamples> samples, int from_size,
                         int to_size) {
  if (to_size <= from_size) return absl::ZeroDuration();
  const RampPath ramp = ramp_path(spec.ramp_up, from_size, to_size);
  const int rise = to_size - from_size;
  const std::int64_t rounds = clone_rounds(spec, rise);
  // What is written last has to be ready by the hour; where clones follow one another that is one round.
  const int step = rounds > 1 ? spec.read_replica.max_step : ramp.last_step;
  return std::min(warm_up(spec, samples, step) * rounds + ramp.takes, kLongestLead);
}

absl::Duration longest_lead(const api::ScaleTargetSpec& spec, std::span<const api::WarmUpSamples> samples, int most) {
  absl::Duration longest = spec.warm_up.estimate;
  if (spec.warm_up.learn) {
    for (const api::WarmUpSamples& bucket : samples) {
      longest = std::max(longest, learned_warm_up(samples, bucket.step, 95).value_or(absl::ZeroDuration()));
    }
  }
  return std::min(longest * clone_rounds(spec, most) + ramp_path(spec.ramp_up, 0, most).takes, kLongestLead);
}

absl::Duration lead_margin(absl::Duration lead) {
  if (lead <= absl::ZeroDuration()) return absl::ZeroDuration();
  return std::max(lead / 10, kLeastMargin);
}

}  // namespace headroom::plan
