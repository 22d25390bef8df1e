// TLS and credentials of the transport: whom it trusts, what it shows, and what it says when that goes wrong.
#include <gtest/gtest.h>

#include <atomic>

#include <future>
#include <mutex>
#include <thread>

#include "operator/kube/cpprest_transport.h"
#include "tests/kube/socket_server.h"
#include "tests/kube/temporary_folder.h"

namespace headroom::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::CertificatePair;
using testing::http_response;
using testing::SocketServer;
using testing::TemporaryFolder;
using testing::TestAuthority;
using Peer = SocketServer::Peer;

const TestAuthority& authority() {
  static const TestAuthority one;
  return one;
}

SocketServer::Options tls(const TestAuthority::Wanted& wanted = {}, const TestAuthority& by = authority()) {
  SocketServer::Options options;
  options.tls = by.issue(wanted);
  return options;
}

ClusterConfig trusting(const SocketServer& server, const TestAuthority& trusted = authority()) {
  ClusterConfig config;
  config.server = server.url();
  config.ca_pem = trusted.pem();
  return config;
}

Result<Response> fetch(Transport& transport, milliseconds timeout = seconds(10)) {
  Request request;
  request.path = "/version";
  request.timeout = timeout;
  return transport.send(request, {});
}

Result<Response> fetch(const ClusterConfig& config) {
  auto transport = make_transport(config);
  if (!transport) return transport.error();
  return fetch(*transport.value());
}

// Answers each request with the Authorization header it came with.
void echo_authorization(Peer& peer) {
  while (const auto request = peer.request()) {
    const std::size_t at = request->find("Authorization:");
    const std::string value =
        at == std::string::npos ? "none" : request->substr(at + 14, request->find("\r\n", at) - at - 14);
    peer.write(http_response(value == "Bearer bad" ? 401 : 200, value));
  }
}

TEST(CpprestTls, trusts_a_server_of_the_given_authority_by_address_and_keeps_the_connection) {
  SocketServer server(testing::always(http_response(200, "{}")), tls());
  auto transport = make_transport(trusting(server)).value();
  for (int i = 0; i < 10; ++i) {
    const auto response = fetch(*transport);
    ASSERT_TRUE(response) << response.error().message;
  }
  EXPECT_LE(server.connections(), 2);
}

TEST(CpprestTls, asks_for_and_verifies_tls_server_name_instead_of_the_address) {
  std::promise<std::string> asked;
  SocketServer server(
      [&](Peer& peer) {
        asked.set_value(peer.asked_name());
        peer.request();
        peer.write(http_response(200, "{}"));
      },
      tls({.names = "DNS:api.example.com"}));
  ClusterConfig config = trusting(server);
  config.tls_server_name = "api.example.com";
  const auto response = fetch(config);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(asked.get_future().get(), "api.example.com");
}

TEST(CpprestTls, asks_for_the_name_whichever_of_its_addresses_answers) {
  std::promise<std::string> asked;
  SocketServer server(
      [&](Peer& peer) {
        asked.set_value(peer.asked_name());
        peer.request();
        peer.write(http_response(200, "{}"));
      },
      tls({.names = "DNS:localhost"}));
  // Where localhost is ::1 before it is 127.0.0.1, the first is refused.
  ClusterConfig config = trusting(server);
  config.server = "https://localhost:" + std::to_string(server.port());
  const auto response = fetch(config);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(asked.get_future().get(), "localhost");
}

TEST(CpprestTls, asks_for_no_name_when_the_server_is_an_address) {
  std::promise<std::string> asked;
  SocketServer server(
      [&](Peer& peer) {
        asked.set_value(peer.asked_name());
        peer.request();
        peer.write(http_response(200, "{}"));
      },
      tls());
  ASSERT_TRUE(fetch(trusting(server)));
  EXPECT_EQ(asked.get_future().get(), "");
}

struct Refusal {
  const char* name;
  TestAuthority::Wanted wanted;
  bool other_authority;
  const char* server_name;
  const char* says;
};

class BadServerCertificate : public ::testing::TestWithParam<Refusal> {};

TEST_P(BadServerCertificate, is_refused_with_the_reason_and_a_remedy) {
  static const TestAuthority other("somebody else");
  SocketServer server(testing::always(http_response(200, "{}")),
                      tls(GetParam().wanted, GetParam().other_authority ? other : authority()));
  ClusterConfig config = trusting(server);
  config.tls_server_name = GetParam().server_name;
  const auto response = fetch(config);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Unavailable);
  EXPECT_NE(response.error().message.find(GetParam().says), std::string::npos) << response.error().message;
  EXPECT_NE(response.error().message.find("127.0.0.1:"), std::string::npos) << response.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    CpprestTls, BadServerCertificate,
    ::testing::Values(
        Refusal{"other_authority", {}, true, "", "an authority that is not trusted (CN=somebody else)"},
        Refusal{"other_address", {.names = "IP:10.0.0.1"}, false, "", "not for 127.0.0.1 but for IP Address:10.0.0.1"},
        Refusal{
            "other_name", {.names = "DNS:a.example"}, false, "b.example", "not for b.example but for DNS:a.example"},
        Refusal{"common_name_only", {.names = "", .common_name = "b.example"}, false, "b.example", "not for b.example"},
        Refusal{"expired", {.from_hour = -48, .to_hour = -24}, false, "", "expired at"},
        Refusal{"not_yet_valid", {.from_hour = 24, .to_hour = 48}, false, "", "check this machine's clock"},
        Refusal{"a_clients_certificate", {.client = true}, false, "", "was refused"}),
    [](const auto& row) { return row.param.name; });

