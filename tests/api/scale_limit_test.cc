#include "operator/api/scale_limit.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/api/full_objects.h"
#include "tests/api/mutation.h"
#include "tests/support/full_status.h"

namespace headroom::api {
namespace {

using nlohmann::json;
using testing_support::full_scale_limit_status;

ScaleLimitSpec spec_of(const Result<ScaleLimit>& limit) {
  EXPECT_TRUE(limit) << (limit ? "" : limit.error().message);
  return limit ? limit.value().spec : ScaleLimitSpec();
}

JsonPath path(const char* text) { return JsonPath::parse(text).value(); }

json smallest() {
  return json::parse(R"({"metadata": {"namespace": "shop", "name": "orders"}, "spec": {
    "match": {"resources": [{"group": "apps", "version": "v1", "resource": "deployments"}]}, "total": {"count": 10}}})");
}

TEST(ScaleLimit, reads_every_field) {
  ScaleLimitSpec expected;
  expected.match.resources = {{"depository.example.com",
                               "v1",
                               "artifacts",
                               {"status"},
                               {Operation::Create, Operation::Update, Operation::Delete}},
                              {"", "v1", "pods", {"status", "resize", "scale"}}};
  expected.match.labels = LabelSelector{{{"tier", "hot"}}, {}};
  expected.match.fields = {{path(".status.phase"), FieldRequirement::Operator::NotIn, {"Succeeded", "Failed"}},
                           {path(".metadata.annotations['example.com/kept']"), FieldRequirement::Operator::Exists, {}}};
  expected.object.max_bytes = 1'000'000;
  expected.object.fields = {
      {"artifact-size", path(".spec.sizeBytes"), Quantity::from_int(500'000'000), 403, "split it"},
      {"memory", path(".spec.containers[*].resources.requests.memory"), Quantity::from_int(2LL << 30), 413, "",
       QuantityFormat::BinarySI}};
  expected.object.max_replicas = 100;
  expected.total.count = 100'000;
  expected.total.sums = {
      {"storage", path(".spec.sizeBytes"), Quantity::from_int(1'000'000'000'000)},
      {"cache", path(".spec['cache/bytes']"), Quantity::from_int(8LL << 30), QuantityFormat::BinarySI}};
  expected.rate = RateLimit{1000, 50};
  expected.concurrency = ConcurrencyLimit{100, 75, ConcurrencyLimit::Queue{100, absl::Seconds(2)}, absl::Seconds(20)};
  expected.observed = {{"query-p99", "p99", Quantity::from_int(5), "chennai", absl::Minutes(5)}};
  expected.thresholds = {{"busy", "", 51, LimitLevel::Yellow, LimitAction::None, {}},
                         {"full", "storage", 99, LimitLevel::Red, LimitAction::PauseWrites,
                          Escalation{{"owner", "ops"}, absl::Hours(1), "storage is being expanded"}}};
  expected.deny = {{"freeze",
                    SwitchCondition{"depository", "flags", "writes", "frozen"},
                    {Operation::Update, Operation::Delete},
                    503,
                    "writes are frozen"},
                   {"never", std::nullopt, {Operation::Create}, 403, "no more of these"}};
  expected.mode = ScaleLimitSpec::Mode::Warn;
  expected.unavailable = ScaleLimitSpec::Unavailable::Ignore;

  const Result<ScaleLimit> limit = scale_limit_from_json(full_scale_limit());
  EXPECT_EQ(spec_of(limit), expected);
  EXPECT_EQ(limit.value().kind, LimitKind::ScaleLimit);
}

