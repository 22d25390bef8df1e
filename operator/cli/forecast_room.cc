#include "operator/cli/forecast_room.h"

#include <algorithm>
#include <utility>

#include "operator/plan/choice.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using plan::concat;

/// The end of what has not ended yet.
constexpr absl::Time kOpen = absl::InfiniteFuture();

std::size_t index(int number) { return static_cast<std::size_t>(number); }

/// ⌈pods × lack / whole⌉, at most all of them.
int share_of(int pods, Quantity lack, Quantity whole) {
  if (whole <= Quantity()) return 0;
  const Int128 exact = (lack * pods).nano();
  return static_cast<int>(std::min<Int128>(pods, (exact + whole.nano() - 1) / whole.nano()));
}

}  // namespace

/// What is taken of a pool at one instant.
struct RoomForecast::Wanted {
  Quantity all, raised;  ///< by everybody; by what targets have beyond their originals
  int pods = 0, raised_pods = 0;
  int first = -1;            ///< of the targets, the one that is raised most
  std::vector<int> targets;  ///< those that are raised; where none is, those that have pods
};

RoomForecast::RoomForecast(const PlanningWorld& world) : world_(world), most_(world.room.pools.size()) {
  for (std::size_t p = 0; p < most_.size(); ++p) {
    PoolForecast forecast;
    forecast.pool = static_cast<int>(p);
    forecasts_.push_back(std::move(forecast));
  }
}

RoomForecast::Wanted RoomForecast::wanted(const PodPool& pool, std::span<const plan::Decision> decisions) const {
  Wanted wanted;
  wanted.all = pool.others;
  int most = 0;
  std::vector<int> standing;
  for (const PodPool::Share& share : pool.shares) {
    const int size = decisions[index(share.target)].size;
    const std::optional<api::Originals>& originals = world_.observed[index(share.target)].originals;
    const int raised = std::max(0, size - (originals ? originals->min : 0));
    wanted.all = wanted.all + share.per_replica * size;
    wanted.raised = wanted.raised + share.per_replica * raised;
    wanted.pods += size;
    wanted.raised_pods += raised;
    if (raised > 0) wanted.targets.push_back(share.target);
    if (size > 0) standing.push_back(share.target);
    if (raised > most) {
      most = raised;
      wanted.first = share.target;
    }
  }
  if (wanted.targets.empty()) wanted.targets = std::move(standing);
  return wanted;
}

void RoomForecast::take_peak(const PodPool& pool, const Wanted& wanted, absl::Time at, PoolForecast& forecast) const {
  forecast.peak = wanted.all;
  forecast.hard = pool.hard;
  forecast.peak_at = at;
  int left_out = 0;
  if (forecast.shortage) {
    // Those that are raised come last, each target's in proportion; where that is not enough, the rest.
    const Quantity lack = wanted.all - pool.hard, standing = wanted.all - pool.others - wanted.raised;
    left_out = share_of(wanted.raised_pods, lack, wanted.raised);
    if (lack > wanted.raised) {
      left_out += share_of(wanted.pods - wanted.raised_pods, lack - wanted.raised, standing);
    }
    forecast.shortage->pods = left_out;
    forecast.shortage->targets = wanted.targets;
  }
  if (pool.kind != PodPool::Kind::Places) return;
  const Quantity taken = wanted.all - pool.others;
  int fit = wanted.pods - left_out;
  if (left_out == 0 && taken > Quantity()) {
    const Int128 more = ((pool.hard - wanted.all) * wanted.pods).nano() / taken.nano();
    fit += static_cast<int>(std::min<Int128>(more, 1'000'000));
  }
  forecast.peak = Quantity::from_int(wanted.pods);
  forecast.hard = Quantity::from_int(fit);
}

void RoomForecast::take(absl::Time at, std::span<const plan::Decision> decisions) {
  for (std::size_t p = 0; p < forecasts_.size(); ++p) {
    const PodPool& pool = world_.room.pools[p];
    PoolForecast& forecast = forecasts_[p];
    const Wanted now = wanted(pool, decisions);
    // What others take alone is not about this plan.
    const bool is_short = now.all > pool.hard && now.all > pool.others;
    const bool was_short = !forecast.spans.empty() && forecast.spans.back().second == kOpen;
    if (is_short && !forecast.shortage) {
      forecast.shortage.emplace();
      forecast.shortage->since = at;
      if (now.first >= 0) forecast.shortage->phase = spoken_phase(decisions[index(now.first)]);
    }
    if (is_short && !was_short) forecast.spans.emplace_back(at, kOpen);
    if (was_short && !is_short) forecast.spans.back().second = at;
    if (forecast.peak_at != absl::InfinitePast() && now.all <= most_[p]) continue;
    most_[p] = now.all;
    take_peak(pool, now, at, forecast);
  }
}

std::vector<PoolForecast> RoomForecast::finish(const std::vector<bool>& told, absl::Time end) {
  std::vector<PoolForecast> all;
  for (std::size_t p = 0; p < forecasts_.size(); ++p) {
    const PodPool& pool = world_.room.pools[p];
    PoolForecast& forecast = forecasts_[p];
    const auto is_told = [&](const PodPool::Share& share) { return told[index(share.target)]; };
    if (std::ranges::none_of(pool.shares, is_told)) continue;
    if (pool.kind == PodPool::Kind::Places && forecast.peak == Quantity()) continue;
    if (!forecast.spans.empty()) forecast.spans.back().second = std::min(forecast.spans.back().second, end);
    all.push_back(std::move(forecast));
  }
  return all;
}

std::string shortage_text(const PlanningWorld& world, const PoolForecast& forecast, const absl::TimeZone& zone) {
  const PodPool& pool = world.room.pools[index(forecast.pool)];
  // Where the sum of a resource is short, so are the places.
  if (!forecast.shortage || pool.kind == PodPool::Kind::Nodes) return {};
  const PoolShortage& lacks = *forecast.shortage;
  const QuantityFormat format = format_of(pool);
  std::string text = pool.kind == PodPool::Kind::Places ? concat("the ", pool.name(), " are too few")
                                                        : concat(pool.name(), " is too small");
  plan::append_text(text, " from ", plan::local_time(lacks.since, zone), " on");
  if (!lacks.phase.empty()) plan::append_text(text, " (", lacks.phase, ")");
  plan::append_text(text, ": ", pool.resource, " ", forecast.peak.canonical(format), " of ",
                    forecast.hard.canonical(format));
  if (forecast.peak_at != lacks.since) plan::append_text(text, " at ", plan::local_time(forecast.peak_at, zone));
  plan::append_text(text, ", ", lacks.pods, lacks.pods == 1 ? " pod of " : " pods of ",
                    names_of(world.targets, lacks.targets), lacks.pods == 1 ? " does" : " do", " not fit; ");
  if (pool.kind == PodPool::Kind::Places) return text + "add nodes";
  return concat(text, "raise it by ", (forecast.peak - forecast.hard).canonical(format));
}

}  // namespace headroom::cli
