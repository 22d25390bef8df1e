#include "operator/cli/forecast.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "operator/base/duration.h"
#include "operator/cli/forecast_rises.h"
#include "operator/cli/forecast_room.h"
#include "operator/plan/choice.h"
#include "operator/plan/text.h"
#include "operator/plan/walk.h"

namespace headroom::cli {
namespace {

using plan::concat;

/// How long before the range the walk begins, so that ramps and removals under way at its start are seen.
constexpr absl::Duration kRunUp = absl::Hours(7 * 24);
/// A forecast that begins so close to now goes on from the sizes that are in force.
constexpr absl::Duration kAboutNow = absl::Minutes(5);

std::size_t index(int number) { return static_cast<std::size_t>(number); }

std::string phase_name(const plan::Contribution& said) {
  return said.phase.empty() ? "suspended" : concat(said.occurrence, " ", said.phase);
}

class Forecaster {
 public:
  Forecaster(const PlanningWorld& world, const ForecastRequest& request)
      : world_(world), request_(request), room_(world) {
    result_.from = request.from;
    result_.to = request.to;
    result_.assumptions = world.assumptions;
    result_.warnings = world.problems;
  }

  Forecast run(const plan::ZoneLoader& zones) {
    const absl::Time start =
        request_.from > request_.now ? std::max(request_.now, request_.from - kRunUp) : request_.from;
    schedules_ = compile_schedules(world_, start, zones, result_.warnings);
    gather_targets(start);
    gather_regions();
    choose_told();
    plan::WalkInput input;
    input.targets = targets_;
    input.schedules = schedules_;
    input.regions = regions_;
    input.from = start;
    input.to = request_.to;
    plan::walk(std::move(input), [&](const plan::WalkRow& row, const plan::DecideResult& decided) {
      take(row, decided);
      return true;
    });
    end_all();
    gather_phases();
    result_.rises = rises_of(targets_, schedules_, request_.from, request_.to, request_.now);
    std::erase_if(result_.rises, [&](const ReadyForecast& rise) { return !told_[index(rise.target)]; });
    result_.pools = room_.finish(told_, request_.to);
    finish_sums();
    finish_overlaps();
    warn();
    assume();
    return std::move(result_);
  }

 private:
  void gather_targets(absl::Time start) {
    const bool about_now = start <= request_.now + kAboutNow && request_.now <= start + kAboutNow;
    for (std::size_t t = 0; t < world_.targets.size(); ++t) {
      plan::DecideTarget target;
      target.key = world_.targets[t].meta.key();
      target.labels = &world_.targets[t].meta.labels;
      target.spec = &world_.targets[t].spec;
      target.observed = world_.observed[t];
      if (!about_now) {
        target.observed.in_force.reset();
        target.observed.in_force_since.reset();
        target.observed.decided_by_schedule.clear();
        target.observed.rule_size.reset();
        target.observed.approved_size.reset();
        target.observed.current.reset();
        target.observed.ready.reset();
      }
      targets_.push_back(std::move(target));
    }
    last_.resize(targets_.size());
    sizes_.resize(targets_.size());
    replica_nanoseconds_.resize(targets_.size());
    extra_nanoseconds_.resize(targets_.size());
    since_.assign(targets_.size(), request_.from);
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      TargetSum sum;
      sum.target = static_cast<int>(t);
      sum.original = targets_[t].observed.originals ? targets_[t].observed.originals->min : 0;
      sum.peak_at = request_.from;
      sums_.push_back(std::move(sum));
    }
  }

  void gather_regions() {
    for (const api::Region& region : world_.regions) {
      regions_.push_back({region.meta.name, &region.spec, true, true, {}});
      for (const api::CapacityStatus& one : region.status.capacity) {
        if (one.used) regions_.back().used_elsewhere[one.name] = *one.used;
      }
      for (const api::RegionCapacity& capacity : region.spec.capacity) {
        RegionRoom room{region.meta.name, capacity.name, capacity.hard, {}, request_.from, {}, capacity.format};
        result_.rooms.push_back(std::move(room));
      }
    }
  }

