#include "tests/limits/flow_truth.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

namespace headroom::limits {
namespace {

// Clocks of replicas differ by a tenth of a percent.
constexpr double kAboutTheSame = 0.998;

}  // namespace

std::optional<std::string> FlowTruth::admitted(const std::string& key, double now, std::function<bool()> can_land) {
  const double longest = std::max(bounds_.window, bounds_.assume_done_after);
  std::erase_if(writes_,
                [&](const auto& entry) { return entry.second.open == 0 && entry.second.last + longest < now; });
  const auto [known, added] = writes_.try_emplace(key);
  Known& write = known->second;
  const bool counts = added || write.last + longest < now;
  if (counts) write.first = now;
  write.last = now;
  write.can_land = std::move(can_land);
  ++write.open;
  if (!counts) return std::nullopt;

  lately_.push_back(now);
  while (lately_.front() <= now - bounds_.window * kAboutTheSame) lately_.pop_front();
  if (bounds_.burst > 0 && lately_.size() > static_cast<std::size_t>(bounds_.burst)) {
    return absl::StrCat(lately_.size(), " writes within ", bounds_.window, " s, of ", bounds_.burst);
  }
  const auto in_progress = std::ranges::count_if(writes_, [&](const auto& entry) {
    return entry.second.open > 0 && entry.second.can_land() &&
           entry.second.first + bounds_.assume_done_after * kAboutTheSame > now;
  });
  if (bounds_.max > 0 && in_progress > bounds_.max) {
    return absl::StrCat(in_progress, " writes in progress, of ", bounds_.max);
  }
  return std::nullopt;
}

void FlowTruth::ended(const std::string& key) {
  const auto known = writes_.find(key);
  if (known != writes_.end() && known->second.open > 0) --known->second.open;
}

}  // namespace headroom::limits
