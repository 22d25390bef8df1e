// What limits say to single writes and count of stored objects.
#include "operator/limits/limit_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/limits/stored_object.h"

namespace headroom::limits {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Amount kOne = Quantity::kNano;
constexpr TypeId kArtifacts = 1, kDeployments = 2;

std::shared_ptr<const CompiledLimit> compiled(LimitId id, const json& spec, TypeId type = kArtifacts,
                                              std::vector<std::string> namespaces = {}, bool cluster = false,
                                              const json& status = json::object(),
                                              std::optional<LimitId> flow = std::nullopt,
                                              const ScaledFields& scaled = {}) {
  json object{
      {"apiVersion", "headroom.dev/v1alpha1"},
      {"kind", cluster ? "ClusterScaleLimit" : "ScaleLimit"},
      {"metadata", {{"name", "limit-" + std::to_string(id)}, {"uid", "u" + std::to_string(id)}, {"generation", 3}}},
      {"spec", spec},
      {"status", status}};
  if (!cluster) object["metadata"]["namespace"] = "shop";
  auto limit = cluster ? api::cluster_scale_limit_from_json(object) : api::scale_limit_from_json(object);
  EXPECT_TRUE(limit) << (limit ? "" : limit.error().message);
  return std::make_shared<CompiledLimit>(id, std::make_shared<api::ScaleLimit>(std::move(limit).value()),
                                         std::vector<TypeId>{type}, std::move(namespaces),
                                         std::vector<std::string>{"kube-system"}, flow, scaled);
}

constexpr LimitId kFlow = 70;
std::shared_ptr<const CompiledLimit> with_flow(const json& spec) {
  return compiled(7, spec, kArtifacts, {}, false, json::object(), kFlow);
}

json artifacts(json rest) {
  rest["match"]["resources"] = json::array({{{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}}});
  return rest;
}

json artifact(const std::string& name, json spec, json labels = json::object()) {
  return {
      {"metadata",
       {{"name", name}, {"namespace", "shop"}, {"uid", "uid-" + name}, {"resourceVersion", "41"}, {"labels", labels}}},
      {"spec", std::move(spec)}};
}

/// Asks one write of a set of limits.
class Asking {
 public:
  explicit Asking(std::vector<std::shared_ptr<const CompiledLimit>> limits) : set_(std::move(limits)) {}

  Assessment create(const json& object, std::string ns = "shop") {
    return assess(api::Operation::Create, &object, nullptr, "", std::move(ns));
  }
  Assessment update(const json& before, const json& after) {
    return assess(api::Operation::Update, &after, &before, "", "shop");
  }
  Assessment remove(const json& before) { return assess(api::Operation::Delete, nullptr, &before, "", "shop"); }
  Assessment scale(const json& before, const json& after, const char* group = "apps",
                   const char* resource = "deployments") {
    return assess(api::Operation::Update, &after, &before, "scale", "shop", group, resource);
  }

  LimitSet set_;
  UsageCache usage;
  bool switch_on = false;

