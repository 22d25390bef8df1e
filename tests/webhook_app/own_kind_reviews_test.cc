#include "webhook/app/own_kind_reviews.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/webhook_app/a_limit.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using validation::Finding;

json target(const std::string& name, const json& follow = {}) {
  json object = {{"apiVersion", "headroom.dev/v1alpha1"},
                 {"kind", "ScaleTarget"},
                 {"metadata", {{"namespace", "shop"}, {"name", name}}},
                 {"spec",
                  {{"targetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", name}}},
                   {"engine", {{"type", "Scale"}}},
                   {"replicas", {{"max", 3}}}}}};
  if (!follow.is_null()) object["spec"]["follow"] = {{"target", follow}};
  return object;
}

validation::Snapshot with_target(const json& object) {
  validation::Snapshot snapshot;
  snapshot.targets = {std::make_shared<const api::ScaleTarget>(api::scale_target_from_json(object).value())};
  return snapshot;
}

Answer answer(const json& object, const json* former, const validation::Snapshot& others) {
  return answer_to(judge({object, former}, others, absl::UnixEpoch()), object);
}

TEST(OwnKindReviews, refuse_a_circle_unless_it_was_there_before) {
  const auto others = with_target(target("a", "b"));
  const json circle = target("b", "a");
  const Answer refused = answer(circle, nullptr, others);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.code, 422);
  EXPECT_EQ(refused.reason, "Invalid");
  EXPECT_THAT(refused.message, HasSubstr("ScaleTarget shop/b: spec.follow.target: b follows a follows b"));

  json suspended = circle;
  suspended["spec"]["suspend"] = "Restore";
  const Answer passed = answer(suspended, &circle, others);
  EXPECT_TRUE(passed.allowed) << passed.message;
  EXPECT_THAT(passed.warnings, ElementsAre(HasSubstr("b follows a follows b")));

  const json before = target("b");
  EXPECT_FALSE(answer(circle, &before, others).allowed) << "this update makes the circle";
}

TEST(OwnKindReviews, refuse_what_controllers_cannot_read) {
  struct Row {
    const char* kind;
    json spec;
    const char* message;
  };
  const Row table[] = {
      {"Region", {{"metrics", {{"url", "http://p:9090"}, {"staleness", "soon"}}}}, "spec.metrics.staleness"},
      {"ScaleTarget", {{"targetRef", 5}}, "spec.targetRef"},
      {"FestivalSchedule", {{"timeZone", 7}}, "spec.timeZone"},
      {"ScaleLimit",
       {{"object", {{"fields", {{{"name", "size"}, {"path", "spec"}, {"max", 1}}}}}}},
       "spec.object.fields[0]"},
      {"ClusterScaleLimit", {{"total", {{"count", "many"}}}}, "spec.total.count"},
  };
  for (const Row& row : table) {
    const json object = {{"apiVersion", "headroom.dev/v1alpha1"},
                         {"kind", row.kind},
                         {"metadata", {{"namespace", "shop"}, {"name", "odd"}}},
                         {"spec", row.spec}};
    const Answer refused = answer(object, nullptr, {});
    EXPECT_FALSE(refused.allowed) << row.kind;
    EXPECT_THAT(refused.message, HasSubstr(row.message)) << row.kind;
    EXPECT_TRUE(answer(object, &object, {}).allowed) << "it can be mended bit by bit: " << row.kind;
  }
  EXPECT_TRUE(answer({{"kind", "ConfigMap"}, {"metadata", json::object()}}, nullptr, {}).allowed);
}

TEST(OwnKindReviews, an_unknown_zone_is_named) {
  const json object = {{"kind", "FestivalSchedule"},
                       {"metadata", {{"namespace", "shop"}, {"name", "diwali"}}},
                       {"spec",
                        {{"timeZone", "Asia/Kalkutta"},
                         {"occurrences", {{{"name", "d"}, {"day", "2026-11-08"}}}},
                         {"phases", {{{"name", "p"}, {"from", "P0D"}, {"to", "P1D"}}}}}}};
  EXPECT_THAT(answer(object, nullptr, {}).message, HasSubstr("spec.timeZone: "));
}

TEST(OwnKindReviews, the_first_warnings_are_shown) {
  const std::vector<Finding> many(100, Finding{Finding::Severity::Warning, "spec", "odd"});
  EXPECT_EQ(answer_to(many, target("a")).warnings.size(), 16U);
  EXPECT_THAT(answer(target("b", "nobody"), nullptr, {}).warnings,
              ElementsAre(HasSubstr("spec.follow.target: there is no ScaleTarget nobody")));
}

TEST(OwnKindReviews, a_limit_of_another_version_may_be_changed_to_but_not_made) {
  validation::Snapshot others;
  others.limits = {a_limit("first")};
  json second = {
      {"kind", "ScaleLimit"},
      {"metadata", {{"namespace", "shop"}, {"name", "second"}}},
      {"spec",
       {{"match", {{"resources", {{{"group", "example.com"}, {"version", "v2"}, {"resource", "artifacts"}}}}}},
        {"total", {{"count", 10}}}}}};
  EXPECT_THAT(answer(second, nullptr, others).message,
              HasSubstr("artifacts.example.com v2 is v1 in ScaleLimit shop/first"));
  json before = second;
  before["spec"]["match"]["resources"][0]["version"] = "v1";
  const Answer changed = answer(second, &before, others);
  EXPECT_TRUE(changed.allowed);
  EXPECT_THAT(changed.warnings, ElementsAre(HasSubstr("v2 is v1 in ScaleLimit shop/first")));
}

TEST(OwnKindReviews, the_configuration_asks_of_spec_changes_only_and_stands_in_nobodys_way) {
  WebhookAddress address;
  address.url = "https://127.0.0.1:9443/validate";
  address.ca_pem = "CA";
  const json entry = own_kinds_entry(address);
  EXPECT_EQ(entry["clientConfig"]["url"], "https://127.0.0.1:9443/validate-headroom");
  EXPECT_EQ(entry["failurePolicy"], "Ignore");
  EXPECT_EQ(entry["sideEffects"], "None");
  EXPECT_EQ(entry["rules"][0]["operations"], json::array({"CREATE", "UPDATE"}));
  EXPECT_EQ(entry["rules"][0]["apiGroups"], json::array({"headroom.dev"}));
  address = {.url = "",
             .service_ns = "headroom-system",
             .service = "headroom-webhook",
             .ca_pem = "CA",
             .inject_ca_from = "",
             .excluded_namespaces = {},
             .own_kinds_fail = true};
  EXPECT_EQ(own_kinds_entry(address)["clientConfig"]["service"]["path"], "/validate-headroom");
  EXPECT_EQ(own_kinds_entry(address)["failurePolicy"], "Fail") << "only where that is asked for";
}

}  // namespace
}  // namespace headroom::webhook
