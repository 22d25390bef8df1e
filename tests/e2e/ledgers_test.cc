// Ledgers on a real API server that are deleted by hand while their limit lives.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

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

}  // namespace
}  // namespace headroom::e2e