 private:
  Assessment assess(api::Operation operation, const json* object, const json* old_object, const char* sub_resource,
                    std::string ns, const char* group = "example.com", const char* resource = "artifacts") {
    std::optional<StoredObject> now;
    std::optional<StoredObject> before;
    if (object != nullptr) now.emplace(*object);
    if (old_object != nullptr) before.emplace(*old_object);
    AskedWrite write;
    write.operation = operation;
    write.group = group;
    write.version = "v1";
    write.resource = resource;
    write.sub_resource = sub_resource;
    write.ns = ns;
    write.object = now ? &*now : nullptr;
    write.old_object = before ? &*before : nullptr;
    return set_.assess(write, usage, [this](const api::SwitchCondition&) { return switch_on; });
  }
};

json counted() {
  return artifacts(
      {{"total", {{"count", 10}, {"sums", {{{"name", "bytes"}, {"path", ".spec.size"}, {"hard", "1G"}}}}}}});
}

TEST(LimitSet, a_create_is_charged_one_object_and_what_it_declares) {
  Asking asking({compiled(1, counted())});
  const Assessment assessment = asking.create(artifact("a", {{"size", "20M"}}));
  ASSERT_EQ(assessment.charges.size(), 1U);
  EXPECT_EQ(assessment.charges[0].amounts, (Amounts{kOne, 20'000'000 * kOne}));
  EXPECT_EQ(assessment.write.old_version, 0);
  EXPECT_THAT(assessment.findings, IsEmpty());
}

TEST(LimitSet, an_update_is_charged_what_it_adds_and_nothing_when_it_takes_away) {
  Asking asking({compiled(1, counted())});
  const json small = artifact("a", {{"size", "20M"}});
  const json large = artifact("a", {{"size", "30M"}});
  const Assessment grows = asking.update(small, large);
  ASSERT_EQ(grows.charges.size(), 1U);
  EXPECT_EQ(grows.charges[0].amounts, (Amounts{0, 10'000'000 * kOne}));
  EXPECT_EQ(grows.write.old_version, 41);
  EXPECT_TRUE(asking.update(large, small).charges.empty());
  EXPECT_TRUE(asking.update(small, small).charges.empty());
  EXPECT_TRUE(asking.remove(large).charges.empty());
}

TEST(LimitSet, an_update_that_brings_an_object_under_the_limit_is_charged_all_of_it) {
  json spec = counted();
  spec["match"]["labelSelector"]["matchLabels"]["tier"] = "hot";
  Asking asking({compiled(1, spec)});
  const json cold = artifact("a", {{"size", "20M"}}, {{"tier", "cold"}});
  const json hot = artifact("a", {{"size", "20M"}}, {{"tier", "hot"}});
  EXPECT_TRUE(asking.create(cold).charges.empty());
  const Assessment enters = asking.update(cold, hot);
  ASSERT_EQ(enters.charges.size(), 1U);
  EXPECT_EQ(enters.charges[0].amounts, (Amounts{kOne, 20'000'000 * kOne}));
  EXPECT_TRUE(asking.update(hot, cold).charges.empty());
}

TEST(LimitSet, other_namespaces_and_types_are_not_asked) {
  Asking asking({compiled(1, counted())});
  EXPECT_TRUE(asking.create(artifact("a", {{"size", "1"}}), "other").charges.empty());
  EXPECT_THAT(asking.set_.candidates(kArtifacts, "shop"), ElementsAre(1));
  EXPECT_THAT(asking.set_.candidates(kArtifacts, "other"), IsEmpty());
  EXPECT_THAT(asking.set_.candidates(kDeployments, "shop"), IsEmpty());
}

TEST(LimitSet, a_cluster_limit_covers_all_namespaces_but_the_excluded_or_those_that_it_selects) {
  json selecting = counted();
  selecting["match"]["namespaceSelector"]["matchLabels"]["team"] = "a";
  Asking asking({compiled(1, counted(), kArtifacts, {}, true), compiled(2, selecting, kArtifacts, {"blue"}, true)});
  const json object = artifact("a", {{"size", "1"}});
  EXPECT_EQ(asking.create(object, "anywhere").charges.size(), 1U);
  EXPECT_EQ(asking.create(object, "blue").charges.size(), 2U);
  EXPECT_TRUE(asking.create(object, "kube-system").charges.empty());
}

TEST(LimitSet, a_limit_that_only_warns_reserves_nothing) {
  json spec = counted();
  spec["mode"] = "Warn";
  Asking asking({compiled(1, spec)});
  const Assessment assessment = asking.create(artifact("a", {{"size", "1"}}));
  EXPECT_TRUE(assessment.charges.empty());
  EXPECT_EQ(assessment.watched.size(), 1U);
}

TEST(LimitSet, caps_of_single_objects_name_limit_field_value_and_bound) {
  Asking asking({compiled(
      1,
      artifacts({{"object",
                  {{"maxBytes", 400}, {"fields", {{{"name", "size"}, {"path", ".spec.size"}, {"max", "500M"}}}}}}}))});
  EXPECT_THAT(asking.create(artifact("a", {{"size", "500M"}})).findings, IsEmpty());
  const auto over = asking.create(artifact("a", {{"size", "501M"}})).findings;
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0].code, 413);
  EXPECT_THAT(over[0].message, HasSubstr("ScaleLimit shop/limit-1: .spec.size is 501M, at most 500M is allowed"));
  const auto large = asking.create(artifact("a", {{"text", std::string(400, 'x')}})).findings;
  ASSERT_EQ(large.size(), 1U);
  EXPECT_EQ(large[0].reason, "TooLarge");
  EXPECT_EQ(large[0].code, 413);
}

