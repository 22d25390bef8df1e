// What a well-behaved client sees.
#include "operator/net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/net/raw_client.h"
#include "tests/net/test_server.h"

namespace headroom::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(HttpServer, hands_the_request_to_its_handler_and_the_response_back) {
  const auto server = start_server({}, [](const HttpRequest& request) {
    HttpResponse response = echo(request);
    response.status = 202;
    response.content_type = "application/json";
    response.headers = {{"X-Kubernetes-Thing", "yes"}};
    return response;
  });
  RawClient client(server->port());
  client.send(post("/admit?timeout=5s", R"({"a":1})", "Authorization: Bearer abc\r\n"));
  const std::string response = client.response();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 202 Accepted\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nX-Kubernetes-Thing: yes\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\nPOST\n/admit?timeout=5s\napplication/json\nBearer abc\n{\"a\":1}"));
}

TEST(HttpServer, keeps_a_connection_open_from_request_to_request) {
  const auto server = start_server({}, echo);
  RawClient client(server->port());
  for (const char* body : {"first", "", "a longer third one"}) {
    ASSERT_TRUE(client.send(post("/", body)));
    const std::string response = client.response();
    EXPECT_THAT(response, EndsWith(std::string("/\napplication/json\n\n") + body));
    EXPECT_THAT(response, Not(HasSubstr("Connection: close")));
  }
}

TEST(HttpServer, forgets_the_former_request_of_a_connection) {
  const auto server = start_server({}, echo);
  RawClient client(server->port());
  client.send(post("/secret", "old body", "Authorization: Bearer old\r\n"));
  client.response();
  client.send(get("/next"));
  EXPECT_THAT(client.response(), EndsWith("\r\n\r\nGET\n/next\n\n\n"));
}

TEST(HttpServer, answers_pipelined_requests_in_order) {
  const auto server = start_server({}, echo);
  RawClient client(server->port());
  client.send(post("/1", "one") + get("/2") + post("/3", "three"));
  EXPECT_THAT(client.response(), EndsWith("one"));
  EXPECT_THAT(client.response(), HasSubstr("\n/2\n"));
  EXPECT_THAT(client.response(), EndsWith("three"));
}

TEST(HttpServer, reads_bodies_however_they_arrive) {
  const auto server = start_server({}, echo);
  const std::string large(300'000, 'x');
  {
    RawClient client(server->port());
    client.send(post("/", large));
    EXPECT_THAT(client.response(), EndsWith("\n" + large));
  }
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  client.send("7;ext=1\r\n, world\r\n0\r\n\r\n");
  EXPECT_THAT(client.response(), EndsWith("\nhello, world"));
  for (const char byte : post("/", "byte by byte")) client.send({&byte, 1});
  EXPECT_THAT(client.response(), EndsWith("\nbyte by byte"));
}

TEST(HttpServer, asks_for_the_body_of_a_client_that_waits_to_be_asked) {
  const auto server = start_server({}, echo);
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.response(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_THAT(client.response(), EndsWith("\nbody"));
}

TEST(HttpServer, closes_when_the_client_wants_it_to) {
  const auto server = start_server({}, echo);
  for (const std::string& request : {get("/", "Connection: close\r\n"), std::string("GET / HTTP/1.0\r\n\r\n"),
                                     std::string("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")}) {
    RawClient client(server->port());
    client.send(request);
    EXPECT_THAT(client.response(), HasSubstr("\r\nConnection: close\r\n")) << request;
    EXPECT_TRUE(client.ended()) << request;
  }
}

TEST(HttpServer, answers_head_with_headers_alone) {
  const auto server = start_server({}, echo);
  RawClient client(server->port());
  client.send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.response(true), HasSubstr("\r\nContent-Length: 16\r\n"));
  client.send(get("/after"));
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpServer, survives_a_handler_that_throws) {
  const auto server = start_server({}, [](const HttpRequest& request) {
    if (request.target == "/throw") throw std::runtime_error("secret detail");
    return echo(request);
  });
  RawClient client(server->port());
  client.send(get("/throw"));
  const std::string response = client.response();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_THAT(response, Not(HasSubstr("secret")));
  client.send(get("/"));
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpServer, serves_many_clients_on_several_threads) {
  std::atomic<int> served{0};
  const auto server = start_server({.threads = 3}, [&served](const HttpRequest& request) {
    ++served;
    return echo(request);
  });
  constexpr int kClients = 8, kRequests = 50;
  std::atomic<int> right{0};
  std::vector<std::jthread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      RawClient client(server->port());
      for (int j = 0; j < kRequests; ++j) {
        const std::string body = std::to_string(i) + "/" + std::to_string(j);
        client.send(post("/", body));
        if (client.response().ends_with("\n" + body)) ++right;
      }
    });
  }
  clients.clear();
  EXPECT_EQ(right, kClients * kRequests);
  EXPECT_EQ(served, kClients * kRequests);
}

TEST(HttpServer, says_why_it_cannot_listen) {
  const auto first = start_server({}, echo);
  const auto taken = HttpServer::start({.address = "127.0.0.1", .port = first->port()}, echo);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, ErrorCode::Unavailable);
  EXPECT_THAT(taken.error().message, HasSubstr("127.0.0.1 port " + std::to_string(first->port())));

  const auto nonsense = HttpServer::start({.address = "everywhere"}, echo);
  ASSERT_FALSE(nonsense.has_value());
  EXPECT_EQ(nonsense.error().code, ErrorCode::InvalidArgument);
  EXPECT_THAT(nonsense.error().message, HasSubstr("\"everywhere\""));
}

}  // namespace
}  // namespace headroom::net
