// etcd goes back to an older snapshot, as after a lost disk, while the webhooks run on with what they remember:
// ledgers, caches and grants of a time that never was.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "tests/e2e/limit_samples.h"
#include "tests/e2e/limits_home.h"
#include "tests/e2e/storm_client.h"
#include "tests/e2e/use_history.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr int kReplicas = 3, kWriters = 16;
constexpr std::int64_t kHard = 60;

class RestoredStore : public ::testing::TestWithParam<std::vector<std::string>> {
 protected:
  static Bound bound(const std::string& ns) {
    return {absl::StrCat("ScaleLimit ", ns, "/artifacts"), "count", kHard, [ns](const json& object) {
              return object.at("kind") == kArtifact.kind && object.at("metadata").value("namespace", "") == ns ? 1 : 0;
            }};
  }

  void begin(const std::string& ns) {
    ns_ = ns;
    limit_namespace(ns, {scale_limit(ns, "artifacts", {{"count", kHard}})});
    client_.emplace(limits_home().config(), std::vector{bound(ns)});
    ASSERT_TRUE(in_force(webhooks_, kReplicas, ns, {"artifacts"}));
    ASSERT_TRUE(enforced(limits_home(), kScaleLimit, ns, "artifacts"));
  }

  /// Artifacts [from, to), each until it lands.
  void store(int from, int to) {
    for (int i = from; i < to; ++i) {
      const json one = artifact(ns_, absl::StrCat("a-", i));
      ASSERT_EQ(StormClient::persist(60, [&] { return client_->create(kArtifact, one); }), Outcome::Landed) << i;
    }
  }
  void remove(int from, int to) {
    for (int i = from; i < to; ++i) {
      ASSERT_EQ(client_->remove(kArtifact, {ns_, absl::StrCat("a-", i)}), Outcome::Landed) << i;
    }
  }

  std::string enforced_reason() {
    const json condition = limits_home().condition(kScaleLimit, ns_, "artifacts", "Enforced");
    return absl::StrCat(condition.value("status", ""), " ", condition.value("reason", ""));
  }

  /// Everybody writes as much as there is room for, from before the API server is back until the limit is full.
  void restore_amid_writes() {
    limits_home().stop_apiserver();
    limits_home().restore_etcd();
    UseHistory history(etcd_port(limits_home()), {{kArtifact, "/registry/example.com/artifacts/"}}, {bound(ns_)});
    std::vector<std::jthread> writers;
    std::atomic<int> told_full{0};
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer](const std::stop_token& stop) {
        Outcome outcome = Outcome::Landed;
        for (int i = 0; outcome != Outcome::OverLimit && !stop.stop_requested(); ++i) {
          const json one = artifact(ns_, absl::StrCat("w-", writer, "-", i));
          outcome = StormClient::persist(90, [&] { return client_->create(kArtifact, one); });
        }
        told_full += outcome == Outcome::OverLimit ? 1 : 0;
      });
    }
    limits_home().start_apiserver();
    std::string doubt;
    EXPECT_TRUE(eventually(30, [&] { return (doubt = enforced_reason()).starts_with("False "); })) << doubt;
    std::fprintf(stderr, "%s\n", doubt.c_str());
    // Every Lease, the API server's request deadline, and then as for a limit that is new.
    EXPECT_TRUE(eventually(90, [&] { return enforced_reason() == "True Exact"; })) << enforced_reason();
    EXPECT_TRUE(eventually(60, [&] { return told_full == kWriters; })) << told_full << "; " << client_->tally();
    writers.clear();
    ASSERT_TRUE(history.settle(30));
    EXPECT_EQ(history.now(0), kHard);
    EXPECT_EQ(history.most(0), kHard);
    for (std::size_t i = 0; i < kReplicas; ++i) EXPECT_TRUE(webhooks_.replica(i).running());
  }

  std::string ns_;
  Webhooks webhooks_{limits_home(), kReplicas, GetParam()};
  std::optional<StormClient> client_;
};

INSTANTIATE_TEST_SUITE_P(Leases, RestoredStore, ::testing::Values(limits_arguments()));

TEST_P(RestoredStore, with_more_in_it_than_the_webhooks_remember_is_not_overfilled) {
  ASSERT_NO_FATAL_FAILURE(begin("restored-full"));
  ASSERT_NO_FATAL_FAILURE(store(0, 50));
  limits_home().snapshot_etcd();
  ASSERT_TRUE(webhooks_.wait_ready(30));
  ASSERT_NO_FATAL_FAILURE(remove(0, 48));
  // All hold slices of the room that is to be gone.
  ASSERT_NO_FATAL_FAILURE(store(100, 112));
  restore_amid_writes();
}

TEST_P(RestoredStore, with_less_in_it_than_the_webhooks_remember_is_filled_to_the_bound) {
  ASSERT_NO_FATAL_FAILURE(begin("restored-empty"));
  ASSERT_NO_FATAL_FAILURE(store(0, 5));
  limits_home().snapshot_etcd();
  ASSERT_TRUE(webhooks_.wait_ready(30));
  ASSERT_NO_FATAL_FAILURE(store(100, 150));
  restore_amid_writes();
}

}  // namespace
}  // namespace headroom::e2e
