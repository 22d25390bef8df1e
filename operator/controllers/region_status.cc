#include "operator/controllers/region_status.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace headroom::controllers {
namespace {

constexpr absl::Duration kProbeTimesAge = absl::Minutes(5);

class Conditions {
 public:
  Conditions(std::vector<api::Condition>& list, const api::ObjectMeta& meta, absl::Time now)
      : list_(list), generation_(meta.generation), now_(now) {}

  void set(const char* type, bool status, std::string reason, std::string message) {
    api::set_condition(list_, {type, status, std::move(reason), std::move(message), generation_, now_});
  }
  void remove(const char* type) { api::remove_condition(list_, type); }
  const api::Condition* find(const char* type) const { return api::find_condition(list_, type); }
  bool is(const char* type, bool status) const { return find(type) != nullptr && find(type)->status == status; }

 private:
  std::vector<api::Condition>& list_;
  const std::int64_t generation_;
  const absl::Time now_;
};

/// Neither an answer nor a failure yet.
bool connecting(const RegionFacts& facts) {
  if (facts.fault) return facts.fault->outlook == ConnectionFault::Outlook::Pending;
  return !facts.cluster.reachable && !facts.cluster.last_contact && facts.cluster.problem.empty();
}

void set_reachable(Conditions& conditions, const RegionFacts& facts) {
  if (facts.fault && !connecting(facts)) {
    conditions.set("Reachable", false, facts.fault->reason, facts.fault->message);
  } else if (facts.cluster.reachable) {
    conditions.set("Reachable", true, "ApiServerAnswers", "the API server answers");
  } else if (!connecting(facts)) {
    conditions.set("Reachable", false, "ApiServerAway",
                   facts.cluster.problem.empty() ? "the API server does not answer" : facts.cluster.problem);
  } else if (conditions.find("Reachable") == nullptr) {
    conditions.set("Reachable", false, "Connecting", "waiting for the first answer of the API server");
  }
}

void set_healthy(Conditions& conditions, const RegionFacts& facts) {
  const RegionReport& report = facts.report;
  const bool failing = std::ranges::any_of(report.probes, [](const auto& probe) { return !probe.healthy; });
  if (report.healthy) {
    conditions.set("Healthy", true,
                   report.probes.empty() ? "NoProbes"
                   : failing             ? "SomeProbesFail"
                                         : "ProbesPass",
                   report.health_message);
  } else {
    conditions.set("Healthy", false, "ProbesFail", report.health_message);
  }
}

std::vector<api::CapacityStatus> capacity_of(const api::RegionSpec& spec, const RegionFacts& facts,
                                             const api::RegionStatus& before) {
  std::vector<api::CapacityStatus> all;
  for (const api::RegionCapacity& dimension : spec.capacity) {
    api::CapacityStatus status{dimension.name, dimension.hard, Quantity(), std::nullopt, dimension.format};
    if (const auto it = facts.planned.find(dimension.name); it != facts.planned.end()) status.planned = it->second;
    if (const auto it = facts.used.find(dimension.name); it != facts.used.end()) {
      const auto former = std::ranges::find(before.capacity, dimension.name, &api::CapacityStatus::name);
      if (it->second.value) {
        status.used = quantity_near(*it->second.value);
      } else if (former != before.capacity.end()) {
        status.used = former->used;
      }
    }
    all.push_back(std::move(status));
  }
  return all;
}

void set_capacity(Conditions& conditions, const std::vector<api::CapacityStatus>& capacity) {
  std::vector<std::string> exceeded;
  for (const api::CapacityStatus& dimension : capacity) {
    const Quantity used = dimension.used.value_or(Quantity());
    const Quantity total = dimension.planned + used;
    if (total <= dimension.hard) continue;
    exceeded.push_back(
        absl::StrCat(dimension.name, ": ", dimension.planned.canonical(dimension.format), " planned",
                     dimension.used ? absl::StrCat(" and ", used.canonical(dimension.format), " used besides") : "",
                     " of ", dimension.hard.canonical(dimension.format)));
  }
  if (exceeded.empty()) {
    conditions.set("CapacityAvailable", true, capacity.empty() ? "NoLimits" : "WithinCapacity",
                   capacity.empty() ? "no capacity is declared" : "plans and use fit into every dimension");
  } else {
    conditions.set("CapacityAvailable", false, "CapacityExceeded",
                   absl::StrCat(absl::StrJoin(exceeded, "; "),
                                ": raise spec.capacity with the region, or move demand to another one"));
  }
}

void set_metrics(Conditions& conditions, const RegionFacts& facts) {
  if (!facts.metrics && facts.used.empty()) return conditions.remove("MetricsAvailable");
  std::vector<std::string> problems;
  bool pending = false;
  const auto look = [&](const std::string& what, const monitoring::QuerySource::Answer& answer) {
    pending = pending || !answer.asked;
    if (answer.asked && !answer.value) problems.push_back(what + answer.problem);
  };
  if (facts.metrics) look("", *facts.metrics);
  if (problems.empty()) {
    for (const auto& [dimension, answer] : facts.used) look(dimension + ": ", answer);
  }
  if (!problems.empty()) {
    conditions.set("MetricsAvailable", false, "MetricsUnavailable", absl::StrJoin(problems, "; "));
  } else if (!pending) {
    conditions.set("MetricsAvailable", true, "QueriesAnswered", "the metrics server answers");
  } else if (conditions.find("MetricsAvailable") == nullptr) {
    conditions.set("MetricsAvailable", false, "Pending", "waiting for the first answer of the metrics server");
  }
}

void set_parameters(Conditions& conditions, const api::RegionSpec& spec, const RegionReport& report) {
  if (!report.parameter_problems.empty()) {
    conditions.set("ParametersWritten", false, "WriteFailed", absl::StrJoin(report.parameter_problems, "; "));
  } else if (spec.parameter_namespaces.empty()) {
    conditions.remove("ParametersWritten");
  } else if (report.parameters_written) {
    conditions.set(
        "ParametersWritten", true, "Written",
        absl::StrCat("ConfigMap headroom-region is up to date in ", spec.parameter_namespaces.size(), " namespaces"));
  } else if (conditions.find("ParametersWritten") == nullptr) {
    conditions.set("ParametersWritten", false, "Pending", "not written yet");
  }
}

void set_summary(Conditions& conditions, const RegionFacts& facts) {
  const api::Condition* fault = nullptr;
  for (const char* type : {"Reachable", "Healthy", "ParametersWritten"}) {
    if (fault == nullptr && conditions.is(type, false)) fault = conditions.find(type);
  }
  if (fault == nullptr) {
    conditions.set("Ready", true, "Ready", "connected and healthy");
  } else {
    conditions.set("Ready", false, fault->reason, fault->message);
  }
  const bool stalled = facts.fault && facts.fault->outlook == ConnectionFault::Outlook::NeedsPerson;
  conditions.set("Stalled", stalled, stalled ? facts.fault->reason : "NotStalled", stalled ? facts.fault->message : "");
  const bool reconciling = !stalled && connecting(facts);
  conditions.set("Reconciling", reconciling, reconciling ? "Connecting" : "Settled",
                 reconciling ? "waiting for the first answer of the API server" : "");
}

/// Without what changes with every probe.
api::RegionStatus without_probe_noise(const api::RegionSpec& spec, api::RegionStatus status) {
  for (api::ProbeStatus& probe : status.probes) {
    const auto declared = std::ranges::find(spec.health.probes, probe.name, &api::HealthProbe::name);
    const int threshold = declared == spec.health.probes.end() ? 1 : declared->failure_threshold;
    probe.consecutive_failures = std::min(probe.consecutive_failures, threshold);
    probe.last_probe.reset();
  }
  return status;
}

bool same(const api::RegionStatus& a, const api::RegionStatus& b) {
  return a.observed_generation == b.observed_generation && a.conditions == b.conditions && a.probes == b.probes &&
         a.capacity == b.capacity && a.kubernetes_version == b.kubernetes_version && a.targets == b.targets;
}

}  // namespace

