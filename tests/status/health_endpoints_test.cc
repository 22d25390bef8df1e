#include "operator/status/health_endpoints.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace headroom::status {
namespace {

class Endpoints : public testing::Test {
 protected:
  net::HttpResponse ask(const std::string& target, const std::string& method = "GET") const {
    net::HttpRequest request;
    request.method = method;
    request.target = target;
    return handler_(request);
  }

  runtime::Metrics metrics_;
  std::string leader_, cache_;  // what is wrong with each
  net::HttpHandler handler_ = health_and_metrics({.live = {{"leader-election", [this] { return leader_; }}},
                                                  .ready = {{"informer-sync", [this] { return cache_; }}}},
                                                 metrics_);
};

TEST_F(Endpoints, answer_as_kubernetes_does_when_all_is_well) {
  const std::map<std::string, std::string> table = {
      {"/healthz", "ok"},
      {"/readyz", "ok"},
      {"/readyz/", "ok"},
      {"/readyz?timeout=1s", "ok"},
      {"/readyz?notverbose", "ok"},
      {"/healthz?verbose", "[+]ping ok\n[+]leader-election ok\nhealthz check passed\n"},
      {"/readyz?verbose=true", "[+]ping ok\n[+]informer-sync ok\nreadyz check passed\n"},
      {"/readyz?timeout=1s&verbose", "[+]ping ok\n[+]informer-sync ok\nreadyz check passed\n"},
      {"/readyz/informer-sync", "ok"},
      {"/readyz/informer-sync?verbose", "ok"},
      {"/readyz/ping", "ok"},
      {"/healthz/ping", "ok"},
  };
  for (const auto& [target, body] : table) {
    const auto response = ask(target);
    EXPECT_EQ(response.status, 200) << target;
    EXPECT_EQ(response.body, body) << target;
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8") << target;
  }
}

TEST_F(Endpoints, name_the_check_that_fails_and_leave_the_other_endpoint_alone) {
  cache_ = "ScaleTargets are not listed yet";
  for (const char* target : {"/readyz", "/readyz?verbose"}) {
    const auto response = ask(target);
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.body,
              "[+]ping ok\n[-]informer-sync failed: ScaleTargets are not listed yet\nreadyz check failed\n");
  }
  EXPECT_EQ(ask("/readyz/informer-sync").status, 500);
  EXPECT_EQ(ask("/readyz/informer-sync").body, "internal server error: ScaleTargets are not listed yet\n");
  EXPECT_EQ(ask("/readyz/ping").status, 200);
  EXPECT_EQ(ask("/healthz").status, 200);

  cache_.clear();
  EXPECT_EQ(ask("/readyz").status, 200) << "a check is asked anew each time";
}

TEST_F(Endpoints, expose_metrics_in_the_text_format) {
  metrics_.set("headroom_targets", "Targets that are planned", {{"region", "local"}}, 3);
  const auto response = ask("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(response.body.find("headroom_targets{region=\"local\"} 3"), std::string::npos) << response.body;
}

TEST_F(Endpoints, know_no_other_paths) {
  for (const char* target : {"/", "", "*", "/healthzz", "/readyz/unknown", "/readyz/informer-sync/more",
                             "/healthz/informer-sync", "/metrics/", "/metric", "/livez", "readyz", "http://a/readyz"}) {
    EXPECT_EQ(ask(target).status, 404) << target;
  }
}

TEST_F(Endpoints, can_only_be_read) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", ""}) {
    const auto response = ask("/healthz", method);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.headers.back(), (std::pair<std::string, std::string>("Allow", "GET, HEAD")));
  }
  EXPECT_EQ(ask("/healthz", "HEAD").status, 200);
}

TEST(Scrapes, show_what_is_kept_and_what_is_written_anew) {
  runtime::Metrics metrics;
  metrics.set("headroom_kept", "Kept", {}, 1);
  int asked = 0;
  HealthOptions options;
  options.expose = [&](runtime::Exposition& scrape) { scrape.gauge("headroom_asked", "Asked", {}, ++asked); };
  const net::HttpHandler handler = health_and_metrics(std::move(options), metrics);
  net::HttpRequest request;
  request.method = "GET";
  request.target = "/metrics";
  for (const char* line : {"\nheadroom_asked 1\n", "\nheadroom_asked 2\n"}) {
    const std::string body = handler(request).body;
    EXPECT_NE(body.find(line), std::string::npos) << body;
    EXPECT_NE(body.find("\nheadroom_kept 1\n"), std::string::npos);
  }
}

}  // namespace
}  // namespace headroom::status
