// A real API server judges writes by generated policies, and must say what the webhook's own rules say.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "operator/backstop/policy.h"
#include "operator/limits/compiled_limit.h"
#include "operator/limits/stored_object.h"
#include "tests/integration/limits_cluster.h"

namespace headroom::backstop {
namespace {

using nlohmann::json;
using testing::deployment_body;
using testing::kArtifact;
using testing::object_of;

/// One write under a limit. The first of a limit must be one that is refused: by it one sees that the policy judges.
struct Row {
  const char* name;
  json limit;   ///< its spec, over a match of artifacts
  json former;  ///< the object; null: it is created
  json object;  ///< whole for a create; else merged over the former one
  std::string subresource{};
  const kube::ResourceType& type = kArtifact;
};

json spec(const char* text) { return json::parse(text); }
json size(const json& value) { return {{"spec", {{"size", value}}}}; }
json parts(const json& list) { return {{"spec", {{"parts", list}}}}; }
json replicas(int count) { return {{"spec", {{"replicas", count}}}}; }

const json kSize =
    spec(R"({"object": {"fields": [{"name": "size", "path": ".spec.size", "max": "500M", "message": "split it"}]}})");
const json kParts = spec(R"({"object": {"fields": [
    {"name": "part", "path": ".spec.parts[*].sizes[*]", "max": 10, "code": 403}]}})");
const json kDotted = spec(R"({"object": {"fields": [
    {"name": "noted", "path": ".metadata.annotations['example.com/size']", "max": "1.5"}]}})");
const json kThird = spec(R"({"object": {"fields": [{"name": "third", "path": ".spec.parts[2]", "max": 3}]}})");
const json kHuge = spec(R"({"object": {"fields": [{"name": "size", "path": ".spec.size", "max": "9E"}]}})");
const json kDeployments = spec(R"({"match": {"resources": [{"group": "apps", "version": "v1", "resource": "deployments",
    "subresources": ["scale"]}]}, "object": {"replicas": {"max": 5}, "fields": [
    {"name": "pace", "path": ".spec.minReadySeconds", "max": 60}]}})");
const json kScalers = spec(R"({"match": {"resources": [{"group": "autoscaling", "version": "v2",
    "resource": "horizontalpodautoscalers"}]}, "object": {"fields": [
    {"name": "replicas", "path": ".spec.maxReplicas", "max": 50, "code": 403}]}})");
const json kSelected = spec(R"({"match": {"labelSelector": {"matchLabels": {"tier": "gold"},
      "matchExpressions": [{"key": "old", "operator": "DoesNotExist"}, {"key": "zone", "operator": "NotIn", "values": ["z"]}]},
    "fieldSelector": [{"path": ".spec.kind", "operator": "In", "values": ["a", "7", "true"]},
                      {"path": ".spec.off", "operator": "DoesNotExist"}]},
    "object": {"fields": [{"name": "size", "path": ".spec.size", "max": 5}]}})");

json autoscaler(int most) {
  return {{"spec",
           {{"maxReplicas", most},
            {"scaleTargetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", "a"}}}}}};
}
json selected(const json& kind, int amount, const json& labels) {
  return {{"metadata", {{"labels", labels}}}, {"spec", {{"kind", kind}, {"size", amount}}}};
}
json merged(json one, const json& other) {
  one.merge_patch(other);
  return one;
}

