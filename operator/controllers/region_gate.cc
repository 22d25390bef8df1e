#include "operator/controllers/region_gate.h"

#include <algorithm>

namespace headroom::controllers {
namespace {

/// A region that had work within this time may have more any moment, and keeps a quarter of the workers free for it.
constexpr std::chrono::seconds kRecently{60};
/// After this long a silent region gets its full share once more; by then its targets are in back-off.
constexpr std::chrono::seconds kSilence{30};

}  // namespace

std::optional<RegionGate::Pass> RegionGate::enter(const std::string& region, SteadyTime now) {
  std::lock_guard lock(mutex_);
  Load& load = loads_[region];
  int share = others_work(region, now) ? std::max(1, workers_ - workers_ / 4) : workers_;
  if (load.silent_since && now - *load.silent_since < kSilence) share = 1;
  if (load.working >= share) return std::nullopt;
  ++load.working;
  load.entered = now;
  return Pass(*this, region);
}

void RegionGate::leave(const std::string& region) {
  std::lock_guard lock(mutex_);
  --loads_[region].working;
}

void RegionGate::note(const std::string& region, bool answered, SteadyTime now) {
  std::lock_guard lock(mutex_);
  Load& load = loads_[region];
  if (answered) {
    load.silent_since.reset();
  } else {
    load.silent_since = now;
  }
}

bool RegionGate::others_work(const std::string& region, SteadyTime now) const {
  return std::ranges::any_of(loads_, [&](const auto& entry) {
    return entry.first != region && (entry.second.working > 0 || now - entry.second.entered < kRecently);
  });
}

}  // namespace headroom::controllers
