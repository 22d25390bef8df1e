// What replicas tell each other of the limits that they judge by.
#include "webhook/app/seen_limits.h"

#include <gtest/gtest.h>

#include "operator/api/object.h"
#include "tests/webhook/limits_for_tests.h"
#include "webhook/app/enforcement.h"

namespace headroom::webhook {
namespace {

LimitPtr at(std::int64_t generation, const std::string& version, bool promised = false) {
  api::ScaleLimit limit = deployments_limit();
  limit.meta.generation = generation;
  limit.meta.resource_version = version;
  if (promised) api::set_condition(limit.status.conditions, {kEnforced, true, "Exact", "", generation, {}});
  return compiled(std::move(limit));
}

limits::LimitSet set(LimitPtr limit) { return limits::LimitSet({std::move(limit)}); }

TEST(SeenLimits, are_the_newest_versions_of_each_kind) {
  api::ScaleLimit wide = deployments_limit("wide");
  wide.kind = api::LimitKind::ClusterScaleLimit;
  wide.meta.resource_version = "40";
  api::ScaleLimit older = deployments_limit("older");
  older.meta.resource_version = "99";
  const SeenLimits seen =
      SeenLimits::of(limits::LimitSet({compiled(deployments_limit(), 1), compiled(older, 2), compiled(wide, 3)}));
  EXPECT_EQ(seen.of(api::LimitKind::ScaleLimit), 100);
  EXPECT_EQ(seen.of(api::LimitKind::ClusterScaleLimit), 40);
  EXPECT_EQ(seen.text(), "scalelimits=100,clusterscalelimits=40");
  EXPECT_EQ(SeenLimits::parse(seen.text()), seen);
}

TEST(SeenLimits, text_of_another_form_says_nothing) {
  for (const char* text : {"", "scalelimits", "scalelimits=", "scalelimits=x", "=5", ",,", "pods=7"}) {
    EXPECT_EQ(SeenLimits::parse(text), SeenLimits{}) << text;
  }
  EXPECT_EQ(SeenLimits::parse("future=9,scalelimits=7").scale_limits, 7);
}

TEST(GenerationLog, remembers_the_version_that_a_generation_came_with) {
  GenerationLog log;
  EXPECT_FALSE(log.needed(at(1, "100")->limit()));
  log.adopt(set(at(1, "100")));
  EXPECT_EQ(log.needed(at(1, "100")->limit()), 100);
  log.adopt(set(at(1, "130")));
  EXPECT_EQ(log.needed(at(1, "130")->limit()), 100) << "a status was written";
  EXPECT_FALSE(log.needed(at(2, "140")->limit())) << "not judged by yet";
  log.adopt(set(at(2, "140")));
  EXPECT_EQ(log.needed(at(2, "140")->limit()), 140);
}

TEST(GenerationLog, believes_a_stored_promise_of_a_limit_that_is_new_to_it) {
  GenerationLog log;
  log.adopt(set(at(1, "100", true)));
  EXPECT_EQ(log.needed(at(1, "100")->limit()), 0);
  log.adopt(set(at(2, "140", true)));
  EXPECT_EQ(log.needed(at(2, "140")->limit()), 140) << "this generation came before its eyes";
}

TEST(GenerationLog, versions_that_went_back_are_those_of_a_restored_store) {
  GenerationLog log;
  log.adopt(set(at(1, "500")));
  log.adopt(set(at(1, "300")));
  EXPECT_EQ(log.needed(at(1, "300")->limit()), 300) << "no replica would ever get to 500";
}

}  // namespace
}  // namespace headroom::webhook
