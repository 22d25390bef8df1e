// The transports of tests keep their word, or no test that uses them is worth anything.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "operator/kube/client.h"
#include "tests/kube/manual_timing.h"
#include "tests/support/faulty_transport.h"
#include "tests/support/scripted_transport.h"

namespace headroom::testing {
namespace {

using kube::Method;
using kube::Request;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ScriptedTransport, fails_the_test_when_an_expected_request_never_comes) {
  EXPECT_NONFATAL_FAILURE(
      {
        ScriptedTransport server;
        server.expect(Method::Get, "/never").answer(200, {});
      },
      "GET /never");
  EXPECT_NONFATAL_FAILURE(
      {
        ScriptedTransport server;
        server.expect(Method::Get, "/never").answer(200, {});
        EXPECT_FALSE(server.await_done(milliseconds(0)));
      },
      "GET /never");
}

TEST(ScriptedTransport, fails_the_test_at_a_request_that_is_not_the_next_one) {
  EXPECT_NONFATAL_FAILURE(
      {
        ScriptedTransport server;
        EXPECT_EQ(server.send({.path = "/surprise"}, {}).error().code, ErrorCode::Internal);
      },
      "unexpected request GET /surprise; expected no more");
  ScriptedTransport server;
  server.expect(Method::Get, "/first").answer(200, {});
  server.expect(Method::Get, "/second").answer(200, {});
  EXPECT_NONFATAL_FAILURE((void)server.send({.path = "/second"}, {}), "GET /first");
  EXPECT_TRUE(server.send({.path = "/first"}, {}));
  EXPECT_TRUE(server.send({.path = "/second"}, {}));
}

TEST(ScriptedTransport, fails_the_test_when_query_body_or_type_are_others) {
  const Request request{.method = Method::Patch, .path = "/a?x=1", .body = R"({"a":{"b":1}})", .content_type = "t"};
  for (int wrong = 0; wrong < 5; ++wrong) {
    ScriptedTransport server;
    Expectation& expectation = server.expect(Method::Patch, "/a");
    if (wrong == 0) expectation.with_query("x", "2");
    if (wrong == 1) expectation.without_query("x");
    if (wrong == 2) expectation.with_body({{"a", {{"b", 2}}}});
    if (wrong == 3) expectation.with_content_type("other");
    if (wrong == 4) expectation.where("a reason", [](const Request&) { return false; });
    EXPECT_NONFATAL_FAILURE((void)server.send(request, {}), "unexpected request PATCH /a?x=1");
    EXPECT_NONFATAL_FAILURE(server.await_done(milliseconds(0)), "PATCH /a");
  }
}

TEST(ScriptedTransport, takes_requests_in_any_order_when_told_to) {
  ScriptedTransport server(ScriptedTransport::Order::Any);
  server.expect(Method::Get, "/a").answer(200, 1);
  server.expect(Method::Get, "/b").answer(200, 2);
  EXPECT_EQ(server.send({.path = "/b"}, {}).value().body, "2");
  EXPECT_EQ(server.send({.path = "/a"}, {}).value().body, "1");
}

TEST(ScriptedTransport, streams_what_the_test_says_when_it_says_so) {
  ScriptedTransport server;
  const auto script = server.expect(Method::Get, "/watch").stream();
  std::stop_source stop;
  auto stream = server.open_stream({.path = "/watch"}, stop.get_token());
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream.value()->read_line(milliseconds(0)).error().code, ErrorCode::Timeout);
  script->line("a");
  EXPECT_EQ(stream.value()->read_line(milliseconds(0)).value(), "a");
  script->fail({ErrorCode::Unavailable, "broken", 0, {}});
  EXPECT_EQ(stream.value()->read_line(milliseconds(0)).error().code, ErrorCode::Unavailable);
  stop.request_stop();
  EXPECT_EQ(stream.value()->read_line(seconds(10)).error().code, ErrorCode::Cancelled);
  EXPECT_FALSE(script->closed());
  stream.value().reset();
  EXPECT_TRUE(script->closed());
}

