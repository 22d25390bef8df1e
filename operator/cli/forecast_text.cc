#include "operator/cli/forecast_text.h"

#include <algorithm>
#include <utility>

#include "operator/base/duration.h"
#include "operator/cli/text_table.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using plan::concat;

std::size_t index(int number) { return static_cast<std::size_t>(number); }

std::string time_text(absl::Time at, const absl::TimeZone& zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", at, zone);
}

std::string span_text(absl::Duration span) { return format_duration(absl::Trunc(span, absl::Seconds(1))); }

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += between;
    text += part;
  }
  return text;
}

/// Hundredths, rounded down: enough for money.
std::string money(Quantity amount) {
  const Int128 cents = amount.nano() / (Quantity::kNano / 100);
  const auto rest = static_cast<int>(cents % 100);
  return concat(static_cast<std::int64_t>(cents / 100), ".", rest < 10 ? "0" : "", rest);
}

std::string change_text(const SizeStep& step) {
  if (step.before == step.decision.size) return std::to_string(step.decision.size);
  return concat(step.before, " -> ", step.decision.size);
}

std::string bounds_text(const plan::Decision& decision) { return concat(decision.min, "..", decision.max); }

std::string why_text(const plan::Decision& decision, bool all) {
  std::vector<std::string> texts;
  for (const api::Reason& reason : decision.reasons) texts.push_back(reason.text);
  // The original is where every explanation starts; by itself it says that nothing happens.
  if (!all && texts.size() > 1) texts.erase(texts.begin());
  return joined(texts, "; ");
}

class Writer {
 public:
  Writer(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view)
      : world_(world), forecast_(forecast), view_(view) {}

  std::string name(int target) const { return world_.targets[index(target)].meta.key().to_string(); }
  const std::string& region(int target) const { return world_.targets[index(target)].spec.region; }

  void title(std::string_view text) {
    if (!out_.empty()) out_ += '\n';
    out_ += toned(text, Tone::Faint, view_.colours);
    out_ += '\n';
  }
  void add(const TextTable& table) { out_ += table.to_text(view_.colours); }

  TextTable::Cell caps(const plan::Decision& decision) const {
    return {joined(caps_of(decision), ","), Tone::Attention};
  }

  void instant() {
    out_ = concat("At ", absl::FormatTime("%Y-%m-%d %H:%M:%S %Ez", forecast_.from, view_.zone), "\n\n");
    TextTable table({"TARGET", "REGION", "SIZE", "BOUNDS", "PHASE", "CAPPED", "WHY"});
    for (const SizeStep& step : forecast_.steps) {
      if (step.from != forecast_.from) continue;
      table.add({name(step.target), region(step.target), std::to_string(step.decision.size), bounds_text(step.decision),
                 spoken_phase(step.decision), caps(step.decision), why_text(step.decision, view_.wide)});
    }
    add_or_say(table, "no ScaleTarget is concerned");
    sections();
  }

  void range() {
    out_ = concat("From ", absl::FormatTime("%Y-%m-%d %H:%M", forecast_.from, view_.zone), " to ",
                  absl::FormatTime("%Y-%m-%d %H:%M %Ez", forecast_.to, view_.zone), "\n\n");
    TextTable table({"TIME", "TARGET", "SIZE", "BOUNDS", "PHASE", "CAPPED", "WHY"});
    std::map<int, std::pair<int, std::string>> shown;
    for (const SizeStep& step : forecast_.steps) {
      const std::pair<int, std::string> face{step.decision.size,
                                             bounds_text(step.decision) + spoken_phase(step.decision)};
      if (!view_.wide && shown.contains(step.target) && shown[step.target] == face) continue;
      shown[step.target] = face;
      table.add({time_text(step.from, view_.zone), name(step.target), change_text(step), bounds_text(step.decision),
                 spoken_phase(step.decision), caps(step.decision), why_text(step.decision, view_.wide)});
    }
    add_or_say(table, "no ScaleTarget is concerned");
    sections();
  }

  void simulation() {
    out_ = concat("From ", absl::FormatTime("%Y-%m-%d %H:%M", forecast_.from, view_.zone), " to ",
                  absl::FormatTime("%Y-%m-%d %H:%M %Ez", forecast_.to, view_.zone), ": ", world_.targets.size(),
                  " targets, ", world_.schedules.size(), " schedules, ", forecast_.phases.size(), " phases, ",
                  forecast_.instants, " instants at which something changes\n\n");
    TextTable table(
        {"TARGET", "REGION", "ORIGINAL", "PEAK", "AT", "STEPS", "CAPPED BY MAX", "CAPPED BY REGION", "COST"});
    for (const TargetSum& sum : forecast_.sums) {
      table.add({name(sum.target), region(sum.target), std::to_string(sum.original), std::to_string(sum.peak),
                 sum.peak == sum.original ? std::string() : time_text(sum.peak_at, view_.zone),
                 std::to_string(sum.steps), capped(sum.capped_by_max), capped(sum.capped_by_region),
                 sum.cost ? concat(money(*sum.cost), " ", sum.currency) : std::string()});
    }
    add_or_say(table, "no ScaleTarget is concerned");
    overlaps();
    sections();
  }

  std::string take() { return std::move(out_); }

 private:
  TextTable::Cell capped(absl::Duration span) const {
    if (span == absl::ZeroDuration()) return {""};
    return {span_text(span), Tone::Attention};
  }

  void add_or_say(const TextTable& table, std::string_view nothing) {
    if (table.empty()) {
      out_ += concat(nothing, "\n");
    } else {
      add(table);
    }
  }

