// Which types a replica that starts waits for.
#include "webhook/app/type_watches.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/runtime/manual_clock.h"
#include "tests/support/memory_api_server.h"
#include "tests/webhook_app/a_limit.h"
#include "webhook/app/moment.h"

namespace headroom::webhook {
namespace {

constexpr char kArtifacts[] = "/apis/example.com/v1/artifacts";

TEST(TypeWatches, do_not_hold_up_a_replica_for_a_kind_that_cannot_be_listed_for_half_a_minute) {
  const auto server = testing::MemoryApiServer::make();
  server->answer(kArtifacts, 500, R"({"kind":"Status","code":500,"message":"conversion webhook failed"})");
  kube::ClientLimits limits;
  limits.retry_for = std::chrono::milliseconds(0);
  const auto client = std::make_shared<kube::Client>(server, limits, 1);
  runtime::ManualClock clock;
  runtime::Metrics metrics;
  Engine engine(
      {"headroom-webhook-a", 1}, {}, machine_moment, [](const Task&) {}, metrics);
  LimitBook book({});
  const LimitChange change = book.update({a_limit("broken")}, {});
  engine.adopt(change);
  TypeWatches watches(client, engine, clock, 1);
  watches.watch(change.types);
  ASSERT_TRUE(server->await([&] { return watches.problems().size() == 1; }));
  EXPECT_TRUE(watches.hopeless().empty()) << "it may be mended any moment";
  clock.advance(std::chrono::seconds(31));
  EXPECT_EQ(watches.hopeless().size(), 1u);
  EXPECT_NE(watches.hopeless().begin()->second.find("conversion webhook failed"), std::string::npos);
}

}  // namespace
}  // namespace headroom::webhook