// Counts what arrives and answers everything.
class Sink final : public kube::Transport {
 public:
  Result<kube::Response> send(const Request&, std::stop_token) override {
    ++arrived;
    return kube::Response{200, R"({"answer":"whole"})", {}};
  }
  Result<std::unique_ptr<kube::Stream>> open_stream(const Request& request, std::stop_token stop) override {
    ++arrived;
    script.expect(request.method, request.path).stream_of({{{"n", 1}}, {{"n", 2}}, {{"n", 3}}});
    return script.open_stream(request, std::move(stop));
  }
  int arrived = 0;
  ScriptedTransport script;
};

const Request kRead{.path = "/r"};
const Request kWrite{.method = Method::Patch, .path = "/w", .timeout = milliseconds(1)};

struct Faults {
  const char* name;
  Fault fault;
  int status;             // of the response; 0: none comes
  ErrorCode write_error;  // when none comes
  int arrived;            // requests that reach the server
};

class FaultTable : public ::testing::TestWithParam<Faults> {};

TEST_P(FaultTable, does_to_a_write_what_it_says) {
  const auto sink = std::make_shared<Sink>();
  FaultyTransport faulty(sink, {{.fault = GetParam().fault, .at_most = 1, .retry_after = seconds(2)}}, 1);
  const auto response = faulty.send(kWrite, {});
  EXPECT_EQ(response ? response.value().status : 0, GetParam().status);
  if (!response) {
    EXPECT_EQ(response.error().code, GetParam().write_error);
  } else if (GetParam().status != 200) {
    EXPECT_EQ(response.value().retry_after, seconds(2));
  }
  EXPECT_EQ(sink->arrived, GetParam().arrived);
  EXPECT_EQ(faulty.injected(), 1);
  EXPECT_EQ(faulty.send(kWrite, {}).value().status, 200) << "only once";
}

INSTANTIATE_TEST_SUITE_P(FaultyTransport, FaultTable,
                         ::testing::Values(Faults{"too_many_requests", Fault::TooManyRequests, 429, {}, 0},
                                           Faults{"conflict", Fault::Conflict, 409, {}, 0},
                                           Faults{"gone", Fault::Gone, 410, {}, 0},
                                           Faults{"internal_error", Fault::InternalError, 500, {}, 0},
                                           Faults{"service_unavailable", Fault::ServiceUnavailable, 503, {}, 0},
                                           Faults{"gateway_timeout", Fault::GatewayTimeout, 504, {}, 0},
                                           Faults{"reset_before", Fault::ResetBefore, 0, ErrorCode::Unavailable, 0},
                                           Faults{"hang", Fault::Hang, 0, ErrorCode::Timeout, 0},
                                           Faults{"reset_after", Fault::ResetAfter, 0, ErrorCode::Timeout, 1},
                                           Faults{"truncated_body", Fault::TruncatedBody, 200, {}, 1},
                                           Faults{"duplicate", Fault::Duplicate, 200, {}, 2}),
                         [](const auto& row) { return row.param.name; });

TEST(FaultyTransport, strikes_only_where_when_and_as_often_as_its_rule_says) {
  const auto sink = std::make_shared<Sink>();
  FaultyTransport faulty(sink, {{.fault = Fault::InternalError, .matches = is_write, .at_most = 2, .after = 1}}, 1);
  EXPECT_EQ(faulty.send(kRead, {}).value().status, 200);
  std::vector<int> seen;
  for (int i = 0; i < 5; ++i) seen.push_back(faulty.send(kWrite, {}).value().status);
  EXPECT_EQ(seen, (std::vector<int>{200, 500, 500, 200, 200}));
}

