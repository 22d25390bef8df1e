#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "operator/base/duration.h"
#include "operator/plan/choice.h"
#include "operator/plan/decide_paced.h"
#include "operator/plan/late_leads.h"
#include "operator/plan/readiness.h"
#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

constexpr absl::Duration kHorizon = absl::Hours(24);
/// Each instant costs one decision; festivals have a few boundaries a day, not more than one an hour.
constexpr std::size_t kMostInstants = 24;

/// A target that a schedule wants larger than it is.
struct Rise {
  std::size_t target = 0;
  int by = 0;  ///< replicas on top of the present ones
  const CompiledSchedule* schedule = nullptr;
  std::string occurrence, phase;
  absl::Time deadline;
};

class Assessment {
 public:
  Assessment(const DecideInput& input, std::span<const TargetConstraints> constraints)
      : input_(input), constraints_(constraints) {
    for (std::size_t t = 0; t < input.targets.size(); ++t) by_key_.emplace(input.targets[t].key, t);
    for (const auto& schedule : input.schedules) schedules_.emplace(schedule->key, schedule.get());
    for (const DecideRegion& region : input.regions) regions_.emplace(region.name, &region);
  }

  void judge(absl::Time at) {
    const DecideResult planned = decide_paced({at, input_.targets, input_.schedules, input_.regions}, Pace::Ideal);
    std::vector<Rise> rises;
    for (std::size_t t = 0; t < planned.decisions.size(); ++t) {
      if (std::optional<Rise> rise = rise_of(t, planned)) rises.push_back(std::move(*rise));
    }
    for (const Rise& rise : rises) {
      judge_state(rise, at);
      judge_region_capacity(rise, planned.decisions[rise.target]);
      judge_counts(rise);
    }
    judge_quotas(rises);
    judge_nodes(rises);
  }

  void add(Risk risk) {
    if (told_.emplace(risk.target, risk.schedule, risk.occurrence, risk.phase, risk.reason).second) {
      risks_.push_back(std::move(risk));
    }
  }

  std::vector<Risk> take() {
    std::ranges::sort(risks_, [](const Risk& a, const Risk& b) {
      return std::tie(a.schedule, a.target, a.occurrence, a.phase, a.reason) <
             std::tie(b.schedule, b.target, b.occurrence, b.phase, b.reason);
    });
    return std::move(risks_);
  }

 private:
  int present(std::size_t t) const {
    const TargetObservation& observed = input_.targets[t].observed;
    if (observed.current) return *observed.current;
    return observed.in_force.value_or(observed.originals ? observed.originals->min : 0);
  }

  /// Who asks for the target's size: its own winning contribution, or the one of the leader that it follows.
  const Contribution* speaker(std::size_t t, const DecideResult& planned) const {
    for (std::size_t hops = 0; hops <= input_.targets.size(); ++hops) {
      const Decision& decision = planned.decisions[t];
      if (!decision.decided_by_schedule.empty()) return &decision.contributions.front();
      const Boxed<api::Follow>& follow = input_.targets[t].spec->follow;
      if (!decision.decided_by.starts_with("Follow/") || !follow) return nullptr;
      const auto leader = by_key_.find({decision.target.ns, follow->target});
      if (leader == by_key_.end()) return nullptr;
      t = leader->second;
    }
    return nullptr;
  }

  std::optional<Rise> rise_of(std::size_t t, const DecideResult& planned) const {
    const Decision& decision = planned.decisions[t];
    const int by = decision.size - present(t);
    const bool cut = decision.capped_by_region;
    if (!decision.active || (by <= 0 && !cut)) return std::nullopt;
    const Contribution* spoken = speaker(t, planned);
    if (!spoken || spoken->phase.empty()) return std::nullopt;
    const CompiledSchedule& schedule = *schedules_.at(spoken->schedule);
    const auto occurrence = std::ranges::find(schedule.occurrences, spoken->occurrence, &CompiledOccurrence::name);
    if (occurrence == schedule.occurrences.end()) return std::nullopt;
    for (const PhaseInterval& interval : occurrence->intervals) {
      if (schedule.spec.phases[static_cast<std::size_t>(interval.phase)].name == spoken->phase) {
        return Rise{t, by, &schedule, occurrence->name, spoken->phase, interval.from};
      }
    }
    return std::nullopt;
  }