Quantity quantity_near(double value) {
  constexpr double kMost = 9.2e18;  // the largest whole number a Quantity can be read back from
  const double whole = std::floor(std::clamp(value, -kMost, kMost));
  const auto fraction = static_cast<std::int64_t>(std::llround((std::clamp(value, -kMost, kMost) - whole) * 1e9));
  return Quantity::from_int(static_cast<std::int64_t>(whole)) + Quantity::from_nano(fraction);
}

api::RegionStatus region_status(const api::ObjectMeta& meta, const api::RegionSpec& spec, const RegionFacts& facts,
                                const api::RegionStatus& before, absl::Time now) {
  api::RegionStatus status = before;
  status.observed_generation = meta.generation;
  status.probes = facts.report.probes;
  status.capacity = capacity_of(spec, facts, before);
  status.targets = facts.targets;
  if (!facts.cluster.kubernetes_version.empty()) status.kubernetes_version = facts.cluster.kubernetes_version;
  Conditions conditions(status.conditions, meta, now);
  set_reachable(conditions, facts);
  set_healthy(conditions, facts);
  set_capacity(conditions, status.capacity);
  set_metrics(conditions, facts);
  set_parameters(conditions, spec, facts.report);
  set_summary(conditions, facts);
  return status;
}

std::map<std::string, Quantity> used_elsewhere(const api::RegionStatus& status) {
  std::map<std::string, Quantity> used;
  for (const api::CapacityStatus& dimension : status.capacity) {
    if (dimension.used) used[dimension.name] = *dimension.used;
  }
  return used;
}

bool worth_writing(const api::RegionSpec& spec, const api::RegionStatus& before, const api::RegionStatus& after) {
  if (!same(without_probe_noise(spec, before), without_probe_noise(spec, after))) return true;
  for (const api::ProbeStatus& probe : after.probes) {
    const auto former = std::ranges::find(before.probes, probe.name, &api::ProbeStatus::name);
    if (former == before.probes.end() || !probe.last_probe) continue;
    if (!former->last_probe || *probe.last_probe - *former->last_probe >= kProbeTimesAge) return true;
  }
  return false;
}

std::vector<runtime::EventText> region_events(const api::RegionStatus& before, const api::RegionStatus& after) {
  struct Watched {
    const char *type, *bad, *good, *action;
  };
  constexpr Watched kWatched[] = {{"Reachable", "RegionUnreachable", "RegionReachable", "Connect"},
                                  {"Healthy", "RegionUnhealthy", "RegionHealthy", "Probe"},
                                  {"CapacityAvailable", "CapacityExceeded", "CapacityAvailable", "Plan"}};
  std::vector<runtime::EventText> events;
  for (const Watched& watched : kWatched) {
    const api::Condition* now = api::find_condition(after.conditions, watched.type);
    const api::Condition* then = api::find_condition(before.conditions, watched.type);
    // The first look is news only where it is bad news.
    const bool was = then == nullptr || then->status;
    if (now == nullptr || now->status == was || now->reason == "Connecting") continue;
    using Type = runtime::EventText::Type;
    events.push_back({now->status ? Type::Normal : Type::Warning, now->status ? watched.good : watched.bad,
                      watched.action, now->message});
  }
  return events;
}

}  // namespace headroom::controllers