const std::vector<Row>& rows() {
  const kube::ResourceType& deployment = kube::types::kDeployment;
  const kube::ResourceType& scaler = kube::types::kHorizontalPodAutoscaler;
  const json gold = {{"tier", "gold"}};
  static const std::vector<Row> rows = {
      {"a create above", kSize, nullptr, size(500'000'001)},
      {"a create at the bound", kSize, nullptr, size("500M")},
      {"a create above in another notation", kSize, nullptr, size("0.6G")},
      {"a fraction", kSize, nullptr, size(0.5)},
      {"a large fraction", kSize, nullptr, size(500'000'000.5)},
      {"an exponent", kSize, nullptr, size("5e8")},
      {"a larger exponent", kSize, nullptr, size("5.01e8")},
      {"nothing", kSize, nullptr, json::object()},
      {"null", kSize, nullptr, size(nullptr)},
      {"text", kSize, nullptr, size("big")},
      {"empty text", kSize, nullptr, size("")},
      {"negative", kSize, nullptr, size(-1)},
      {"negative text", kSize, nullptr, size("-1")},
      {"a truth value", kSize, nullptr, size(true)},
      {"an object", kSize, nullptr, size({{"a", 1}})},
      {"a list", kSize, nullptr, size({1, 2})},
      {"no spec", kSize, nullptr, {{"data", "x"}}},
      {"an update above", kSize, size(1), size("501M")},
      {"an update above by no more", kSize, size("700M"), {{"spec", {{"color", "red"}}}}},
      {"an update above by less", kSize, size("700M"), size("600M")},
      {"an update above by more", kSize, size("700M"), size("701M")},
      {"an update to the bound", kSize, size("700M"), size("500M")},
      {"from text to too much", kSize, size("big"), size("700M")},
      {"from text to text", kSize, size("big"), size("bigger")},
      {"from a number to text", kSize, size(1), size("big")},
      {"gone", kSize, size("700M"), size(nullptr)},

      {"one of many above", kParts, nullptr, parts({{{"sizes", {1, 2}}}, {{"sizes", {3, 11}}}})},
      {"none of many above", kParts, nullptr, parts({{{"sizes", {1, 2}}}, {{"sizes", {3, 10}}}})},
      {"others in the list", kParts, nullptr, parts({{{"sizes", {1, 2}}}, "text", 5, {{"sizes", 5}}, json::object()})},
      {"one of many strange", kParts, nullptr, parts({{{"sizes", {1, "x"}}}, {{"sizes", {3, 10}}}})},
      {"strange and above", kParts, nullptr, parts({{{"sizes", {1, "x"}}}, {{"sizes", {3, 11}}}})},
      {"the same largest", kParts, parts({{{"sizes", {1, 20}}}}), parts({{{"sizes", {20, 3}}}, {{"sizes", {15}}}})},
      {"a larger largest", kParts, parts({{{"sizes", {1, 20}}}}), parts({{{"sizes", {21}}}})},
      {"no list", kParts, nullptr, parts({{"sizes", {50}}})},

      {"a key with dots", kDotted, nullptr, {{"metadata", {{"annotations", {{"example.com/size", "1.6"}}}}}}},
      {"within it", kDotted, nullptr, {{"metadata", {{"annotations", {{"example.com/size", "1500m"}}}}}}},
      {"other annotations", kDotted, nullptr, {{"metadata", {{"annotations", {{"example.com/other", "1.6"}}}}}}},

      {"an element above", kThird, nullptr, parts({9, 9, 4})},
      {"an element within", kThird, nullptr, parts({9, 9, 3})},
      {"no such element", kThird, nullptr, parts({9, 9})},

      {"near the end of the range", kHuge, nullptr, size("9.1E")},
      {"at the end of the range", kHuge, nullptr, size("9000P")},

      {"replicas above", kDeployments, nullptr, deployment_body(6), "", deployment},
      {"replicas at the bound", kDeployments, nullptr, deployment_body(5), "", deployment},
      {"a field of a built-in type", kDeployments, nullptr,
       merged(deployment_body(1), {{"spec", {{"minReadySeconds", 61}}}}), "", deployment},
      {"scaled above", kDeployments, deployment_body(2), replicas(6), "scale", deployment},
      {"scaled to the bound", kDeployments, deployment_body(2), replicas(5), "scale", deployment},
      {"scaled down from above", kDeployments, deployment_body(9), replicas(8), "scale", deployment},
      {"scaled up from above", kDeployments, deployment_body(9), replicas(10), "scale", deployment},
      {"scaled to zero", kDeployments, deployment_body(9), replicas(0), "scale", deployment},
      {"replicas by the object", kDeployments, deployment_body(2), replicas(6), "", deployment},
      {"fewer by the object", kDeployments, deployment_body(9), replicas(6), "", deployment},

      {"an autoscaler above", kScalers, nullptr, autoscaler(51), "", scaler},
      {"an autoscaler within", kScalers, nullptr, autoscaler(50), "", scaler},
      {"an autoscaler lowered", kScalers, autoscaler(90), autoscaler(80), "", scaler},

      {"what is selected", kSelected, nullptr, selected("a", 6, gold)},
      {"by a number", kSelected, nullptr, selected(7, 6, gold)},
      {"by a truth value", kSelected, nullptr, selected(true, 6, gold)},
      {"not by its field", kSelected, nullptr, selected("b", 6, gold)},
      {"not by an object in its place", kSelected, nullptr, selected({{"a", "a"}}, 6, gold)},
      {"not by its label", kSelected, nullptr, selected("a", 6, {{"tier", "tin"}})},
      {"not without labels", kSelected, nullptr, {{"spec", {{"kind", "a"}, {"size", 6}}}}},
      {"not with a label too many", kSelected, nullptr, selected("a", 6, {{"tier", "gold"}, {"old", ""}})},
      {"not in the zone", kSelected, nullptr, selected("a", 6, {{"tier", "gold"}, {"zone", "z"}})},
      {"in another zone", kSelected, nullptr, selected("a", 6, {{"tier", "gold"}, {"zone", "y"}})},
      {"not when it is off", kSelected, nullptr, merged(selected("a", 6, gold), {{"spec", {{"off", "yes"}}}})},
      {"what comes in", kSelected, selected("b", 3, gold), selected("a", 6, gold)},
      {"what comes in as large as it was", kSelected, selected("b", 6, gold), selected("a", 6, gold)},
  };
  return rows;
}

