#include "operator/cli/limit_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

api::ScaleLimit a_limit(int count, std::optional<int> used) {
  api::ScaleLimit limit;
  limit.meta.ns = "shop";
  limit.meta.name = "few";
  limit.spec.match.resources = {
      {"apps", "v1", "deployments", {}, {api::Operation::Create, api::Operation::Update}, {}}};
  limit.spec.total.count = count;
  if (used) {
    api::DimensionStatus row;
    row.name = api::dimensions_of(limit.spec).front().name;
    row.used = Quantity::from_int(*used);
    row.hard = Quantity::from_int(count);
    limit.status.dimensions = {row};
  }
  return limit;
}

json a_deployment(const std::string& name, int replicas) {
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", name}, {"namespace", "shop"}}},
          {"spec", {{"replicas", replicas}}}};
}

LimitCheck check(const api::ScaleLimit& limit, const std::vector<json>& objects, const json* existing = nullptr) {
  std::vector<PlannedWrite> writes;
  for (const json& object : objects) writes.push_back({&object, existing, "apps", "v1", "deployments"});
  return check_limits({limit}, writes, {}, [](const api::SwitchCondition&) { return false; });
}

TEST(LimitCheck, adds_up_objects_and_what_is_stored) {
  const std::vector<json> two = {a_deployment("a", 1), a_deployment("b", 1)};
  EXPECT_TRUE(check(a_limit(5, 3), two).fits());
  EXPECT_FALSE(check(a_limit(5, 4), two).fits());
  const LimitCheck told = check(a_limit(5, 4), two);
  ASSERT_EQ(told.rows.size(), 1U);
  EXPECT_EQ(told.rows[0].adds, Quantity::from_int(2));
  EXPECT_EQ(told.matched, 2);
}

TEST(LimitCheck, of_an_object_that_is_there_counts_only_what_changes) {
  const json stored = a_deployment("a", 1);
  EXPECT_TRUE(check(a_limit(5, 5), {a_deployment("a", 9)}, &stored).fits());
}

TEST(LimitCheck, tells_which_object_is_refused_by_itself) {
  api::ScaleLimit limit = a_limit(50, 1);
  limit.spec.object.max_replicas = 10;
  const LimitCheck told = check(limit, {a_deployment("small", 10), a_deployment("large", 11)});
  EXPECT_FALSE(told.fits());
  ASSERT_EQ(told.refusals.size(), 1U);
  EXPECT_EQ(told.refusals[0].object, "Deployment shop/large");
  EXPECT_THAT(told.refusals[0].message, HasSubstr("11"));

  limit.spec.mode = api::ScaleLimitSpec::Mode::Warn;
  EXPECT_TRUE(check(limit, {a_deployment("large", 11)}).fits()) << "the webhook would only warn";
}

TEST(LimitCheck, leaves_alone_what_no_limit_matches) {
  const json map = {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "m"}, {"namespace", "shop"}}}};
  const LimitCheck told = check_limits({a_limit(0, 0)}, {{&map, nullptr, "", "v1", "configmaps"}}, {},
                                       [](const api::SwitchCondition&) { return false; });
  EXPECT_TRUE(told.fits());
  EXPECT_THAT(told.rows, IsEmpty());
  EXPECT_EQ(told.matched, 0);
}

TEST(PluralOf, names_resources_as_kubernetes_does) {
  EXPECT_EQ(plural_of("Deployment"), "deployments");
  EXPECT_EQ(plural_of("Ingress"), "ingresses");
  EXPECT_EQ(plural_of("NetworkPolicy"), "networkpolicies");
  EXPECT_EQ(plural_of("Gateway"), "gateways");
}

}  // namespace
}  // namespace headroom::cli
