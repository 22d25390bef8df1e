// Reviews of Headroom's own kinds on a real API server: circles are refused, doubts are HTTP warnings, and without a
// webhook everything can be written.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/e2e/limit_samples.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kNamespace[] = "ruled";

json target(const std::string& name, const std::string& leader) {
  json spec = {{"targetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", name}}},
               {"engine", {{"type", "Scale"}}},
               {"replicas", {{"max", 3}}}};
  if (!leader.empty()) spec["follow"] = {{"target", leader}};
  return object_of(kube::types::kScaleTarget, kNamespace, name, spec);
}

class OwnKinds : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { limit_namespace(kNamespace, {}); }

  /// What kubectl says of an apply, with its warnings.
  std::string apply(const json& object, const char* how = "") {
    const std::string path = absl::StrCat(::testing::TempDir(), "own-kinds-", getpid(), ".json");
    std::ofstream(path) << object;
    const std::string said = home_.kubectl(absl::StrCat("apply ", how, " -f ", path, " 2>&1 || true"));
    std::remove(path.c_str());
    return said;
  }
  /// First in dry runs, until the API server has taken up the webhook configuration and the webhooks have seen the
  /// other objects; then in earnest.
  ::testing::AssertionResult soon_says(const json& object, const std::string& part) {
    std::string said;
    const auto says = [&](const char* how) { return absl::StrContains(said = apply(object, how), part); };
    for (int i = 0; i < 4; ++i) {  // each of two replicas is asked
      if (!eventually(20, [&] { return says("--dry-run=server"); })) return ::testing::AssertionFailure() << said;
    }
    return says("") ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << said;
  }

  Cluster& home_ = limits_home();
};

TEST_F(OwnKinds, a_circle_of_followers_is_refused_and_a_missing_leader_is_a_warning) {
  Webhooks webhooks(home_, 2, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 2, "nothing", {"nothing"}));
  EXPECT_TRUE(soon_says(target("orders", "workers"),
                        "Warning: spec.follow.target: there is no ScaleTarget workers in namespace ruled"));
  const std::string followed = apply(target("workers", ""));
  EXPECT_TRUE(absl::StrContains(followed, "created")) << followed;
  EXPECT_FALSE(absl::StrContains(followed, "Warning")) << followed;
  EXPECT_TRUE(soon_says(target("workers", "orders"),
                        "ScaleTarget ruled/workers: spec.follow.target: workers follows orders follows workers"));
  EXPECT_FALSE(home_.get(kube::types::kScaleTarget, kNamespace, "workers").at("spec").contains("follow"));

  json schedule = object_of(
      kube::types::kFestivalSchedule, kNamespace, "diwali",
      {{"timeZone", "Asia/Kolkata"},
       {"occurrences", {{{"name", "d"}, {"day", "2036-11-08"}}}},
       {"phases",
        {{{"name", "p"}, {"from", "P0D"}, {"to", "P1D"}, {"targets", {{"names", {"wrokers"}}}}, {"add", 1}}}}});
  EXPECT_TRUE(soon_says(schedule, "Warning: spec.phases[0].targets.names: there is no ScaleTarget wrokers"));
  schedule["spec"]["phases"][0]["from"] = "P1D";
  schedule["spec"]["phases"][0]["to"] = "P0D";
  EXPECT_TRUE(absl::StrContains(apply(schedule), "must end after it starts")) << "rules of the CRD come first";
}

TEST_F(OwnKinds, limits_are_held_against_each_other) {
  Webhooks webhooks(home_, 2, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 2, "nothing", {"nothing"}));
  EXPECT_TRUE(absl::StrContains(apply(scale_limit(kNamespace, "low", {{"count", 5}})), "created"));
  EXPECT_TRUE(soon_says(scale_limit(kNamespace, "high", {{"count", 9}}),
                        "Warning: spec.total.count: 9 is never reached, because ScaleLimit ruled/low allows 5"));
  json newer = scale_limit(kNamespace, "newer", {{"count", 5}});
  newer["spec"]["match"]["resources"][0]["version"] = "v2";
  const std::string refused = apply(newer);
  EXPECT_TRUE(absl::StrContains(refused, "artifacts.example.com v2 is v1 in ScaleLimit ")) << refused;
}

TEST_F(OwnKinds, whatever_was_refused_can_be_written_while_no_webhook_is_there_and_deleted_after) {
  {
    Webhooks webhooks(home_, 1, limits_arguments());
    ASSERT_TRUE(in_force(webhooks, 1, "nothing", {"nothing"}));
    EXPECT_TRUE(soon_says(target("c", "d"), "Warning"));
  }
  EXPECT_TRUE(soon_says(target("d", "c"), "created"));
  Webhooks webhooks(home_, 1, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 1, "nothing", {"nothing"}));
  json suspended = target("d", "c");
  suspended["spec"]["suspend"] = "Hold";
  EXPECT_TRUE(soon_says(suspended, "Warning: spec.follow.target: d follows c follows d")) << "one in it can be changed";
  EXPECT_EQ(home_.get(kube::types::kScaleTarget, kNamespace, "d").at("spec").value("suspend", ""), "Hold");
  EXPECT_TRUE(soon_says(target("e", "nobody"), "Warning"));
  home_.kubectl(absl::StrCat("delete scaletarget c d e -n ", kNamespace, " --timeout=20s"));
}

}  // namespace
}  // namespace headroom::e2e
