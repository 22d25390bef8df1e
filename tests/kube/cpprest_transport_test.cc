// The transport against a server that misbehaves on purpose, over plain TCP.
#include "operator/kube/cpprest_transport.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "tests/kube/socket_server.h"

namespace headroom::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::chunk;
using testing::chunked_head;
using testing::http_response;
using testing::SocketServer;
using Peer = SocketServer::Peer;
using SteadyClock = std::chrono::steady_clock;

std::shared_ptr<Transport> transport_to(const std::string& url) {
  ClusterConfig config;
  config.server = url;
  auto transport = make_transport(config);
  EXPECT_TRUE(transport) << transport.error().message;
  return transport.value();
}

Request get(std::string path = "/", milliseconds timeout = seconds(10)) {
  Request request;
  request.path = std::move(path);
  request.timeout = timeout;
  return request;
}

Request patch(std::string body = "{}", milliseconds timeout = seconds(10)) {
  Request request = get("/object", timeout);
  request.method = Method::Patch;
  request.body = std::move(body);
  request.content_type = "application/merge-patch+json";
  return request;
}

milliseconds since(SteadyClock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(SteadyClock::now() - start);
}

// Generous: a sanitizer build on a loaded machine is slow; a deadline that is not kept at all takes ten seconds.
constexpr milliseconds kSlack{1500};

