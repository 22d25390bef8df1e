#include "operator/plan/baseline.h"

#include <algorithm>

namespace headroom::plan {
namespace {

constexpr std::size_t kMostSamples = 720;  // thirty days, the longest window
constexpr std::size_t kCertainFrom = 24;   // a day has its quiet hours and its busy ones

absl::Time hour_of(absl::Time now) { return absl::UnixEpoch() + absl::Floor(now - absl::UnixEpoch(), absl::Hours(1)); }

}  // namespace

void sample_baseline(api::BaselineSamples& samples, int size, bool overridden, absl::Time now,
                     const api::LearnedBaselineSpec&) {
  const absl::Time hour = hour_of(now);
  // An hour that lies before the newest sample is a clock that was set back: it would count one hour twice.
  if (overridden || (samples.last && hour < *samples.last)) return;
  if (samples.last == hour && !samples.hourly.empty()) {
    samples.hourly.back() = std::max(samples.hourly.back(), size);
    return;
  }
  samples.hourly.push_back(size);
  samples.last = hour;
  if (samples.hourly.size() > kMostSamples) {
    samples.hourly.erase(samples.hourly.begin(), samples.hourly.end() - static_cast<std::ptrdiff_t>(kMostSamples));
  }
}

std::optional<LearnedBaseline> learned_baseline(const api::BaselineSamples& samples,
                                                const api::LearnedBaselineSpec& spec) {
  if (samples.hourly.empty()) return std::nullopt;
  // The window counts sampled hours: those of an override are no evidence of what is normal, nor of its absence.
  const auto window = static_cast<std::size_t>(std::max<std::int64_t>(1, absl::ToInt64Hours(spec.window)));
  const std::size_t count = std::min(window, samples.hourly.size());
  std::vector<int> sizes(samples.hourly.end() - static_cast<std::ptrdiff_t>(count), samples.hourly.end());
  std::ranges::sort(sizes);
  // Nearest rank: the smallest size that at least 95 % of the hours did not exceed.
  const std::size_t rank = spec.statistic == api::LearnedBaselineSpec::Statistic::Max ? count : (count * 95 + 99) / 100;
  return LearnedBaseline{sizes[rank - 1], samples.hourly.size() < kCertainFrom};
}

}  // namespace headroom::plan
