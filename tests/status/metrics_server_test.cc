#include "operator/status/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/kube/temporary_folder.h"
#include "tests/monitoring/fake_server.h"
#include "tests/net/certificate.h"
#include "tests/net/raw_client.h"
#include "tests/support/polling.h"

namespace headroom::status {
namespace {

using net::RawClient;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// An API server that knows the token "good", and lets its user get /metrics.
Result<kube::Response> judge(const kube::Request& request, const std::stop_token& /*stop*/) {
  const auto body = nlohmann::json::parse(request.body);
  const bool good = body.contains("/spec/token"_json_pointer) && body["spec"]["token"] == "good";
  nlohmann::json status{{"authenticated", good}, {"user", {{"username", "prometheus"}}}, {"allowed", true}};
  kube::Response response;
  response.status = 201;
  response.body = nlohmann::json{{"status", status}}.dump();
  return response;
}

class Server : public ::testing::Test {
 protected:
  void start(bool secure = true) {
    serving_.alone = true;
    serving_.address = "127.0.0.1";
    serving_.secure = secure;
    if (secure) serving_.certificate_directory = folder_.path();
    auto started = MetricsServer::start(serving_, std::make_shared<kube::Client>(api_server_, review_limits(), 1),
                                        metrics_, {}, clock_);
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(started).value();
  }
  net::Certificate show(const net::Certificate& certificate) {
    folder_.write("tls.key", certificate.key_pem);
    folder_.write("tls.crt", certificate.certificate_pem);
    return certificate;
  }
  std::string ask(const std::string& headers, const std::string& target = "/metrics") {
    RawClient client(server_->port(), serving_.secure ? RawClient::Tls::Newest : RawClient::Tls::None,
                     certificate_.certificate_pem);
    EXPECT_TRUE(client.send(net::get(target, headers)));
    return client.response();
  }

  testing::TemporaryFolder folder_;
  net::Certificate certificate_ = show(net::self_signed());
  std::shared_ptr<monitoring::FakeServer> api_server_ = std::make_shared<monitoring::FakeServer>(judge);
  runtime::Metrics metrics_;
  SystemClock clock_;
  runtime::MetricsServing serving_;
  std::unique_ptr<MetricsServer> server_;
};

constexpr char kGood[] = "Authorization: Bearer good\r\n";

TEST_F(Server, shows_metrics_to_those_who_may_see_them_and_asks_once) {
  metrics_.set("headroom_targets", "Targets that are planned", {}, 3);
  start();
  for (int i = 0; i < 3; ++i) {
    const std::string answer = ask(kGood);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(answer, HasSubstr("headroom_targets 3"));
  }
  EXPECT_EQ(api_server_->requests().size(), 2u) << "a TokenReview and a SubjectAccessReview";
}

TEST_F(Server, tells_others_what_they_lack_and_shows_them_nothing) {
  metrics_.set("headroom_targets", "Targets that are planned", {}, 3);
  start();
  for (const char* headers : {"", "Authorization: Bearer forged\r\n", "Authorization: Basic Z29vZA==\r\n"}) {
    const std::string answer = ask(headers);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401")) << headers;
    EXPECT_THAT(answer, HasSubstr("WWW-Authenticate: Bearer")) << headers;
    EXPECT_EQ(answer.find("headroom_targets"), std::string::npos) << headers;
  }
  EXPECT_THAT(ask(kGood, "/healthz"), StartsWith("HTTP/1.1 404"));
}

TEST_F(Server, refuses_while_the_api_server_is_away_and_says_so) {
  api_server_->set_answer(
      [](const kube::Request& /*request*/, const std::stop_token& /*stop*/) -> Result<kube::Response> {
        return Error{ErrorCode::Unavailable, "no connection", 0, {}};
      });
  start();
  EXPECT_THAT(ask(kGood), StartsWith("HTTP/1.1 500"));
  api_server_->set_answer(judge);
  EXPECT_THAT(ask(kGood), StartsWith("HTTP/1.1 200"));
}

TEST_F(Server, bounds_those_who_wait_and_still_serves_those_it_knows) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  start();
  EXPECT_THAT(ask(kGood), StartsWith("HTTP/1.1 200"));
  api_server_->set_answer([released](const kube::Request& request, const std::stop_token& stop) {
    released.wait();
    return judge(request, stop);
  });
  std::vector<RawClient> guessing;
  std::size_t busy = 0;
  for (int i = 0; i < 80; ++i) {
    guessing.emplace_back(server_->port(), RawClient::Tls::Newest, certificate_.certificate_pem);
    ASSERT_TRUE(guessing.back().send(net::get("/metrics", "Authorization: Bearer " + std::to_string(i) + "\r\n")));
  }
  EXPECT_THAT(ask(kGood), StartsWith("HTTP/1.1 200"));
  release.set_value();
  for (RawClient& client : guessing) {
    const std::string answer = client.response();
    const bool refused = answer.starts_with("HTTP/1.1 401");
    busy += answer.starts_with("HTTP/1.1 503") ? 1 : 0;
    EXPECT_TRUE(refused || answer.starts_with("HTTP/1.1 503")) << answer;
  }
  EXPECT_GE(busy, 15u);
}

TEST_F(Server, shows_a_new_certificate_without_a_new_start) {
  start();
  EXPECT_THAT(ask(kGood), StartsWith("HTTP/1.1 200"));
  folder_.write("tls.crt", "what a half written file holds");
  certificate_ = show(net::self_signed());
  EXPECT_TRUE(testing_support::poll(
      [this] { return RawClient(server_->port(), RawClient::Tls::Newest, certificate_.certificate_pem).connected(); },
      milliseconds(10'000), milliseconds(50)));
  EXPECT_THAT(ask(kGood), StartsWith("HTTP/1.1 200"));
}

TEST_F(Server, does_not_start_with_a_certificate_that_cannot_be_used) {
  folder_.write("tls.key", net::self_signed().key_pem);
  serving_.alone = true;
  serving_.address = "127.0.0.1";
  serving_.certificate_directory = folder_.path();
  const auto refused = MetricsServer::start(serving_, nullptr, metrics_, {}, clock_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(folder_.path()));
}

TEST_F(Server, is_open_to_everybody_in_plain_http_when_told_so) {
  start(false);
  EXPECT_THAT(ask(""), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(api_server_->requests().empty());
}

TEST(ServingCertificate, is_made_when_none_is_given_and_again_before_it_ends) {
  ServingCertificate certificate("", {"localhost"});
  const absl::Time begin = absl::FromUnixSeconds(1'800'000'000);
  const auto first = certificate.look(begin).value();
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(certificate.look(begin + absl::Hours(24)).value().has_value());
  const auto second = certificate.look(begin + absl::Hours(61 * 24)).value();
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(first->key_pem, second->key_pem);
}

}  // namespace
}  // namespace headroom::status