class BackstopPolicies : public ::testing::Test {
 protected:
  BackstopPolicies() { testing::limits_cluster(); }

  api::ScaleLimit put_limit(const std::string& name, const json& spec) {
    const auto stored = client_->create(kube::types::kScaleLimit, testing::limit_object(ns_.name(), name, spec), {});
    EXPECT_TRUE(stored) << stored.error().message;
    return api::scale_limit_from_json(stored.value()).value();
  }
  void put_policy(const api::ScaleLimit& limit) {
    const Backstop made = *backstop_of(limit, {"kube-system"});
    kube::WriteOptions force;
    force.force = true;
    const std::string name = made.policy.at("metadata").at("name");
    const auto policy = client_->patch(kube::types::kValidatingAdmissionPolicy, {"", name}, kube::PatchType::Apply,
                                       made.policy, {}, force);
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy.value()["spec"], made.policy["spec"]) << "the defaults are written out";
    const auto binding = client_->patch(kube::types::kValidatingAdmissionPolicyBinding, {"", name},
                                        kube::PatchType::Apply, made.binding, {}, force);
    ASSERT_TRUE(binding) << binding.error().message;
    EXPECT_EQ(binding.value()["spec"], made.binding["spec"]);
  }
  void remove(const api::ScaleLimit& limit) {
    const std::string name = policy_name({limit.kind, limit.meta.key()});
    EXPECT_TRUE(client_->remove(kube::types::kValidatingAdmissionPolicyBinding, {"", name}, {}, {}));
    EXPECT_TRUE(client_->remove(kube::types::kValidatingAdmissionPolicy, {"", name}, {}, {}));
  }

  Result<json> write(const Row& row, const std::string& name) {
    kube::WriteOptions dry;
    dry.dry_run = true;
    if (row.former.is_null())
      return client_->create(row.type, object_of(row.type, ns_.name(), "new", row.object), {}, dry);
    dry.subresource = row.subresource;
    return client_->patch(row.type, {ns_.name(), name}, kube::PatchType::Merge, row.object, {}, dry);
  }
  static int code_of(const Result<json>& result) { return result ? 200 : result.error().http_status; }
  static std::string text_of(const Result<json>& result) { return result ? "it passes" : result.error().message; }

  const std::shared_ptr<kube::Client> client_ = testing::impatient_client();
  const testing::TestNamespace ns_ = testing::limits_cluster().new_namespace();
};

/// What the webhook would answer: the code of its refusal, or 200.
int judged(const api::ScaleLimit& limit, const Row& row, const json& former, const json& object) {
  const limits::CompiledLimit compiled(1, std::make_shared<const api::ScaleLimit>(limit), {0}, {}, {});
  const limits::StoredObject now(object), before(former);
  limits::AskedWrite write;
  write.operation = former.is_null() ? api::Operation::Create : api::Operation::Update;
  write.group = row.type.group;
  write.version = row.type.version;
  write.resource = row.type.plural;
  write.sub_resource = row.subresource;
  write.ns = limit.meta.ns;
  write.object = &now;
  write.old_object = former.is_null() ? nullptr : &before;
  const auto resource = compiled.resource_of(write);
  const auto counts = [](auto&&...) { return limits::Standing{limits::Standing::Kind::Counts}; };
  if (!resource || compiled.selects(write, *resource, counts) == limits::Selected::No) return 200;
  const auto findings = compiled.findings(write, *resource, [](const api::SwitchCondition&) { return false; });
  return findings.empty() ? 200 : findings.front().code;
}

