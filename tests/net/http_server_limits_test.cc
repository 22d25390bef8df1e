// What clients that are slow, greedy or wrong get, and that the others do not notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <latch>

#include "operator/net/http_server.h"
#include "tests/net/raw_client.h"
#include "tests/net/test_server.h"

namespace headroom::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

void expect_to_serve_others(const HttpServer& server) {
  RawClient other(server.port());
  other.send(get("/"));
  EXPECT_THAT(other.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpServerLimits, refuses_what_is_not_http_and_closes) {
  const auto server = start_server({}, echo);
  for (const std::string& request : {
           std::string("nonsense\r\n\r\n"),
           std::string("GET /\r\n\r\n"),
           std::string("GET / HTTP/2.0\r\n\r\n"),
           std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\n\r\n"),  // no Host
           std::string("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
           std::string(
               "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
           std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\r\n\r\n", 15),  // TLS
           std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28),
       }) {
    RawClient client(server->port());
    client.send(request);
    EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 400 Bad Request\r\n")) << request;
    EXPECT_TRUE(client.ended()) << request;
  }
  expect_to_serve_others(*server);
}

TEST(HttpServerLimits, answers_413_to_a_body_beyond_the_limit_and_closes) {
  const auto server = start_server({.max_body = 1000}, echo);
  RawClient largest(server->port());
  largest.send(post("/", std::string(1000, 'x')));
  EXPECT_THAT(largest.response(), StartsWith("HTTP/1.1 200 OK\r\n"));

  const std::string chunk = "200\r\n" + std::string(512, 'x') + "\r\n";
  for (const std::string& request :
       {post("/", std::string(1001, 'x')),
        std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\nExpect: 100-continue\r\n\r\n"),
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk}) {
    RawClient client(server->port());
    client.send(request);
    const std::string response = client.response();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 413 Payload Too Large\r\n")) << request;
    EXPECT_THAT(response, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_TRUE(client.ended());
  }
}

TEST(HttpServerLimits, lets_a_client_that_is_still_sending_read_its_413) {
  const auto server = start_server({.max_body = 1000}, echo);
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
  EXPECT_TRUE(client.send(std::string(20'000'000, 'x'))) << "reset while sending";
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpServerLimits, answers_431_to_endless_headers) {
  const auto server = start_server({}, echo);
  RawClient one_line(server->port());
  one_line.send(get("/", "X-Long: " + std::string(20'000, 'x') + "\r\n"));
  EXPECT_THAT(one_line.response(), StartsWith("HTTP/1.1 431 "));
  RawClient many_lines(server->port());
  std::string headers;
  for (int i = 0; i < 4000; ++i) headers += "X-" + std::to_string(i) + ": x\r\n";
  many_lines.send(get("/", headers));
  EXPECT_THAT(many_lines.response(), StartsWith("HTTP/1.1 431 "));
}

TEST(HttpServerLimits, answers_503_when_all_bodies_together_are_too_large) {
  const auto server = start_server({.max_body = 1 << 20, .max_bodies = 1 << 20}, echo);
  RawClient first(server->port()), second(server->port());
  for (RawClient* client : {&first, &second}) {
    client->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + std::string(600'000, 'x'));
  }
  // Whichever of the two made the sum too large is refused; the other one is served.
  const auto patience = std::chrono::steady_clock::now() + 10s;
  while (!first.readable(10ms) && !second.readable(10ms) && std::chrono::steady_clock::now() < patience) {
  }
  RawClient& refused = first.readable(0ms) ? first : second;
  RawClient& served = &refused == &first ? second : first;
  EXPECT_THAT(refused.response(), StartsWith("HTTP/1.1 503 "));
  served.send(std::string(400'000, 'x'));
  EXPECT_THAT(served.response(), StartsWith("HTTP/1.1 200 "));
  RawClient alone(server->port());
  alone.send(post("/", std::string(1 << 20, 'x')));
  EXPECT_THAT(alone.response(), StartsWith("HTTP/1.1 200 ")) << "what was refused still counts";
}

struct Slow {
  const char* what;
  std::string sent;
};

TEST(HttpServerLimits, closes_on_a_request_that_does_not_end_in_time) {
  const auto server = start_server({.idle_timeout = 60s, .request_timeout = 100ms}, echo);
  for (const Slow& slow :
       {Slow{"in its first line", "G"}, Slow{"in its headers", "GET / HTTP/1.1\r\nHost: loc"},
        Slow{"in its body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"},
        Slow{"in a chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}}) {
    RawClient client(server->port());
    const auto before = std::chrono::steady_clock::now();
    client.send(slow.sent);
    EXPECT_TRUE(client.ended()) << slow.what;
    EXPECT_GE(std::chrono::steady_clock::now() - before, 100ms) << slow.what;
  }
  expect_to_serve_others(*server);
}

TEST(HttpServerLimits, is_not_kept_busy_by_a_trickle) {
  const auto server = start_server({.idle_timeout = 60s, .request_timeout = 100ms}, echo);
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
  // Bytes now and then would keep a timer alive that starts anew with each read.
  int bytes = 0;
  while (bytes < 500 && !client.ended(10ms)) {
    client.send("x");
    ++bytes;
  }
  EXPECT_LT(bytes, 500);
}

TEST(HttpServerLimits, closes_idle_connections_before_and_between_requests) {
  const auto server = start_server({.idle_timeout = 100ms, .request_timeout = 60s}, echo);
  RawClient silent(server->port());
  EXPECT_TRUE(silent.ended());
  RawClient once(server->port());
  once.send(get("/"));
  EXPECT_THAT(once.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(once.ended());
}

TEST(HttpServerLimits, gives_up_a_connection_of_a_certain_age_with_an_answer_to_its_client) {
  const auto server = start_server({.connection_life = 30ms}, echo);
  RawClient client(server->port());
  std::string response;
  int answered = 0;
  do {
    client.send(get("/"));
    response = client.response();
    ASSERT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n")) << "request " << answered;
    ++answered;
  } while (response.find("\r\nConnection: close\r\n") == std::string::npos);
  EXPECT_TRUE(client.ended());
  const auto patient = start_server({.connection_life = 3600s}, echo);
  RawClient staying(patient->port());
  for (int i = 0; i < 20; ++i) {
    staying.send(get("/"));
    EXPECT_EQ(staying.response().find("Connection: close"), std::string::npos);
  }
}

TEST(HttpServerLimits, gives_up_on_a_client_that_does_not_read) {
  std::latch asked(1);
  const auto server = start_server({.request_timeout = 100ms}, [&asked](const HttpRequest&) {
    asked.count_down();
    HttpResponse response;
    response.body.assign(64u << 20, 'x');
    return response;
  });
  RawClient client(server->port());
  client.send(get("/"));
  asked.wait();
  const auto before = std::chrono::steady_clock::now();
  server->stop(60s);  // returns as soon as the last connection is gone
  EXPECT_LT(std::chrono::steady_clock::now() - before, 30s);
  EXPECT_EQ(client.response(), "") << "the whole response fitted into the socket buffers: make it larger";
}

TEST(HttpServerLimits, bounds_the_number_of_connections) {
  const auto server = start_server({.max_connections = 2}, echo);
  RawClient second(server->port());
  {
    RawClient first(server->port());
    for (RawClient* client : {&first, &second}) {
      client->send(get("/"));
      EXPECT_THAT(client->response(), StartsWith("HTTP/1.1 200 OK\r\n"));
    }
    RawClient third(server->port());
    EXPECT_TRUE(third.ended());
  }
  // The place of the first is free again once the server has seen it go.
  std::string response;
  for (const auto patience = std::chrono::steady_clock::now() + 10s;
       response.empty() && std::chrono::steady_clock::now() < patience;) {
    RawClient next(server->port());
    next.send(get("/"));
    response = next.response();
  }
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
}

}  // namespace
}  // namespace headroom::net