  void tell(const Rise& rise, std::string reason, std::string message) {
    add({input_.targets[rise.target].key, rise.schedule->key, rise.occurrence, rise.phase, std::move(reason),
         std::move(message)});
  }

  static std::string needs(const Rise& rise) {
    return concat("needs ", rise.by, " more replica", rise.by == 1 ? "" : "s", " by ",
                  local_time(rise.deadline, rise.schedule->zone), "; ");
  }

  void judge_state(const Rise& rise, absl::Time at) {
    const TargetConstraints& limits = constraints_[rise.target];
    const std::string& region = input_.targets[rise.target].spec->region;
    if (rise.by <= 0) return;
    const auto known = regions_.find(region);
    const bool reachable = limits.region_reachable && (known == regions_.end() || known->second->reachable);
    const bool healthy = limits.region_healthy && (known == regions_.end() || known->second->healthy);
    if (!reachable) {
      tell(rise, "RegionUnhealthy",
           concat(needs(rise), "region ", region, " cannot be reached: nothing can be written"));
    } else if (!healthy) {
      tell(rise, "RegionUnhealthy", concat(needs(rise), "region ", region, " is not healthy: see its probes"));
    }
    if (limits.lag_frozen) {
      tell(rise, "LagFrozen", concat(needs(rise), "the lag guard holds it until replica lag falls"));
    }
    if (limits.rival) {
      tell(rise, "RivalScaler", concat(needs(rise), "another autoscaler owns the size: remove it, or adopt it"));
    }
    if (at == input_.now && limits.unschedulable.value_or(0) > 0) {
      tell(rise, "Unschedulable",
           concat(needs(rise), *limits.unschedulable, " pods cannot be scheduled: add nodes or free their room"));
    }
  }

  void judge_region_capacity(const Rise& rise, const Decision& planned) {
    if (!planned.capped_by_region) return;
    for (const api::Reason& reason : planned.reasons) {
      if (reason.kind != api::Reason::Kind::RegionCapacity) continue;
      tell(rise, "RegionCapacity",
           concat("gets ", planned.size, " by ", local_time(rise.deadline, rise.schedule->zone), "; ", reason.text));
    }
  }

  void judge_counts(const Rise& rise) {
    const TargetConstraints& limits = constraints_[rise.target];
    const auto check = [&](std::string reason, const std::optional<int>& left, const std::string& text) {
      if (!left || rise.by <= *left) return;
      tell(rise, std::move(reason),
           concat(needs(rise), text, text.empty() ? "" : "; ", "room for ", std::max(0, *left), ", ",
                  rise.by - std::max(0, *left), " are missing"));
    };
    if (limits.quotas.empty()) check("ResourceQuota", limits.quota_replicas_left, limits.quota_text);
    check("ScaleLimit", limits.limit_replicas_left, limits.limit_text);
  }