TEST(ScaleLimit, says_little_and_gets_the_defaults_of_the_schema) {
  ScaleLimitSpec expected;
  expected.match.resources = {{"apps", "v1", "deployments", {}, {Operation::Create, Operation::Update}}};
  expected.total.count = 10;
  EXPECT_EQ(spec_of(scale_limit_from_json(smallest())), expected);
  EXPECT_EQ(expected.mode, ScaleLimitSpec::Mode::Enforce);
  EXPECT_EQ(expected.unavailable, ScaleLimitSpec::Unavailable::Fail);

  json object = smallest();
  object["spec"]["rate"] = {{"writesPerSecond", 30}};
  object["spec"]["concurrency"] = {{"max", 8}, {"queue", {{"length", 2}}}};
  const ScaleLimitSpec flow = spec_of(scale_limit_from_json(object));
  EXPECT_EQ(flow.rate->burst, 30) << "one second's worth";
  EXPECT_EQ(flow.concurrency->resume_below, 8) << "resumes as soon as there is room";
  EXPECT_EQ(flow.concurrency->assume_done_after, absl::Seconds(10));
  EXPECT_EQ(flow.concurrency->queue->timeout, absl::Seconds(3));
}

TEST(ScaleLimit, of_the_cluster_selects_namespaces_and_says_where_its_switches_are) {
  const Result<ScaleLimit> limit = cluster_scale_limit_from_json(full_cluster_scale_limit());
  const ScaleLimitSpec spec = spec_of(limit);
  EXPECT_EQ(limit.value().kind, LimitKind::ClusterScaleLimit);
  EXPECT_EQ(spec.total.count, 0) << "none at all is a limit, too";
  LabelSelector wanted;
  wanted.match_expressions = {{"quota", LabelSelector::Requirement::Operator::Exists, {}}};
  EXPECT_EQ(spec.match.namespaces, wanted);
  EXPECT_EQ(spec.deny[0].while_switch, (SwitchCondition{"agents", "flags", "writes", "frozen"}));
}

TEST(ScaleLimit, may_only_observe_and_then_matches_nothing) {
  const json object = json::parse(R"({"metadata": {"namespace": "shop", "name": "latency"}, "spec": {
    "observed": [{"name": "p99", "query": "p99", "hard": "5"}],
    "thresholds": [{"name": "slow", "percent": 10, "level": "Yellow", "action": "Notify"}]}})");
  EXPECT_TRUE(spec_of(scale_limit_from_json(object)).match.resources.empty());
  json stopping = object;
  stopping["spec"]["thresholds"][0]["action"] = "PauseWrites";
  const Result<ScaleLimit> refused = scale_limit_from_json(stopping);
  ASSERT_FALSE(refused) << "whose writes?";
  EXPECT_EQ(refused.error().message.find("spec.match: must be given"), 0u) << refused.error().message;
}

