#include "operator/validation/targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/validation/regions.h"
#include "tests/validation/objects.h"

namespace headroom::validation {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

json following(const char* leader) { return {{"follow", {{"target", leader}}}}; }

TEST(TargetRules, a_circle_of_followers_is_refused_and_named) {
  Snapshot others;
  others.targets = {a_target("orders", following("invoices")), a_target("invoices", following("workers")),
                    a_target("workers")};
  EXPECT_THAT(texts(check(*a_target("workers", following("orders")), others)),
              ElementsAre("error spec.follow.target: workers follows orders follows invoices follows workers: a circle "
                          "has no leader, so none of them would follow; drop spec.follow of one"));
  EXPECT_THAT(check(*a_target("workers"), others), IsEmpty()) << "what is stored does not count against itself";
  EXPECT_THAT(check(*a_target("mailers", following("orders")), others), IsEmpty()) << "a longer chain is none";
}

TEST(TargetRules, a_circle_that_others_are_in_is_theirs) {
  Snapshot others;
  others.targets = {a_target("a", following("b")), a_target("b", following("a"))};
  EXPECT_THAT(check(*a_target("c", following("a")), others), IsEmpty());
  EXPECT_THAT(texts(check(*a_target("a", following("b")), others)), ElementsAre(HasSubstr("a follows b follows a")));
}

TEST(TargetRules, leaders_are_looked_for_in_ones_own_namespace) {
  Snapshot others;
  auto elsewhere = std::make_shared<api::ScaleTarget>(*a_target("workers", following("orders")));
  elsewhere->meta.ns = "elsewhere";
  others.targets = {elsewhere};
  EXPECT_THAT(
      texts(check(*a_target("orders", following("workers")), others)),
      ElementsAre("warning spec.follow.target: there is no ScaleTarget workers in namespace shop, so nothing is "
                  "followed until it is created; or correct the name"));
}

TEST(TargetRules, what_the_region_does_not_give_is_told) {
  struct Row {
    const char* what;
    json region;  ///< null: there is none
    json target;
    std::vector<std::string> told;  ///< a part of each
  };
  const json rule = {{"rules", {{{"name", "queue"}, {"query", "q"}, {"above", 1}, {"step", {{"pods", 1}}}}}}};
  const json consumes = {{"consumes", {{{"name", "pods"}, {"perReplica", 1}}, {{"name", "gpus"}, {"perReplica", 1}}}}};
  const Row table[] = {
      {"no region", nullptr, {}, {"warning spec.region: there is no Region mumbai, so nothing is sized until"}},
      {"all well", json::object(), {}, {}},
      {"another namespace only",
       {{"allowedNamespaces", {{"from", "Same"}}}},
       {},
       {"warning spec.region: Region mumbai admits only"}},
      {"by label",
       {{"allowedNamespaces", {{"from", "Selector"}, {"selector", {{"matchLabels", {{"tier", "gold"}}}}}}}},
       {},
       {}},
      {"by another label",
       {{"allowedNamespaces", {{"from", "Selector"}, {"selector", {{"matchLabels", {{"tier", "tin"}}}}}}}},
       {},
       {"warning spec.region: Region mumbai does not admit namespace shop"}},
      {"another law",
       {{"compliance", {"CCPA"}}},
       {{"requires", {{"compliance", {"EU_GDPR"}}}}},
       {"warning spec.requires: Region mumbai does not meet spec.requires: it lacks compliance EU_GDPR"}},
      {"no Prometheus", json::object(), rule, {"warning spec.rules: Region mumbai names no Prometheus"}},
      {"a Prometheus", {{"metrics", {{"url", "http://prometheus:9090"}}}}, rule, {}},
      {"a capacity less",
       {{"capacity", {{{"name", "pods"}, {"hard", 10}}}}},
       consumes,
       {"warning spec.consumes[1].name: Region mumbai declares no capacity gpus"}},
  };
  for (const Row& row : table) {
    Snapshot others;
    others.namespace_labels["shop"] = {{"tier", "gold"}};
    if (!row.region.is_null()) others.regions = {a_region("mumbai", row.region)};
    json spec = {{"region", "mumbai"}};
    if (!row.target.is_null()) spec.update(row.target);
    const auto told = texts(check(*a_target("workers", spec), others));
    ASSERT_EQ(told.size(), row.told.size()) << row.what << ": " << testing::PrintToString(told);
    for (std::size_t i = 0; i < told.size(); ++i) EXPECT_THAT(told[i], HasSubstr(row.told[i])) << row.what;
  }
}

TEST(TargetRules, the_local_region_needs_no_object) { EXPECT_THAT(check(*a_target("workers"), {}), IsEmpty()); }

TEST(TargetRules, two_targets_of_one_workload_are_told) {
  const json same = {{"targetRef", {{"name", "workers"}}}};
  Snapshot others;
  others.targets = {a_target("workers"),
                    a_target("elsewhere", {{"region", "chennai"}, {"targetRef", {{"name", "workers"}}}})};
  EXPECT_THAT(texts(check(*a_target("twin", same), others)),
              ElementsAre(HasSubstr("warning spec.targetRef: ScaleTarget workers sizes Deployment workers of region "
                                    "local, too")));
}

TEST(TargetRules, advice_overwrites_nothing) {
  const json advice = {{"targetRef", {{"name", "workers"}}}, {"engine", {{"type", "Advise"}}}};
  Snapshot others;
  others.targets = {a_target("workers"), a_target("advice", advice)};
  EXPECT_THAT(check(*others.targets[0], others), IsEmpty());
  EXPECT_THAT(check(*others.targets[1], others), IsEmpty());
}

TEST(RegionRules, a_change_says_whom_it_leaves_without_what_they_need) {
  Snapshot others;
  others.regions = {a_region("mumbai", {{"compliance", {"CCPA"}}})};
  const json needs = {{"region", "mumbai"}, {"requires", {{"compliance", {"CCPA"}}}}};
  for (const char* name : {"a", "b", "c", "d"}) others.targets.push_back(a_target(name, needs));
  others.limits = {
      a_limit("storage", {{"observed", {{{"name", "used"}, {"query", "q"}, {"hard", 1}, {"region", "mumbai"}}}}})};
  EXPECT_THAT(texts(check(*a_region("mumbai", {{"metrics", {{"url", "http://prometheus:9090"}}}}), others)),
              ElementsAre("warning spec: ScaleTarget shop/a, ScaleTarget shop/b, ScaleTarget shop/c and 1 more: "
                          "spec.requires: Region mumbai does not meet spec.requires: it lacks compliance CCPA; choose "
                          "another region, or change the Region if it really offers this"));
  EXPECT_THAT(texts(check(*a_region("mumbai", {{"compliance", {"CCPA"}}}), others)),
              ElementsAre(HasSubstr("ScaleLimit shop/storage: spec.observed[0].region: Region mumbai names no "
                                    "Prometheus")));
}

TEST(RegionRules, one_cluster_is_one_region) {
  Snapshot others;
  others.regions = {a_region("mumbai"),
                    a_region("pune", {{"cluster", {{"kubeconfigSecretRef", {{"name", "mumbai-kubeconfig"}}}}}}),
                    a_region("chennai")};
  EXPECT_THAT(texts(check(*others.regions[0], others)),
              ElementsAre(HasSubstr("warning spec.cluster: Region pune is the same cluster")));
  EXPECT_THAT(check(*others.regions[2], others), IsEmpty());
}

TEST(Findings, an_error_that_was_there_before_holds_nobody_up) {
  using Severity = Finding::Severity;
  const Finding old{Severity::Error, "spec.follow.target", "a circle"};
  const Finding fresh{Severity::Error, "spec.follow.target", "another circle"};
  EXPECT_THAT(texts(softened({old, fresh}, {old})),
              ElementsAre("warning spec.follow.target: a circle", "error spec.follow.target: another circle"));
}

}  // namespace
}  // namespace headroom::validation
