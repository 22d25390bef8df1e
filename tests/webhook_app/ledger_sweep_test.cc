#include "webhook/app/ledger_sweep.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/memory_api_server.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

constexpr char kLedger[] = "/apis/headroom.dev/v1alpha1/namespaces/headroom-system/limitledgers/sl.shop.artifacts";
constexpr char kLimit[] = "/apis/headroom.dev/v1alpha1/namespaces/shop/scalelimits/artifacts";
const std::string kName = "sl.shop.artifacts";

json ledger(const std::string& holder = "") {
  api::LedgerRecord record;
  record.limit = {api::LimitKind::ScaleLimit, "shop", "artifacts", "u-1"};
  record.dimensions = {{"count", Quantity::from_int(5)}};
  if (!holder.empty()) {
    api::Grant grant;
    grant.holder = holder;
    grant.epoch = 1;
    grant.granted = {Quantity::from_int(1)};
    record.grants = {grant};
  }
  return {{"apiVersion", "headroom.dev/v1alpha1"}, {"kind", "LimitLedger"}, {"record", api::to_json(record)}};
}

class LedgerSweepTest : public ::testing::Test {
 protected:
  LedgerSweepTest() {
    kube::ClientLimits limits;
    limits.retry_for = std::chrono::milliseconds(0);
    sweep_ = std::make_unique<LedgerSweep>(std::make_shared<kube::Client>(server_, limits, 1), "headroom-system",
                                           absl::Seconds(100));
  }
  bool sweep(int at) { return sweep_->sweep(known_, absl::Seconds(at), {}); }
  bool is_there() const { return server_->get(kLedger).is_object(); }

  const std::shared_ptr<testing::MemoryApiServer> server_ = testing::MemoryApiServer::make();
  std::unique_ptr<LedgerSweep> sweep_;
  std::set<std::string> known_;
};

TEST_F(LedgerSweepTest, deletes_the_ledger_of_a_limit_that_has_been_gone_for_long) {
  server_->put(kLedger, ledger());
  sweep(0);
  sweep(99);
  EXPECT_TRUE(is_there());
  sweep(100);
  EXPECT_FALSE(is_there());
}

TEST_F(LedgerSweepTest, deletes_the_ledger_of_its_flow_too) {
  constexpr char kFlowLedger[] =
      "/apis/headroom.dev/v1alpha1/namespaces/headroom-system/limitledgers/flow.sl.shop.artifacts";
  server_->put(kFlowLedger, ledger());
  known_ = {kName};
  sweep(0);
  sweep(100);
  EXPECT_TRUE(server_->get(kFlowLedger).is_object()) << "the limit is judged by";
  known_.clear();
  sweep(200);
  sweep(300);
  EXPECT_FALSE(server_->get(kFlowLedger).is_object());
}

TEST_F(LedgerSweepTest, leaves_the_ledger_of_a_limit_that_is_there_or_judged_by) {
  server_->put(kLedger, ledger());
  server_->put(kLimit, {{"kind", "ScaleLimit"}});
  sweep(0);
  sweep(200);
  EXPECT_TRUE(is_there());
  server_->erase(kLimit);
  known_ = {kName};
  sweep(400);
  sweep(600);
  EXPECT_TRUE(is_there());
}

TEST_F(LedgerSweepTest, waits_anew_when_a_limit_was_judged_by_in_between) {
  server_->put(kLedger, ledger());
  sweep(0);
  known_ = {kName};
  sweep(60);
  known_.clear();
  sweep(120);
  sweep(219);
  EXPECT_TRUE(is_there());
  sweep(220);
  EXPECT_FALSE(is_there());
}

TEST_F(LedgerSweepTest, leaves_the_ledger_of_a_limit_that_was_made_anew_since_it_was_looked_at) {
  server_->put(kLedger, ledger());
  sweep(0);
  server_->put(kLimit, {{"kind", "ScaleLimit"}});
  sweep(100);
  EXPECT_TRUE(is_there());
  server_->erase(kLimit);
  sweep(101);
  sweep(200);
  EXPECT_TRUE(is_there()) << "the time counts from when it was there";
  sweep(201);
  EXPECT_FALSE(is_there());
}

TEST_F(LedgerSweepTest, is_done_with_a_namespace_full_of_limits_soon) {
  const auto path = [](int i) { return absl::StrCat(kLedger, "-", i); };
  for (int i = 0; i < 150; ++i) {
    json one = ledger();
    one["record"]["limitRef"]["name"] = absl::StrCat("artifacts-", i);
    server_->put(path(i), one);
  }
  const auto left = [&] {
    int count = 0;
    for (int i = 0; i < 150; ++i) count += server_->get(path(i)).is_object() ? 1 : 0;
    return count;
  };
  sweep(0);
  EXPECT_EQ(left(), 150);
  sweep(100);
  EXPECT_EQ(left(), 50) << "some wait for the next sweep";
  sweep(130);
  EXPECT_EQ(left(), 0);
}

TEST_F(LedgerSweepTest, leaves_what_a_replica_still_swaps_and_not_what_it_only_left_a_grant_in) {
  server_->put(kLedger, ledger("headroom-webhook-a"));
  sweep(0);
  server_->edit(kLedger, {{"record", {{"generation", 2}}}});
  sweep(100);
  EXPECT_TRUE(is_there());
  sweep(200);
  EXPECT_FALSE(is_there());
}

TEST_F(LedgerSweepTest, deletes_nothing_while_it_cannot_ask_for_the_limit) {
  server_->put(kLedger, ledger());
  sweep(0);
  server_->refuse([](const kube::Request& request) { return request.path.find("scalelimits") != std::string::npos; },
                  503);
  sweep(200);
  EXPECT_TRUE(is_there());
}

TEST_F(LedgerSweepTest, says_when_nothing_is_left_to_do) {
  known_ = {kName};
  server_->put(kLedger, ledger());
  EXPECT_TRUE(sweep(0));
  known_.clear();
  EXPECT_FALSE(sweep(30));
  EXPECT_FALSE(sweep(130)) << "somebody may have made it anew";
  EXPECT_TRUE(sweep(160));
  server_->refuse([](const kube::Request&) { return true; }, 503);
  EXPECT_FALSE(sweep(190));
}

TEST_F(LedgerSweepTest, tries_again_soon_what_could_not_be_deleted) {
  server_->put(kLedger, ledger());
  sweep(0);
  bool refuses = true;
  server_->refuse([&](const kube::Request& request) { return refuses && request.method == kube::Method::Delete; }, 503);
  sweep(100);
  EXPECT_TRUE(is_there());
  refuses = false;
  sweep(130);
  EXPECT_FALSE(is_there());
}

TEST_F(LedgerSweepTest, leaves_what_is_not_named_after_its_limit) {
  const std::string other = std::string(kLedger) + "-copy";
  server_->put(other, ledger());
  sweep(0);
  sweep(200);
  EXPECT_TRUE(server_->get(other).is_object());
}

}  // namespace
}  // namespace headroom::webhook
