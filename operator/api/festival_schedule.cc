#include "operator/api/festival_schedule.h"

#include <nlohmann/json.hpp>

#include "operator/api/festival_schedule_status.h"
#include "operator/api/json_reader.h"
#include "operator/api/label_selector.h"
#include "operator/api/scale_target_names.h"

namespace headroom::api {
namespace {

constexpr int kMostReplicas = 1'000'000;

constexpr EnumName<Fold> kFolds[] = {{Fold::Earlier, "Earlier"}, {Fold::Later, "Later"}};
constexpr EnumName<Decay::Curve> kCurves[] = {{Decay::Curve::Linear, "Linear"},
                                              {Decay::Curve::Exponential, "Exponential"}};
constexpr EnumName<Wave::Gate> kGates[] = {{Wave::Gate::Ready, "Ready"}, {Wave::Gate::None, "None"}};
constexpr EnumName<Phase::Capacity> kCapacities[] = {{Phase::Capacity::ReadyBy, "ReadyBy"},
                                                     {Phase::Capacity::Start, "Start"}};
constexpr EnumName<Phase::Decrease> kDecreases[] = {{Phase::Decrease::Never, "Never"},
                                                    {Phase::Decrease::Allow, "Allow"}};

Occurrence read_occurrence(const JsonReader& reader) {
  Occurrence occurrence;
  occurrence.name = reader.required_text("name");
  occurrence.day = reader.day("day");
  occurrence.instant = reader.time("instant");
  if (reader.has("rrule")) {
    Occurrence::Recurring recurring;
    recurring.rrule = reader.required_text("rrule");
    const std::optional<absl::CivilDay> start = reader.day("start");
    if (!start) reader.fail("start", "rrule needs the day from which it counts, such as 2026-12-31");
    recurring.start = start.value_or(absl::CivilDay());
    recurring.exdates = reader.days("exdates");
    occurrence.recurring = std::move(recurring);
  }
  reader.object("calendarRef", [&](const JsonReader& calendar) {
    occurrence.calendar = Occurrence::CalendarRef{calendar.required_text("configMap"), calendar.required_text("key"),
                                                  calendar.text("summary")};
  });
  const int ways = static_cast<int>(reader.has("day")) + static_cast<int>(reader.has("instant")) +
                   static_cast<int>(reader.has("rrule")) + static_cast<int>(reader.has("calendarRef"));
  if (ways != 1) reader.fail("needs exactly one of day, instant, rrule and calendarRef");
  return occurrence;
}

TargetSelection read_selection(const JsonReader& reader) {
  TargetSelection selection;
  reader.object("selector", [&](const JsonReader& selector) { selection.selector = read_selector(selector); });
  selection.names = reader.texts("names");
  selection.regions = reader.texts("regions");
  selection.roles = reader.choices("roles", kRoles);
  return selection;
}

Wave read_wave(const JsonReader& reader) {
  Wave wave;
  wave.name = reader.required_text("name");
  reader.object("targets", [&](const JsonReader& targets) { wave.targets = read_selection(targets); });
  wave.gate = reader.choice("gate", kGates, wave.gate);
  wave.gate_timeout = reader.duration("gateTimeout", wave.gate_timeout);
  return wave;
}

Decay read_decay(const JsonReader& reader) {
  Decay decay;
  decay.percent_per_hour = reader.quantity("percentPerHour").value_or(decay.percent_per_hour);
  if (decay.percent_per_hour <= Quantity() || decay.percent_per_hour > Quantity::from_int(100)) {
    reader.fail("percentPerHour", "must be above 0 and at most 100");
  }
  decay.curve = reader.choice("curve", kCurves, decay.curve);
  return decay;
}

bool asks_for_a_size(const JsonReader& reader) {
  return reader.has("multiplier") || reader.has("add") || reader.has("replicas") || reader.has("decay");
}

Demand read_demand(const JsonReader& reader) {
  Demand demand;
  int given = 0;
  if (const std::optional<Quantity> multiplier = reader.quantity("multiplier")) {
    demand.type = Demand::Type::Multiplier;
    demand.multiplier = *multiplier;
    if (*multiplier <= Quantity()) reader.fail("multiplier", "must be above 0; replicas: 0 asks for none");
  }
  if (reader.has("add")) {
    demand.type = Demand::Type::Add;
    demand.add = reader.integer("add", 0, {1, kMostReplicas});
  }
  if (reader.has("replicas")) {
    demand.type = Demand::Type::Replicas;
    demand.replicas = reader.integer("replicas", 0, {0, kMostReplicas});
  }
  reader.object("decay", [&](const JsonReader& decay) {
    demand.type = Demand::Type::Decay;
    demand.decay = read_decay(decay);
  });
  for (const char* field : {"multiplier", "add", "replicas", "decay"}) given += reader.has(field) ? 1 : 0;
  if (given != 1) reader.fail("needs exactly one of multiplier, add, replicas and decay");
  return demand;
}

PhaseDemand read_phase_demand(const JsonReader& reader) {
  PhaseDemand demand;
  reader.object("targets", [&](const JsonReader& targets) { demand.targets = read_selection(targets); });
  demand.demand = read_demand(reader);
  return demand;
}

Notification read_notification(const JsonReader& reader) {
  return {reader.required_text("receiver"), reader.text("message"), reader.text("severity")};
}

Switch read_switch(const JsonReader& reader) {
  return {reader.required_text("configMap"), reader.required_text("key"), reader.text("value"),
          reader.texts("regions")};
}

Phase read_phase(const JsonReader& reader) {
  Phase phase;
  phase.name = reader.required_text("name");
  phase.from = reader.required_offset("from");
  phase.to = reader.required_offset("to");
  reader.list("demands", [&](const JsonReader& demand) { phase.demands.push_back(read_phase_demand(demand)); });
  if (asks_for_a_size(reader)) {
    if (reader.has("demands")) reader.fail("demands", "excludes multiplier, add, replicas and decay on the phase");
    phase.demands.push_back(read_phase_demand(reader));
  } else if (reader.has("targets")) {
    reader.fail("targets", "needs one of multiplier, add, replicas and decay beside it");
  }
  phase.capacity = reader.choice("capacity", kCapacities, phase.capacity);
  phase.decrease = reader.choice("decrease", kDecreases, phase.decrease);
  reader.list("waves", [&](const JsonReader& wave) { phase.waves.push_back(read_wave(wave)); });
  reader.list("notify", [&](const JsonReader& item) { phase.notify.push_back(read_notification(item)); });
  reader.list("switches", [&](const JsonReader& item) { phase.switches.push_back(read_switch(item)); });
  return phase;
}

FestivalScheduleSpec read_spec(const JsonReader& reader) {
  FestivalScheduleSpec spec;
  spec.time_zone = reader.required_text("timeZone");
  spec.fold = reader.choice("fold", kFolds, spec.fold);
  reader.list("occurrences", [&](const JsonReader& item) { spec.occurrences.push_back(read_occurrence(item)); });
  reader.list("waves", [&](const JsonReader& wave) { spec.waves.push_back(read_wave(wave)); });
  reader.list("phases", [&](const JsonReader& phase) { spec.phases.push_back(read_phase(phase)); });
  spec.priority = reader.optional_integer("priority");
  spec.suspend = reader.choice("suspend", kSuspendModes, spec.suspend);
  return spec;
}

}  // namespace

Result<FestivalSchedule> festival_schedule_from_json(const nlohmann::json& object) {
  JsonFault fault;
  const JsonReader reader(object, "", fault);
  FestivalSchedule schedule;
  schedule.meta = meta_from_json(object);
  if (!reader.has("spec")) reader.fail("spec", "must be given");
  reader.object("spec", [&](const JsonReader& spec) { schedule.spec = read_spec(spec); });
  reader.object("status", [&](const JsonReader& status) { schedule.status = read_festival_schedule_status(status); });
  if (fault.found()) return fault.error();
  return schedule;
}

}  // namespace headroom::api
