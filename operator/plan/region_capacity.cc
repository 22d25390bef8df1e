#include "operator/plan/region_capacity.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

/// A claim seen through one dimension.
struct Share {
  CapacityClaim* claim = nullptr;
  Int128 each = 0;  ///< nano units that a replica takes
  int beyond = 0;   ///< replicas above `kept`
  int granted = 0;  ///< of these
  Int128 remainder = 0;
};

using Group = std::vector<Share>;

Int128 beyond(const Group& group) {
  return std::accumulate(group.begin(), group.end(), Int128{0},
                         [](Int128 sum, const Share& share) { return sum + share.each * share.beyond; });
}

/// Shares `room`, less than the group goes beyond, among its members.
void share_out(Group& group, Int128 room) {
  Int128 all = beyond(group), part = room;
  // The products below must fit; shifting both keeps their proportion to within a millionth of a replica.
  while (all > (Int128{1} << 94)) {
    all >>= 1;
    part >>= 1;
  }
  for (Share& share : group) {
    share.granted = static_cast<int>(share.beyond * part / all);
    share.remainder = share.beyond * part % all;
    room -= share.each * share.granted;
  }
  std::ranges::stable_sort(group, std::ranges::greater{}, &Share::remainder);
  for (Share& share : group) {
    if (share.granted == share.beyond || share.each > room) continue;
    ++share.granted;
    room -= share.each;
  }
  // Where replicas differ in what they take, small ones may still fit.
  for (Share& share : group) {
    const Int128 more = std::min<Int128>(share.beyond - share.granted, room / share.each);
    share.granted += static_cast<int>(more);
    room -= share.each * more;
  }
}

void fit_dimension(const DecideRegion& region, const std::string& dimension, Quantity hard,
                   std::vector<CapacityClaim>& claims) {
  Quantity wanted;
  std::map<int, Group> by_priority;
  for (CapacityClaim& claim : claims) {
    const Quantity each = taken_per_replica(claim.facts->spec(), dimension);
    if (each <= Quantity()) continue;
    wanted = wanted + each * claim.size;
    const int above = std::max(0, claim.size - claim.kept);
    by_priority[claim.facts->spec().priority].push_back({&claim, each.nano(), above, 0, 0});
  }
  const auto elsewhere = region.used_elsewhere.find(dimension);
  if (elsewhere != region.used_elsewhere.end()) wanted = wanted + elsewhere->second;
  Int128 excess = (wanted - hard).nano();
  for (auto& [priority, group] : by_priority) {
    if (excess <= 0) return;
    std::ranges::sort(group, {}, [](const Share& share) -> const api::ObjectKey& { return share.claim->facts->key(); });
    const Int128 above = beyond(group);
    if (above == 0) continue;
    if (excess < above) share_out(group, above - excess);
    excess -= above;
    for (const Share& share : group) {
      if (share.granted == share.beyond) continue;
      CapacityClaim& claim = *share.claim;
      const int size = claim.size - share.beyond + share.granted;
      claim.text = concat("capped by region ", region.name, " to ", size, " (wanted ", claim.size, "): ", dimension,
                          " wanted ", wanted.to_string(), ", has ", hard.to_string());
      claim.size = size;
    }
  }
}

}  // namespace

Quantity taken_per_replica(const api::ScaleTargetSpec& spec, const std::string& dimension) {
  const auto found = std::ranges::find(spec.consumes, dimension, &api::Consumption::name);
  return found == spec.consumes.end() ? Quantity() : found->per_replica;
}

void fit_into(const DecideRegion& region, std::vector<CapacityClaim>& claims) {
  std::map<std::string, Quantity> dimensions;
  for (const api::RegionCapacity& capacity : region.spec->capacity) dimensions.emplace(capacity.name, capacity.hard);
  for (const auto& [dimension, hard] : dimensions) fit_dimension(region, dimension, hard, claims);
}

}  // namespace headroom::plan