  void choose_told() {
    told_.assign(targets_.size(), true);
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      if (!request_.ns.empty() && targets_[t].key.ns != request_.ns) told_[t] = false;
    }
    if (request_.schedule.empty()) return;
    const std::vector<plan::TargetFacts> facts = plan::gather_facts(targets_);
    std::vector<bool> selected(targets_.size(), false);
    for (const auto& schedule : schedules_) {
      if (schedule->key.name != request_.schedule) continue;
      const std::vector<int> candidates = candidates_in(targets_, schedule->key.ns);
      const plan::ScheduleView view(*schedule, facts, candidates);
      for (int m = 0; m < view.size(); ++m) selected[index(view.target(m))] = true;
    }
    // Followers go where their leaders go.
    for (bool grown = true; grown;) {
      grown = false;
      for (std::size_t t = 0; t < targets_.size(); ++t) {
        if (selected[t] || !targets_[t].spec->follow) continue;
        const int leader = world_.target({targets_[t].key.ns, targets_[t].spec->follow->target});
        if (leader >= 0 && selected[index(leader)]) selected[t] = grown = true;
      }
    }
    for (std::size_t t = 0; t < targets_.size(); ++t) told_[t] = told_[t] && selected[t];
  }

  void take(const plan::WalkRow& row, const plan::DecideResult& decided) {
    // What holds at the start of the range begins there, whenever it came about.
    const absl::Time at = std::max(row.at, request_.from);
    if (!opened_ && row.at > request_.from) open();
    if (row.at > request_.from) ++result_.instants;
    for (const plan::WalkChange& change : row.changes) {
      const std::size_t t = index(change.target);
      if (opened_) end(t, at);
      last_[t] = change.decision;
      if (opened_) begin(t, at);
    }
    if (!opened_ && row.at == request_.from) open();
    take_rooms(at, decided);
    if (opened_) room_.take(at, last_);
  }

  void open() {
    opened_ = true;
    room_.take(request_.from, last_);
    for (std::size_t t = 0; t < last_.size(); ++t) begin(t, request_.from);
  }

  void begin(std::size_t t, absl::Time at) {
    const plan::Decision& decision = last_[t];
    since_[t] = at;
    TargetSum& sum = sums_[t];
    if (decision.size > sum.peak) {
      sum.peak = decision.size;
      sum.peak_at = at;
    }
    const int before = sizes_[t].value_or(decision.size);
    if (before != decision.size) ++sum.steps;
    sizes_[t] = decision.size;
    if (told_[t]) take_overlaps(static_cast<int>(t), at);
    if (request_.keep_steps && told_[t]) {
      open_step_[t] = result_.steps.size();
      result_.steps.push_back({at, request_.to, static_cast<int>(t), before, decision});
    }
  }

  void end(std::size_t t, absl::Time at) {
    const absl::Duration lasted = at - since_[t];
    if (lasted <= absl::ZeroDuration()) return;
    const plan::Decision& decision = last_[t];
    TargetSum& sum = sums_[t];
    if (decision.capped_by_max) sum.capped_by_max += lasted;
    if (decision.capped_by_region) sum.capped_by_region += lasted;
    replica_nanoseconds_[t] += Int128{absl::ToInt64Nanoseconds(lasted)} * decision.size;
    extra_nanoseconds_[t] += Int128{absl::ToInt64Nanoseconds(lasted)} * std::max(0, decision.size - sum.original);
    if (const auto step = open_step_.find(t); step != open_step_.end()) result_.steps[step->second].until = at;
    if (told_[t]) end_overlaps(static_cast<int>(t), at);
  }

  void end_all() {
    if (!opened_) open();
    for (std::size_t t = 0; t < last_.size(); ++t) end(t, request_.to);
    for (RegionRoom& room : result_.rooms) {
      if (capped_regions_.contains(room.region)) room.capped += request_.to - rooms_at_;
    }
  }

  void take_rooms(absl::Time at, const plan::DecideResult& decided) {
    std::set<std::string> cut;
    for (std::size_t t = 0; t < decided.decisions.size(); ++t) {
      if (decided.decisions[t].capped_by_region) cut.insert(world_.targets[t].spec.region);
    }
    for (RegionRoom& room : result_.rooms) {
      if (capped_regions_.contains(room.region)) room.capped += at - rooms_at_;
      Quantity used;
      const auto region = decided.planned_use.find(room.region);
      if (region != decided.planned_use.end()) {
        const auto dimension = region->second.find(room.dimension);
        if (dimension != region->second.end()) used = dimension->second;
      }
      for (const plan::DecideRegion& known : regions_) {
        if (known.name != room.region) continue;
        const auto elsewhere = known.used_elsewhere.find(room.dimension);
        if (elsewhere != known.used_elsewhere.end()) used = used + elsewhere->second;
      }
      if (at <= request_.from || used > room.peak) {
        room.peak = used;
        room.peak_at = at;
      }
    }
    capped_regions_ = std::move(cut);
    rooms_at_ = at;
  }

