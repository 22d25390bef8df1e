// Which switches a replica that starts waits for.
#include "webhook/app/switches.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/runtime/manual_clock.h"
#include "tests/support/memory_api_server.h"
#include "tests/webhook_app/a_limit.h"
#include "webhook/app/limit_book.h"

namespace headroom::webhook {
namespace {

TEST(WebhookSwitches, do_not_hold_up_a_replica_for_a_config_map_that_cannot_be_read_for_half_a_minute) {
  const auto server = testing::MemoryApiServer::make();
  server->answer("/api/v1/namespaces/shop/configmaps", 400,
                 R"({"kind":"Status","code":400,"message":"invalid field selector"})");
  kube::ClientLimits limits;
  limits.retry_for = std::chrono::milliseconds(0);
  runtime::ManualClock clock;
  Switches switches(std::make_shared<kube::Client>(server, limits, 1), clock, 1);
  LimitBook book({});
  const nlohmann::json rule = {{"name", "frozen"},
                               {"message", "not now"},
                               {"whileSwitch", {{"configMap", "a,b"}, {"key", "frozen"}, {"value", "yes"}}}};
  const LimitChange change = book.update({a_limit("switched", {{"deny", {rule}}})}, {});
  switches.watch(*change.limits);
  EXPECT_FALSE(switches.known()) << "it may be mended any moment";
  EXPECT_TRUE(server->await([&] {
    clock.advance(std::chrono::seconds(31));
    return switches.known();
  }));
}

}  // namespace
}  // namespace headroom::webhook