TEST(CpprestTls, takes_any_certificate_only_when_it_was_told_to) {
  SocketServer server(testing::always(http_response(200, "{}")), tls({.names = "DNS:other"}, TestAuthority("unknown")));
  ClusterConfig config = trusting(server);
  EXPECT_FALSE(fetch(config));
  config.insecure_skip_tls_verify = true;
  const auto response = fetch(config);
  EXPECT_TRUE(response) << response.error().message;
}

TEST(CpprestTls, says_so_when_the_port_does_not_speak_tls) {
  SocketServer plain([](Peer& peer) {
    peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.client_leaves();
  });
  ClusterConfig config = trusting(plain);
  config.server.replace(0, 4, "https");
  const auto response = fetch(config);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Unavailable);
  EXPECT_NE(response.error().message.find("does this port speak TLS?"), std::string::npos) << response.error().message;
}

TEST(CpprestTls, ends_a_handshake_that_gets_no_answer_at_the_deadline) {
  SocketServer silent([](Peer& peer) { peer.client_leaves(); });
  ClusterConfig config = trusting(silent);
  config.server.replace(0, 4, "https");
  const auto start = std::chrono::steady_clock::now();
  const auto response = fetch(*make_transport(config).value(), milliseconds(200));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Timeout) << response.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1700));
}

TEST(CpprestTls, shows_its_client_certificate_and_none_that_it_was_not_given) {
  SocketServer::Options options = tls();
  options.client_authority = authority().pem();
  std::atomic<int> shown = 0;
  SocketServer server(
      [&](SocketServer::Peer& peer) {
        shown = peer.shown_certificates();
        testing::always(http_response(200, "{}"))(peer);
      },
      options);
  ClusterConfig config = trusting(server);
  const auto without = fetch(config);
  ASSERT_FALSE(without);
  // Whether the server's alert or its closing the connection comes first is a race.
  EXPECT_EQ(without.error().code, ErrorCode::Unavailable) << without.error().message;

  const CertificatePair client = authority().issue({.names = "", .client = true});
  config.client_certificate_pem = client.certificate_pem;
  config.client_key_pem = client.key_pem;
  const auto with = fetch(config);
  EXPECT_TRUE(with) << with.error().message;
  EXPECT_EQ(shown, 1);
}

TEST(CpprestTls, uses_a_new_connection_when_the_kept_one_was_closed_in_the_meantime) {
  std::promise<void> first_done;
  SocketServer server(
      [&](Peer& peer) {
        if (!peer.request()) return;
        peer.write(http_response(200, "{}"));
        if (peer.number() > 0)
          peer.client_leaves();
        else
          first_done.set_value();
      },
      tls());
  auto transport = make_transport(trusting(server)).value();
  ASSERT_TRUE(fetch(*transport));
  first_done.get_future().wait();
  Request request;
  request.method = Method::Post;
  request.path = "/";
  const auto second = transport->send(request, {});
  EXPECT_TRUE(second) << second.error().message;
}

TEST(CpprestTls, streams_end_in_order_or_not_as_the_server_ends_them) {
  for (const bool finish : {true, false}) {
    SocketServer server(
        [finish](Peer& peer) {
          peer.request();
          peer.write(testing::chunked_head() + testing::chunk("a\n") + (finish ? testing::chunk("") : ""));
        },
        tls());
    Request request;
    request.path = "/";
    auto stream = make_transport(trusting(server)).value()->open_stream(request, {});
    ASSERT_TRUE(stream) << stream.error().message;
    EXPECT_EQ(stream.value()->read_line(seconds(10)).value(), "a");
    const auto end = stream.value()->read_line(seconds(10));
    EXPECT_EQ(static_cast<bool>(end), finish);
    if (!end) {
      EXPECT_EQ(end.error().code, ErrorCode::Unavailable) << end.error().message;
    }
  }
}

// --- credentials that change ---

TEST(CpprestTls, sends_the_token_of_the_file_as_it_is_now) {
  const TemporaryFolder folder;
  SocketServer server(echo_authorization, tls());
  ClusterConfig config = trusting(server);
  config.token = "stale";
  config.token_file = folder.write("token", "first\n");
  auto transport = make_transport(config).value();
  EXPECT_EQ(fetch(*transport).value().body, "Bearer first");
  folder.write("token", "second\n");
  EXPECT_EQ(fetch(*transport).value().body, "Bearer second");
  std::filesystem::remove(config.token_file);
  EXPECT_EQ(fetch(*transport).value().body, "Bearer second") << "the last good one, while the file is away";
  folder.write("token", "third");
  EXPECT_EQ(fetch(*transport).value().body, "Bearer third");
}