  using Pair = std::tuple<api::ObjectKey, std::string, api::ObjectKey, std::string>;

  void take_overlaps(int target, absl::Time at) {
    const std::vector<plan::Contribution>& said = last_[index(target)].contributions;
    for (std::size_t i = 1; i < said.size(); ++i) {
      if (said[i].schedule == said[0].schedule && said[i].occurrence == said[0].occurrence) continue;
      const Pair pair{said[0].schedule, phase_name(said[0]), said[i].schedule, phase_name(said[i])};
      auto [known, is_new] = overlaps_.try_emplace(pair);
      Overlap& overlap = known->second;
      if (is_new) {
        overlap = {said[0].schedule,
                   said[i].schedule,
                   phase_name(said[0]),
                   phase_name(said[i]),
                   at,
                   at,
                   {},
                   concat(said[0].text, "; ", said[i].text)};
      }
      const auto place = std::ranges::lower_bound(overlap.targets, target);
      if (place == overlap.targets.end() || *place != target) overlap.targets.insert(place, target);
    }
  }

  void end_overlaps(int target, absl::Time at) {
    const std::vector<plan::Contribution>& said = last_[index(target)].contributions;
    for (std::size_t i = 1; i < said.size(); ++i) {
      const auto known = overlaps_.find({said[0].schedule, phase_name(said[0]), said[i].schedule, phase_name(said[i])});
      if (known != overlaps_.end()) known->second.until = std::max(known->second.until, at);
    }
  }

  void gather_phases() {
    for (const auto& schedule : schedules_) {
      if (!request_.ns.empty() && schedule->key.ns != request_.ns) continue;
      if (!request_.schedule.empty() && schedule->key.name != request_.schedule) continue;
      for (const plan::TimelineEntry& entry : schedule->timeline) {
        if (entry.to <= request_.from || entry.from > request_.to) continue;
        const api::Phase& phase = schedule->spec.phases[index(entry.phase)];
        result_.phases.push_back({schedule->key, schedule->occurrences[index(entry.occurrence)].name, phase.name,
                                  entry.from, entry.to, !phase.demands.empty()});
      }
    }
    std::ranges::stable_sort(result_.phases, {}, &ForecastPhase::from);
  }

  Quantity cost_of(const api::Cost& cost, Int128 replica_nanoseconds) const {
    constexpr Int128 kHour = Int128{3600} * Quantity::kNano;
    // Whole replica-hours and their rest apart, or a year of a large target would not fit.
    const Int128 each = cost.per_replica_hour.nano();
    const Int128 hours = replica_nanoseconds / kHour, rest = replica_nanoseconds % kHour;
    return Quantity::from_nano(each * hours + each * (rest / Quantity::kNano) / 3600);
  }

  void finish_sums() {
    for (std::size_t t = 0; t < sums_.size(); ++t) {
      if (!told_[t]) continue;
      TargetSum& sum = sums_[t];
      if (const Boxed<api::Cost>& cost = targets_[t].spec->cost) {
        sum.cost = cost_of(*cost, replica_nanoseconds_[t]);
        sum.extra = cost_of(*cost, extra_nanoseconds_[t]);
        sum.currency = cost->currency;
        result_.cost[cost->currency] = result_.cost[cost->currency] + *sum.cost;
        result_.extra[cost->currency] = result_.extra[cost->currency] + *sum.extra;
      }
      result_.sums.push_back(sum);
    }
  }

  void finish_overlaps() {
    for (auto& [pair, overlap] : overlaps_) result_.overlaps.push_back(std::move(overlap));
    std::ranges::stable_sort(result_.overlaps, {}, &Overlap::from);
  }

  std::string name_of(int target) const { return targets_[index(target)].key.to_string(); }
  absl::TimeZone zone() const { return schedules_.empty() ? absl::UTCTimeZone() : schedules_.front()->zone; }