TEST(CpprestTransport, sends_what_it_was_given_and_returns_status_body_and_retry_after) {
  std::promise<std::string> received;
  SocketServer server([&](Peer& peer) {
    received.set_value(*peer.request());
    peer.write(http_response(429, "slow down", "Retry-After: 7\r\n"));
  });
  Request request = patch(R"({"a":1})");
  request.path = "/apis/x%2Fy?fieldManager=headroom&labelSelector=a%3Db%2Cc";
  request.headers = {{"X-Own", "yes"}};
  const auto response = transport_to(server.url() + "/prefix/")->send(request, {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response.value().status, 429);
  EXPECT_EQ(response.value().body, "slow down");
  EXPECT_EQ(response.value().retry_after, seconds(7));

  const std::string text = received.get_future().get();
  EXPECT_EQ(text.substr(0, text.find("\r\n")),
            "PATCH /prefix/apis/x%2Fy?fieldManager=headroom&labelSelector=a%3Db%2Cc HTTP/1.1");
  EXPECT_NE(text.find("Host:127.0.0.1:" + std::to_string(server.port()) + "\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Content-Type:application/merge-patch+json\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Accept:application/json\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("X-Own:yes\r\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("Transfer-Encoding"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\n{\"a\":1}")) << text;
}

TEST(CpprestTransport, keeps_a_connection_for_the_next_request_of_any_thread) {
  SocketServer server(testing::always(http_response(200, "{}")));
  const auto transport = transport_to(server.url());
  for (int i = 0; i < 5; ++i) {
    std::thread([&] { EXPECT_TRUE(transport->send(patch(), {})); }).join();
  }
  // A request that follows at once may come before the library has put the connection back.
  EXPECT_LE(server.connections(), 2);
}

TEST(CpprestTransport, takes_a_body_of_several_megabytes_and_bodies_in_chunks) {
  const std::string body(9 << 20, 'x');
  SocketServer server([&](Peer& peer) {
    peer.request();
    peer.write(http_response(200, body));
    peer.request();
    peer.write(chunked_head() + chunk(body) + chunk("tail") + chunk(""));
    peer.client_leaves();
  });
  const auto transport = transport_to(server.url());
  const auto whole = transport->send(get(), {});
  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole.value().body == body);
  const auto chunks = transport->send(get(), {});
  ASSERT_TRUE(chunks);
  EXPECT_TRUE(chunks.value().body == body + "tail");
}

TEST(CpprestTransport, sends_a_body_of_several_megabytes) {
  const std::string body(5 << 20, 'y');
  std::promise<std::string> received;
  SocketServer server([&](Peer& peer) {
    received.set_value(*peer.request());
    peer.write(http_response(200, "{}"));
  });
  ASSERT_TRUE(transport_to(server.url())->send(patch(body), {}));
  EXPECT_TRUE(received.get_future().get().ends_with("\r\n\r\n" + body));
}

TEST(CpprestTransport, reaches_ipv6_addresses) {
  std::promise<std::string> received;
  SocketServer::Options options;
  options.ipv6 = true;
  SocketServer server(
      [&](Peer& peer) {
        received.set_value(*peer.request());
        peer.write(http_response(200, "six"));
      },
      options);
  const auto response = transport_to(server.url())->send(get(), {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response.value().body, "six");
  const std::string host = "Host:[::1]:" + std::to_string(server.port()) + "\r\n";
  EXPECT_NE(received.get_future().get().find(host), std::string::npos);
}

TEST(CpprestTransport, does_not_follow_redirects) {
  SocketServer server(testing::always(http_response(302, "", "Location: http://127.0.0.1:1/elsewhere\r\n")));
  const auto response = transport_to(server.url())->send(get(), {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response.value().status, 302);
}

// --- deadlines ---

struct Silence {
  const char* name;
  const char* before;  // what the server says before it falls silent
};

class SilentServer : public ::testing::TestWithParam<Silence> {};

TEST_P(SilentServer, ends_a_request_at_its_deadline) {
  SocketServer server([](Peer& peer) {
    peer.request();
    peer.write(GetParam().before);
    peer.client_leaves();
  });
  const auto start = SteadyClock::now();
  const auto response = transport_to(server.url())->send(get("/", milliseconds(200)), {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Timeout) << response.error().message;
  EXPECT_NE(response.error().message.find("within 200 ms"), std::string::npos) << response.error().message;
  EXPECT_NE(response.error().message.find("127.0.0.1:"), std::string::npos) << response.error().message;
  EXPECT_GE(since(start), milliseconds(200));
  EXPECT_LT(since(start), milliseconds(200) + kSlack);
}

INSTANTIATE_TEST_SUITE_P(
    CpprestTransport, SilentServer,
    ::testing::Values(Silence{"says_nothing", ""}, Silence{"stops_in_the_headers", "HTTP/1.1 200 OK\r\nContent-"},
                      Silence{"stops_in_the_body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"},
                      Silence{"stops_in_a_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"}),
    [](const auto& row) { return row.param.name; });

TEST(CpprestTransport, ends_a_request_at_its_deadline_although_bytes_keep_trickling_in) {
  SocketServer server([](Peer& peer) {
    peer.request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (!peer.client_leaves(milliseconds(20)) && peer.write("x")) {
    }
  });
  const auto start = SteadyClock::now();
  const auto response = transport_to(server.url())->send(get("/", milliseconds(300)), {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Timeout);
  EXPECT_LT(since(start), milliseconds(300) + kSlack);
}

TEST(CpprestTransport, closes_the_connection_of_a_request_it_gave_up) {
  std::promise<bool> left;
  SocketServer server([&](Peer& peer) {
    peer.request();
    left.set_value(peer.client_leaves());
  });
  EXPECT_FALSE(transport_to(server.url())->send(get("/", milliseconds(50)), {}));
  EXPECT_TRUE(left.get_future().get());
}

TEST(CpprestTransport, leaves_other_requests_alone_when_one_runs_out_of_time) {
  SocketServer server([](Peer& peer) {
    while (const auto request = peer.request()) {
      if (request->starts_with("GET /hang"))
        peer.client_leaves();
      else
        peer.write(http_response(200, "{}"));
    }
  });
  const auto transport = transport_to(server.url());
  std::jthread hanging([&] { EXPECT_FALSE(transport->send(get("/hang", milliseconds(300)), {})); });
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(transport->send(get("/fine"), {}));
}

// --- cancellation ---

TEST(CpprestTransport, returns_within_milliseconds_when_it_is_stopped) {
  std::stop_source stop;
  std::promise<void> asked;
  SocketServer server([&](Peer& peer) {
    peer.request();
    asked.set_value();
    peer.client_leaves();
  });
  std::atomic<SteadyClock::rep> stopped_at{0};
  std::jthread stopper([&] {
    asked.get_future().wait();
    stopped_at = SteadyClock::now().time_since_epoch().count();
    stop.request_stop();
  });
  const auto response = transport_to(server.url())->send(get(), stop.get_token());
  const auto returned = SteadyClock::now().time_since_epoch();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Cancelled);
  EXPECT_LT(returned - SteadyClock::duration(stopped_at), milliseconds(50));
}

TEST(CpprestTransport, sends_nothing_when_it_was_stopped_before) {
  SocketServer server(testing::always(http_response(200, "{}")));
  std::stop_source stop;
  stop.request_stop();
  const auto response = transport_to(server.url())->send(get(), stop.get_token());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(server.connections(), 0);
}

// --- connections that break ---

TEST(CpprestTransport, uses_a_new_connection_when_the_kept_one_was_closed_by_the_server_in_the_meantime) {
  std::atomic<int> answered{0};
  std::latch first_closed(1);
  SocketServer server([&](Peer& peer) {
    if (!peer.request()) return;
    ++answered;
    peer.write(http_response(200, "{}"));
    // The first connection is closed after one request, without a word.
    if (peer.number() > 0)
      peer.client_leaves();
    else
      first_closed.count_down();
  });
  const auto transport = transport_to(server.url());
  ASSERT_TRUE(transport->send(patch(), {}));
  first_closed.wait();
  // A write must not be lost to a connection that is known to be gone, nor sent twice.
  const auto second = transport->send(patch(), {});
  EXPECT_TRUE(second) << second.error().message;
  EXPECT_EQ(answered, 2);
}

TEST(CpprestTransport, survives_the_end_of_all_kept_connections) {
  std::latch all_answered(16), closed(16);
  std::atomic<bool> restarted{false};
  SocketServer server([&](Peer& peer) {
    if (!peer.request()) return;
    if (!restarted) all_answered.arrive_and_wait();  // so that there are sixteen
    peer.write(http_response(200, "{}"));
    if (!restarted) {
      closed.count_down();
      return;
    }
    while (peer.request() && peer.write(http_response(200, "{}"))) {
    }
  });
  const auto transport = transport_to(server.url());
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) threads.emplace_back([&] { EXPECT_TRUE(transport->send(patch(), {})); });
  }
  closed.wait();
  restarted = true;
  for (int i = 0; i < 20; ++i) {
    const auto response = transport->send(patch(), {});
    EXPECT_TRUE(response) << response.error().message;
  }
}

TEST(CpprestTransport, does_not_repeat_a_write_that_may_have_landed) {
  std::atomic<int> requests{0};
  SocketServer server([&](Peer& peer) {
    if (!peer.request()) return;
    ++requests;
    peer.write(http_response(200, "{}"));
    // Kept, and then closed only once the next request is here: it may have been carried out.
    if (!peer.request()) return;
    ++requests;
    peer.reset();
  });
  const auto transport = transport_to(server.url());
  ASSERT_TRUE(transport->send(patch(), {}));
  const auto second = transport->send(patch(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Timeout) << second.error().message;
  EXPECT_NE(second.error().message.find("unknown"), std::string::npos) << second.error().message;
  EXPECT_EQ(requests, 2);
}

TEST(CpprestTransport, repeats_a_read_on_a_new_connection_when_the_kept_one_breaks) {
  SocketServer server([&](Peer& peer) {
    if (!peer.request()) return;
    peer.write(http_response(200, "{}"));
    if (!peer.request()) return;
    if (peer.number() == 0) return;
    peer.write(http_response(200, "{}"));
  });
  const auto transport = transport_to(server.url());
  ASSERT_TRUE(transport->send(get(), {}));
  const auto second = transport->send(get(), {});
  EXPECT_TRUE(second) << second.error().message;
}

struct Break {
  const char* name;
  const char* before;
  bool reset;
  Method method;
  ErrorCode code;
  const char* says;
};

class BreakingServer : public ::testing::TestWithParam<Break> {};

TEST_P(BreakingServer, is_reported_by_what_became_of_the_request) {
  SocketServer server([](Peer& peer) {
    peer.request();
    peer.write(GetParam().before);
    if (GetParam().reset) peer.reset();
  });
  Request request = GetParam().method == Method::Get ? get() : patch();
  request.method = GetParam().method;
  const auto response = transport_to(server.url())->send(request, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, GetParam().code) << response.error().message;
  EXPECT_NE(response.error().message.find(GetParam().says), std::string::npos) << response.error().message;
  EXPECT_NE(response.error().message.find("127.0.0.1:" + std::to_string(server.port())), std::string::npos)
      << response.error().message;
}

constexpr char kHalfBody[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
constexpr char kHalfChunk[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf";
INSTANTIATE_TEST_SUITE_P(
    CpprestTransport, BreakingServer,
    ::testing::Values(
        Break{"read_without_answer", "", false, Method::Get, ErrorCode::Unavailable, "instead of answering"},
        Break{"write_without_answer", "", false, Method::Patch, ErrorCode::Timeout, "is unknown"},
        Break{"read_reset", "", true, Method::Get, ErrorCode::Unavailable, "instead of answering"},
        Break{"write_reset", "", true, Method::Post, ErrorCode::Timeout, "is unknown"},
        Break{"read_with_half_a_body", kHalfBody, false, Method::Get, ErrorCode::Unavailable, "broke off"},
        Break{"write_with_half_a_body", kHalfBody, false, Method::Put, ErrorCode::Timeout, "broke off"},
        Break{"read_with_half_a_chunk", kHalfChunk, false, Method::Get, ErrorCode::Unavailable, "broke off"},
        Break{"no_http", "SSH-2.0-OpenSSH_9.2\r\n\r\n", false, Method::Get, ErrorCode::Internal, "not HTTP"},
        Break{"bad_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, Method::Get,
              ErrorCode::Internal, "not HTTP"}),
    [](const auto& row) { return row.param.name; });

TEST(CpprestTransport, tells_a_refused_connection_from_an_unknown_name) {
  std::uint16_t port = 0;
  {
    port = SocketServer([](Peer&) {}).port();
  }
  const auto refused = transport_to("http://127.0.0.1:" + std::to_string(port))->send(patch(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unavailable) << "it surely did not land";
  EXPECT_NE(refused.error().message.find("refused"), std::string::npos) << refused.error().message;

  const auto unknown = transport_to("http://no-such-host.invalid:80")->send(patch(), {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::Unavailable);
  EXPECT_NE(unknown.error().message.find("cannot be resolved"), std::string::npos) << unknown.error().message;
}

TEST(CpprestTransport, refuses_a_path_that_is_no_path) {
  SocketServer server(testing::always(http_response(200, "{}")));
  for (const char* path : {"", "api", "/with space", "/line\r\nEvil: yes"}) {
    const auto response = transport_to(server.url())->send(get(path), {});
    ASSERT_FALSE(response) << path;
    EXPECT_EQ(server.connections(), 0) << path;
  }
}

}  // namespace
}  // namespace headroom::kube
