#include "operator/plan/decide.h"

#include <algorithm>
#include <unordered_map>

#include "operator/plan/contributions.h"
#include "operator/plan/decide_paced.h"
#include "operator/plan/follow_order.h"
#include "operator/plan/region_capacity.h"
#include "operator/plan/sizing.h"
#include "operator/plan/target_facts.h"

namespace headroom::plan {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

std::vector<Voice> hear_schedules(const DecideInput& input, const std::vector<TargetFacts>& facts, Pace pace) {
  std::vector<Voice> voices(facts.size());
  std::unordered_map<std::string, std::vector<int>> by_namespace;
  for (std::size_t t = 0; t < facts.size(); ++t) by_namespace[facts[t].key().ns].push_back(static_cast<int>(t));
  std::unordered_map<std::string, SelectionMatcher> matchers;
  for (const auto& [ns, candidates] : by_namespace) matchers.emplace(ns, SelectionMatcher(facts, candidates));
  const BegunLeads begun = gather_begun_leads(facts);
  for (const auto& schedule : input.schedules) {
    const auto matcher = matchers.find(schedule->key.ns);
    if (matcher == matchers.end()) continue;
    speak(*schedule, facts, matcher->second, begun, input.now, pace, voices);
  }
  return voices;
}

void size_all(std::vector<Sizing>& sizings, const FollowOrder& follow) {
  for (const int t : follow.order) {
    Sizing& sizing = sizings[index(t)];
    sizing.apply_demand();
    if (const int leader = follow.leader[index(t)]; leader >= 0 && sizings[index(leader)].facts().known) {
      const Sizing& ahead = sizings[index(leader)];
      sizing.follow(ahead.facts().key().name, ahead.size());
      if (ahead.next()) sizing.changes_at(*ahead.next());
    }
    sizing.apply_limits();
  }
}

bool takes_from(const TargetFacts& facts, const api::RegionSpec& region) {
  return std::ranges::any_of(region.capacity, [&](const api::RegionCapacity& capacity) {
    return taken_per_replica(facts.spec(), capacity.name) > Quantity();
  });
}

void fit_regions(const DecideInput& input, std::vector<Sizing>& sizings) {
  for (const DecideRegion& region : input.regions) {
    if (region.spec->capacity.empty()) continue;
    std::vector<CapacityClaim> claims;
    std::vector<Sizing*> claimants;
    std::optional<absl::Time> next;
    for (Sizing& sizing : sizings) {
      const TargetFacts& facts = sizing.facts();
      if (!facts.known || facts.spec().region != region.name || !takes_from(facts, *region.spec)) continue;
      claims.push_back({&facts, sizing.size(), sizing.kept_in_region(), {}});
      claimants.push_back(&sizing);
      if (sizing.next()) next = std::min(next.value_or(absl::InfiniteFuture()), *sizing.next());
    }
    fit_into(region, claims);
    for (std::size_t i = 0; i < claims.size(); ++i) {
      // Whoever can be cut changes when another of the region does.
      if (next && claimants[i]->size() > claims[i].kept) claimants[i]->changes_at(*next);
      if (claims[i].size < claimants[i]->size()) claimants[i]->cut_by_region(claims[i].size, claims[i].text);
    }
  }
}

void add_planned_use(const TargetFacts& facts, const Decision& decision, DecideResult& result) {
  if (!facts.known) return;
  for (const api::Consumption& consumption : facts.spec().consumes) {
    Quantity& sum = result.planned_use[facts.spec().region][consumption.name];
    sum = sum + consumption.per_replica * decision.size;
  }
}

}  // namespace

DecideResult decide_paced(const DecideInput& input, Pace pace) {
  const std::vector<TargetFacts> facts = gather_facts(input.targets);
  std::vector<Voice> voices = hear_schedules(input, facts, pace);
  std::vector<Sizing> sizings;
  sizings.reserve(facts.size());
  for (std::size_t t = 0; t < facts.size(); ++t) sizings.emplace_back(facts[t], std::move(voices[t]), input.now, pace);
  const FollowOrder follow = order_by_follow(facts);
  size_all(sizings, follow);
  fit_regions(input, sizings);

  DecideResult result;
  result.decisions.reserve(facts.size());
  for (std::size_t t = 0; t < facts.size(); ++t) {
    result.decisions.push_back(sizings[t].finish());
    const Decision& decision = result.decisions.back();
    add_planned_use(facts[t], decision, result);
    if (decision.next_transition && (!result.next_transition || *decision.next_transition < *result.next_transition)) {
      result.next_transition = decision.next_transition;
    }
  }
  for (const std::vector<int>& cycle : follow.cycles) {
    CyclicFollow told;
    for (const int t : cycle) told.cycle.push_back(facts[index(t)].key());
    std::ranges::sort(told.cycle);
    result.cycles.push_back(std::move(told));
  }
  std::ranges::sort(result.cycles, {}, &CyclicFollow::cycle);
  return result;
}

DecideResult decide(const DecideInput& input) { return decide_paced(input, Pace::AsObserved); }

std::string schedule_in_decided_by(const std::string& decided_by, const std::string& ns) {
  constexpr std::string_view kPrefix = "FestivalSchedule/";
  if (!decided_by.starts_with(kPrefix)) return {};
  const std::string name = decided_by.substr(kPrefix.size());
  return ns + "/" + name.substr(0, name.find(' '));
}

}  // namespace headroom::plan