TEST_F(BackstopPolicies, say_what_the_webhook_says_of_caps) {
  int number = 0;
  for (auto first = rows().begin(); first != rows().end();) {
    const auto last = std::find_if(first, rows().end(), [&](const Row& row) { return row.limit != first->limit; });
    const auto name_of = [](auto row) { return absl::StrCat("row-", row - rows().begin()); };
    for (auto row = first; row != last; ++row) {
      if (row->former.is_null()) continue;
      const auto stored = client_->create(row->type, object_of(row->type, ns_.name(), name_of(row), row->former), {});
      ASSERT_TRUE(stored) << row->name << ": " << stored.error().message;
    }
    const api::ScaleLimit limit = put_limit(absl::StrCat("caps-", ++number), first->limit);
    put_policy(limit);
    ASSERT_TRUE(testing::eventually(std::chrono::seconds(20), [&] { return !write(*first, name_of(first)); }))
        << first->name;
    for (auto row = first; row != last; ++row) {
      SCOPED_TRACE(row->name);
      json former, object = row->object;
      if (!row->former.is_null()) {
        former = client_->get(row->type, {ns_.name(), name_of(row)}, {}, row->subresource).value();
        object = merged(former, row->object);
      }
      const auto written = write(*row, name_of(row));
      EXPECT_EQ(code_of(written), judged(limit, *row, former, object)) << text_of(written);
    }
    remove(limit);
    first = last;
  }
}

TEST_F(BackstopPolicies, tell_clients_what_is_wrong) {
  put_policy(put_limit("told", kSize));
  const Row above{"", kSize, nullptr, size("600M")};
  ASSERT_TRUE(testing::eventually(std::chrono::seconds(20), [&] { return !write(above, ""); }));
  EXPECT_TRUE(absl::StrContains(
      text_of(write(above, "")),
      absl::StrCat("ScaleLimit ", ns_.name(), "/told: .spec.size is 600M, at most 500M is allowed: split it")))
      << text_of(write(above, ""));
  EXPECT_TRUE(absl::StrContains(text_of(write({"", kSize, nullptr, size("big")}, "")),
                                "/told: .spec.size must be a quantity of 0 or more"));
}

TEST_F(BackstopPolicies, go_by_the_limits_own_numbers_and_mode) {
  const api::ScaleLimit limit = put_limit("numbers", kSize);
  put_policy(limit);
  const auto passes = [&](const char* amount) { return bool(write({"", kSize, nullptr, size(amount)}, "")); };
  const auto change = [&](const json& spec) {
    const auto changed =
        client_->patch(kube::types::kScaleLimit, limit.meta.key(), kube::PatchType::Merge, {{"spec", spec}}, {});
    ASSERT_TRUE(changed) << changed.error().message;
  };
  ASSERT_TRUE(testing::eventually(std::chrono::seconds(20), [&] { return !passes("501M"); }));
  json wider = kSize;
  wider["object"]["fields"][0]["max"] = "2G";
  change(wider);
  EXPECT_TRUE(testing::eventually(std::chrono::seconds(10), [&] { return passes("501M"); }));
  EXPECT_FALSE(passes("2001M"));
  change({{"mode", "Warn"}});
  EXPECT_TRUE(testing::eventually(std::chrono::seconds(10), [&] { return passes("2001M"); }));
  change({{"mode", "Enforce"}});
  EXPECT_TRUE(testing::eventually(std::chrono::seconds(10), [&] { return !passes("2001M"); }));
  ASSERT_TRUE(client_->remove(kube::types::kScaleLimit, limit.meta.key(), {}, {}));
  EXPECT_TRUE(testing::eventually(std::chrono::seconds(10), [&] { return passes("2001M"); })) << "the limit is gone";
}