TEST(LimitSet, what_is_over_a_cap_already_may_shrink_or_stay_but_not_grow) {
  Asking asking(
      {compiled(1, artifacts({{"object", {{"fields", {{{"name", "size"}, {"path", ".spec.size"}, {"max", "5"}}}}}}}))});
  const json nine = artifact("a", {{"size", "9"}});
  EXPECT_THAT(asking.update(nine, artifact("a", {{"size", "7"}})).findings, IsEmpty());
  EXPECT_THAT(asking.update(nine, nine).findings, IsEmpty());
  EXPECT_EQ(asking.update(nine, artifact("a", {{"size", "10"}})).findings.size(), 1U);
}

TEST(LimitSet, what_cannot_be_counted_is_refused_in_words) {
  Asking asking({compiled(1, counted())});
  for (const json& size : {json("many"), json("-5"), json(true), json::array({1})}) {
    const auto findings = asking.create(artifact("a", {{"size", size}})).findings;
    ASSERT_EQ(findings.size(), 1U) << size;
    EXPECT_EQ(findings[0].reason, "NotCountable");
    EXPECT_THAT(findings[0].message, HasSubstr(".spec.size"));
  }
  const json broken = artifact("a", {{"size", "many"}});
  EXPECT_THAT(asking.update(broken, broken).findings, IsEmpty()) << "an object that was so before can still be changed";
}

TEST(LimitSet, numbers_are_counted_as_quantities_are) {
  Asking asking({compiled(1, counted())});
  EXPECT_EQ(asking.create(artifact("a", {{"size", 0.5}})).charges[0].amounts[1], kOne / 2);
  EXPECT_EQ(asking.create(artifact("a", {{"size", "500m"}})).charges[0].amounts[1], kOne / 2);
  EXPECT_EQ(asking.create(artifact("a", {{"size", 3}})).charges[0].amounts[1], 3 * kOne);
}

json replicas(int count) { return artifact("web", {{"replicas", count}}); }

