// Ledgers on a real API server that are deleted: by hand while their limit lives, and with it.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

// Twice the Lease and the request deadline, both three seconds here, and two times the 30 s between sweeps; what is on
// top is for a machine that has other work to do.
constexpr int kGoneWithin = 2 * (3 + 3) + 2 * 30 + 20;

class Ledgers : public ::testing::Test {
 protected:
  Ledgers() {
    kube::ClientLimits impatient;
    impatient.retry_for = std::chrono::milliseconds(0);
    client_ = std::make_unique<kube::Client>(kube::make_transport(home_.config()).value(), impatient, 1);
  }
  /// Of the artifacts numbered from `first` on, how many are stored at the end, each tried until it lands or is refused
  /// for good.
  int create(const std::string& ns, int first, int count) {
    int stored = 0;
    for (int i = first; i < first + count; ++i) {
      EXPECT_TRUE(eventually(60, [&] {
        const auto created = client_->create(kArtifact, artifact(ns, absl::StrCat("a", i)), {});
        stored += created ? 1 : 0;
        return created || created.error().http_status == 403;
      }));
    }
    return stored;
  }
  bool has_ledger(const std::string& name) {
    return client_->get(kLimitLedger, {"headroom-system", name}, {}).has_value();
  }

  Cluster& home_ = limits_home();
  std::unique_ptr<kube::Client> client_;
  Webhooks webhooks_{home_, 2, {"--request-deadline-seconds", "3", "--lease-seconds", "3"}};
};

TEST_F(Ledgers, that_are_deleted_by_hand_come_back_and_still_bound_what_is_stored) {
  limit_namespace("unledgered", {scale_limit("unledgered", "artifacts", {{"count", 6}})});
  ASSERT_TRUE(in_force(webhooks_, 2, "unledgered", {"artifacts"}));
  EXPECT_EQ(create("unledgered", 0, 3), 3);
  ASSERT_TRUE(client_->remove(kLimitLedger, {"headroom-system", "sl.unledgered.artifacts"}, {}, {}));
  EXPECT_EQ(create("unledgered", 3, 6), 3);
  EXPECT_TRUE(has_ledger("sl.unledgered.artifacts"));
  EXPECT_EQ(client_->list(kArtifact, "unledgered", {}, {}).value().items.size(), 6u);
}

TEST_F(Ledgers, go_after_their_limits_and_stay_with_those_that_are_there) {
  json leaving = scale_limit("leaving", "artifacts", {{"count", 6}});
  leaving["spec"]["concurrency"] = {{"max", 5}};
  const json anew = scale_limit("leaving", "anew", {{"count", 6}});
  limit_namespace("leaving", {leaving, anew, scale_limit("leaving", "staying", {{"count", 20}})});
  ASSERT_TRUE(in_force(webhooks_, 2, "leaving", {"artifacts", "anew", "staying"}));
  EXPECT_EQ(create("leaving", 0, 4), 4);
  ASSERT_TRUE(has_ledger("sl.leaving.artifacts"));
  ASSERT_TRUE(has_ledger("flow.sl.leaving.artifacts"));
  const auto uid_of = [&](const char* ledger) {
    return home_.get(kLimitLedger, "headroom-system", ledger).at("metadata").at("uid");
  };
  const json former = uid_of("sl.leaving.anew"), staying = uid_of("sl.leaving.staying");

  // The replicas hold what is left, and drop it unspoken.
  ASSERT_TRUE(client_->remove(kScaleLimit, {"leaving", "anew"}, {}, {}));
  ASSERT_TRUE(client_->remove(kScaleLimit, {"leaving", "artifacts"}, {}, {}));
  ASSERT_TRUE(client_->create(kScaleLimit, anew, {}));
  EXPECT_TRUE(eventually(
      kGoneWithin, [&] { return !has_ledger("sl.leaving.artifacts") && !has_ledger("flow.sl.leaving.artifacts"); },
      std::chrono::milliseconds(500)));

  EXPECT_EQ(uid_of("sl.leaving.anew"), former);
  EXPECT_EQ(uid_of("sl.leaving.staying"), staying);
  ASSERT_TRUE(in_force(webhooks_, 2, "leaving", {"anew", "staying"}));
  EXPECT_EQ(create("leaving", 4, 6), 2) << "the one that was made anew counts what was there";
}

}  // namespace
}  // namespace headroom::e2e
