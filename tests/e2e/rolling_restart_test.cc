// Replicas that end and begin anew, one after the other, while clients write: no call may fail, and no limit be wrong.
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>

#include "tests/e2e/limits_home.h"
#include "tests/e2e/steady_writers.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr std::size_t kReplicas = 3, kRounds = 3;
constexpr int kWritesPerSecond = 120, kWritesBetween = 150;

/// Writes that the API server has let through without their webhook.
constexpr char kFailOpen[] = "apiserver_admission_webhook_fail_open_count{name=\"ignore.limits.headroom.dev\"";

std::vector<std::string> restarting() {
  std::vector<std::string> arguments{"--lease-seconds", "10", "--request-deadline-seconds", "12"};
  for (const char* one : {"--drain-delay-seconds", "1", "--drain-seconds", "100"}) arguments.emplace_back(one);
  return arguments;
}

class RollingRestart : public ::testing::Test {
 protected:
  /// As a Deployment does: another replica begins, and once it is ready an old one is told to end.
  static void replace_all(Webhooks& webhooks, std::size_t first, const SteadyWriters& writers) {
    for (std::size_t old = first; old < first + kReplicas; ++old) {
      const std::size_t added = webhooks.add();
      ASSERT_TRUE(eventually(40,
                             [&] {
                               webhooks.balance();
                               return webhooks.replica(added).ready();
                             }))
          << "replica " << added << " is not ready";
      webhooks.replica(old).signal(SIGTERM);
      ASSERT_TRUE(eventually(10,
                             [&] {
                               webhooks.balance();
                               return !webhooks.replica(old).ready();
                             }))
          << "replica " << old << " is told to end and says that it is ready";
      const int written = writers.writes();
      ASSERT_TRUE(eventually(60, [&] { return writers.writes() >= written + kWritesBetween; }));
    }
  }

  /// All that were told to end do, for good.
  static void expect_ends(Webhooks& webhooks, std::size_t replicas) {
    for (std::size_t i = 0; i < replicas; ++i) {
      EXPECT_EQ(webhooks.replica(i).wait(110), 0) << "replica " << i << "\n" << webhooks.replica(i).log();
    }
  }

  int stored(const std::string& ns) const {
    kube::ListOptions all;
    all.limit = 0;
    const auto page = home_.client().list(kArtifact, ns, all, {});
    return page ? static_cast<int>(page.value().items.size()) : -1;
  }

  /// Sum of the API server's series that begin so.
  double api_server_counts(const std::string& series) const {
    const auto metrics = home_.client().raw_get("/metrics", {});
    double sum = 0;
    for (const absl::string_view line : absl::StrSplit(metrics ? metrics.value().body : "", '\n')) {
      double value = 0;
      if (absl::StartsWith(line, series) && absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value)) sum += value;
    }
    return sum;
  }

  Cluster& home_ = limits_home();
};

TEST_F(RollingRestart, fails_no_write_and_leaves_the_ledger_as_it_should_be) {
  limit_namespace("rolling", {scale_limit("rolling", "plenty", {{"count", 10'000}})});
  Webhooks webhooks(home_, kReplicas, restarting());
  ASSERT_TRUE(in_force(webhooks, kReplicas, "rolling", {"plenty"}));
  SteadyWriters writers(home_.config(), "rolling", kWritesPerSecond);
  const auto begun = std::chrono::steady_clock::now();
  for (std::size_t round = 0; round < kRounds && writers.failures() == 0; ++round) {
    ASSERT_NO_FATAL_FAILURE(replace_all(webhooks, round * kReplicas, writers)) << "round " << round;
  }
  const auto seconds =
      std::chrono::duration_cast<std::chrono::duration<double>>(std::chrono::steady_clock::now() - begun).count();
  const int writes = writers.writes();
  expect_ends(webhooks, kRounds * kReplicas);
  writers.stop();
  std::printf("%zu restarts in %.0f s, %d writes (%.0f/s), %d failures, the slowest write took %d ms\n",
              kRounds * kReplicas, seconds, writers.writes(), writes / seconds, writers.failures(),
              writers.slowest_ms());
  EXPECT_EQ(writers.failures(), 0) << writers.what_failed();

  // Nobody holds anything for what is over; the base is what is stored.
  json record;
  EXPECT_TRUE(eventually(60, [&] {
    record = home_.get(kLimitLedger, "headroom-system", "sl.rolling.plenty").at("record");
    return record.value("grants", json::array()).empty();
  })) << record.dump();
  const std::string used = absl::StrCat(
      "headroom_limit_used{dimension=\"count\",kind=\"ScaleLimit\",limit=\"plenty\",namespace=\"rolling\"} ",
      stored("rolling"), "\n");
  for (std::size_t i = kRounds * kReplicas; i < (kRounds + 1) * kReplicas; ++i) {
    EXPECT_TRUE(eventually(20, [&] { return absl::StrContains(webhooks.replica(i).ask("/metrics"), used); })) << used;
  }
}

TEST_F(RollingRestart, lets_nothing_through_unseen_where_writes_may_pass_without_a_webhook) {
  json limit = scale_limit("lenient", "plenty", {{"count", 10'000}});
  limit["spec"]["unavailable"] = "Ignore";
  // A type that no other limit fails writes of.
  limit["spec"]["match"]["resources"] = json::array({{{"group", ""}, {"version", "v1"}, {"resource", "configmaps"}}});
  limit_namespace("lenient", {limit});
  Webhooks webhooks(home_, kReplicas, restarting());
  ASSERT_TRUE(in_force(webhooks, kReplicas, "lenient", {"plenty"}));
  const std::string reviewed =
      "apiserver_admission_webhook_request_total{code=\"200\",name=\"ignore.limits.headroom.dev\"";
  SteadyWriters writers(home_.config(), "lenient", kWritesPerSecond, kube::types::kConfigMap);
  ASSERT_TRUE(eventually(30, [&] { return api_server_counts(reviewed) > 0; })) << "the API server does not ask";
  ASSERT_NO_FATAL_FAILURE(replace_all(webhooks, 0, writers));
  expect_ends(webhooks, kReplicas);
  EXPECT_EQ(writers.failures(), 0) << writers.what_failed();
  EXPECT_EQ(api_server_counts(kFailOpen), 0) << "while replicas restart, each write finds one";

  for (std::size_t i = kReplicas; i < 2 * kReplicas; ++i) webhooks.replica(i).kill_now();
  // Creates alone are asked about, and the writers' creates come in bursts.
  EXPECT_TRUE(eventually(60, [&] { return api_server_counts(kFailOpen) > 0; }));
  const int written = writers.writes();
  EXPECT_TRUE(eventually(60, [&] { return writers.writes() >= written + kWritesBetween; }));
  writers.stop();
  EXPECT_EQ(writers.failures(), 0) << "without any replica: " << writers.what_failed();
}

}  // namespace
}  // namespace headroom::e2e