std::shared_ptr<const CompiledLimit> replica_limit(json rest) {
  rest["match"]["resources"] =
      json::array({{{"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}, {"subresources", {"scale"}}}});
  return compiled(1, rest, kDeployments);
}

TEST(LimitSet, scaling_is_capped_and_counted_through_the_scale_subresource) {
  Asking asking(
      {replica_limit({{"object", {{"replicas", {{"max", 60}}}}},
                      {"total", {{"sums", {{{"name", "replicas"}, {"path", ".spec.replicas"}, {"hard", "100"}}}}}}})});
  const Assessment up = asking.scale(replicas(10), replicas(25));
  ASSERT_EQ(up.charges.size(), 1U);
  EXPECT_EQ(up.charges[0].amounts, (Amounts{15 * kOne}));
  EXPECT_THAT(up.findings, IsEmpty());
  EXPECT_EQ(asking.scale(replicas(10), replicas(61)).findings.size(), 1U);
  EXPECT_TRUE(asking.scale(replicas(61), replicas(60)).charges.empty());
}

TEST(LimitSet, a_scale_has_no_labels_so_the_cache_tells_whether_its_workload_is_selected) {
  Asking asking({replica_limit({{"object", {{"replicas", {{"max", 60}}}}},
                                {"match", {{"labelSelector", {{"matchLabels", {{"tier", "web"}}}}}}}})});
  asking.usage.define(1, 0, false, std::vector<TypeId>{kDeployments});
  const auto list = [&](bool selected) {
    asking.usage.begin_list(kDeployments);
    asking.usage.listed(kDeployments, {Uid::parse("uid-web"), name_id("shop", "web"), 41},
                        std::vector<Membership>{{1, selected, {}}});
    (void)asking.usage.commit_list(kDeployments, 41);
  };
  const auto unseen = asking.scale(replicas(10), replicas(61)).findings;
  ASSERT_EQ(unseen.size(), 1U);
  EXPECT_EQ(unseen[0].reason, "NotSeen") << "it may be none of the limit's";
  EXPECT_EQ(unseen[0].code, 429);
  EXPECT_THAT(asking.scale(replicas(10), replicas(60)).findings, IsEmpty()) << "nothing to find, whosever it is";
  list(false);
  EXPECT_THAT(asking.scale(replicas(10), replicas(61)).findings, IsEmpty());
  list(true);
  EXPECT_EQ(asking.scale(replicas(10), replicas(61)).findings.size(), 1U);
}

std::shared_ptr<const CompiledLimit> stages_limit(json rest, const ScaledFields& scaled) {
  rest["match"]["resources"] =
      json::array({{{"group", "example.com"}, {"version", "v1"}, {"resource", "stages"}, {"subresources", {"scale"}}}});
  return compiled(1, rest, kDeployments, {}, false, json::object(), std::nullopt, scaled);
}

ScaledFields stages_have(const char* path) {
  return {{{"example.com", "v1", "stages"}, api::JsonPath::parse(path).value()}};
}

json two_sums() {
  return {{"total",
           {{"sums",
             {{{"name", "instances"}, {"path", ".spec.instances"}, {"hard", "100"}},
              {{"name", "seats"}, {"path", ".spec.seats"}, {"hard", "900"}},
              {{"name", "workers"}, {"path", ".spec.pools[*].workers"}, {"hard", "50"}}}}}}};
}

TEST(LimitSet, a_scale_is_charged_to_the_sum_of_the_field_that_it_writes) {
  Asking asking({stages_limit(two_sums(), stages_have(".spec.instances"))});
  const Assessment up = asking.scale(replicas(10), replicas(25), "example.com", "stages");
  ASSERT_EQ(up.charges.size(), 1U);
  EXPECT_EQ(up.charges[0].amounts, (Amounts{15 * kOne, 0, 0}));
  EXPECT_THAT(asking.scale(replicas(25), replicas(10), "example.com", "stages").charges, IsEmpty());
  Asking elsewhere({stages_limit(two_sums(), stages_have(".spec.replicas"))});
  EXPECT_THAT(elsewhere.scale(replicas(10), replicas(25), "example.com", "stages").charges, IsEmpty())
      << "no sum is of that field";
}

TEST(LimitSet, where_the_scaled_field_is_not_known_every_field_that_it_may_be_is_charged) {
  Asking asking({stages_limit(two_sums(), {})});
  const Assessment up = asking.scale(replicas(10), replicas(25), "example.com", "stages");
  ASSERT_EQ(up.charges.size(), 1U);
  EXPECT_EQ(up.charges[0].amounts, (Amounts{15 * kOne, 15 * kOne, 0})) << "never one of a list";
}

TEST(LimitSet, a_cap_on_the_scaled_field_holds_for_its_scale) {
  const json cap = {{"object", {{"fields", {{{"name", "n"}, {"path", ".spec.instances"}, {"max", "20"}}}}}}};
  Asking asking({stages_limit(cap, stages_have(".spec.instances"))});
  const auto findings = asking.scale(replicas(10), replicas(21), "example.com", "stages").findings;
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].message, HasSubstr(".spec.instances is 21, at most 20"));
  EXPECT_THAT(asking.scale(replicas(10), replicas(20), "example.com", "stages").findings, IsEmpty());
}

/// Deployments that want any pods at all, and only those of one tier.
class ScaleFromNothing : public testing::Test {
 protected:
  ScaleFromNothing() {
    json rest = {
        {"match",
         {{"labelSelector", {{"matchLabels", {{"tier", "web"}}}}},
          {"fieldSelector", json::array({{{"path", ".spec.replicas"}, {"operator", "NotIn"}, {"values", {"0"}}}})}}},
        {"total",
         {{"count", 5},
          {"sums",
           {{{"name", "replicas"}, {"path", ".spec.replicas"}, {"hard", "100"}},
            {{"name", "seats"}, {"path", ".spec.seats"}, {"hard", "900"}}}}}}};
    limit_ = replica_limit(rest);
    asking_.emplace(std::vector{limit_});
    asking_->usage.define(1, 3, true, std::vector<TypeId>{kDeployments});
    see(json::array(), 41);
  }
  void see(const json& objects, Revision revision) {
    asking_->usage.begin_list(kDeployments);
    for (const json& object : objects) {
      asking_->usage.listed(kDeployments, {Uid::parse("uid-web"), name_id("shop", "web"), revision},
                            std::vector{limit_->membership(kDeployments, "shop", StoredObject(object))});
    }
    (void)asking_->usage.commit_list(kDeployments, revision);
  }
  static json stored(int count, const char* tier) {
    return artifact("web", {{"replicas", count}, {"seats", 30}}, {{"tier", tier}});
  }

  std::shared_ptr<const CompiledLimit> limit_;
  std::optional<Asking> asking_;
};

TEST_F(ScaleFromNothing, what_it_makes_the_limit_count_is_charged_whole) {
  see(json::array({stored(0, "web")}), 41);
  EXPECT_TRUE(asking_->usage.used(1, kDeployments).is_zero());
  const Assessment up = asking_->scale(artifact("web", json::object()), replicas(4));
  ASSERT_EQ(up.charges.size(), 1U);
  EXPECT_EQ(up.charges[0].amounts, (Amounts{kOne, 4 * kOne, 30 * kOne}));
}

TEST_F(ScaleFromNothing, what_is_counted_already_is_charged_the_difference) {
  see(json::array({stored(3, "web")}), 41);
  const Assessment up = asking_->scale(replicas(3), replicas(4));
  ASSERT_EQ(up.charges.size(), 1U);
  EXPECT_EQ(up.charges[0].amounts, (Amounts{0, kOne, 0}));
}

TEST_F(ScaleFromNothing, what_another_condition_keeps_out_is_charged_nothing) {
  see(json::array({stored(0, "batch")}), 41);
  EXPECT_THAT(asking_->scale(artifact("web", json::object()), replicas(4)).charges, IsEmpty());
}

TEST_F(ScaleFromNothing, what_stays_out_is_charged_nothing) {
  see(json::array({stored(0, "web")}), 41);
  const Assessment none = asking_->scale(artifact("web", json::object()), artifact("web", json::object()));
  EXPECT_THAT(none.charges, IsEmpty());
  EXPECT_THAT(none.findings, IsEmpty());
}

TEST_F(ScaleFromNothing, it_is_to_be_tried_again_while_the_cache_has_not_seen_the_object_as_it_is) {
  see(json::array({stored(3, "web")}), 40);  // by now it is scaled to nothing
  const auto findings = asking_->scale(artifact("web", json::object()), replicas(4)).findings;
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].code, 429);
  EXPECT_EQ(findings[0].reason, "NotSeen");
  EXPECT_EQ(asking_->scale(replicas(3), replicas(4)).findings.at(0).reason, "NotSeen") << "its labels may be others";
  EXPECT_THAT(asking_->scale(replicas(4), replicas(3)).findings, IsEmpty()) << "it adds nothing, whosever it is";
}

