#include "operator/controllers/probes.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "operator/controllers/tcp_connect.h"
#include "tests/controllers/test_world.h"
#include "tests/monitoring/fake_server.h"

namespace headroom::controllers {
namespace {

/// Answers what it is told.
struct FixedQueries final : monitoring::QuerySource {
  Answer answer;
  Answer ask(const std::string& /*region*/, const std::string& /*query*/) override { return answer; }
};

/// A listening socket on a free loopback port; the kernel accepts for it.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    listen(socket_, 8);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { hang_up(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  void hang_up() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  int port_ = 0;
};

struct Probing {
  FixedQueries queries;
  monitoring::OneServer web{[](const kube::Request&, const std::stop_token&) { return kube::Response{200, "", {}}; }};
  monitoring::TransportFactory connect = web.factory();
  NetworkProber prober{"mumbai", queries, connect};

  ProbeOutcome http(const std::string& url) {
    api::HealthProbe probe;
    probe.type = api::HealthProbe::Type::HTTP;
    probe.url = url;
    return prober.probe(probe, nullptr, {});
  }
};

TEST(HttpProbe, succeeds_from_200_to_399) {
  for (const auto& [status, healthy] :
       {std::pair{199, false}, {200, true}, {204, true}, {302, true}, {399, true}, {400, false}, {503, false}}) {
    Probing probing;
    probing.web.server->set_answer([code = status](const kube::Request&, const std::stop_token&) {
      return kube::Response{code, "", {}};
    });
    const ProbeOutcome outcome = probing.http("https://shop.example/health?deep=1");
    EXPECT_EQ(outcome.healthy, healthy) << status;
    EXPECT_NE(outcome.message.find(std::to_string(status)), std::string::npos);
    EXPECT_EQ(probing.web.server->requests().at(0).path, "/health?deep=1");
    EXPECT_EQ(probing.web.connections().at(0).server, "https://shop.example");
  }
}

TEST(HttpProbe, tells_the_failure_and_keeps_its_connection) {
  Probing probing;
  probing.web.server->set_answer([](const kube::Request&, const std::stop_token&) -> Result<kube::Response> {
    return Error{ErrorCode::Unavailable, "connection refused", 0, {}};
  });
  EXPECT_EQ(probing.http("http://shop.example").message, "connection refused");
  EXPECT_EQ(probing.web.server->requests().at(0).path, "/");
  probing.http("http://shop.example/other");
  EXPECT_EQ(probing.web.connections().size(), 1U);
}

TEST(HttpProbe, refuses_what_is_no_url) {
  Probing probing;
  EXPECT_FALSE(probing.http("ftp://shop.example/").healthy);
  EXPECT_FALSE(probing.http("shop.example").healthy);
  EXPECT_TRUE(probing.web.connections().empty());
}

TEST(PrometheusProbe, is_healthy_while_the_answer_is_neither_empty_nor_zero) {
  struct Row {
    monitoring::QuerySource::Answer answer;
    bool known, healthy;
  };
  const Row table[] = {{{1.0, "", true}, true, true},
                       {{-0.5, "", true}, true, true},
                       {{0.0, "", true}, true, false},
                       {{std::nullopt, "the answer is empty", true}, true, false},
                       {{std::nullopt, "", false}, false, false}};
  for (const Row& row : table) {
    Probing probing;
    probing.queries.answer = row.answer;
    api::HealthProbe probe;
    probe.type = api::HealthProbe::Type::Prometheus;
    const ProbeOutcome outcome = probing.prober.probe(probe, nullptr, {});
    EXPECT_EQ(outcome.known, row.known);
    EXPECT_EQ(outcome.healthy, row.healthy);
  }
}

TEST(ApiServerProbe, asks_readyz_within_its_timeout) {
  TestWorld home;
  const auto cluster = std::make_shared<Cluster>(
      "mumbai", client_of(home.server), home.clock, home.metrics, [](const api::ObjectKey&) {}, 1);
  Probing probing;
  api::HealthProbe probe;
  probe.timeout = absl::Milliseconds(50);
  EXPECT_FALSE(probing.prober.probe(probe, nullptr, {}).healthy) << "not connected";
  home.server->answer("/readyz", 200, "ok");
  EXPECT_TRUE(probing.prober.probe(probe, cluster, {}).healthy);
  home.server->answer("/readyz", 500, "etcd failed");
  EXPECT_NE(probing.prober.probe(probe, cluster, {}).message.find("500"), std::string::npos);
  home.server->set_hanging(true);
  const ProbeOutcome hanging = probing.prober.probe(probe, cluster, {});
  EXPECT_FALSE(hanging.healthy);
  EXPECT_NE(hanging.message.find("50 ms"), std::string::npos) << hanging.message;
}

TEST(TcpConnect, finds_out_whether_somebody_listens) {
  Listener listener;
  EXPECT_TRUE(connect_tcp(listener.address(), std::chrono::seconds(5), {}));
  listener.hang_up();
  const Status refused = connect_tcp(listener.address(), std::chrono::seconds(5), {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("refused"), std::string::npos) << refused.error().message;
}

TEST(TcpConnect, resolves_names_and_says_when_it_cannot) {
  const Listener listener;
  const std::string port = listener.address().substr(listener.address().find(':'));
  EXPECT_TRUE(connect_tcp("localhost" + port, std::chrono::seconds(5), {}));
  const Status unknown = connect_tcp("no-such-host.invalid" + port, std::chrono::seconds(2), {});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("no-such-host.invalid"), std::string::npos) << unknown.error().message;
}

TEST(TcpConnect, gives_up_at_once_when_it_is_stopped) {
  std::stop_source stop;
  stop.request_stop();
  // 192.0.2.0/24 is for documentation: nobody answers there.
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(connect_tcp("192.0.2.1:80", std::chrono::seconds(30), stop.get_token()));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST(TcpConnect, reads_addresses) {
  struct Row {
    const char *address, *host, *port;
  };
  constexpr Row kTable[] = {
      {"db.shop:5432", "db.shop", "5432"}, {"[::1]:80", "::1", "80"}, {"10.0.0.1:1", "10.0.0.1", "1"}};
  for (const Row& row : kTable) {
    const auto parsed = parse_host_port(row.address);
    ASSERT_TRUE(parsed) << row.address;
    EXPECT_EQ(parsed.value().host, row.host);
    EXPECT_EQ(parsed.value().port, row.port);
  }
  for (const char* bad : {"", "db", "db:", ":80", "db:http", "db:0", "db:65536", "::1:80", "[]:80"}) {
    EXPECT_FALSE(parse_host_port(bad)) << bad;
  }
}

TEST(SplitUrl, takes_path_and_query_apart_from_the_origin) {
  struct Row {
    const char *url, *origin, *path;
  };
  constexpr Row kTable[] = {{"http://a", "http://a", "/"},
                            {"http://a/b/c?d=e/f#g", "http://a", "/b/c?d=e/f"},
                            {"https://a:8443?x=1", "https://a:8443", "/?x=1"},
                            {"http://[::1]:80/x", "http://[::1]:80", "/x"}};
  for (const Row& row : kTable) {
    const auto split = split_url(row.url);
    ASSERT_TRUE(split) << row.url << ": " << split.error().message;
    EXPECT_EQ(split.value().origin, row.origin);
    EXPECT_EQ(split.value().path, row.path);
  }
}

}  // namespace
}  // namespace headroom::controllers
