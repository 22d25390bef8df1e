#include "operator/status/metrics_access.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/runtime/manual_clock.h"
#include "tests/support/scripted_transport.h"

namespace headroom::status {
namespace {

using kube::Method;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr char kTokens[] = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr char kAccess[] = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

class Access : public ::testing::Test {
 protected:
  /// Of the token's user; `said` is a TokenReview's status.
  testing::Expectation& expect_token(const std::string& token) {
    return server_->expect(Method::Post, kTokens).with_body({{"kind", "TokenReview"}, {"spec", {{"token", token}}}});
  }
  void expect_user(const std::string& token, const std::string& name) {
    expect_token(token).answer(201, {{"status", {{"authenticated", true}, {"user", {{"username", name}}}}}});
  }
  void expect_access(const std::string& name, bool allowed) {
    server_->expect(Method::Post, kAccess)
        .with_body({{"kind", "SubjectAccessReview"},
                    {"spec", {{"user", name}, {"nonResourceAttributes", {{"path", "/metrics"}, {"verb", "get"}}}}}})
        .answer(201, {{"status", {{"allowed", allowed}}}});
  }
  Verdict ask(const std::string& authorization) { return access_->ask(authorization, {}); }
  void remember(AccessMemory memory) { access_ = std::make_unique<MetricsAccess>(client_, clock_, memory); }
  static int status(const Verdict& verdict) { return verdict ? verdict->status : 200; }

  std::shared_ptr<testing::ScriptedTransport> server_ = std::make_shared<testing::ScriptedTransport>();
  kube::ClientLimits limits_ = [] {
    kube::ClientLimits once;
    once.retry_for = milliseconds(0);
    return once;
  }();
  std::shared_ptr<kube::Client> client_ = std::make_shared<kube::Client>(server_, limits_, 1);
  runtime::ManualClock clock_;
  std::unique_ptr<MetricsAccess> access_ = std::make_unique<MetricsAccess>(client_, clock_);
};

TEST_F(Access, is_given_to_whom_the_api_server_knows_and_allows) {
  const json user{{"username", "system:serviceaccount:monitoring:prometheus"},
                  {"uid", "1"},
                  {"groups", {"system:serviceaccounts", "system:authenticated"}},
                  {"extra", {{"authentication.kubernetes.io/pod-name", {"prometheus-0"}}}}};
  expect_token("t").answer(201, {{"status", {{"authenticated", true}, {"user", user}}}});
  server_->expect(Method::Post, kAccess)
      .with_body({{"spec",
                   {{"user", user.at("username")},
                    {"uid", "1"},
                    {"groups", user.at("groups")},
                    {"extra", user.at("extra")},
                    {"nonResourceAttributes", {{"path", "/metrics"}, {"verb", "get"}}}}}})
      .answer(201, {{"status", {{"allowed", true}}}});
  EXPECT_EQ(ask("Bearer t"), Verdict());
}

TEST_F(Access, is_refused_without_a_token_and_nobody_is_asked) {
  for (const std::string& header :
       {std::string(), std::string("Bearer"), std::string("Bearer "), std::string("Basic dTpw"), std::string("t"),
        "Bearer " + std::string(20'000, 'x')}) {
    const auto verdict = access_->known(header);
    ASSERT_TRUE(verdict.has_value()) << header.substr(0, 20);
    EXPECT_EQ(status(*verdict), 401) << header.substr(0, 20);
  }
}

TEST_F(Access, is_refused_to_a_token_that_the_api_server_does_not_know) {
  expect_token("forged").answer(
      201, {{"status",
             {{"authenticated", false}, {"user", {{"username", "prometheus"}}}, {"error", "invalid bearer token"}}}});
  EXPECT_EQ(status(ask("Bearer forged")), 401);
  expect_token("odd").answer(201, {{"status", {{"authenticated", "true"}}}});
  EXPECT_EQ(status(ask("Bearer odd")), 401);
  expect_token("nobody").answer(201, {{"status", {{"authenticated", true}}}});
  EXPECT_EQ(status(ask("Bearer nobody")), 401) << "authenticated as no one";
}

TEST_F(Access, is_refused_by_name_to_whom_no_role_allows) {
  expect_user("t", "system:serviceaccount:shop:web");
  expect_access("system:serviceaccount:shop:web", false);
  const Verdict verdict = ask("Bearer t");
  ASSERT_EQ(status(verdict), 403);
  EXPECT_NE(verdict->text.find("system:serviceaccount:shop:web may not get /metrics"), std::string::npos);
  EXPECT_NE(verdict->text.find("nonResourceURLs"), std::string::npos) << "the remedy";
}

TEST_F(Access, is_refused_by_a_denial_even_beside_an_allowance) {
  expect_user("t", "mallory");
  server_->expect(Method::Post, kAccess).answer(201, {{"status", {{"allowed", true}, {"denied", true}}}});
  EXPECT_EQ(status(ask("Bearer t")), 403);
}

TEST_F(Access, is_refused_while_the_api_server_cannot_be_asked_and_that_is_not_remembered) {
  expect_token("t").fail(Error{ErrorCode::Unavailable, "no connection", 0, {}});
  EXPECT_EQ(status(ask("Bearer t")), 500);
  expect_user("t", "u");
  server_->expect(Method::Post, kAccess).refuse(403, "Forbidden", "cannot create subjectaccessreviews");
  EXPECT_EQ(status(ask("Bearer t")), 500) << "what this program may not do is no fault of the reader's";
  expect_user("t", "u");
  expect_access("u", true);
  EXPECT_EQ(status(ask("Bearer t")), 200);
}

TEST_F(Access, is_remembered_for_a_minute_when_given_and_for_ten_seconds_when_not) {
  expect_user("good", "a");
  expect_access("a", true);
  expect_user("bad", "b");
  expect_access("b", false);
  EXPECT_EQ(status(ask("Bearer good")), 200);
  EXPECT_EQ(status(ask("Bearer bad")), 403);

  clock_.advance(milliseconds(9'999));
  EXPECT_EQ(status(ask("Bearer good")), 200);
  EXPECT_EQ(status(ask("Bearer bad")), 403);
  clock_.advance(milliseconds(1));
  EXPECT_FALSE(access_->known("Bearer bad").has_value());
  clock_.advance(milliseconds(49'999));
  EXPECT_TRUE(access_->known("bearer good").has_value()) << "the scheme's case does not matter";
  clock_.advance(milliseconds(1));
  EXPECT_FALSE(access_->known("Bearer good").has_value());

  expect_user("good", "a");
  expect_access("a", false);
  EXPECT_EQ(status(ask("Bearer good")), 403) << "a right that was taken away";
}

TEST_F(Access, remembers_no_more_than_it_may_and_forgets_what_ends_first) {
  remember({.most = 2});
  expect_user("good", "a");
  expect_access("a", true);
  EXPECT_EQ(status(ask("Bearer good")), 200);
  for (const char* forged : {"1", "2", "3", "4"}) {
    expect_token(forged).answer(201, {{"status", {{"authenticated", false}}}});
    EXPECT_EQ(status(ask(std::string("Bearer ") + forged)), 401);
  }
  EXPECT_TRUE(access_->known("Bearer good").has_value()) << "guesses do not drive out those who may";
  EXPECT_FALSE(access_->known("Bearer 3").has_value());
  EXPECT_TRUE(access_->known("Bearer 4").has_value());
}

}  // namespace
}  // namespace headroom::status
