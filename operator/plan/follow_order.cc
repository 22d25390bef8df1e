#include "operator/plan/follow_order.h"

#include <algorithm>
#include <unordered_map>

namespace headroom::plan {
namespace {

std::vector<int> leaders(std::span<const TargetFacts> facts) {
  std::unordered_map<api::ObjectKey, int> by_key;
  std::vector<int> leader(facts.size(), -1);
  const bool any =
      std::ranges::any_of(facts, [](const TargetFacts& target) { return target.spec().follow.has_value(); });
  if (!any) return leader;
  for (std::size_t t = 0; t < facts.size(); ++t) by_key.emplace(facts[t].key(), static_cast<int>(t));
  for (std::size_t t = 0; t < facts.size(); ++t) {
    const Boxed<api::Follow>& follow = facts[t].spec().follow;
    if (!follow) continue;
    const auto found = by_key.find({facts[t].key().ns, follow->target});
    if (found != by_key.end()) leader[t] = found->second;
  }
  return leader;
}

}  // namespace

FollowOrder order_by_follow(std::span<const TargetFacts> facts) {
  FollowOrder result;
  result.leader = leaders(facts);
  enum class Seen : std::uint8_t { No, OnPath, Done };
  std::vector<Seen> seen(facts.size(), Seen::No);
  std::vector<int> path;
  for (int start = 0; start < static_cast<int>(facts.size()); ++start) {
    path.clear();
    int at = start;
    while (at >= 0 && seen[static_cast<std::size_t>(at)] == Seen::No) {
      seen[static_cast<std::size_t>(at)] = Seen::OnPath;
      path.push_back(at);
      at = result.leader[static_cast<std::size_t>(at)];
    }
    if (at >= 0 && seen[static_cast<std::size_t>(at)] == Seen::OnPath) {
      result.cycles.emplace_back(std::ranges::find(path, at), path.end());
      for (const int member : result.cycles.back()) result.leader[static_cast<std::size_t>(member)] = -1;
    }
    // The path runs from follower to leader.
    for (auto member = path.rbegin(); member != path.rend(); ++member) {
      seen[static_cast<std::size_t>(*member)] = Seen::Done;
      result.order.push_back(*member);
    }
  }
  return result;
}

}  // namespace headroom::plan
