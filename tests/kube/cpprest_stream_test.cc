// Streams line by line, against a server that says when each byte comes.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "operator/kube/cpprest_transport.h"
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
using Line = std::optional<std::string>;

constexpr milliseconds kSlack{1500};

Result<std::unique_ptr<Stream>> open(const SocketServer& server, milliseconds timeout = seconds(10),
                                     std::stop_token stop = {}) {
  ClusterConfig config;
  config.server = server.url();
  Request request;
  request.path = "/api/v1/pods?watch=1";
  request.timeout = timeout;
  return make_transport(config).value()->open_stream(request, std::move(stop));
}

// Each line as it stands, then "<end>" or "<code>".
std::vector<std::string> read_all(Stream& stream) {
  std::vector<std::string> lines;
  for (;;) {
    const Result<Line> line = stream.read_line(seconds(10));
    if (!line || !line.value()) {
      lines.push_back(line ? "<end>" : "<" + std::string(to_string(line.error().code)) + ">");
      return lines;
    }
    lines.push_back(*line.value());
  }
}

SocketServer::Handler stream_of(std::vector<std::string> chunks, bool finish) {
  return [=](Peer& peer) {
    peer.request();
    peer.write(chunked_head());
    for (const std::string& one : chunks) peer.write(chunk(one));
    if (finish) peer.write(chunk(""));
  };
}

TEST(CpprestStream, gives_each_line_as_soon_as_it_is_there) {
  std::promise<void> first_read;
  SocketServer server([&](Peer& peer) {
    peer.request();
    peer.write(chunked_head() + chunk("{\"a\":1}\n{\"b\""));
    first_read.get_future().wait();
    peer.write(chunk(":2}\n") + chunk(""));
  });
  auto stream = open(server);
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_EQ(stream.value()->read_line(seconds(10)).value(), Line("{\"a\":1}"));
  first_read.set_value();
  EXPECT_EQ(stream.value()->read_line(seconds(10)).value(), Line("{\"b\":2}"));
  EXPECT_EQ(stream.value()->read_line(seconds(10)).value(), Line());
}

TEST(CpprestStream, opens_when_the_headers_are_here_although_no_line_is) {
  SocketServer server([](Peer& peer) {
    peer.request();
    peer.write(chunked_head());
    peer.client_leaves();
  });
  const auto start = SteadyClock::now();
  EXPECT_TRUE(open(server));
  EXPECT_LT(SteadyClock::now() - start, kSlack);
}

struct Split {
  const char* name;
  std::vector<std::string> chunks;
  bool finish;
  std::vector<std::string> lines;
};

class LineSplitting : public ::testing::TestWithParam<Split> {};

TEST_P(LineSplitting, yields_the_lines) {
  SocketServer server(stream_of(GetParam().chunks, GetParam().finish));
  auto stream = open(server);
  ASSERT_TRUE(stream);
  EXPECT_EQ(read_all(*stream.value()), GetParam().lines);
}

INSTANTIATE_TEST_SUITE_P(CpprestStream, LineSplitting,
                         ::testing::Values(Split{"no_line", {}, true, {"<end>"}},
                                           Split{"carriage_returns", {"a\r\nb\r\n"}, true, {"a", "b", "<end>"}},
                                           Split{"empty_lines", {"\n\na\n"}, true, {"", "", "a", "<end>"}},
                                           Split{"line_over_chunks", {"a", "b", "c\nd\n"}, true, {"abc", "d", "<end>"}},
                                           Split{"carriage_return_apart", {"a\r", "\nb\n"}, true, {"a", "b", "<end>"}},
                                           Split{"last_line_without_end", {"a\nb"}, true, {"a", "b", "<end>"}},
                                           Split{"broken_after_lines", {"a\nb\n"}, false, {"a", "b", "<Unavailable>"}},
                                           Split{"broken_within_a_line", {"a\nhal"}, false, {"a", "<Unavailable>"}}),
                         [](const auto& row) { return row.param.name; });

TEST(CpprestStream, reports_silence_after_the_idle_time) {
  SocketServer server([](Peer& peer) {
    peer.request();
    peer.write(chunked_head() + chunk("a\n"));
    peer.client_leaves();
  });
  auto stream = open(server);
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream.value()->read_line(seconds(10)));
  const auto start = SteadyClock::now();
  const auto line = stream.value()->read_line(milliseconds(150));
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, ErrorCode::Timeout);
  EXPECT_GE(SteadyClock::now() - start, milliseconds(150));
  EXPECT_LT(SteadyClock::now() - start, milliseconds(150) + kSlack);
}

