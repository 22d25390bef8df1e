#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

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
using Tls = RawClient::Tls;

ServerOptions with(const Certificate& certificate) {
  ServerOptions options;
  options.certificate_pem = certificate.certificate_pem;
  options.key_pem = certificate.key_pem;
  return options;
}

TEST(HttpsServer, serves_over_tls_with_keep_alive) {
  const Certificate certificate = self_signed();
  const auto server = start_server(with(certificate), echo);
  RawClient client(server->port(), Tls::Newest, certificate.certificate_pem);
  ASSERT_TRUE(client.connected());
  const std::string large(100'000, 'x');
  for (const std::string& body : {std::string("small"), large, std::string()}) {
    client.send(post("/", body));
    EXPECT_THAT(client.response(), EndsWith("\n" + body));
  }
  client.send(get("/", "Connection: close\r\n"));
  EXPECT_THAT(client.response(), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.ended());
}

TEST(HttpsServer, speaks_tls_1_2_and_newer_only) {
  const Certificate certificate = self_signed();
  const auto server = start_server(with(certificate), echo);
  EXPECT_FALSE(RawClient(server->port(), Tls::Version1_1, certificate.certificate_pem).connected());
  EXPECT_TRUE(RawClient(server->port(), Tls::Version1_2, certificate.certificate_pem).connected());
  EXPECT_TRUE(RawClient(server->port(), Tls::Newest, certificate.certificate_pem).connected());
}

TEST(HttpsServer, is_not_disturbed_by_plain_http_or_noise) {
  const Certificate certificate = self_signed();
  const auto server = start_server(with(certificate), echo);
  RawClient good(server->port(), Tls::Newest, certificate.certificate_pem);
  for (const std::string& noise : {get("/"), std::string(100'000, '\0'), std::string("\x16\x03\x01\xFF\xFF junk"),
                                   std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10)}) {
    RawClient client(server->port());
    client.send(noise);
    EXPECT_THAT(client.response(), Not(HasSubstr("200 OK")));
  }
  good.send(get("/"));
  EXPECT_THAT(good.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpsServer, closes_on_a_handshake_that_does_not_end_in_time) {
  ServerOptions options = with(self_signed());
  options.request_timeout = 100ms;
  const auto server = start_server(options, echo);
  RawClient silent(server->port());
  EXPECT_TRUE(silent.ended());
  RawClient half(server->port());
  half.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
  EXPECT_TRUE(half.ended());
}

TEST(HttpsServer, lets_a_client_that_is_still_sending_read_its_413) {
  const Certificate certificate = self_signed();
  ServerOptions options = with(certificate);
  options.max_body = 1000;
  const auto server = start_server(options, echo);
  RawClient client(server->port(), Tls::Newest, certificate.certificate_pem);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
  EXPECT_TRUE(client.send(std::string(20'000'000, 'x'))) << "reset while sending";
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpsServer, changes_its_certificate_without_closing_connections) {
  const Certificate before = self_signed(), after = self_signed();
  const auto server = start_server(with(before), echo);
  RawClient open(server->port(), Tls::Newest, before.certificate_pem);
  ASSERT_TRUE(server->use_certificate(after.certificate_pem, after.key_pem).has_value());
  EXPECT_TRUE(RawClient(server->port(), Tls::Newest, after.certificate_pem).connected());
  EXPECT_FALSE(RawClient(server->port(), Tls::Newest, before.certificate_pem).connected());
  open.send(get("/"));
  EXPECT_THAT(open.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpsServer, keeps_the_last_good_pair_when_the_new_one_is_wrong) {
  const Certificate good = self_signed(), other = self_signed();
  const auto server = start_server(with(good), echo);
  const struct {
    std::string certificate, key, complaint;
  } table[] = {
      {"", "", "certificate"},
      {"not PEM", good.key_pem, "certificate"},
      {good.certificate_pem, "not PEM", "key"},
      {good.certificate_pem, other.key_pem, "key"},
      {good.certificate_pem, ed25519_key(), "key"},
      {good.certificate_pem, good.certificate_pem, "key"},
  };
  for (const auto& row : table) {
    const Status status = server->use_certificate(row.certificate, row.key);
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(status.error().message, StartsWith("the TLS " + row.complaint));
    EXPECT_THAT(status.error().message, Not(HasSubstr("BEGIN")));
    ServerOptions options;
    options.address = "127.0.0.1";
    options.certificate_pem = row.certificate;
    options.key_pem = row.key;
    const bool plain_http = row.certificate.empty();
    EXPECT_EQ(HttpServer::start(options, echo).has_value(), plain_http);
  }
  EXPECT_TRUE(RawClient(server->port(), Tls::Newest, good.certificate_pem).connected());
  EXPECT_FALSE(start_server({}, echo)->use_certificate(good.certificate_pem, good.key_pem).has_value());
}

}  // namespace
}  // namespace headroom::net