TEST(FaultyTransport, repeats_its_dice_with_the_seed) {
  const auto statuses = [](std::uint64_t seed) {
    FaultyTransport faulty(std::make_shared<Sink>(), {{.fault = Fault::InternalError, .probability = 0.5}}, seed);
    std::string text;
    for (int i = 0; i < 64; ++i) text += faulty.send(kRead, {}).value().status == 200 ? '.' : 'x';
    return text;
  };
  EXPECT_EQ(statuses(1), statuses(1));
  EXPECT_NE(statuses(1), statuses(2));
  EXPECT_NE(statuses(1).find('x'), std::string::npos);
  EXPECT_NE(statuses(1).find('.'), std::string::npos);
}

TEST(FaultyTransport, stops_hanging_when_it_is_stopped) {
  FaultyTransport faulty(std::make_shared<Sink>(), {{.fault = Fault::Hang}}, 1);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(faulty.send({.path = "/r", .timeout = std::chrono::hours(1)}, stop.get_token()).error().code,
            ErrorCode::Cancelled);
}

struct StreamFaults {
  const char* name;
  Fault fault;
  std::vector<std::string> seen;
};

class StreamFaultTable : public ::testing::TestWithParam<StreamFaults> {};

TEST_P(StreamFaultTable, does_to_a_stream_what_it_says) {
  FaultyTransport faulty(std::make_shared<Sink>(), {{.fault = GetParam().fault, .delay = milliseconds(1), .lines = 1}},
                         1);
  auto stream = faulty.open_stream({.path = "/watch"}, {});
  ASSERT_TRUE(stream);
  std::vector<std::string> seen;
  for (int i = 0; i < 10; ++i) {
    const auto line = stream.value()->read_line(seconds(1));
    seen.push_back(!line ? to_string(line.error().code) : line.value() ? line.value()->substr(0, 15) : "end");
    if (!line || !line.value()) break;
  }
  EXPECT_EQ(seen, GetParam().seen);
}

INSTANTIATE_TEST_SUITE_P(
    FaultyTransport, StreamFaultTable,
    ::testing::Values(StreamFaults{"slow", Fault::SlowStream, {"{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "end"}},
                      StreamFaults{"cut", Fault::CutStream, {"{\"n\":1}", "Unavailable"}},
                      StreamFaults{"half_a_line", Fault::HalfLine, {"{\"n\":1}", "{\"n", "Unavailable"}},
                      StreamFaults{"gone", Fault::GoneInStream, {"{\"n\":1}", "{\"object\":{\"api", "end"}}),
    [](const auto& row) { return row.param.name; });

TEST(FaultyTransport, refuses_streams_as_the_server_would) {
  const auto sink = std::make_shared<Sink>();
  FaultyTransport faulty(sink, {{.fault = Fault::Gone, .at_most = 1}, {.fault = Fault::ResetBefore, .at_most = 1}}, 1);
  EXPECT_EQ(faulty.open_stream({.path = "/watch"}, {}).error().code, ErrorCode::Gone);
  EXPECT_EQ(faulty.open_stream({.path = "/watch"}, {}).error().code, ErrorCode::Unavailable);
  EXPECT_EQ(sink->arrived, 0);
}

TEST(Client, carries_every_write_out_exactly_once_through_faults_that_let_it_know) {
  const auto sink = std::make_shared<Sink>();
  const auto faulty = std::make_shared<FaultyTransport>(
      sink,
      std::vector<FaultRule>{{.fault = Fault::TooManyRequests, .probability = 0.2, .retry_after = seconds(1)},
                             {.fault = Fault::ServiceUnavailable, .probability = 0.2},
                             {.fault = Fault::ResetBefore, .probability = 0.2}},
      7);
  kube::ClientLimits limits;
  limits.retry_for = seconds(300);
  kube::Client client(faulty, limits, 1, std::make_shared<ManualTiming>());
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(client.patch(kube::types::kNode, {"", "n"}, kube::PatchType::Merge, json::object(), {}));
  }
  EXPECT_GT(faulty->injected(), 100);
  EXPECT_EQ(sink->arrived, 200);
}

}  // namespace
}  // namespace headroom::testing