TEST(ScaleLimit, lists_its_dimensions_in_the_order_of_the_spec) {
  const std::vector<LimitDimension> expected = {
      {LimitDimension::Kind::Count, "count", Quantity::from_int(100'000)},
      {LimitDimension::Kind::Sum, "storage", Quantity::from_int(1'000'000'000'000)},
      {LimitDimension::Kind::Sum, "cache", Quantity::from_int(8LL << 30), QuantityFormat::BinarySI},
      {LimitDimension::Kind::Rate, "rate", Quantity::from_int(1000)},
      {LimitDimension::Kind::Concurrency, "concurrency", Quantity::from_int(100)},
      {LimitDimension::Kind::Observed, "query-p99", Quantity::from_int(5)}};
  EXPECT_EQ(dimensions_of(spec_of(scale_limit_from_json(full_scale_limit()))), expected);
  EXPECT_TRUE(dimensions_of(ScaleLimitSpec()).empty());
}

TEST(ScaleLimit, says_what_is_wrong_and_where) {
  const Mutation table[] = {
      {"/spec", "", "spec: must be given"},
      {"/spec", "{}", "spec: needs at least one of object, total, rate, concurrency, observed and deny"},
      {"/spec/match", "", "spec.match: must be given"},
      {"/spec/match/resources", "[]", "spec.match.resources: must name at least one resource type"},
      {"/spec/match/resources/0/group", "1", "spec.match.resources[0].group: must be a string, not 1"},
      {"/spec/match/resources/0/version", "", "spec.match.resources[0].version: must be a string"},
      {"/spec/match/resources/0/resource", "\"\"", "spec.match.resources[0].resource: must be a string"},
      {"/spec/match/resources/0/subresources", "\"scale\"", "spec.match.resources[0].subresources: must be a list"},
      {"/spec/match/resources/0/operations/0", "\"PATCH\"",
       "spec.match.resources[0].operations[0]: must be one of CREATE, UPDATE, DELETE, not \"PATCH\""},
      {"/spec/match/resources/0/scope", "\"Cluster\"", "spec.match.resources[0].scope: a ScaleLimit judges its own"},
      {"/spec/match/labelSelector/matchLabels/tier", "7",
       "spec.match.labelSelector.matchLabels.tier: must be a string"},
      {"/spec/match/namespaceSelector", "{}", "spec.match.namespaceSelector: a ScaleLimit judges its own namespace"},
      {"/spec/match/fieldSelector/0/path", "\"status\"", "spec.match.fieldSelector[0].path: path \"status\" must be"},
      {"/spec/match/fieldSelector/0/path", "\".status.rows[*]\"",
       "spec.match.fieldSelector[0].path: must name one value, so without [*]"},
      {"/spec/match/fieldSelector/0/operator", "", "spec.match.fieldSelector[0].operator: must be one of In, NotIn"},
      {"/spec/match/fieldSelector/0/operator", "\"Exists\"",
       "spec.match.fieldSelector[0].values: belong to In and NotIn"},
      {"/spec/match/fieldSelector/0/values", "[]", "spec.match.fieldSelector[0].values: belong to In and NotIn"},
      {"/spec/object/maxBytes", "0", "spec.object.maxBytes: must be a whole number from 1 to 3145728, not 0"},
      {"/spec/object/maxBytes", "3145729", "spec.object.maxBytes: must be a whole number from 1 to 3145728"},
      {"/spec/object/fields/0/name", "", "spec.object.fields[0].name: must be a string"},
      {"/spec/object/fields/0/path", "", "spec.object.fields[0].path: must be a string that is not empty, not absent"},
      {"/spec/object/fields/0/path", "\".spec[?(@.a)]\"", "spec.object.fields[0].path: path \".spec[?(@.a)]\" must be"},
      {"/spec/object/fields/0/max", "", "spec.object.fields[0].max: must be a quantity"},
      {"/spec/object/fields/0/max", "-1", "spec.object.fields[0].max: must not be negative"},
      {"/spec/object/fields/0/code", "429", "spec.object.fields[0].code: must be 403 or 413"},
      {"/spec/object/replicas", "{}", "spec.object.replicas.max: must be given"},
      {"/spec/object/replicas/max", "-1", "spec.object.replicas.max: must be a whole number from 0 to 1000000"},
      {"/spec/total/count", "-1", "spec.total.count: must be a whole number that is not negative, not -1"},
      {"/spec/total/count", "\"100k\"", "spec.total.count: must be a whole number"},
      {"/spec/total/sums/0/hard", "\"lots\"", "spec.total.sums[0].hard: "},
      {"/spec/total/sums/0/hard", "\"-5\"", "spec.total.sums[0].hard: must not be negative"},
      {"/spec/total/sums/1/name", "\"storage\"", "spec: the dimension storage is there twice"},
      {"/spec/total/sums/1/name", "\"count\"", "spec: the dimension count is there twice, or its name is taken"},
      {"/spec/total/sums/1/name", "\"rate\"", "spec: the dimension rate is there twice, or its name is taken"},
      {"/spec/observed/0/name", "\"cache\"", "spec: the dimension cache is there twice"},
      {"/spec/rate/writesPerSecond", "", "spec.rate.writesPerSecond: must be given, such as 1000"},
      {"/spec/rate/writesPerSecond", "0", "spec.rate.writesPerSecond: must be a whole number from 1"},
      {"/spec/rate/burst", "0", "spec.rate.burst: must be a whole number from 1"},
      {"/spec/concurrency/max", "", "spec.concurrency.max: must be given"},
      {"/spec/concurrency/resumeBelow", "101", "spec.concurrency.resumeBelow: is 101, above max 100: lower it"},
      {"/spec/concurrency/queue/length", "", "spec.concurrency.queue.length: must be given"},
      {"/spec/concurrency/queue/timeout", "\"soon\"", "spec.concurrency.queue.timeout: duration \"soon\""},
      {"/spec/concurrency/assumeDoneAfter", "10", "spec.concurrency.assumeDoneAfter: must be a string, not 10"},
      {"/spec/observed/0/query", "\"\"", "spec.observed[0].query: must be a string that is not empty"},
      {"/spec/observed/0/hard", "0", "spec.observed[0].hard: must be above 0"},
      {"/spec/observed/0/for", "\"x\"", "spec.observed[0].for: duration \"x\""},
      {"/spec/thresholds/0/percent", "", "spec.thresholds[0].percent: must be given, from 1 to 1000"},
      {"/spec/thresholds/0/percent", "0", "spec.thresholds[0].percent: must be a whole number from 1 to 1000"},
      {"/spec/thresholds/0/level", "", "spec.thresholds[0].level: must be one of Yellow, Orange, Red, not absent"},
      {"/spec/thresholds/0/level", "\"Green\"", "spec.thresholds[0].level: must be one of Yellow, Orange, Red"},
      {"/spec/thresholds/0/action", "\"Stop\"", "spec.thresholds[0].action: must be one of None, Notify, PauseWrites"},
      {"/spec/thresholds/1/action", "\"None\"", "spec.thresholds[1].action: None tells nobody"},
      {"/spec/thresholds/1/dimension", "\"memory\"",
       "spec.thresholds[1].dimension: must name a dimension that the limit has"},
      {"/spec/thresholds/1/escalation/to", "[]", "spec.thresholds[1].escalation.to: must name at least one receiver"},
      {"/spec/deny/0/message", "", "spec.deny[0].message: must be a string"},
      {"/spec/deny/0/code", "413", "spec.deny[0].code: must be 403, 429 or 503"},
      {"/spec/deny/0/whileSwitch/key", "", "spec.deny[0].whileSwitch.key: must be a string"},
      {"/spec/deny/0/whileSwitch/namespace", "\"other\"", "spec.deny[0].whileSwitch.namespace: must be left out"},
      {"/spec/mode", "\"Deny\"", "spec.mode: must be one of Enforce, Warn, Audit, not \"Deny\""},
      {"/spec/unavailable", "\"Open\"", "spec.unavailable: must be one of Fail, Ignore"},
  };
  for (const Mutation& mutation : table) {
    const Result<ScaleLimit> limit = scale_limit_from_json(mutated(full_scale_limit(), mutation));
    ASSERT_FALSE(limit) << mutation.pointer << " " << mutation.value;
    EXPECT_EQ(limit.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(limit.error().message.find(mutation.error), 0u) << limit.error().message;
  }
}

TEST(ScaleLimit, needs_a_namespace_for_the_switches_of_a_cluster_wide_limit) {
  const Result<ScaleLimit> limit = cluster_scale_limit_from_json(
      mutated(full_cluster_scale_limit(), {"/spec/deny/0/whileSwitch/namespace", "", ""}));
  ASSERT_FALSE(limit);
  EXPECT_EQ(limit.error().message.find("spec.deny[0].whileSwitch.namespace: must be given"), 0u);
}

TEST(ScaleLimit, leaves_the_names_of_the_other_dimensions_to_them) {
  for (const char* name : {"count", "rate", "concurrency"}) {
    json object = smallest();
    object["spec"]["total"] = {{"sums", {{{"name", name}, {"path", ".spec.size"}, {"hard", 1}}}}};
    const Result<ScaleLimit> limit = scale_limit_from_json(object);
    ASSERT_FALSE(limit) << name;
    EXPECT_EQ(limit.error().message.find(std::string("spec: the dimension ") + name), 0u) << limit.error().message;
  }
}

TEST(ScaleLimit, has_no_thresholds_without_a_dimension) {
  json object = smallest();
  object["spec"]["total"].clear();
  object["spec"]["object"] = {{"maxBytes", 1000}};
  object["spec"]["thresholds"] = json::array({{{"name", "busy"}, {"percent", 50}, {"level", "Yellow"}}});
  const Result<ScaleLimit> limit = scale_limit_from_json(object);
  ASSERT_FALSE(limit);
  EXPECT_EQ(limit.error().message.find("spec.thresholds[0].dimension: must name a dimension that the limit has"), 0u)
      << limit.error().message;
}

TEST(ScaleLimit, reads_back_the_status_that_was_written) {
  json object = smallest();
  object["status"] = to_json(full_scale_limit_status());
  const Result<ScaleLimit> limit = scale_limit_from_json(object);
  ASSERT_TRUE(limit) << limit.error().message;
  EXPECT_EQ(limit.value().status, full_scale_limit_status());
  EXPECT_EQ(to_json(limit.value().status), object["status"]);
}

TEST(ScaleLimit, reads_back_the_status_of_a_limit_just_made) {
  const json written = to_json(ScaleLimitStatus());
  EXPECT_EQ(written, json::parse(R"({"observedGeneration": 0, "conditions": [], "level": "Green",
                                     "backstop": "Inactive"})"));
  json object = smallest();
  object["status"] = written;
  EXPECT_EQ(scale_limit_from_json(object).value().status, ScaleLimitStatus());
}

TEST(ScaleLimit, shows_the_fullest_dimension_of_which_the_use_is_known) {
  const json status = to_json(full_scale_limit_status());
  EXPECT_EQ(status["fullest"], json::parse(R"({"dimension": "storage", "used": "1T", "hard": "1T", "percent": 100})"));
  EXPECT_EQ(status["dimensions"][2]["used"], "1536Mi") << "in the family of the bound";
  EXPECT_FALSE(status["dimensions"][3].contains("used")) << "nobody knows";
}

TEST(ScaleLimit, says_what_is_wrong_with_a_status_and_where) {
  const Mutation table[] = {
      {"/status/level", "\"Blue\"", "status.level: must be one of Green, Yellow, Orange, Red"},
      {"/status/dimensions/0/name", "", "status.dimensions[0].name: must be a string"},
      {"/status/dimensions/0/hard", "", "status.dimensions[0].hard: must be a quantity"},
      {"/status/dimensions/0/used", "\"x\"", "status.dimensions[0].used: "},
      {"/status/dimensions/0/percent", "-1", "status.dimensions[0].percent: must be a whole number"},
      {"/status/thresholds/0/since", "", "status.thresholds[0].since: must be an instant"},
      {"/status/thresholds/0/state", "\"Gone\"", "status.thresholds[0].state: must be one of Crossed, Pending"},
      {"/status/paused/since", "\"x\"", "status.paused.since: "},
      {"/status/halted/reason", "", "status.halted.reason: must be a string"},
      {"/status/denials/0/count", "-1", "status.denials[0].count: must be a whole number that is not negative"},
      {"/status/denials/0/lastTime", "", "status.denials[0].lastTime: must be an instant"},
      {"/status/backstop", "\"On\"", "status.backstop: must be one of Inactive, Active"},
      {"/status/excludedNamespaces/0", "1", "status.excludedNamespaces[0]: must be a string"},
  };
  json object = full_scale_limit();
  object["status"] = to_json(full_scale_limit_status());
  for (const Mutation& mutation : table) {
    const Result<ScaleLimit> limit = scale_limit_from_json(mutated(object, mutation));
    ASSERT_FALSE(limit) << mutation.pointer;
    EXPECT_EQ(limit.error().message.find(mutation.error), 0u) << limit.error().message;
  }
}

}  // namespace
}  // namespace headroom::api