TEST(LimitSet, a_deny_rule_refuses_while_its_switch_is_on) {
  Asking asking(
      {compiled(1, artifacts({{"deny",
                               {{{"name", "no-marketing"},
                                 {"whileSwitch", {{"configMap", "surge"}, {"key", "marketing"}, {"value", "reject"}}},
                                 {"message", "later, please"}}}}}))});
  const json object = artifact("a", json::object());
  EXPECT_THAT(asking.create(object).findings, IsEmpty());
  asking.switch_on = true;
  const auto findings = asking.create(object).findings;
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].reason, "Denied");
  EXPECT_THAT(findings[0].message, HasSubstr("later, please"));
  EXPECT_THAT(asking.update(object, object).findings, IsEmpty()) << "the rule is for creates";
}

TEST(LimitSet, while_writes_are_paused_or_halted_only_those_pass_that_add_nothing) {
  json status{{"paused",
               {{"since", "2026-11-08T00:00:00Z"},
                {"dimension", "bytes"},
                {"reason", "pause"},
                {"message", "bytes is 995M of 1G (99 %); writes are paused"}}}};
  Asking paused({compiled(1, counted(), kArtifacts, {}, false, status)});
  const json small = artifact("a", {{"size", "20M"}});
  const json large = artifact("a", {{"size", "30M"}});
  const auto findings = paused.create(small).findings;
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].code, 429);
  EXPECT_EQ(findings[0].reason, "Paused");
  EXPECT_THAT(findings[0].message, HasSubstr("bytes is 995M of 1G (99 %)"));
  EXPECT_EQ(paused.update(small, large).findings.size(), 1U);
  EXPECT_THAT(paused.update(large, small).findings, IsEmpty());
  EXPECT_THAT(paused.remove(large).findings, IsEmpty());
  status["halted"] = status["paused"];
  Asking halted({compiled(1, counted(), kArtifacts, {}, false, status)});
  EXPECT_EQ(halted.create(small).findings.at(0).code, 503);
  EXPECT_THAT(halted.update(large, small).findings, IsEmpty());
}

