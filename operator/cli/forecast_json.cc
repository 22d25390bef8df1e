#include <nlohmann/json.hpp>

#include "operator/base/duration.h"
#include "operator/cli/forecast_text.h"

namespace headroom::cli {
namespace {

using nlohmann::json;

std::string time_text(absl::Time at) { return format_rfc3339(at); }
std::string span_text(absl::Duration span) { return format_duration(absl::Trunc(span, absl::Seconds(1))); }

json key_json(const api::ObjectKey& key) { return {{"namespace", key.ns}, {"name", key.name}}; }

class JsonWriter {
 public:
  JsonWriter(const PlanningWorld& world, const Forecast& forecast) : world_(world), forecast_(forecast) {}

  json all() const {
    json out = {{"from", time_text(forecast_.from)},
                {"to", time_text(forecast_.to)},
                {"steps", json::array()},
                {"phases", json::array()},
                {"regions", json::array()},
                {"quotas", json::array()},
                {"nodes", json::array()},
                {"rises", json::array()},
                {"overlaps", json::array()},
                {"targets", json::array()},
                {"cost", json::object()},
                {"warnings", forecast_.warnings},
                {"assumptions", forecast_.assumptions}};
    for (const SizeStep& step : forecast_.steps) out["steps"].push_back(step_json(step));
    for (const ForecastPhase& phase : forecast_.phases) out["phases"].push_back(phase_json(phase));
    for (const RegionRoom& room : forecast_.rooms) out["regions"].push_back(room_json(room));
    for (const PoolForecast& one : forecast_.pools) {
      const bool is_quota = pool_of(one).kind == PodPool::Kind::Quota;
      out[is_quota ? "quotas" : "nodes"].push_back(pool_json(one));
    }
    for (const ReadyForecast& rise : forecast_.rises) out["rises"].push_back(rise_json(rise));
    for (const Overlap& overlap : forecast_.overlaps) out["overlaps"].push_back(overlap_json(overlap));
    for (const TargetSum& sum : forecast_.sums) out["targets"].push_back(sum_json(sum));
    for (const auto& [currency, amount] : forecast_.cost) {
      out["cost"][currency] = {{"all", amount.to_string()}, {"extra", forecast_.extra.at(currency).to_string()}};
    }
    return out;
  }

 private:
  json target_json(int target) const { return key_json(world_.targets[static_cast<std::size_t>(target)].meta.key()); }

  json step_json(const SizeStep& step) const {
    const plan::Decision& decision = step.decision;
    json out = {{"from", time_text(step.from)},
                {"until", time_text(step.until)},
                {"target", target_json(step.target)},
                {"region", world_.targets[static_cast<std::size_t>(step.target)].spec.region},
                {"before", step.before},
                {"replicas", decision.size},
                {"bounds", {{"min", decision.min}, {"max", decision.max}}},
                {"wanted", decision.wanted},
                {"overridden", decision.active},
                {"decidedBy", decision.decided_by},
                {"caps", caps_of(decision)},
                {"reasons", json::array()}};
    for (const api::Reason& reason : decision.reasons) {
      out["reasons"].push_back({{"kind", api::to_string(reason.kind)}, {"size", reason.size}, {"text", reason.text}});
    }
    json& said = out["contributions"] = json::array();
    for (const plan::Contribution& one : decision.contributions) {
      said.push_back({{"schedule", key_json(one.schedule)},
                      {"occurrence", one.occurrence},
                      {"phase", one.phase},
                      {"size", one.size},
                      {"priority", one.priority},
                      {"text", one.text}});
    }
    return out;
  }

  static json phase_json(const ForecastPhase& phase) {
    return {{"schedule", key_json(phase.schedule)}, {"occurrence", phase.occurrence}, {"phase", phase.phase},
            {"from", time_text(phase.from)},        {"to", time_text(phase.to)},      {"sizes", phase.sizes}};
  }

  static json room_json(const RegionRoom& room) {
    return {{"region", room.region},
            {"dimension", room.dimension},
            {"hard", room.hard.canonical(room.format)},
            {"peak", room.peak.canonical(room.format)},
            {"left", (room.hard - room.peak).canonical(room.format)},
            {"peakAt", time_text(room.peak_at)},
            {"cutFor", span_text(room.capped)}};
  }

  const PodPool& pool_of(const PoolForecast& one) const {
    return world_.room.pools[static_cast<std::size_t>(one.pool)];
  }

  json pool_json(const PoolForecast& one) const {
    const PodPool& pool = pool_of(one);
    const QuantityFormat format = format_of(pool);
    json out = {{"resource", pool.resource},          {"hard", one.hard.canonical(format)},
                {"peak", one.peak.canonical(format)}, {"left", (one.hard - one.peak).canonical(format)},
                {"peakAt", time_text(one.peak_at)},   {"shortBy", one.shortage ? one.shortage->pods : 0}};
    if (pool.kind == PodPool::Kind::Quota) out["quota"] = key_json({pool.ns, pool.quota});
    if (!pool.region.empty()) out["region"] = pool.region;
    if (!one.shortage) return out;
    out["shortSince"] = time_text(one.shortage->since);
    out["phase"] = one.shortage->phase;
    json& targets = out["targets"] = json::array();
    for (const int target : one.shortage->targets) targets.push_back(target_json(target));
    return out;
  }

  json rise_json(const ReadyForecast& rise) const {
    return {{"target", target_json(rise.target)},
            {"schedule", key_json(rise.schedule)},
            {"occurrence", rise.occurrence},
            {"phase", rise.phase},
            {"from", rise.from_size},
            {"to", rise.to_size},
            {"clones", rise.clones},
            {"lead", span_text(rise.lead)},
            {"starts", time_text(rise.starts)},
            {"ready", time_text(rise.ready)},
            {"needed", time_text(rise.needed)},
            {"inTime", rise.in_time()},
            {"warmUpKnown", !rise.unknown}};
  }

  json overlap_json(const Overlap& overlap) const {
    json targets = json::array();
    for (const int target : overlap.targets) targets.push_back(target_json(target));
    return {{"winner", key_json(overlap.winner)}, {"winnerPhase", overlap.winner_phase},
            {"loser", key_json(overlap.loser)},   {"loserPhase", overlap.loser_phase},
            {"from", time_text(overlap.from)},    {"until", time_text(overlap.until)},
            {"targets", std::move(targets)},      {"example", overlap.example}};
  }

  json sum_json(const TargetSum& sum) const {
    json out = {{"target", target_json(sum.target)},
                {"original", sum.original},
                {"peak", sum.peak},
                {"peakAt", time_text(sum.peak_at)},
                {"steps", sum.steps},
                {"cappedByMaxFor", span_text(sum.capped_by_max)},
                {"cappedByRegionFor", span_text(sum.capped_by_region)}};
    if (sum.cost) {
      out["cost"] = {{"currency", sum.currency}, {"all", sum.cost->to_string()}, {"extra", sum.extra->to_string()}};
    }
    return out;
  }

  const PlanningWorld& world_;
  const Forecast& forecast_;
};

}  // namespace

json forecast_json(const PlanningWorld& world, const Forecast& forecast) { return JsonWriter(world, forecast).all(); }

}  // namespace headroom::cli
