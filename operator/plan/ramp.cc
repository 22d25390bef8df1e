#include "operator/plan/ramp.h"

#include <algorithm>
#include <cstdint>

#include "operator/base/quantity.h"

namespace headroom::plan {

int ramp_step(const api::Step& step, int size) {
  const Quantity share = Quantity::from_nano(Int128{std::max(step.percent, 0)} * (Quantity::kNano / 100));
  return std::max({step.pods, ceil_times(share, size), 1});
}

RampPath ramp_path(const Boxed<api::RampLimit>& ramp, int from, int to) {
  if (!ramp) return {absl::ZeroDuration(), to - from};
  std::int64_t steps = 0, size = from, last = 0;
  while (size < to) {
    const int step = ramp_step(ramp->step, static_cast<int>(size));
    // While the same number of pods is added each time, all those steps are taken at once. A percentage outgrows the
    // pods after at most a few hundred sizes, and from then on the size multiplies.
    std::int64_t same = 1;
    if (ramp->step.percent <= 0) {
      same = (to - size + step - 1) / step;
    } else if (const std::int64_t until = (std::int64_t{step} * 100) / ramp->step.percent; until > size) {
      same = std::max<std::int64_t>(1, (std::min<std::int64_t>(until, to) - size) / step);
    }
    const std::int64_t next = size + same * step;
    last = next <= to ? step : to - (next - step);
    size = next;
    steps += same;
  }
  return {ramp->period * std::max<std::int64_t>(steps - 1, 0), static_cast<int>(last)};
}

}  // namespace headroom::plan