  void overlaps() {
    if (forecast_.overlaps.empty()) return;
    title("OVERLAPS (the winner counts)");
    TextTable table({"FROM", "UNTIL", "WINNER", "LOSER", "TARGETS", "FOR EXAMPLE"});
    for (const Overlap& one : forecast_.overlaps) {
      table.add({time_text(one.from, view_.zone), time_text(one.until, view_.zone),
                 concat(one.winner.to_string(), " ", one.winner_phase),
                 concat(one.loser.to_string(), " ", one.loser_phase), std::to_string(one.targets.size()),
                 concat(name(one.targets.front()), ": ", one.example)});
    }
    add(table);
  }

  void rooms() {
    if (forecast_.rooms.empty()) return;
    title("REGIONS (what is planned for all targets)");
    TextTable table({"REGION", "DIMENSION", "PEAK", "HARD", "LEFT", "AT", "CUT FOR"});
    for (const RegionRoom& room : forecast_.rooms) {
      const Quantity left = room.hard - room.peak;
      table.add({room.region,
                 room.dimension,
                 room.peak.canonical(room.format),
                 room.hard.canonical(room.format),
                 {left.canonical(room.format), left <= Quantity() ? Tone::Attention : Tone::Plain},
                 time_text(room.peak_at, view_.zone),
                 capped(room.capped)});
    }
    add(table);
  }

  /// Of each quota, and of the nodes, what is short and what is next to it; all of them where it may be wide.
  std::vector<const PoolForecast*> shown_pools() const {
    std::map<std::string, const PoolForecast*> tightest;
    const auto part = [](const PoolForecast& one) {
      return one.hard > Quantity() ? one.peak.to_double() / one.hard.to_double() : 0;
    };
    for (const PoolForecast& one : forecast_.pools) {
      const PoolForecast*& known = tightest[pool(one).name()];
      if (known == nullptr || part(*known) < part(one)) known = &one;
    }
    std::vector<const PoolForecast*> shown;
    for (const PoolForecast& one : forecast_.pools) {
      if (view_.wide || one.shortage || tightest[pool(one).name()] == &one) shown.push_back(&one);
    }
    return shown;
  }

  const PodPool& pool(const PoolForecast& one) const { return world_.room.pools[index(one.pool)]; }

  void pools() {
    if (forecast_.pools.empty()) return;
    title("QUOTAS AND NODES (what is planned for all targets, and what others take)");
    TextTable table({"OF", "RESOURCE", "PEAK", "HARD", "LEFT", "AT", "PODS LEFT OUT"});
    for (const PoolForecast* one : shown_pools()) {
      const QuantityFormat format = format_of(pool(*one));
      const Quantity left = one->hard - one->peak;
      table.add({pool(*one).name(),
                 pool(*one).resource,
                 one->peak.canonical(format),
                 one->hard.canonical(format),
                 {left.canonical(format), left <= Quantity() ? Tone::Attention : Tone::Plain},
                 time_text(one->peak_at, view_.zone),
                 {one->shortage ? std::to_string(one->shortage->pods) : std::string(), Tone::Bad}});
    }
    add(table);
  }

  void rises() {
    if (forecast_.rises.empty()) return;
    title("READY BY");
    TextTable table({"TARGET", "PHASE", "SIZE", "CLONES", "LEAD", "STARTS", "READY", "NEEDED", "IN TIME"});
    for (const ReadyForecast& rise : forecast_.rises) {
      const char* verdict = !rise.in_time() ? "no" : rise.unknown ? "warm-up unknown" : "yes";
      table.add({name(rise.target),
                 concat(rise.schedule.name, " ", rise.phase),
                 concat(rise.from_size, " -> ", rise.to_size),
                 rise.clones > 0 ? concat(rise.clones, ", one after the other") : std::string(),
                 span_text(rise.lead),
                 time_text(rise.starts, view_.zone),
                 time_text(rise.ready, view_.zone),
                 time_text(rise.needed, view_.zone),
                 {verdict, rise.in_time() ? Tone::Good : Tone::Bad}});
    }
    add(table);
  }

  void cost() {
    if (forecast_.cost.empty() || forecast_.from == forecast_.to) return;
    title("COST");
    TextTable table({"CURRENCY", "ALL REPLICAS", "BEYOND ORIGINALS"});
    for (const auto& [currency, amount] : forecast_.cost) {
      table.add({currency, money(amount), money(forecast_.extra.at(currency))});
    }
    add(table);
  }

  void sentences(std::string_view heading, const std::vector<std::string>& all, Tone tone) {
    if (all.empty()) return;
    title(heading);
    for (const std::string& one : all) out_ += concat("- ", toned(one, tone, view_.colours), "\n");
  }

  void sections() {
    rooms();
    pools();
    rises();
    cost();
    sentences("WARNINGS", forecast_.warnings, Tone::Attention);
    sentences("ASSUMED", forecast_.assumptions, Tone::Plain);
  }

  const PlanningWorld& world_;
  const Forecast& forecast_;
  const ForecastView& view_;
  std::string out_;
};

}  // namespace

std::string instant_text(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view) {
  Writer writer(world, forecast, view);
  writer.instant();
  return writer.take();
}

std::string range_text(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view) {
  Writer writer(world, forecast, view);
  writer.range();
  return writer.take();
}

std::string simulation_text(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view) {
  Writer writer(world, forecast, view);
  writer.simulation();
  return writer.take();
}

}  // namespace headroom::cli
