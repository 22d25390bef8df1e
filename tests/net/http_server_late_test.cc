// Answers that come after the handler has returned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "operator/net/http_server.h"
#include "tests/net/certificate.h"
#include "tests/net/raw_client.h"
#include "tests/net/test_server.h"

namespace headroom::net {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A handler that keeps the requests below /late for the test to answer, and echoes the others at once.
class Parking {
 public:
  void operator()(const HttpRequest& request, Responder responder) {
    if (!request.target.starts_with("/late")) return responder.answer(echo(request));
    const std::lock_guard guard(mutex_);
    parked_.push_back(std::move(responder));
    arrived_.notify_all();
  }

  Responder next() {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, 10s, [this] { return !parked_.empty(); })) std::abort();
    Responder first = std::move(parked_.front());
    parked_.pop_front();
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Responder> parked_;
};

HttpResponse saying(const std::string& body) {
  HttpResponse response;
  response.body = body;
  return response;
}

bool is_gone_in_time(const Responder& responder) {
  for (const auto patience = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < patience;) {
    if (responder.gone()) return true;
    std::this_thread::yield();
  }
  return false;
}

TEST(HttpServerLate, answers_from_another_thread_and_serves_others_meanwhile) {
  Parking parking;
  const auto server = start_server({}, std::ref(parking));
  RawClient waiting(server->port()), other(server->port());
  for (const std::string& round : {std::string("first"), std::string("second")}) {
    waiting.send(post("/late", round));
    Responder responder = parking.next();
    EXPECT_FALSE(responder.gone());
    other.send(get("/"));
    EXPECT_THAT(other.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_FALSE(waiting.readable(0ms));
    responder.answer(saying(round));
    EXPECT_TRUE(responder.gone());
    responder.answer(saying("once more"));
    EXPECT_THAT(waiting.response(), EndsWith("\r\n\r\n" + round));
  }
}

TEST(HttpServerLate, answers_over_tls) {
  const Certificate certificate = self_signed();
  ServerOptions options;
  options.certificate_pem = certificate.certificate_pem;
  options.key_pem = certificate.key_pem;
  Parking parking;
  const auto server = start_server(options, std::ref(parking));
  RawClient client(server->port(), RawClient::Tls::Newest, certificate.certificate_pem);
  for (const std::string& round : {std::string("first"), std::string(100'000, 'x')}) {
    client.send(post("/late", round));
    parking.next().answer(saying(round));
    EXPECT_THAT(client.response(), EndsWith("\r\n\r\n" + round));
  }
}

TEST(HttpServerLate, keeps_pipelined_requests_in_order) {
  Parking parking;
  const auto server = start_server({}, std::ref(parking));
  RawClient client(server->port());
  client.send(get("/late/1") + get("/2") + get("/late/3") + "HEAD /late/4 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/5"));
  parking.next().answer(saying("one"));
  EXPECT_THAT(client.response(), EndsWith("one"));
  EXPECT_THAT(client.response(), HasSubstr("\n/2\n"));
  EXPECT_FALSE(client.readable(0ms));
  parking.next().answer(saying("three"));
  EXPECT_THAT(client.response(), EndsWith("three"));
  parking.next().answer(saying("four"));
  EXPECT_THAT(client.response(true), HasSubstr("\r\nContent-Length: 4\r\n"));
  EXPECT_THAT(client.response(), HasSubstr("\n/5\n"));
}

TEST(HttpServerLate, closes_after_the_answer_when_the_client_wants_it_to) {
  Parking parking;
  const auto server = start_server({}, std::ref(parking));
  RawClient client(server->port());
  client.send(get("/late", "Connection: close\r\n"));
  parking.next().answer(saying("bye"));
  EXPECT_THAT(client.response(), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.ended());
}

TEST(HttpServerLate, answers_500_when_a_responder_is_dropped) {
  Parking parking;
  const auto server = start_server({}, [&parking](const HttpRequest& request, Responder responder) {
    if (request.target == "/drop") return;
    if (request.target == "/throw") throw std::runtime_error("secret detail");
    parking(request, std::move(responder));
  });
  RawClient client(server->port());
  for (const char* target : {"/drop", "/throw", "/late"}) {
    client.send(get(target));
    if (target == std::string("/late")) parking.next();  // and lost
    const std::string response = client.response();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 500 Internal Server Error\r\n")) << target;
    EXPECT_THAT(response, Not(HasSubstr("secret")));
  }
  client.send(get("/late"));
  Responder kept = parking.next();
  RawClient second(server->port());
  second.send(get("/late"));
  kept = parking.next();  // the one that it held before is dropped
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 500 "));
  kept.answer(saying("kept"));
  EXPECT_THAT(second.response(), EndsWith("kept"));
}

TEST(HttpServerLate, waits_for_a_responder_that_was_kept_by_a_handler_that_threw) {
  Parking parking;
  const auto server = start_server({}, [&parking](const HttpRequest& request, Responder responder) {
    parking(request, std::move(responder));
    throw std::runtime_error("after the fact");
  });
  RawClient client(server->port());
  client.send(get("/late"));
  parking.next().answer(saying("all the same"));
  EXPECT_THAT(client.response(), EndsWith("all the same"));
  client.send(get("/at-once"));
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpServerLate, answers_503_when_the_time_for_the_answer_is_over_and_drops_the_answer) {
  Parking parking;
  const auto server = start_server({.request_timeout = 60s, .answer_timeout = 50ms}, std::ref(parking));
  RawClient client(server->port());
  const auto before = std::chrono::steady_clock::now();
  client.send(get("/late/1"));
  Responder too_late = parking.next();
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_GE(std::chrono::steady_clock::now() - before, 50ms);
  EXPECT_TRUE(too_late.gone());
  // The connection is in its next turn: the late answer must not become that one's.
  client.send(get("/late/2"));
  Responder second = parking.next();
  too_late.answer(saying("too late"));
  second.answer(saying("in time"));
  EXPECT_THAT(client.response(), EndsWith("in time"));
}

TEST(HttpServerLate, drops_an_answer_that_comes_between_two_requests) {
  Parking parking;
  const auto server = start_server({.request_timeout = 60s, .answer_timeout = 50ms}, std::ref(parking));
  RawClient client(server->port());
  client.send(get("/late"));
  Responder too_late = parking.next();
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 503 "));
  too_late.answer(saying("too late"));
  client.send(get("/next"));
  EXPECT_THAT(client.response(), HasSubstr("\n/next\n"));
}

TEST(HttpServerLate, tells_when_the_client_has_gone_and_frees_its_place) {
  Parking parking;
  const auto server = start_server({.request_timeout = 80ms, .answer_timeout = 60s, .max_connections = 1},
                                   std::ref(parking));  // looks at its connections every 10 ms
  std::optional<RawClient> client(server->port());
  client->send(get("/late"));
  Responder responder = parking.next();
  EXPECT_FALSE(responder.gone());
  client.reset();
  EXPECT_TRUE(is_gone_in_time(responder));
  responder.answer(saying("to nobody"));
  std::string response;
  for (const auto patience = std::chrono::steady_clock::now() + 10s;
       response.empty() && std::chrono::steady_clock::now() < patience;) {
    RawClient next(server->port());
    next.send(get("/"));
    response = next.response();
  }
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpServerLate, tells_an_observer_of_every_request_and_its_end) {
  class Recorder final : public RequestObserver {
   public:
    void begins(const HttpRequest& request) override { tell(request.target + " begins"); }
    void ends(const HttpRequest& request, int status, std::chrono::nanoseconds took) override {
      tell(request.target + (took >= 0ns && took < 60s ? " ends " : " took nonsense ") + std::to_string(status));
    }
    std::vector<std::string> first(std::size_t count) {
      std::unique_lock lock(mutex_);
      told_.wait_for(lock, 10s, [&] { return lines_.size() >= count; });
      return lines_;
    }

   private:
    void tell(std::string line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::move(line));
      told_.notify_all();
    }
    std::mutex mutex_;
    std::condition_variable told_;
    std::vector<std::string> lines_;
  } recorder;
  Parking parking;
  const auto server =
      start_server({.request_timeout = 80ms, .answer_timeout = 60s, .observer = &recorder}, std::ref(parking));
  RawClient client(server->port());
  client.send(get("/1") + get("/late/2"));
  HttpResponse busy = saying("busy");
  busy.status = 503;
  parking.next().answer(std::move(busy));
  EXPECT_THAT(client.response(), HasSubstr("\n/1\n"));
  EXPECT_THAT(client.response(), EndsWith("busy"));
  RawClient garbage(server->port());
  garbage.send("nonsense\r\n\r\n");  // no handler sees it
  EXPECT_THAT(garbage.response(), StartsWith("HTTP/1.1 400"));
  client.send(get("/late/3"));
  const Responder waiting = parking.next();
  server->stop(0ms);
  EXPECT_THAT(recorder.first(6), testing::ElementsAre("/1 begins", "/1 ends 200", "/late/2 begins", "/late/2 ends 503",
                                                      "/late/3 begins", "/late/3 ends 0"));
}

TEST(HttpServerLate, still_answers_a_client_that_has_only_ended_sending) {
  Parking parking;
  const auto server = start_server({.request_timeout = 80ms, .answer_timeout = 60s}, std::ref(parking));
  RawClient client(server->port());
  client.send(get("/late"));
  client.end_sending();
  Responder responder = parking.next();
  EXPECT_TRUE(is_gone_in_time(responder)) << "most that do this have given up";
  responder.answer(saying("all the same"));
  EXPECT_THAT(client.response(), EndsWith("all the same"));
}

TEST(HttpServerLate, does_not_hold_the_bodies_of_requests_that_wait) {
  Parking parking;
  const auto server = start_server({.max_body = 1 << 20, .max_bodies = 1 << 20}, std::ref(parking));
  RawClient first(server->port()), second(server->port());
  first.send(post("/late/1", std::string(900'000, 'x')));
  Responder one = parking.next();
  second.send(post("/late/2", std::string(900'000, 'x')));
  parking.next().answer(saying("two"));
  EXPECT_THAT(second.response(), EndsWith("two"));
  one.answer(saying("one"));
  EXPECT_THAT(first.response(), EndsWith("one"));
}

TEST(HttpServerLate, drains_until_the_answers_are_there) {
  Parking parking;
  const auto server = start_server({}, std::ref(parking));
  RawClient client(server->port());
  client.send(get("/late"));
  Responder responder = parking.next();
  std::jthread stopping([&] { server->stop(60s); });
  while (RawClient(server->port()).connected()) std::this_thread::yield();
  EXPECT_FALSE(responder.gone());
  responder.answer(saying("last words"));
  const std::string response = client.response();
  EXPECT_THAT(response, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(response, EndsWith("last words"));
  EXPECT_TRUE(client.ended());
}

TEST(HttpServerLate, does_not_drain_longer_than_it_may_and_survives_answers_after_its_end) {
  Parking parking;
  auto server = start_server({.threads = 2}, std::ref(parking));
  RawClient client(server->port()), other(server->port());
  client.send(get("/late"));
  Responder first = parking.next();
  other.send(get("/late"));
  Responder second = parking.next();
  const auto before = std::chrono::steady_clock::now();
  server->stop(20ms);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(first.gone());
  first.answer(saying("too late"));
  server.reset();
  EXPECT_TRUE(second.gone());
  second.answer(saying("much too late"));
}

TEST(HttpServerLate, gives_each_of_many_clients_its_own_answer) {
  std::mutex mutex;
  std::condition_variable_any arrived;
  std::deque<std::pair<std::string, Responder>> queue;
  const auto server = start_server({.threads = 2}, [&](const HttpRequest& request, Responder responder) {
    if (request.body.ends_with('0')) return responder.answer(saying(request.body));
    const std::lock_guard guard(mutex);
    queue.emplace_back(request.body, std::move(responder));
    arrived.notify_one();
  });
  std::jthread answering[2];
  for (std::jthread& thread : answering) {
    thread = std::jthread([&](const std::stop_token& stop) {
      for (;;) {
        std::unique_lock lock(mutex);
        if (!arrived.wait(lock, stop, [&] { return !queue.empty(); })) return;
        auto [body, responder] = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        responder.answer(saying(body));
      }
    });
  }
  constexpr int kClients = 8, kRequests = 50;
  std::atomic<int> right{0};
  std::vector<std::jthread> clients;
  clients.reserve(kClients);
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      RawClient client(server->port());
      for (int j = 0; j < kRequests; ++j) {
        const std::string body = std::to_string(i) + "/" + std::to_string(j);
        client.send(post("/", body));
        if (client.response().ends_with("\r\n\r\n" + body)) ++right;
      }
    });
  }
  clients.clear();
  EXPECT_EQ(right, kClients * kRequests);
}

TEST(HttpServerLate, leaves_room_to_read_behind_every_body) {
  const auto server = start_server({}, [](const HttpRequest& request) {
    return saying(request.body.capacity() >= request.body.size() + kBodyPadding ? "room" : "none");
  });
  RawClient client(server->port());
  for (const std::size_t size : {0, 1, 15, 16, 63, 64, 2200, 100'000}) {
    client.send(post("/", std::string(size, 'x')));
    EXPECT_THAT(client.response(), EndsWith("room")) << size;
  }
  client.send(get("/"));
  EXPECT_THAT(client.response(), EndsWith("room"));
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n" + std::string(256, 'x') +
              "\r\n0\r\n\r\n");
  EXPECT_THAT(client.response(), EndsWith("room"));
}

}  // namespace
}  // namespace headroom::net
