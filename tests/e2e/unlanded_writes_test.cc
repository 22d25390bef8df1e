// Writes on a real API server that the webhook lets through, and that something behind it refuses.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

TEST(UnlandedWrites, are_told_with_their_users_and_give_their_room_back) {
  Cluster& home = limits_home();
  kube::ClientLimits impatient;
  impatient.retry_for = std::chrono::milliseconds(0);
  kube::Client client(kube::make_transport(home.config()).value(), impatient, 1);
  limit_namespace("unlanded", {scale_limit("unlanded", "artifacts", {{"count", 5}})});
  // Time enough to look: they count as not landed from ten seconds on.
  Webhooks webhooks(home, 2, {"--request-deadline-seconds", "20", "--lease-seconds", "3"});
  ASSERT_TRUE(in_force(webhooks, 2, "unlanded", {"artifacts"}));
  // The API server asks quotas after webhooks. No controller counts for this one here.
  const json none{{"count/artifacts.example.com", "0"}};
  ASSERT_TRUE(client.create(kube::types::kResourceQuota,
                            {{"apiVersion", "v1"},
                             {"kind", "ResourceQuota"},
                             {"metadata", {{"namespace", "unlanded"}, {"name", "none"}}},
                             {"spec", {{"hard", none}}}},
                            {}));
  kube::WriteOptions of_status;
  of_status.subresource = "status";
  ASSERT_TRUE(client.patch(kube::types::kResourceQuota, {"unlanded", "none"}, kube::PatchType::Merge,
                           {{"status", {{"hard", none}, {"used", none}}}}, {}, of_status));
  kube::WriteOptions dry;
  dry.dry_run = true;
  const auto create = [&](int number, const kube::WriteOptions& options = {}) {
    return client.create(kArtifact, artifact("unlanded", absl::StrCat("a", number)), {}, options);
  };
  const auto is_over_quota = [](const Result<json>& result) {
    return !result && absl::StrContains(result.error().message, "exceeded quota");
  };
  ASSERT_TRUE(eventually(20, [&] { return is_over_quota(create(0, dry)); })) << "it does not go by the quota yet";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(eventually(10, [&] { return is_over_quota(create(i)); }));

  const auto condition = [&] { return home.condition(kScaleLimit, "unlanded", "artifacts", "HoldsUnlanded"); };
  json told;
  ASSERT_TRUE(eventually(30, [&] {
    told = condition();
    return told.is_object() && absl::StrContains(told.value("message", ""), "count 3 of 5: 3 of ");
  })) << told;
  EXPECT_EQ(told.at("status"), "True");
  double held = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    for (const std::string& line :
         std::vector<std::string>(absl::StrSplit(webhooks.replica(i).ask("/metrics"), '\n'))) {
      if (!line.starts_with("headroom_limit_unlanded{")) continue;
      EXPECT_TRUE(absl::StrContains(line, "limit=\"artifacts\",namespace=\"unlanded\",user=\"admin\"")) << line;
      held += std::stod(line.substr(line.rfind(' ') + 1));
    }
  }
  EXPECT_EQ(held, 3);
  EXPECT_TRUE(
      eventually(20, [&] { return absl::StrContains(home.kubectl("get events -n unlanded"), "WritesDidNotLand"); }));

  ASSERT_TRUE(client.remove(kube::types::kResourceQuota, {"unlanded", "none"}, {}, {}));
  int stored = 0;
  EXPECT_TRUE(eventually(60, [&] {
    stored += create(stored) ? 1 : 0;
    return stored == 5;
  })) << stored;
  EXPECT_TRUE(eventually(20, [&] { return condition().empty(); })) << condition();
  const auto refused = create(5);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(absl::StrContains(refused.error().message, "used 5, asked 1, hard 5")) << refused.error().message;
}

}  // namespace
}  // namespace headroom::e2e