TEST_F(BackstopPolicies, refuse_what_raises_a_halted_limit_while_they_are_active) {
  const json halting = spec(R"({"match": {"labelSelector": {"matchLabels": {"counted": "yes"}}},
      "total": {"count": 9, "sums": [{"name": "size", "path": ".spec.size", "hard": 100},
                                     {"name": "parts", "path": ".spec.parts[*].size", "hard": 100}]},
      "thresholds": [{"name": "full", "percent": 90, "level": "Red", "action": "Halt"}]})");
  const json counted = {{"metadata", {{"labels", {{"counted", "yes"}}}}},
                        {"spec", {{"size", 5}, {"parts", {{{"size", 1}}, {{"size", "2"}}}}}}};
  const api::ScaleLimit limit = put_limit("halted", halting);
  ASSERT_TRUE(client_->create(kArtifact, object_of(kArtifact, ns_.name(), "in", counted), {}));
  ASSERT_TRUE(client_->create(kArtifact, object_of(kArtifact, ns_.name(), "out", size(5)), {}));
  put_policy(limit);
  const auto tell = [&](const json& status) {
    const auto told = client_->patch(kube::types::kScaleLimit, limit.meta.key(), kube::PatchType::Merge,
                                     {{"status", status}}, {}, {.subresource = "status"});
    ASSERT_TRUE(told) << told.error().message;
  };
  const Row create{"", halting, nullptr, counted};
  const auto refused = [&](const Row& row, const std::string& name) { return code_of(write(row, name)) == 403; };
  EXPECT_FALSE(refused(create, ""));
  tell({{"halted",
         {{"since", "2026-11-08T00:00:00Z"}, {"dimension", "count"}, {"reason", "full"}, {"message", "full up"}}},
        {"backstop", "Active"}});
  ASSERT_TRUE(testing::eventually(std::chrono::seconds(20), [&] { return refused(create, ""); }));
  EXPECT_TRUE(absl::StrContains(text_of(write(create, "")), "/halted: full up"));
  const auto update = [&](const std::string& name, const json& change) {
    return refused({"", halting, counted, change}, name);
  };
  EXPECT_FALSE(refused({"", halting, nullptr, size(1)}, "")) << "not selected";
  EXPECT_TRUE(update("in", size(6)));
  EXPECT_TRUE(update("in", size("5001m")));
  EXPECT_FALSE(update("in", size(5)));
  EXPECT_FALSE(update("in", size(4)));
  EXPECT_FALSE(update("in", {{"spec", {{"size", nullptr}}}}));
  EXPECT_TRUE(update("in", parts({{{"size", 1}}, {{"size", 2.5}}})));
  EXPECT_FALSE(update("in", parts({{{"size", 2}}, {{"size", 1}}})));
  EXPECT_FALSE(update("in", parts({{{"size", 1}}})));
  EXPECT_TRUE(update("out", {{"metadata", {{"labels", {{"counted", "yes"}}}}}})) << "comes into the selection";
  EXPECT_FALSE(update("in", {{"metadata", {{"labels", {{"counted", nullptr}}}}}})) << "leaves it";
  tell({{"backstop", "Inactive"}});
  EXPECT_TRUE(testing::eventually(std::chrono::seconds(10), [&] { return !refused(create, ""); }));
  tell({{"backstop", "Active"}, {"halted", nullptr}});
  EXPECT_FALSE(refused(create, ""));
}

TEST_F(BackstopPolicies, of_a_halted_limit_that_counts_nothing_refuse_what_asks_for_more_replicas) {
  const json halting = spec(R"({"match": {"resources": [{"group": "apps", "version": "v1", "resource": "deployments"}]},
      "observed": [{"name": "load", "query": "up", "region": "local", "hard": 5}],
      "thresholds": [{"name": "full", "percent": 90, "level": "Red", "action": "Halt"}]})");
  const kube::ResourceType& deployment = kube::types::kDeployment;
  const api::ScaleLimit limit = put_limit("watched", halting);
  ASSERT_TRUE(client_->create(deployment, object_of(deployment, ns_.name(), "in", deployment_body(2)), {}));
  put_policy(limit);
  const json halted = {{"since", "2026-11-08T00:00:00Z"}, {"dimension", "load"}, {"reason", "full"}};
  ASSERT_TRUE(client_->patch(kube::types::kScaleLimit, limit.meta.key(), kube::PatchType::Merge,
                             {{"status", {{"backstop", "Active"}, {"halted", halted}}}}, {},
                             {.subresource = "status"}));
  const auto refused = [&](const json& change) {
    return code_of(write({"", halting, deployment_body(2), change, "", deployment}, "in")) == 403;
  };
  ASSERT_TRUE(testing::eventually(std::chrono::seconds(20), [&] { return refused(replicas(3)); }));
  EXPECT_FALSE(refused(replicas(2)));
  EXPECT_FALSE(refused(replicas(1)));
  EXPECT_FALSE(refused({{"spec", {{"minReadySeconds", 5}}}}));
}

}  // namespace
}  // namespace headroom::backstop
