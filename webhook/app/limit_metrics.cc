#include "webhook/app/limit_metrics.h"

#include <utility>

#include "operator/runtime/status_metrics.h"

namespace headroom::webhook {

LimitMetrics::LimitMetrics(const Engine& engine, runtime::Metrics& metrics)
    : engine_(engine), metrics_(metrics), refreshing_(metrics.before_serialize([this] { refresh(); })) {}

void LimitMetrics::expose(runtime::Exposition& scrape) const {
  const auto limits = engine_.limits();
  if (!limits) return;
  for (const auto& compiled : limits->limits()) {
    const api::ScaleLimit& limit = compiled->limit();
    runtime::expose_conditions(scrape, api::to_string(limit.kind), limit.meta.key(), limit.status.conditions);
  }
}

void LimitMetrics::refresh() {
  std::set<std::pair<std::string, runtime::Labels>> shown;
  const auto show = [&](const std::string& name, const std::string& help, const runtime::Labels& labels, double value) {
    metrics_.set(name, help, labels, value);
    shown.emplace(name, labels);
  };
  for (const LimitFigures& figures : engine_.figures()) {
    const api::ScaleLimit& limit = figures.limit->limit();
    runtime::Labels labels{
        {"kind", api::to_string(limit.kind)}, {"namespace", limit.meta.ns}, {"limit", limit.meta.name}};
    show("headroom_limit_generation_in_force",
         "Generation of the limit that this replica judges by; 0 while what is stored or the ledger is not known",
         labels, figures.in_force ? static_cast<double>(limit.meta.generation) : 0);
    show("headroom_limit_level", "Level as stored in the status: 0 Green, 1 Yellow, 2 Orange, 3 Red", labels,
         static_cast<double>(limit.status.level));
    show("headroom_limit_paused", "1 while writes under the limit are paused, as stored in the status", labels,
         limit.status.paused ? 1 : 0);
    show("headroom_limit_halted", "1 while writes under the limit are halted, as stored in the status", labels,
         limit.status.halted ? 1 : 0);
    const auto number = [&](limits::Amount amount) { return Quantity::from_nano(amount).to_double(); };
    if (figures.limit->flow()) {
      show("headroom_limit_flow_waiting", "Writes that wait here for their turn", labels,
           static_cast<double>(figures.flow_waiting));
      const limits::Amounts hard = figures.limit->flow_terms().hard;
      for (const auto& [place, name] : {std::pair(limits::kConcurrency, api::kConcurrencyDimension),
                                        std::pair(limits::kRate, api::kRateDimension)}) {
        if (hard[place] == 0) continue;
        labels["dimension"] = name;
        show("headroom_limit_flow_hard", "Writes that may be in progress, or be let through within the rate's window",
             labels, number(hard[place]));
        show("headroom_limit_flow_in_use", "Of those, writes of this replica", labels,
             number(figures.flow_in_use[place]));
        show("headroom_limit_flow_granted", "Of those, how many this replica may have", labels,
             number(figures.flow_granted[place]));
      }
    }
    const auto& dimensions = figures.limit->ledger_dimensions();
    for (std::size_t i = 0; i < dimensions.size(); ++i) {
      labels["dimension"] = dimensions[i].name;
      show("headroom_limit_hard", "Bound of the dimension", labels, dimensions[i].hard.to_double());
      show("headroom_limit_used", "Stored, as this replica has seen it", labels, number(figures.used[i]));
      show("headroom_limit_granted", "What this replica may admit, and has admitted, of the rest", labels,
           number(figures.granted[i]));
      show("headroom_limit_held", "Granted to all replicas, and not in the ledger's base yet", labels,
           number(figures.held[i]));
      show("headroom_limit_in_flight", "Admitted by this replica, and not seen stored yet", labels,
           number(figures.in_flight[i]));
    }
  }
  for (const UnlandedUnderLimit& unlanded : engine_.unlanded()) {
    const api::ScaleLimit& limit = unlanded.limit->limit();
    const auto& dimensions = unlanded.limit->ledger_dimensions();
    for (const UnlandedWrites& row : unlanded.by_user) {
      for (std::size_t i = 0; i < dimensions.size(); ++i) {
        show("headroom_limit_unlanded",
             "Held by writes of a user that this replica let through a while ago and that nobody has seen stored",
             {{"kind", api::to_string(limit.kind)},
              {"namespace", limit.meta.ns},
              {"limit", limit.meta.name},
              {"dimension", dimensions[i].name},
              {"user", row.user}},
             Quantity::from_nano(row.held[i]).to_double());
      }
    }
  }
  for (const auto& [name, labels] : shown_) {
    if (!shown.contains({name, labels})) metrics_.remove(name, labels);
  }
  shown_ = std::move(shown);
}

}  // namespace headroom::webhook
