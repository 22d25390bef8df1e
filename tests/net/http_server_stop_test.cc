// How the server leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <thread>

#include "operator/net/http_server.h"
#include "tests/net/raw_client.h"
#include "tests/net/test_server.h"

namespace headroom::net {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// Holds the request "/held" in the handler until it is told to go on.
struct Gate {
  std::latch entered{1}, open{1};
  HttpResponse operator()(const HttpRequest& request) {
    if (request.target == "/held") {
      entered.count_down();
      open.wait();
    }
    return echo(request);
  }
};

bool stops_listening(const HttpServer& server) {
  const auto patience = std::chrono::steady_clock::now() + 10s;
  while (std::chrono::steady_clock::now() < patience) {
    if (!RawClient(server.port()).connected()) return true;
  }
  return false;
}

TEST(HttpServerStop, lets_a_request_in_progress_end_and_takes_no_new_connections) {
  Gate gate;
  const auto server = start_server({.threads = 2}, std::ref(gate));
  RawClient first(server->port());  // takes the loop that also listens, so that the next one blocks the other
  first.send(get("/"));
  first.response();
  RawClient busy(server->port());
  busy.send(post("/held", "in progress"));
  gate.entered.wait();
  std::jthread stopping([&] { server->stop(60s); });
  EXPECT_TRUE(stops_listening(*server));
  gate.open.count_down();
  const std::string response = busy.response();
  EXPECT_THAT(response, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(response, EndsWith("in progress"));
  EXPECT_TRUE(busy.ended());
}

TEST(HttpServerStop, tells_a_busy_client_to_close_instead_of_closing_under_its_request) {
  const auto server = start_server({.request_timeout = 80ms}, echo);  // looks at its connections every 10 ms
  RawClient client(server->port());
  client.send(get("/"));
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
  std::jthread stopping([&] { server->stop(60s); });
  EXPECT_TRUE(stops_listening(*server));
  EXPECT_FALSE(client.ended(50ms)) << "a request might be on its way";
  client.send(get("/again"));
  const std::string response = client.response();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.ended());
}

TEST(HttpServerStop, leaves_idle_connections_open_for_as_long_as_it_is_told) {
  const auto server = start_server({.request_timeout = 80ms, .drain_quiet = 5s}, echo);
  RawClient client(server->port());
  client.send(get("/"));
  client.response();
  std::jthread stopping([&] { server->stop(60s); });
  EXPECT_TRUE(stops_listening(*server));
  EXPECT_FALSE(client.ended(1500ms)) << "the default would have closed it";
  client.send(get("/again"));
  EXPECT_THAT(client.response(), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.ended());
}

TEST(HttpServerStop, does_not_wait_for_clients_that_are_idle) {
  const auto server = start_server({}, echo);
  RawClient never_asked(server->port()), asked(server->port());
  asked.send(get("/"));
  asked.response();
  const auto before = std::chrono::steady_clock::now();
  server->stop(60s);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 30s);
  EXPECT_TRUE(asked.ended());
  EXPECT_TRUE(never_asked.ended());
}

TEST(HttpServerStop, cuts_what_takes_longer_than_the_drain) {
  const auto server = start_server({}, echo);
  RawClient stuck(server->port());
  stuck.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  const auto before = std::chrono::steady_clock::now();
  server->stop(20ms);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  EXPECT_TRUE(stuck.ended());
}

TEST(HttpServerStop, may_be_called_again_or_left_to_the_destructor) {
  auto server = start_server({.threads = 2}, echo);
  RawClient client(server->port());
  server->stop(0ms);
  server->stop(60s);
  server.reset();
  EXPECT_TRUE(client.ended());
  server = start_server({.threads = 2}, echo);
  RawClient other(server->port());
  server.reset();
  EXPECT_TRUE(other.ended());
}

}  // namespace
}  // namespace headroom::net
