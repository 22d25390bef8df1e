#include "operator/api/scale_target.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_reader.h"
#include "operator/api/scale_target_names.h"
#include "operator/api/scale_target_status.h"

namespace headroom::api {
namespace {

/// The schema's bound on sizes: no cluster runs more pods of one workload.
constexpr int kMostReplicas = 1'000'000;
constexpr IntegerRange kReplicas{0, kMostReplicas};

constexpr EnumName<ReadReplicaPolicy::Counts> kCounts[] = {{ReadReplicaPolicy::Counts::Replicas, "Replicas"},
                                                           {ReadReplicaPolicy::Counts::Instances, "Instances"}};
constexpr EnumName<ReadReplicaPolicy::ScaleDown> kScaleDowns[] = {
    {ReadReplicaPolicy::ScaleDown::Manual, "Manual"}, {ReadReplicaPolicy::ScaleDown::Automatic, "Automatic"}};
constexpr EnumName<LearnedBaselineSpec::Statistic> kStatistics[] = {{LearnedBaselineSpec::Statistic::P95, "P95"},
                                                                    {LearnedBaselineSpec::Statistic::Max, "Max"}};
constexpr EnumName<EngineType> kEngineTypes[] = {{EngineType::HorizontalPodAutoscaler, "HorizontalPodAutoscaler"},
                                                 {EngineType::ScaledObject, "ScaledObject"},
                                                 {EngineType::Scale, "Scale"},
                                                 {EngineType::Field, "Field"},
                                                 {EngineType::Advise, "Advise"}};
constexpr EnumName<Engine::ZeroPolicy> kZeroPolicies[] = {{Engine::ZeroPolicy::Respect, "Respect"},
                                                          {Engine::ZeroPolicy::Raise, "Raise"}};
constexpr EnumName<bool> kLearn[] = {{false, "Disabled"}, {true, "Enabled"}};
constexpr EnumName<RegionSpec::DataResidency> kResidencies[] = {{RegionSpec::DataResidency::Open, "Open"},
                                                                {RegionSpec::DataResidency::Strict, "Strict"}};

ReadReplicaPolicy read_read_replica(const JsonReader& reader) {
  ReadReplicaPolicy policy;
  policy.floor = reader.integer("floor", policy.floor, kReplicas);
  policy.counts = reader.choice("counts", kCounts, policy.counts);
  policy.max_step = reader.integer("maxStep", policy.max_step, {1, kMostReplicas});
  policy.scale_down = reader.choice("scaleDown", kScaleDowns, policy.scale_down);
  reader.object("lagGuard", [&](const JsonReader& guard) {
    ReadReplicaPolicy::LagGuard lag;
    lag.query = guard.required_text("query");
    lag.freeze_above = guard.duration("freezeAbove", lag.freeze_above);
    policy.lag_guard = lag;
  });
  return policy;
}

TargetReplicas read_replicas(const JsonReader& reader) {
  TargetReplicas replicas;
  replicas.min = reader.integer("min", replicas.min, kReplicas);
  const std::optional<int> max = reader.optional_integer("max", kReplicas);
  if (!max) reader.fail("max", "must be given: the size that no schedule may exceed");
  replicas.max = max.value_or(replicas.max);
  if (max && replicas.min > *max) {
    reader.fail("min", "is " + std::to_string(replicas.min) + ", above max " + std::to_string(*max) +
                           ": lower min or raise max");
  }
  replicas.baseline = reader.optional_integer("baseline", kReplicas);
  reader.object("learn", [&](const JsonReader& learn) {
    LearnedBaselineSpec spec;
    spec.statistic = learn.choice("statistic", kStatistics, spec.statistic);
    spec.window = learn.duration("window", spec.window);
    replicas.learn = spec;
  });
  return replicas;
}

Engine read_engine(const JsonReader& reader) {
  Engine engine;
  engine.type = reader.choice("type", kEngineTypes, engine.type);
  reader.object("horizontalPodAutoscaler", [&](const JsonReader& autoscaler) {
    engine.name = autoscaler.text("name");
    engine.metrics.text = autoscaler.raw("metrics");
    engine.behavior.text = autoscaler.raw("behavior");
  });
  reader.object("scaledObject", [&](const JsonReader& scaled) { engine.name = scaled.text("name"); });
  reader.object("field", [&](const JsonReader& field) { engine.field_path = field.required_text("path"); });
  if (engine.type == EngineType::Field && !reader.has("field")) {
    reader.fail("field", "type Field needs field.path, such as .spec.instances");
  }
  engine.when_scaled_to_zero = reader.choice("whenScaledToZero", kZeroPolicies, engine.when_scaled_to_zero);
  return engine;
}

Step read_step(const JsonReader& reader) {
  Step step;
  step.pods = reader.integer("pods", 0, kReplicas);
  step.percent = reader.integer("percent", 0, {0, 10'000});
  if (step.pods == 0 && step.percent == 0) reader.fail("needs pods or percent above 0");
  return step;
}

ScaleRule read_rule(const JsonReader& reader) {
  ScaleRule rule;
  rule.name = reader.required_text("name");
  rule.query = reader.required_text("query");
  rule.above = reader.quantity("above");
  rule.below = reader.quantity("below");
  if (!rule.above && !rule.below) reader.fail("needs above or below");
  rule.hold_for = reader.duration("for", rule.hold_for);
  if (!reader.has("step")) reader.fail("step", "must be given: pods or percent");
  reader.object("step", [&](const JsonReader& step) { rule.step = read_step(step); });
  rule.cooldown = reader.duration("cooldown", rule.cooldown);
  return rule;
}

RampLimit read_ramp(const JsonReader& reader) {
  RampLimit ramp;
  ramp.step = read_step(reader);
  ramp.period = reader.duration("period", ramp.period);
  if (ramp.period <= absl::ZeroDuration()) reader.fail("period", "must be above 0s, such as 1m or 1h");
  return ramp;
}

Requirements read_requirements(const JsonReader& reader) {
  Requirements requirements;
  requirements.compliance = reader.texts("compliance");
  if (reader.has("residency")) {
    requirements.residency = reader.choice("residency", kResidencies, RegionSpec::DataResidency::Strict);
  }
  return requirements;
}

ScaleTargetSpec read_spec(const JsonReader& reader) {
  ScaleTargetSpec spec;
  spec.region = reader.text("region", spec.region);
  if (!reader.has("targetRef")) reader.fail("targetRef", "must be given: apiVersion, kind and name of the workload");
  reader.object("targetRef", [&](const JsonReader& ref) {
    spec.target_ref = {ref.required_text("apiVersion"), ref.required_text("kind"), ref.required_text("name")};
  });
  spec.role = reader.choice("role", kRoles, spec.role);
  reader.object("readReplica", [&](const JsonReader& policy) { spec.read_replica = read_read_replica(policy); });
  if (!reader.has("replicas")) reader.fail("replicas", "must be given: at least max");
  reader.object("replicas", [&](const JsonReader& replicas) { spec.replicas = read_replicas(replicas); });
  if (spec.read_replica.floor > spec.replicas.max) {
    reader.fail("readReplica.floor", "is " + std::to_string(spec.read_replica.floor) + ", above replicas.max " +
                                         std::to_string(spec.replicas.max) + ": lower floor or raise max");
  }
  reader.object("engine", [&](const JsonReader& engine) { spec.engine = read_engine(engine); });
  reader.object("follow", [&](const JsonReader& follow) {
    spec.follow = Follow{follow.required_text("target"), follow.quantity("ratio").value_or(Quantity::from_int(1))};
  });
  reader.list("rules", [&](const JsonReader& rule) { spec.rules.push_back(read_rule(rule)); });
  reader.object("ramp", [&](const JsonReader& ramp) {
    ramp.object("up", [&](const JsonReader& up) { spec.ramp_up = read_ramp(up); });
    ramp.object("down", [&](const JsonReader& down) { spec.ramp_down = read_ramp(down); });
  });
  reader.object("warmUp", [&](const JsonReader& warm_up) {
    spec.warm_up.estimate = warm_up.duration("estimate", spec.warm_up.estimate);
    spec.warm_up.learn = warm_up.choice("learn", kLearn, spec.warm_up.learn);
  });
  reader.list("consumes", [&](const JsonReader& consumption) {
    spec.consumes.push_back({consumption.required_text("name"), consumption.required_quantity("perReplica")});
  });
  reader.object("requires", [&](const JsonReader& needs) { spec.requirements = read_requirements(needs); });
  reader.object("cost", [&](const JsonReader& cost) {
    spec.cost = Cost{cost.required_quantity("perReplicaHour"), cost.text("currency", "USD")};
  });
  spec.suspend = reader.choice("suspend", kSuspendModes, spec.suspend);
  spec.priority = reader.integer("priority", spec.priority);
  return spec;
}

}  // namespace

Result<ScaleTarget> scale_target_from_json(const nlohmann::json& object) {
  JsonFault fault;
  const JsonReader reader(object, "", fault);
  ScaleTarget target;
  target.meta = meta_from_json(object);
  if (!reader.has("spec")) reader.fail("spec", "must be given");
  reader.object("spec", [&](const JsonReader& spec) { target.spec = read_spec(spec); });
  reader.object("status", [&](const JsonReader& status) { target.status = read_scale_target_status(status); });
  if (fault.found()) return fault.error();
  return target;
}

}  // namespace headroom::api
