// When the client tries again, how long it waits, and what holds it back.
#include "operator/kube/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/kube/client_fixture.h"

namespace headroom::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualTiming;
using testing::ScriptedTransport;

// --- retries ---

struct RetryCase {
  const char* name;
  int status;
  const char* reason;
  bool read_again, write_again;
};

class RetryByStatus : public ::testing::TestWithParam<RetryCase> {};

TEST_P(RetryByStatus, repeats_what_may_be_repeated) {
  for (const bool is_write : {false, true}) {
    const bool again = is_write ? GetParam().write_again : GetParam().read_again;
    const auto server = std::make_shared<ScriptedTransport>();
    const auto timing = std::make_shared<ManualTiming>();
    Client client(server, {}, 1, timing);
    const Method method = is_write ? Method::Patch : Method::Get;
    server->expect(method, "/api/v1/nodes/n").refuse(GetParam().status, GetParam().reason, "no");
    if (again) server->expect(method, "/api/v1/nodes/n").answer(200, {{"ok", true}});
    const auto got = is_write ? client.patch(types::kNode, {"", "n"}, PatchType::Merge, {}, {})
                              : client.get(types::kNode, {"", "n"}, {});
    EXPECT_EQ(static_cast<bool>(got), again) << (is_write ? "write" : "read");
    EXPECT_EQ(timing->pauses().size(), again ? 1U : 0U);
    if (!got) {
      EXPECT_EQ(got.error().http_status, GetParam().status);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Client, RetryByStatus,
                         ::testing::Values(RetryCase{"too_many_requests", 429, "TooManyRequests", true, true},
                                           RetryCase{"service_unavailable", 503, "ServiceUnavailable", true, true},
                                           RetryCase{"internal_error", 500, "InternalError", true, false},
                                           RetryCase{"bad_gateway", 502, "", true, false},
                                           RetryCase{"gateway_timeout", 504, "Timeout", true, false},
                                           RetryCase{"conflict", 409, "Conflict", false, false},
                                           RetryCase{"already_exists", 409, "AlreadyExists", false, false},
                                           RetryCase{"gone", 410, "Expired", false, false},
                                           RetryCase{"not_found", 404, "NotFound", false, false},
                                           RetryCase{"forbidden", 403, "Forbidden", false, false},
                                           RetryCase{"unauthorized", 401, "Unauthorized", false, false},
                                           RetryCase{"invalid", 422, "Invalid", false, false},
                                           RetryCase{"bad_request", 400, "BadRequest", false, false}),
                         [](const auto& row) { return row.param.name; });

TEST_F(ClientTest, repeats_after_failed_connections_only_what_cannot_have_landed) {
  const Error refused{ErrorCode::Unavailable, "refused", 0, {}};
  const Error unknown{ErrorCode::Timeout, "no answer", 0, {}};
  server->expect(Method::Patch, web_path).fail(refused);
  server->expect(Method::Patch, web_path).answer(200, object);
  EXPECT_TRUE(client.patch(types::kDeployment, web, PatchType::Merge, {}, {}));
  server->expect(Method::Patch, web_path).fail(unknown);
  EXPECT_EQ(client.patch(types::kDeployment, web, PatchType::Merge, {}, {}).error().code, ErrorCode::Timeout);
  server->expect(Method::Get, web_path).fail(unknown);
  server->expect(Method::Get, web_path).fail(refused);
  server->expect(Method::Get, web_path).answer(200, object);
  EXPECT_TRUE(client.get(types::kDeployment, web, {}));
}

TEST_F(ClientTest, sends_a_repeated_write_unchanged) {
  server->expect(Method::Patch, web_path).with_body({{"a", 1}}).refuse(503, "ServiceUnavailable", "no");
  server->expect(Method::Patch, web_path).with_body({{"a", 1}}).answer(200, object);
  EXPECT_TRUE(client.patch(types::kDeployment, web, PatchType::Merge, {{"a", 1}}, {}));
}

// How long a client with this seed waits between attempts at a server that fails five times.
std::vector<milliseconds> pauses_of(std::uint64_t seed) {
  const auto server = std::make_shared<ScriptedTransport>();
  const auto timing = std::make_shared<ManualTiming>();
  Client client(server, {}, seed, timing);
  for (int i = 0; i < 5; ++i) server->expect(Method::Get, "/api/v1/nodes/n").refuse(500, "InternalError", "no");
  server->expect(Method::Get, "/api/v1/nodes/n").answer(200, json::object());
  EXPECT_TRUE(client.get(types::kNode, {"", "n"}, {}));
  return timing->pauses();
}

TEST(Client, waits_longer_each_time_and_never_the_same_for_two_clients) {
  const std::vector<milliseconds> waited = pauses_of(1);
  ASSERT_EQ(waited.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_GE(waited[i], milliseconds(100 << i));
    EXPECT_LE(waited[i], milliseconds(150 << i));
  }
  EXPECT_EQ(waited, pauses_of(1)) << "a seed makes a run repeatable";
  EXPECT_NE(waited, pauses_of(2));
}

TEST_F(ClientTest, waits_as_long_as_the_server_asks_and_a_little_more) {
  server->expect(Method::Patch, web_path).refuse(429, "TooManyRequests", "later", seconds(7));
  server->expect(Method::Patch, web_path).answer(200, object);
  EXPECT_TRUE(client.patch(types::kDeployment, web, PatchType::Merge, {}, {}));
  ASSERT_EQ(timing->pauses().size(), 1U);
  EXPECT_GE(timing->pauses().front(), seconds(7) + milliseconds(100));
  EXPECT_LE(timing->pauses().front(), seconds(7) + milliseconds(150));
}

TEST_F(ClientTest, returns_at_once_when_the_server_asks_for_more_patience_than_there_is) {
  server->expect(Method::Patch, web_path).refuse(429, "TooManyRequests", "later", seconds(31));
  const auto got = client.patch(types::kDeployment, web, PatchType::Merge, {}, {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::TooManyRequests);
  EXPECT_EQ(got.error().retry_after, seconds(31)) << "for the caller to requeue by";
  EXPECT_TRUE(timing->pauses().empty());
}

TEST_F(ClientTest, stops_retrying_after_its_time_and_says_how_often_it_tried) {
  // 100 ms and doubling, with at most half as much again: seven to nine waits fill 30 s.
  const auto endless = std::make_shared<ScriptedTransport>(ScriptedTransport::Order::Any);
  for (int i = 0; i < 20; ++i) endless->expect(Method::Get, "/api/v1/nodes/n").refuse(503, "ServiceUnavailable", "no");
  const SteadyTime start = timing->now();
  Client persistent(endless, limits, 3, timing);
  const auto got = persistent.get(types::kNode, {"", "n"}, {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::Unavailable);
  EXPECT_LE(timing->now() - start, seconds(30));
  EXPECT_GE(timing->now() - start, seconds(15));
  const auto attempts = endless->requests().size();
  EXPECT_NE(got.error().message.find("after " + std::to_string(attempts) + " attempts"), std::string::npos)
      << got.error().message;
  while (endless->requests().size() < 20) (void)endless->send({.path = "/api/v1/nodes/n"}, {});
}

TEST_F(ClientTest, makes_one_attempt_when_there_is_no_time_for_retries) {
  limits.retry_for = milliseconds(0);
  Client impatient(server, limits, 1, timing);
  server->expect(Method::Get, web_path).refuse(503, "ServiceUnavailable", "no");
  EXPECT_EQ(impatient.get(types::kDeployment, web, {}).error().message.find("attempts"), std::string::npos);
}

TEST_F(ClientTest, is_stopped_while_it_waits_to_try_again) {
  std::stop_source stop;
  timing->on_pause = [&] { stop.request_stop(); };
  server->expect(Method::Get, web_path).refuse(503, "ServiceUnavailable", "no");
  EXPECT_EQ(client.get(types::kDeployment, web, stop.get_token()).error().code, ErrorCode::Cancelled);
}

TEST_F(ClientTest, is_stopped_while_the_server_is_silent) {
  std::stop_source stop;
  server->expect(Method::Get, web_path).hang();
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(client.get(types::kDeployment, web, stop.get_token()).error().code, ErrorCode::Cancelled);
  // The stop may have come before the request.
  if (server->requests().empty()) (void)server->send({.path = web_path}, stop.get_token());
}

TEST(SteadyTiming, returns_from_a_pause_as_soon_as_it_is_stopped) {
  SteadyTiming timing;
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  const SteadyTime start = timing.now();
  EXPECT_FALSE(timing.pause(std::chrono::minutes(10), stop.get_token()));
  EXPECT_LT(timing.now() - start, seconds(60));
  EXPECT_TRUE(timing.pause(milliseconds(1), {}));
}

// --- the write gate and the observer ---

TEST_F(ClientTest, asks_the_gate_before_every_attempt_to_write_and_never_for_reads) {
  int asked = 0;
  client.set_write_gate([&]() -> Status {
    if (++asked == 2) return Error{ErrorCode::Cancelled, "the lease is lost", 0, {}};
    return ok();
  });
  server->expect(Method::Get, web_path).answer(200, object);
  server->expect(Method::Patch, web_path).refuse(503, "ServiceUnavailable", "no");
  EXPECT_TRUE(client.get(types::kDeployment, web, {}));
  EXPECT_EQ(asked, 0);
  const auto got = client.patch(types::kDeployment, web, PatchType::Merge, {}, {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "the lease is lost") << "the second attempt must not have been made";
  EXPECT_EQ(asked, 2);
}

TEST_F(ClientTest, tells_the_observer_of_every_attempt) {
  std::vector<std::pair<std::string, int>> seen;
  client.set_observer(
      [&](Method method, int status, std::chrono::microseconds) { seen.emplace_back(to_string(method), status); });
  server->expect(Method::Get, web_path).refuse(503, "ServiceUnavailable", "no");
  server->expect(Method::Get, web_path).fail({ErrorCode::Unavailable, "refused", 0, {}});
  server->expect(Method::Get, web_path).answer(200, object);
  server->expect(Method::Get, "/api/v1/pods").fail({ErrorCode::Gone, "expired", 410, {}});
  EXPECT_TRUE(client.get(types::kDeployment, web, {}));
  EXPECT_FALSE(client.watch(types::kPod, "", {}, {}));
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, int>>{{"GET", 503}, {"GET", 0}, {"GET", 200}, {"GET", 410}}));
}

// --- bounds ---

TEST_F(ClientTest, waits_for_the_rate_limit_and_gives_up_when_it_is_hopeless) {
  limits.requests_per_second = 0.1;
  limits.burst = 1;
  Client slow(server, limits, 1, timing);
  server->expect(Method::Get, web_path).answer(200, object);
  server->expect(Method::Get, web_path).answer(200, object);
  EXPECT_TRUE(slow.get(types::kDeployment, web, {}));
  EXPECT_TRUE(slow.get(types::kDeployment, web, {}));
  EXPECT_EQ(timing->pauses(), std::vector<milliseconds>{seconds(10)});
}

class CountingTransport final : public Transport {
 public:
  Result<Response> send(const Request&, std::stop_token) override {
    const int now = ++inside_;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::yield();
    --inside_;
    return Response{200, "{}", {}};
  }
  Result<std::unique_ptr<Stream>> open_stream(const Request&, std::stop_token) override {
    return Error{ErrorCode::Internal, "none", 0, {}};
  }
  std::atomic<int> most{0};

 private:
  std::atomic<int> inside_{0};
};

TEST(Client, never_has_more_requests_in_flight_than_allowed) {
  const auto counting = std::make_shared<CountingTransport>();
  ClientLimits limits;
  limits.max_in_flight = 4;
  limits.burst = 1'000'000;
  Client client(counting, limits, 1);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 50; ++k) EXPECT_TRUE(client.get(types::kNode, {"", "n"}, {}));
      });
    }
  }
  EXPECT_LE(counting->most, 4);
}

}  // namespace
}  // namespace headroom::kube