TEST(CpprestTls, refuses_a_token_that_would_break_the_header) {
  const TemporaryFolder folder;
  SocketServer server(echo_authorization, tls());
  ClusterConfig config = trusting(server);
  config.token_file = folder.write("token", "one\r\nX-Evil: yes");
  const auto response = fetch(config);
  ASSERT_FALSE(response);
  EXPECT_NE(response.error().message.find("holds a character that no token has"), std::string::npos)
      << response.error().message;
}

TEST(CpprestTls, needs_token_and_authority_files_to_begin_with) {
  SocketServer server(echo_authorization, tls());
  ClusterConfig config = trusting(server);
  config.token_file = "/no/such/token";
  const auto without_token = make_transport(config);
  ASSERT_FALSE(without_token);
  EXPECT_NE(without_token.error().message.find("/no/such/token"), std::string::npos) << without_token.error().message;
  config = trusting(server);
  config.ca_pem = "";
  config.ca_file = "/no/such/ca.crt";
  const auto without_authority = make_transport(config);
  ASSERT_FALSE(without_authority);
  EXPECT_NE(without_authority.error().message.find("/no/such/ca.crt"), std::string::npos);
}

TEST(CpprestTls, trusts_a_rotated_authority_without_a_restart) {
  const TemporaryFolder folder;
  const TestAuthority next("next authority");
  auto before = std::make_unique<SocketServer>(testing::always(http_response(200, "before")), tls());
  ClusterConfig config = trusting(*before);
  config.ca_pem = "";
  config.ca_file = folder.write("ca.crt", authority().pem());
  auto transport = make_transport(config).value();
  EXPECT_EQ(fetch(*transport).value().body, "before");

  SocketServer::Options options = tls({}, next);
  options.port = before->port();
  before.reset();
  SocketServer after(testing::always(http_response(200, "after")), options);
  EXPECT_FALSE(fetch(*transport)) << "the new authority is not known yet";
  folder.write("ca.crt", "-----BEGIN CERTIFICATE-----\nnot yet whole");
  EXPECT_FALSE(fetch(*transport)) << "half a file changes nothing";
  folder.write("ca.crt", authority().pem() + next.pem());
  const auto response = fetch(*transport);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response.value().body, "after");
}

TEST(CpprestTls, shows_a_rotated_client_certificate_without_a_restart) {
  const TemporaryFolder folder;
  SocketServer::Options options = tls();
  options.client_authority = authority().pem();
  SocketServer server(testing::always(http_response(200, "{}")), options);
  const CertificatePair expired = authority().issue({.names = "", .from_hour = -48, .to_hour = -24, .client = true});
  const CertificatePair fresh = authority().issue({.names = "", .client = true});
  ClusterConfig config = trusting(server);
  config.client_certificate_file = folder.write("tls.crt", expired.certificate_pem);
  config.client_key_file = folder.write("tls.key", expired.key_pem);
  auto transport = make_transport(config).value();
  EXPECT_FALSE(fetch(*transport));
  folder.write("tls.crt", fresh.certificate_pem);
  EXPECT_FALSE(fetch(*transport)) << "a certificate without its key changes nothing";
  folder.write("tls.key", fresh.key_pem);
  const auto response = fetch(*transport);
  EXPECT_TRUE(response) << response.error().message;
}

TEST(CpprestTls, asks_the_program_of_the_kubeconfig_once_for_as_long_as_its_token_is_good) {
  const TemporaryFolder folder;
  SocketServer server(echo_authorization, tls());
  ClusterConfig config = trusting(server);
  config.exec = ExecCommand{};
  config.exec->api_version = "client.authentication.k8s.io/v1";
  config.exec->command = folder.write("give-token",
                                      "#!/bin/sh\n"
                                      "echo run >> " +
                                          folder.path("runs") +
                                          "\n"
                                          "cat <<END\n"
                                          R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
                                          R"("status":{"token":"from-$EXTRA"}})"
                                          "\nEND\n",
                                      true);
  config.exec->environment = {{"EXTRA", "program"}};
  auto transport = make_transport(config).value();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] { EXPECT_EQ(fetch(*transport).value().body, "Bearer from-program"); });
    }
  }
  EXPECT_EQ(std::filesystem::file_size(folder.path("runs")), 4U) << "one line of \"run\"";
}

TEST(CpprestTls, says_what_a_failing_program_said) {
  const TemporaryFolder folder;
  SocketServer server(echo_authorization, tls());
  ClusterConfig config = trusting(server);
  config.exec = ExecCommand{};
  config.exec->api_version = "client.authentication.k8s.io/v1";
  config.exec->command = folder.write("fail", "#!/bin/sh\necho please log in >&2\nexit 3\n", true);
  const auto response = fetch(config);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Unauthorized);
  EXPECT_NE(response.error().message.find("ended with 3: please log in"), std::string::npos)
      << response.error().message;
}

}  // namespace
}  // namespace headroom::kube
