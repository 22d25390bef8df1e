#include "tests/limits/flow_truth.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

namespace headroom::limits {
namespace {

// Clocks of replicas differ by a tenth of a percent.
constexpr double kAboutTheSame = 0.998;

}  // namespace

std::optional<std::string> FlowTruth::admitted(const std::string& key, const std::string& counted_as,
                                               std::uint64_t write, double now, std::function<bool()> can_land) {
  const double longest = std::max(bounds_.window, bounds_.assume_done_after);
  for (auto& [name, writes] : writes_) {
    std::erase_if(writes.last, [&](const auto& one) { return one.second + longest < now; });
  }
  std::erase_if(writes_, [](const auto& entry) { return entry.second.open.empty() && entry.second.last.empty(); });
  const auto known = writes_.try_emplace(key).first;
  const bool counts = known->second.last.insert_or_assign(counted_as, now).second;
  known->second.open[write] = {now, std::move(can_land)};

  if (counts) lately_.push_back(now);
  while (!lately_.empty() && lately_.front() <= now - bounds_.window * kAboutTheSame) lately_.pop_front();
  if (counts && bounds_.burst > 0 && lately_.size() > static_cast<std::size_t>(bounds_.burst)) {
    return absl::StrCat(lately_.size(), " writes within ", bounds_.window, " s, of ", bounds_.burst);
  }
  const auto in_progress = std::ranges::count_if(writes_, [&](const auto& entry) {
    return std::ranges::any_of(entry.second.open, [&](const auto& one) {
      return one.second.admitted + bounds_.assume_done_after * kAboutTheSame > now && one.second.can_land();
    });
  });
  if (bounds_.max > 0 && in_progress > bounds_.max) {
    return absl::StrCat(in_progress, " writes in progress, of ", bounds_.max);
  }
  return std::nullopt;
}

void FlowTruth::ended(const std::string& key, std::uint64_t write) {
  const auto known = writes_.find(key);
  if (known != writes_.end()) known->second.open.erase(write);
}

}  // namespace headroom::limits