  /// Targets of one namespace draw on the same quota; each may fit alone and all together not.
  void judge_quotas(const std::vector<Rise>& rises) {
    struct Charged {
      const Rise* rise;
      const QuotaRoom* room;
    };
    std::map<std::tuple<std::string, std::string, std::string, std::string>, std::vector<Charged>> by_quota;
    for (const Rise& rise : rises) {
      if (rise.by <= 0) continue;
      const DecideTarget& target = input_.targets[rise.target];
      for (const QuotaRoom& room : constraints_[rise.target].quotas) {
        if (room.per_replica <= Quantity()) continue;
        by_quota[{target.spec->region, target.key.ns, room.quota, room.resource}].push_back({&rise, &room});
      }
    }
    for (const auto& [where, charges] : by_quota) {
      Quantity wanted, free = charges.front().room->free;
      for (const Charged& charge : charges) {
        wanted = wanted + charge.room->per_replica * charge.rise->by;
        free = std::min(free, charge.room->free);
      }
      free = std::max(free, Quantity());
      if (wanted <= free) continue;
      const auto& [region, ns, quota, resource] = where;
      for (const Charged& charge : charges) {
        const auto admits = static_cast<std::int64_t>(free.nano() / charge.room->per_replica.nano());
        std::string message = needs(*charge.rise);
        append_text(message, "ResourceQuota ", quota, " admits ", admits);
        if (charges.size() > 1) append_text(message, ", shared with ", charges.size() - 1, " more targets");
        append_text(message, "; raise ", resource, " by ", (wanted - free).to_string());
        tell(*charge.rise, "ResourceQuota", std::move(message));
      }
    }
  }

  /// How many replicas fit is known for each target alone; together they fit while their shares add up to one.
  void judge_nodes(const std::vector<Rise>& rises) {
    std::map<std::string, std::vector<const Rise*>> by_region;
    for (const Rise& rise : rises) {
      if (rise.by > 0 && constraints_[rise.target].node_replicas_left) {
        by_region[input_.targets[rise.target].spec->region].push_back(&rise);
      }
    }
    for (const auto& [region, sharing] : by_region) {
      double share = 0;
      for (const Rise* rise : sharing) {
        const int left = *constraints_[rise->target].node_replicas_left;
        share += left > 0 ? static_cast<double>(rise->by) / left : std::numeric_limits<double>::infinity();
      }
      if (share <= 1) continue;
      for (const Rise* rise : sharing) {
        const TargetConstraints& limits = constraints_[rise->target];
        const int left = std::max(0, *limits.node_replicas_left);
        std::string message = concat(needs(*rise), "the nodes of region ", region, " have room for ", left);
        if (!limits.node_text.empty()) append_text(message, " (", limits.node_text, ")");
        if (rise->by > left) {
          append_text(message, "; add nodes for ", rise->by - left);
        } else {
          append_text(message, ", but not together with ", sharing.size() - 1, " more targets that rise; add nodes");
        }
        tell(*rise, "NodeCapacity", std::move(message));
      }
    }
  }

  const DecideInput& input_;
  std::span<const TargetConstraints> constraints_;
  std::unordered_map<api::ObjectKey, std::size_t> by_key_;
  std::map<api::ObjectKey, const CompiledSchedule*> schedules_;
  std::map<std::string, const DecideRegion*> regions_;
  std::set<std::tuple<api::ObjectKey, api::ObjectKey, std::string, std::string, std::string>> told_;
  std::vector<Risk> risks_;
};

/// Now, and the phase starts of the next 24 hours, ascending.
std::vector<absl::Time> instants(const DecideInput& input) {
  std::set<absl::Time> starts;
  for (const auto& schedule : input.schedules) {
    if (schedule->spec.suspend != api::SuspendMode::None) continue;
    const std::vector<TimelineEntry>& timeline = schedule->timeline;
    auto entry = std::ranges::upper_bound(timeline, input.now, {}, &TimelineEntry::from);
    for (; entry != timeline.end() && entry->from <= input.now + kHorizon; ++entry) {
      const api::Phase& phase = schedule->spec.phases[static_cast<std::size_t>(entry->phase)];
      if (!phase.demands.empty()) starts.insert(entry->from);
    }
  }
  std::vector<absl::Time> all = {input.now};
  for (const absl::Time start : starts) {
    if (all.size() < kMostInstants) all.push_back(start);
  }
  return all;
}

}  // namespace

std::vector<Risk> assess_risks(const DecideInput& input, const DecideResult& result,
                               std::span<const TargetConstraints> constraints) {
  Assessment assessment(input, constraints);
  for (Risk& risk : late_leads(input, result)) assessment.add(std::move(risk));
  for (const absl::Time at : instants(input)) assessment.judge(at);
  return assessment.take();
}

}  // namespace headroom::plan