TEST(CpprestStream, takes_a_line_that_trickles_in_for_longer_than_the_idle_time) {
  SocketServer server([](Peer& peer) {
    peer.request();
    peer.write(chunked_head());
    for (int i = 0; i < 20 && !peer.client_leaves(milliseconds(20)); ++i) peer.write(chunk("x"));
    peer.write(chunk("\n") + chunk(""));
  });
  auto stream = open(server);
  ASSERT_TRUE(stream);
  const auto line = stream.value()->read_line(milliseconds(200));
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line.value(), Line(std::string(20, 'x')));
}

TEST(CpprestStream, is_stopped_within_milliseconds) {
  std::promise<bool> left;
  SocketServer server([&](Peer& peer) {
    peer.request();
    peer.write(chunked_head());
    left.set_value(peer.client_leaves());
  });
  std::stop_source stop;
  auto stream = open(server, seconds(10), stop.get_token());
  ASSERT_TRUE(stream);
  std::atomic<SteadyClock::rep> stopped_at{0};
  std::promise<void> reading;
  std::jthread stopper([&] {
    reading.get_future().wait();
    stopped_at = SteadyClock::now().time_since_epoch().count();
    stop.request_stop();
  });
  reading.set_value();
  const auto line = stream.value()->read_line(seconds(10));
  const auto returned = SteadyClock::now().time_since_epoch();
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, ErrorCode::Cancelled);
  EXPECT_LT(returned - SteadyClock::duration(stopped_at), milliseconds(50));
  EXPECT_TRUE(left.get_future().get());
}

TEST(CpprestStream, closes_its_connection_when_it_is_destroyed) {
  std::promise<bool> left;
  SocketServer server([&](Peer& peer) {
    peer.request();
    peer.write(chunked_head() + chunk("a\n"));
    left.set_value(peer.client_leaves());
  });
  auto stream = open(server);
  ASSERT_TRUE(stream);
  stream.value().reset();
  EXPECT_TRUE(left.get_future().get());
}

TEST(CpprestStream, takes_lines_of_tens_of_megabytes_and_refuses_endless_ones) {
  const std::string long_line(20 << 20, 'x');
  const std::string too_long((64 << 20) + 1, 'y');
  SocketServer server([&](Peer& peer) {
    peer.request();
    peer.write(chunked_head() + chunk(long_line + "\nnext\n"));
    peer.write(chunk(too_long));
    peer.client_leaves();
  });
  auto stream = open(server);
  ASSERT_TRUE(stream);
  EXPECT_TRUE(stream.value()->read_line(seconds(30)).value() == Line(long_line));
  EXPECT_EQ(stream.value()->read_line(seconds(30)).value(), Line("next"));
  const auto line = stream.value()->read_line(seconds(30));
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, ErrorCode::InvalidArgument) << line.error().message;
}

TEST(CpprestStream, holds_the_server_back_while_nobody_reads_and_loses_nothing) {
  constexpr int kLines = 4000;
  const std::string line(16 << 10, 'z');  // 64 MiB in all
  std::atomic<int> written{0};
  SocketServer server([&](Peer& peer) {
    peer.request();
    peer.write(chunked_head());
    for (; written < kLines && peer.write(chunk(line + "\n")); ++written) {
    }
    peer.write(chunk(""));
  });
  auto stream = open(server);
  ASSERT_TRUE(stream);
  // Until the server is stuck, that is, has written nothing for a while.
  for (int before = -1; before != written;) {
    before = written;
    std::this_thread::sleep_for(milliseconds(300));
  }
  EXPECT_LT(written, kLines / 2) << "more than half of 64 MiB was taken although nobody reads";
  int read = 0;
  while (const Line one = stream.value()->read_line(seconds(10)).value()) {
    EXPECT_TRUE(*one == line);
    ++read;
  }
  EXPECT_EQ(read, kLines);
}

TEST(CpprestStream, returns_the_servers_refusal_as_an_error_of_its_class) {
  const std::string status = R"({"kind":"Status","reason":"Expired","code":410,"message":"too old resource version"})";
  SocketServer server(testing::always(http_response(410, status)));
  const auto stream = open(server);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, ErrorCode::Gone);
  EXPECT_EQ(stream.error().http_status, 410);
  EXPECT_NE(stream.error().message.find("GET /api/v1/pods: 410 Expired: too old resource version"), std::string::npos)
      << stream.error().message;
}

TEST(CpprestStream, gives_up_opening_at_the_deadline) {
  SocketServer silent([](Peer& peer) {
    peer.request();
    peer.client_leaves();
  });
  SocketServer endless_refusal([](Peer& peer) {
    peer.request();
    peer.write(chunked_head(503) + chunk("{\"kind\":"));
    peer.client_leaves();
  });
  for (const SocketServer* server : {&silent, &endless_refusal}) {
    const auto start = SteadyClock::now();
    const auto stream = open(*server, milliseconds(200));
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().code, ErrorCode::Timeout) << stream.error().message;
    EXPECT_LT(SteadyClock::now() - start, milliseconds(200) + kSlack);
  }
}

}  // namespace
}  // namespace headroom::kube