TEST(LimitSet, while_writes_are_paused_no_scale_passes_that_would_use_more) {
  const json status{
      {"paused",
       {{"since", "2026-11-08T00:00:00Z"}, {"dimension", "replicas"}, {"reason", "pause"}, {"message", "full"}}}};
  const json sum = {{"total", {{"sums", {{{"name", "replicas"}, {"path", ".spec.replicas"}, {"hard", "100"}}}}}}};
  const json observed = {{"observed", {{{"name", "load"}, {"query", "load"}, {"hard", "10"}}}}};
  for (json spec : {sum, observed}) {
    spec["match"]["resources"] =
        json::array({{{"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}, {"subresources", {"scale"}}}});
    Asking paused({compiled(1, spec, kDeployments, {}, false, status)});
    const auto findings = paused.scale(replicas(10), replicas(11)).findings;
    ASSERT_EQ(findings.size(), 1U) << spec;
    EXPECT_EQ(findings[0].reason, "Paused");
    EXPECT_THAT(paused.scale(replicas(10), replicas(9)).findings, IsEmpty()) << spec;
  }
}

json labelled(json rest) {
  rest["match"]["labelSelector"]["matchLabels"]["tier"] = "web";
  return artifacts(std::move(rest));
}

TEST(LimitSet, an_object_that_comes_under_a_limit_is_held_against_its_caps) {
  const json web{{"tier", "web"}};
  const std::string much(2000, 'x');
  Asking asking({compiled(
      1, labelled({{"object",
                    {{"maxBytes", 1000}, {"fields", {{{"name", "size"}, {"path", ".spec.size"}, {"max", "5"}}}}}}}))});
  const json over = artifact("a", {{"size", "9"}, {"notes", much}});
  EXPECT_THAT(asking.create(over).findings, IsEmpty());
  EXPECT_EQ(asking.update(over, artifact("a", {{"size", "9"}, {"notes", much}}, web)).findings.size(), 2U);
  const json in = artifact("a", {{"size", "9"}, {"notes", much}}, web);
  EXPECT_THAT(asking.update(in, in).findings, IsEmpty()) << "what is under it already may stay";
}

TEST(LimitSet, an_update_that_takes_its_object_out_of_a_limit_is_not_exempt_from_its_deny_rules) {
  Asking asking(
      {compiled(1, labelled({{"deny", {{{"name", "freeze"}, {"operations", {"UPDATE"}}, {"message", "later"}}}},
                             {"object", {{"fields", {{{"name", "size"}, {"path", ".spec.size"}, {"max", "5"}}}}}}}))});
  const json in = artifact("a", {{"size", "1"}}, {{"tier", "web"}});
  const json out = artifact("a", {{"size", "9"}});
  const auto findings = asking.update(in, out).findings;
  ASSERT_EQ(findings.size(), 1U) << "its caps do not hold for what is out";
  EXPECT_EQ(findings[0].reason, "Denied");
  EXPECT_THAT(asking.update(out, out).findings, IsEmpty());
}

// Reviews of Namespaces name the object's own name as their namespace; it is stored in none.
TEST(LimitSet, a_namespace_is_known_by_one_name_in_reviews_and_in_lists) {
  json spec = {{"total", {{"count", 10}}}};
  spec["match"]["resources"] =
      json::array({{{"group", ""}, {"version", "v1"}, {"resource", "namespaces"}, {"scope", "Cluster"}}});
  const auto limit = compiled(1, spec, kArtifacts, {}, true);
  const LimitSet set({limit});
  const json object = {{"metadata", {{"name", "play"}, {"uid", "uid-play"}, {"resourceVersion", "41"}}}};
  const json system = {{"metadata", {{"name", "kube-system"}, {"uid", "uid-system"}, {"resourceVersion", "42"}}}};
  const StoredObject view(object), system_view(system);
  AskedWrite write;
  write.operation = api::Operation::Create;
  write.version = "v1";
  write.resource = "namespaces";
  write.object = &view;
  const UsageCache usage;
  for (const char* const ns : {"play", ""}) {  // a generated name is not in the request
    write.ns = ns;
    const Assessment assessed = set.assess(write, usage, [](const api::SwitchCondition&) { return false; });
    ASSERT_EQ(assessed.charges.size(), 1U);
    EXPECT_EQ(assessed.write.name, name_id(set.namespace_of(kArtifacts, view), "play"));
  }
  EXPECT_TRUE(set.memberships(kArtifacts, set.namespace_of(kArtifacts, view), view).at(0).matches);
  EXPECT_FALSE(set.memberships(kArtifacts, set.namespace_of(kArtifacts, system_view), system_view).at(0).matches)
      << "an excluded namespace is not counted either";
}

TEST(LimitSet, stored_objects_count_under_each_limit_that_could_match_them) {
  json selecting = counted();
  selecting["match"]["labelSelector"]["matchLabels"]["tier"] = "hot";
  const LimitSet set({compiled(1, counted()), compiled(2, selecting)});
  const json object = artifact("a", {{"size", "many"}}, {{"tier", "cold"}});
  const auto memberships = set.memberships(kArtifacts, "shop", StoredObject(object));
  ASSERT_EQ(memberships.size(), 2U);
  EXPECT_TRUE(memberships[0].matches);
  EXPECT_EQ(memberships[0].amounts, (Amounts{kOne, 0})) << "what is no quantity counts nothing";
  EXPECT_FALSE(memberships[1].matches);
}

TEST(CompiledLimit, its_selection_changes_with_what_is_counted_and_with_nothing_else) {
  const auto selection = [](const json& spec, std::vector<std::string> namespaces = {}) {
    return compiled(1, spec, kArtifacts, std::move(namespaces), true)->terms().selection;
  };
  const std::string plain = selection(counted());
  json more = counted();
  more["total"]["count"] = 99;
  EXPECT_EQ(selection(more), plain);
  json other_path = counted();
  other_path["total"]["sums"][0]["path"] = ".spec.bytes";
  EXPECT_NE(selection(other_path), plain);
  json labelled = counted();
  labelled["match"]["labelSelector"]["matchLabels"]["tier"] = "hot";
  EXPECT_NE(selection(labelled), plain);
  json selecting = counted();
  selecting["match"]["namespaceSelector"]["matchLabels"]["team"] = "a";
  EXPECT_NE(selection(selecting, {"blue"}), selection(selecting, {"blue", "green"}));
}

TEST(LimitSet, a_write_takes_up_one_unit_of_each_flow_that_is_bounded) {
  const struct {
    json flow;
    Amounts charged;
  } table[] = {
      {{{"rate", {{"writesPerSecond", 5}}}}, {0, kOne}},
      {{{"concurrency", {{"max", 5}}}}, {kOne, 0}},
      {{{"rate", {{"writesPerSecond", 5}}}, {"concurrency", {{"max", 5}}}}, {kOne, kOne}},
  };
  for (const auto& row : table) {
    Asking asking({with_flow(artifacts(row.flow))});
    const Assessment assessment = asking.create(artifact("a", {{"size", 1}}));
    ASSERT_EQ(assessment.charges.size(), 1U) << row.flow;
    EXPECT_EQ(assessment.charges[0].limit, kFlow);
    EXPECT_EQ(assessment.charges[0].amounts, row.charged) << row.flow;
    EXPECT_EQ(assessment.write.uid, Uid::parse("uid-a"));
  }
}

TEST(LimitSet, writes_that_lower_use_or_change_nothing_take_up_no_flow) {
  json spec = counted();
  spec["rate"] = {{"writesPerSecond", 5}};
  Asking asking({with_flow(spec)});
  const json small = artifact("a", {{"size", "20M"}});
  const json large = artifact("a", {{"size", "30M"}});
  json annotated = small;
  annotated["metadata"]["annotations"] = {{"note", "b"}};
  json managed = small;
  managed["metadata"]["managedFields"] = json::array({{{"manager", "kubectl"}}});
  EXPECT_EQ(asking.update(small, large).charges.size(), 2U) << "it grows";
  EXPECT_EQ(asking.update(small, annotated).charges.size(), 1U) << "a write like any other";
  EXPECT_TRUE(asking.update(large, small).charges.empty()) << "it shrinks";
  EXPECT_TRUE(asking.update(small, managed).charges.empty()) << "nothing changes";
  EXPECT_TRUE(asking.remove(large).charges.empty());
}

TEST(LimitSet, flow_of_a_limit_that_does_not_refuse_is_watched_apart) {
  json spec = artifacts({{"rate", {{"writesPerSecond", 5}}}, {"mode", "Warn"}});
  Asking asking({with_flow(spec)});
  const Assessment assessment = asking.create(artifact("a", {{"size", 1}}));
  EXPECT_TRUE(assessment.charges.empty());
  ASSERT_EQ(assessment.watched_flow.size(), 1U);
  EXPECT_EQ(assessment.write.uid, Uid::parse("uid-a"));
}

TEST(CompiledLimit, says_of_its_flow_how_much_for_how_long_and_who_may_wait) {
  const json both =
      artifacts({{"rate", {{"writesPerSecond", 1000}, {"burst", 50}}},
                 {"concurrency", {{"max", 100}, {"resumeBelow", 75}, {"queue", {{"length", 40}, {"timeout", "9s"}}}}}});
  const LimitTerms terms = with_flow(both)->flow_terms();
  EXPECT_EQ(terms.hard, (Amounts{100 * kOne, 50 * kOne}));
  EXPECT_TRUE(terms.types.empty());
  EXPECT_EQ(terms.generation, 3);
  EXPECT_EQ(terms.flow->window, absl::Milliseconds(50));
  EXPECT_EQ(terms.flow->assume_done_after, absl::Seconds(10));
  EXPECT_EQ(terms.flow->resume_below, 75 * kOne);
  EXPECT_EQ(terms.flow->queue_length, 40U);
  EXPECT_EQ(terms.flow->queue_time, absl::Seconds(4)) << "the API server waits for five";
  EXPECT_TRUE(with_flow(both)->watches_objects());

  const auto rate = with_flow(artifacts({{"rate", {{"writesPerSecond", 5}, {"burst", 20}}}}));
  EXPECT_EQ(rate->flow_terms().hard, (Amounts{0, 20 * kOne}));
  EXPECT_EQ(rate->flow_terms().flow->window, absl::Seconds(4));
  EXPECT_EQ(rate->flow_terms().flow->queue_length, 25U) << "as many as may come within the second that they wait";
  EXPECT_FALSE(rate->watches_objects());
  json selects = artifacts({{"rate", {{"writesPerSecond", 5}}}});
  selects["match"]["labelSelector"]["matchLabels"]["tier"] = "hot";
  EXPECT_EQ(with_flow(selects)->flow_terms().selection, rate->flow_terms().selection)
      << "what is in use stays in use, whatever else is selected";
}

}  // namespace
}  // namespace headroom::limits
