#include "operator/api/scale_target.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/api/full_objects.h"
#include "tests/api/mutation.h"
#include "tests/support/full_status.h"

namespace headroom::api {
namespace {

using nlohmann::json;
using testing_support::full_scale_target_status;

json smallest() {
  return json::parse(R"({"metadata": {"namespace": "erp", "name": "orders"}, "spec": {
    "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"}, "replicas": {"max": 10}}})");
}

ScaleTargetSpec spec_of(const json& object) {
  const Result<ScaleTarget> target = scale_target_from_json(object);
  EXPECT_TRUE(target) << (target ? "" : target.error().message);
  return target ? target.value().spec : ScaleTargetSpec();
}

TEST(ScaleTarget, reads_every_field) {
  ScaleTargetSpec expected;
  expected.region = "mumbai";
  expected.target_ref = {"postgresql.cnpg.io/v1", "Cluster", "orders"};
  expected.role = Role::ReadReplica;
  expected.read_replica = {3, ReadReplicaPolicy::Counts::Instances, 2, ReadReplicaPolicy::ScaleDown::Automatic,
                           ReadReplicaPolicy::LagGuard{"max(lag)", absl::Seconds(30)}};
  expected.replicas = {3, 8, 4, LearnedBaselineSpec{LearnedBaselineSpec::Statistic::Max, absl::Hours(48)}};
  expected.engine.type = EngineType::Field;
  expected.engine.field_path = ".spec.instances";
  expected.engine.when_scaled_to_zero = Engine::ZeroPolicy::Raise;
  expected.follow = Follow{"webhook-workers", Quantity::parse("0.5").value()};
  expected.rules = {
      {"lag", "max(l)", Quantity::from_int(300), Quantity::from_int(30), absl::Minutes(5), {2, 10}, absl::Minutes(10)}};
  expected.ramp_up = RampLimit{{10, 0}, absl::Minutes(1)};
  expected.ramp_down = RampLimit{{0, 10}, absl::Hours(1)};
  expected.warm_up = {absl::Hours(6), true};
  expected.consumes = {{"pods", Quantity::from_int(1)}, {"storage", Quantity::from_int(20LL << 30)}};
  expected.requirements = {{"INDIA_IT_ACT"}, RegionSpec::DataResidency::Strict};
  expected.cost = Cost{Quantity::parse("0.25").value(), "INR"};
  expected.suspend = SuspendMode::Hold;
  expected.priority = -5;

  EXPECT_EQ(spec_of(full_scale_target()), expected);
}

TEST(ScaleTarget, says_little_and_gets_the_defaults_of_the_schema) {
  ScaleTargetSpec expected;
  expected.target_ref = {"apps/v1", "Deployment", "orders"};
  expected.replicas.max = 10;
  EXPECT_EQ(spec_of(smallest()), expected);
  EXPECT_EQ(expected.region, "local");
  EXPECT_EQ(expected.engine.type, EngineType::HorizontalPodAutoscaler);
}

TEST(ScaleTarget, owns_an_autoscaler_only_where_metrics_are_given) {
  json object = smallest();
  EXPECT_FALSE(spec_of(object).engine.owns_autoscaler());
  object["spec"]["engine"] = {{"type", "HorizontalPodAutoscaler"}, {"horizontalPodAutoscaler", {{"name", "orders"}}}};
  EXPECT_EQ(spec_of(object).engine.name, "orders");
  EXPECT_FALSE(spec_of(object).engine.owns_autoscaler());
  const json metrics = json::parse(R"([{"type": "Resource", "resource": {"name": "cpu"}}])");
  object["spec"]["engine"]["horizontalPodAutoscaler"] = {{"metrics", metrics}, {"behavior", {{"scaleDown", {}}}}};
  EXPECT_TRUE(spec_of(object).engine.owns_autoscaler());
  EXPECT_EQ(json::parse(spec_of(object).engine.metrics.text), metrics);
  EXPECT_EQ(spec_of(object).engine.behavior.text, R"({"scaleDown":null})");
}