  void warn() {
    for (const ReadyForecast& rise : result_.rises) {
      if (rise.in_time()) continue;
      result_.warnings.push_back(
          concat(name_of(rise.target), ": ", rise.schedule.name, " ", rise.phase, " needs ", rise.to_size, " by ",
                 plan::local_time(rise.needed, zone()), ", ready only ", plan::local_time(rise.ready, zone()), " (",
                 format_duration(rise.ready - rise.needed), " late): start earlier, or shorten its warm-up"));
    }
    for (const TargetSum& sum : result_.sums) {
      const api::ScaleTargetSpec& spec = *targets_[index(sum.target)].spec;
      if (const std::optional<std::string>& refused = targets_[index(sum.target)].observed.region_refused) {
        result_.warnings.push_back(concat(name_of(sum.target), ": nothing is raised for it: ", *refused));
      } else if (sum.capped_by_region > absl::ZeroDuration()) {
        result_.warnings.push_back(concat(name_of(sum.target), ": cut by the capacity of region ", spec.region, " for ",
                                          format_duration(absl::Trunc(sum.capped_by_region, absl::Seconds(1)))));
      }
    }
    for (const PoolForecast& pool : result_.pools) {
      std::string text = shortage_text(world_, pool, zone());
      if (!text.empty()) result_.warnings.push_back(std::move(text));
    }
  }

  void assume() {
    result_.assumptions.push_back(concat("Every size is ready once it is written; health of regions",
                                         world_.room.quotas_known ? "" : ", quotas",
                                         world_.room.nodes_known ? "" : ", nodes", " and limits are not looked at."));
    if (!result_.pools.empty()) {
      result_.assumptions.emplace_back(
          "Others go on taking of quotas and nodes what they take now; autoscalers stay at the sizes that are "
          "planned.");
    }
    bool rules = false, lag = false;
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      if (!told_[t]) continue;
      const api::ScaleTargetSpec& spec = *targets_[t].spec;
      rules |= !spec.rules.empty();
      if (spec.role != api::Role::ReadReplica) continue;
      lag |= spec.read_replica.lag_guard.has_value();
      if (spec.read_replica.scale_down == api::ReadReplicaPolicy::ScaleDown::Manual) {
        result_.assumptions.push_back(concat("ScaleTarget ", name_of(static_cast<int>(t)),
                                             ": each removal of a read replica is approved at once"));
      }
    }
    if (rules)
      result_.assumptions.emplace_back("Rules step on answers of queries, which nobody knows ahead: none steps.");
    if (lag) result_.assumptions.emplace_back("Replica lag stays below what would freeze read replicas.");
  }

  const PlanningWorld& world_;
  const ForecastRequest& request_;
  Forecast result_;
  std::vector<std::shared_ptr<const plan::CompiledSchedule>> schedules_;
  std::vector<plan::DecideTarget> targets_;
  std::vector<plan::DecideRegion> regions_;
  std::vector<bool> told_;
  bool opened_ = false;
  std::vector<plan::Decision> last_;
  std::vector<absl::Time> since_;
  std::vector<TargetSum> sums_;
  std::vector<std::optional<int>> sizes_;
  std::map<std::size_t, std::size_t> open_step_;
  std::vector<Int128> replica_nanoseconds_, extra_nanoseconds_;
  std::set<std::string> capped_regions_;
  absl::Time rooms_at_ = absl::InfinitePast();
  std::map<Pair, Overlap> overlaps_;
  RoomForecast room_;
};

}  // namespace

Result<Forecast> forecast(const PlanningWorld& world, const ForecastRequest& request, const plan::ZoneLoader& zones) {
  if (request.to < request.from) return invalid("--to lies before --from; exchange them");
  if (request.to - request.from > kLongestForecast) {
    return invalid("--from and --to are more than a year apart; ask year by year");
  }
  return Forecaster(world, request).run(zones);
}

std::string spoken_phase(const plan::Decision& decision) {
  if (!decision.decided_by_schedule.empty() && !decision.contributions.empty()) {
    const plan::Contribution& winner = decision.contributions.front();
    return concat(winner.schedule.name, " ", winner.phase.empty() ? "suspended" : winner.phase);
  }
  return decision.decided_by == "Original" ? "-" : decision.decided_by;
}

std::vector<std::string> caps_of(const plan::Decision& decision) {
  std::vector<std::string> caps;
  if (decision.capped_by_max) caps.emplace_back("max");
  if (decision.capped_by_region) caps.emplace_back("region");
  if (decision.awaiting_approval) caps.emplace_back("approval");
  if (decision.frozen) caps.emplace_back("frozen");
  return caps;
}

}  // namespace headroom::cli
