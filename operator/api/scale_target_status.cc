#include "operator/api/scale_target_status.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_writer.h"
#include "operator/api/run_length.h"

namespace headroom::api {
namespace {

using nlohmann::json;
using Kind = Reason::Kind;

constexpr std::size_t kMostSamples = 720;  // thirty days of hours

constexpr EnumName<Kind> kReasonKinds[] = {{Kind::Original, "Original"},
                                           {Kind::Schedule, "Schedule"},
                                           {Kind::Held, "Held"},
                                           {Kind::Rule, "Rule"},
                                           {Kind::Follow, "Follow"},
                                           {Kind::Ramp, "Ramp"},
                                           {Kind::Floor, "Floor"},
                                           {Kind::Minimum, "Minimum"},
                                           {Kind::Maximum, "Maximum"},
                                           {Kind::RegionCapacity, "RegionCapacity"},
                                           {Kind::LagGuard, "LagGuard"},
                                           {Kind::Suspended, "Suspended"},
                                           {Kind::AwaitingApproval, "AwaitingApproval"},
                                           {Kind::AllowDecrease, "AllowDecrease"}};

std::optional<Kind> kind_of(const std::string& name) {
  for (const auto& entry : kReasonKinds) {
    if (name == entry.name) return entry.value;
  }
  return std::nullopt;
}

RuleProgress read_rules(const JsonReader& reader) {
  RuleProgress progress;
  progress.size = reader.optional_integer("size", {.low = 0});
  reader.list("entries", [&](const JsonReader& entry) {
    progress.entries.push_back({entry.required_text("name"), entry.time("aboveSince"), entry.time("belowSince"),
                                entry.time("lastStep"), entry.text("value")});
  });
  return progress;
}

BaselineSamples read_samples(const JsonReader& reader) {
  BaselineSamples samples;
  if (auto hourly = parse_run_lengths(reader.text("hourly"), kMostSamples)) {
    samples.hourly = std::move(*hourly);
  } else {
    reader.fail("hourly", "must be at most 720 sizes as run lengths, such as \"30*120 45\"");
  }
  samples.last = reader.time("last");
  return samples;
}

json rules_json(const RuleProgress& rules) {
  json object = json::object();
  put(object, "size", rules.size);
  put_list(object, "entries", rules.entries, [](const RuleProgress::Entry& entry) {
    json item = {{"name", entry.name}};
    put(item, "aboveSince", entry.above_since);
    put(item, "belowSince", entry.below_since);
    put(item, "lastStep", entry.last_step);
    put(item, "value", entry.value);
    return item;
  });
  return object;
}

}  // namespace

const char* to_string(Kind kind) { return name_of(kind, kReasonKinds); }

StartedLead read_started_lead(const JsonReader& reader) {
  return {reader.text("schedule"), reader.text("occurrence"), reader.required_text("phase"),
          reader.required_time("at")};
}

json started_lead_json(const StartedLead& lead) {
  return {
      {"schedule", lead.schedule}, {"occurrence", lead.occurrence}, {"phase", lead.phase}, {"at", time_text(lead.at)}};
}

ScaleTargetStatus read_scale_target_status(const JsonReader& reader) {
  ScaleTargetStatus status;
  status.observed_generation = reader.counter("observedGeneration");
  status.conditions = reader.conditions("conditions");
  status.current = reader.optional_integer("current", {.low = 0});
  status.ready = reader.optional_integer("ready", {.low = 0});
  status.desired = reader.optional_integer("desired", {.low = 0});
  reader.object("bounds", [&](const JsonReader& bounds) {
    status.bounds_min = bounds.optional_integer("min", {.low = 0});
    status.bounds_max = bounds.optional_integer("max", {.low = 0});
  });
  status.decided_by = reader.text("decidedBy");
  reader.list("explanation", [&](const JsonReader& reason) {
    if (const std::optional<Kind> kind = kind_of(reason.text("kind"))) {
      status.explanation.push_back({*kind, reason.integer("size", 0), reason.text("source"), reason.text("text")});
    }
  });
  reader.object("originals", [&](const JsonReader& originals) {
    status.originals = Originals{originals.integer("min", 0, {.low = 0}), originals.integer("max", 0, {.low = 0}),
                                 originals.text("uid")};
  });
  status.in_force = reader.optional_integer("inForce", {.low = 0});
  status.in_force_since = reader.time("inForceSince");
  status.baseline = reader.optional_integer("baseline", {.low = 0});
  status.approved_size = reader.optional_integer("approvedSize", {.low = 0});
  reader.list("startedLeads", [&](const JsonReader& lead) { status.started_leads.push_back(read_started_lead(lead)); });
  reader.list("warmUp", [&](const JsonReader& samples) {
    status.warm_up.push_back({samples.integer("step", 1, {.low = 1}), samples.integers("seconds", {.low = 0})});
  });
  reader.object("rules", [&](const JsonReader& rules) { status.rules = read_rules(rules); });
  reader.object("samples", [&](const JsonReader& samples) { status.samples = read_samples(samples); });
  reader.object("contest", [&](const JsonReader& contest) {
    status.contest = Contest{contest.integer("value", 0), contest.text("manager"),
                             contest.integer("times", 0, {.low = 0}), contest.required_time("last")};
  });
  status.next_transition = reader.time("nextTransition");
  status.selector = reader.text("selector");
  return status;
}

json to_json(const ScaleTargetStatus& status) {
  json object = {{"observedGeneration", status.observed_generation}, {"conditions", to_json(status.conditions)}};
  put(object, "current", status.current);
  put(object, "ready", status.ready);
  put(object, "desired", status.desired);
  json bounds = json::object();
  put(bounds, "min", status.bounds_min);
  put(bounds, "max", status.bounds_max);
  if (!bounds.empty()) object["bounds"] = std::move(bounds);
  put(object, "decidedBy", status.decided_by);
  put_list(object, "explanation", status.explanation, [](const Reason& reason) {
    json item = {{"kind", to_string(reason.kind)}, {"size", reason.size}};
    put(item, "source", reason.source);
    put(item, "text", reason.text);
    return item;
  });
  if (status.originals) {
    object["originals"] = {{"min", status.originals->min}, {"max", status.originals->max}};
    put(object["originals"], "uid", status.originals->uid);
  }
  put(object, "inForce", status.in_force);
  put(object, "inForceSince", status.in_force_since);
  put(object, "baseline", status.baseline);
  put(object, "approvedSize", status.approved_size);
  put_list(object, "startedLeads", status.started_leads, started_lead_json);
  put_list(object, "warmUp", status.warm_up, [](const WarmUpSamples& samples) {
    return json{{"step", samples.step}, {"seconds", samples.seconds}};
  });
  if (json rules = rules_json(status.rules); !rules.empty()) object["rules"] = std::move(rules);
  json samples = json::object();
  put(samples, "hourly", run_length_text(status.samples.hourly));
  put(samples, "last", status.samples.last);
  if (!samples.empty()) object["samples"] = std::move(samples);
  if (status.contest) {
    object["contest"] = {{"value", status.contest->value},
                         {"manager", status.contest->manager},
                         {"times", status.contest->times},
                         {"last", time_text(status.contest->last)}};
  }
  put(object, "nextTransition", status.next_transition);
  put(object, "selector", status.selector);
  return object;
}

}  // namespace headroom::api