TEST(ScaleTarget, says_what_is_wrong_and_where) {
  const Mutation table[] = {
      {"/spec", "", "spec: must be given"},
      {"/spec/region", "7", "spec.region: must be a string, not 7"},
      {"/spec/targetRef", "", "spec.targetRef: must be given"},
      {"/spec/targetRef/kind", "", "spec.targetRef.kind: must be a string that is not empty, not absent"},
      {"/spec/role", "\"Writer\"", "spec.role: must be one of Workload, ReadReplica, not \"Writer\""},
      {"/spec/readReplica/floor", "9", "spec.readReplica.floor: is 9, above replicas.max 8: lower floor or raise max"},
      {"/spec/readReplica/floor", "-1", "spec.readReplica.floor: must be a whole number from 0"},
      {"/spec/readReplica/counts", "\"All\"", "spec.readReplica.counts: must be one of Replicas, Instances"},
      {"/spec/readReplica/maxStep", "0", "spec.readReplica.maxStep: must be a whole number from 1"},
      {"/spec/readReplica/scaleDown", "\"Never\"", "spec.readReplica.scaleDown: must be one of Manual, Automatic"},
      {"/spec/readReplica/lagGuard/query", "", "spec.readReplica.lagGuard.query: must be a string"},
      {"/spec/readReplica/lagGuard/freezeAbove", "60",
       "spec.readReplica.lagGuard.freezeAbove: must be a string, not 60"},
      {"/spec/replicas", "", "spec.replicas: must be given"},
      {"/spec/replicas/max", "", "spec.replicas.max: must be given"},
      {"/spec/replicas/max", "1000001", "spec.replicas.max: must be a whole number from 0 to 1000000, not 1000001"},
      {"/spec/replicas/min", "9", "spec.replicas.min: is 9, above max 8: lower min or raise max"},
      {"/spec/replicas/baseline", "\"4\"", "spec.replicas.baseline: must be a whole number"},
      {"/spec/replicas/learn/statistic", "\"Mean\"", "spec.replicas.learn.statistic: must be one of P95, Max"},
      {"/spec/replicas/learn/window", "\"-1h\"", "spec.replicas.learn.window: duration"},
      {"/spec/engine/type", "\"Magic\"",
       "spec.engine.type: must be one of HorizontalPodAutoscaler, ScaledObject, Scale"},
      {"/spec/engine/field", "", "spec.engine.field: type Field needs field.path"},
      {"/spec/engine/whenScaledToZero", "\"Leave\"", "spec.engine.whenScaledToZero: must be one of Respect, Raise"},
      {"/spec/follow/target", "", "spec.follow.target: must be a string"},
      {"/spec/follow/ratio", "0.5", "spec.follow.ratio: must be a quantity: a whole number, or a string"},
      {"/spec/rules/0/name", "", "spec.rules[0].name: must be a string"},
      {"/spec/rules/0/above", "{}", "spec.rules[0].above: must be a quantity"},
      {"/spec/rules/0/for", "\"x\"", "spec.rules[0].for: duration \"x\""},
      {"/spec/rules/0/step", "", "spec.rules[0].step: must be given"},
      {"/spec/rules/0/step", "{}", "spec.rules[0].step: needs pods or percent above 0"},
      {"/spec/ramp/up", "{\"period\": \"1m\"}", "spec.ramp.up: needs pods or percent above 0"},
      {"/spec/ramp/down/period", "\"0s\"", "spec.ramp.down.period: must be above 0s"},
      {"/spec/warmUp/estimate", "\"6 h\"", "spec.warmUp.estimate: duration"},
      {"/spec/warmUp/learn", "true", "spec.warmUp.learn: must be a string, not true"},
      {"/spec/consumes/1/perReplica", "", "spec.consumes[1].perReplica: must be a quantity"},
      {"/spec/requires/residency", "\"Here\"", "spec.requires.residency: must be one of Open, Strict"},
      {"/spec/cost/perReplicaHour", "", "spec.cost.perReplicaHour: must be a quantity"},
      {"/spec/suspend", "false", "spec.suspend: must be a string, not false"},
      {"/spec/priority", "4294967296", "spec.priority: must be a whole number"},
  };
  for (const Mutation& mutation : table) {
    const Result<ScaleTarget> target = scale_target_from_json(mutated(full_scale_target(), mutation));
    ASSERT_FALSE(target) << mutation.pointer;
    EXPECT_EQ(target.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(target.error().message.find(mutation.error), 0u) << target.error().message;
  }
}

TEST(ScaleTarget, needs_a_bound_in_every_rule) {
  json object = full_scale_target();
  object["spec"]["rules"][0].erase("above");
  object["spec"]["rules"][0].erase("below");
  const Result<ScaleTarget> target = scale_target_from_json(object);
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().message, "spec.rules[0]: needs above or below");
}

TEST(ScaleTarget, reads_back_the_status_that_was_written) {
  json object = smallest();
  for (const ScaleTargetStatus& status : {full_scale_target_status(), ScaleTargetStatus()}) {
    object["status"] = to_json(status);
    const Result<ScaleTarget> target = scale_target_from_json(object);
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_EQ(target.value().status, status);
  }
}

TEST(ScaleTarget, reads_back_every_kind_of_reason) {
  ScaleTargetStatus status;
  for (int kind = 0; kind <= static_cast<int>(Reason::Kind::AllowDecrease); ++kind) {
    status.explanation.push_back({static_cast<Reason::Kind>(kind), kind, "", ""});
  }
  json object = smallest();
  object["status"] = to_json(status);
  EXPECT_EQ(scale_target_from_json(object).value().status, status);
  EXPECT_STREQ(to_string(Reason::Kind::RegionCapacity), "RegionCapacity");
}

TEST(ScaleTarget, says_thirty_days_of_samples_in_one_line) {
  EXPECT_EQ(to_json(full_scale_target_status())["samples"]["hourly"], "30*100 45 30*619");
}

TEST(ScaleTarget, leaves_out_reasons_that_a_newer_version_wrote) {
  json object = smallest();
  object["status"]["explanation"] = json::parse(R"([{"kind": "Original", "size": 1}, {"kind": "Weather", "size": 9}])");
  const Result<ScaleTarget> target = scale_target_from_json(object);
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(target.value().status.explanation, (std::vector<Reason>{{Reason::Kind::Original, 1, "", ""}}));
}

TEST(ScaleTarget, does_not_guess_at_a_status_that_is_broken) {
  json object = smallest();
  object["status"] = to_json(full_scale_target_status());
  const Mutation table[] = {
      {"/status/originals/min", "\"10\"", "status.originals.min: must be a whole number"},
      {"/status/samples/hourly", "\"30*721\"", "status.samples.hourly: must be at most 720 sizes"},
      {"/status/startedLeads/0/at", "\"noon\"", "status.startedLeads[0].at: time \"noon\""},
      {"/status/inForce", "-1", "status.inForce: must be a whole number from 0"},
      {"/status/warmUp/0/seconds/1", "\"x\"", "status.warmUp[0].seconds[1]: must be a whole number"},
  };
  for (const Mutation& mutation : table) {
    const Result<ScaleTarget> target = scale_target_from_json(mutated(object, mutation));
    ASSERT_FALSE(target) << mutation.pointer;
    EXPECT_EQ(target.error().message.find(mutation.error), 0u) << target.error().message;
  }
}

}  // namespace
}  // namespace headroom::api
