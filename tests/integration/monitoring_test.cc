// Questions to a real Prometheus and notifications to a real Alertmanager.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/controllers/notifier.h"
#include "operator/kube/cpprest_transport.h"
#include "operator/monitoring/prometheus.h"
#include "operator/monitoring/query_pool.h"
#include "tests/controllers/test_world.h"
#include "tests/support/test_cluster.h"
#include "tests/support/test_monitoring.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using testing::eventually;
using testing::TestMonitoring;

constexpr std::chrono::seconds kPatience{30};

std::shared_ptr<kube::Transport> connect_to(const std::string& url) {
  kube::initialise_http();
  kube::ClusterConfig config;
  config.server = url;
  return kube::make_transport(config).value();
}

struct Monitoring : ::testing::Test {
  static TestMonitoring& monitoring() {
    static TestMonitoring running("headroom-monitoring-test", TestMonitoring::With::Alertmanager);
    return running;
  }
  SystemClock clock;

  Result<double> ask(const std::string& expression) {
    monitoring::InstantQuery query;
    query.expression = expression;
    return monitoring::ask_prometheus(*connect_to(monitoring().prometheus_url()), query, clock.wall_now(), {});
  }
  /// Until the answer is an error that says so.
  bool refused(const std::string& expression, const std::string& words) {
    return eventually(kPatience, [&] {
      const auto answer = ask(expression);
      return !answer && answer.error().message.find(words) != std::string::npos;
    });
  }
};

TEST_F(Monitoring, a_real_prometheus_answers_with_one_number_or_a_reason) {
  monitoring().set_metrics(
      "queue_depth{app=\"web\"} 2500\nqueue_depth{app=\"worker\"} 20\nbroken NaN\nzero 0\nlag_seconds 1.5\n");
  ASSERT_TRUE(eventually(kPatience, [&] { return ask("lag_seconds").has_value(); }));
  EXPECT_EQ(ask("sum(queue_depth)").value(), 2520);
  EXPECT_EQ(ask("max(queue_depth) / 2").value(), 1250);
  EXPECT_EQ(ask("scalar(lag_seconds)").value(), 1.5);
  EXPECT_EQ(ask("vector(1)").value(), 1);
  EXPECT_TRUE(refused("queue_depth", "2 series"));
  EXPECT_TRUE(refused("broken", "NaN"));
  EXPECT_TRUE(refused("lag_seconds / zero", "Inf"));
  EXPECT_TRUE(refused("no_such_metric", "empty"));
  EXPECT_TRUE(refused("lag_seconds[5m]", "range"));
  EXPECT_TRUE(refused("sum(", "parse error"));
  EXPECT_TRUE(refused("\"text\"", "one number"));
}

TEST_F(Monitoring, a_sample_older_than_five_minutes_does_not_count) {
  const auto ago = [&](absl::Duration age) { return std::to_string(absl::ToUnixMillis(clock.wall_now() - age)); };
  monitoring().set_metrics("old_sample 7 " + ago(absl::Minutes(6)) + "\nrecent_sample 8 " + ago(absl::Minutes(4)) +
                           "\nfresh 1\n");
  ASSERT_TRUE(eventually(kPatience, [&] { return ask("fresh").has_value(); }));
  EXPECT_EQ(ask("recent_sample").value(), 8);
  EXPECT_TRUE(ask("max_over_time(old_sample[10m])")) << "it was scraped";
  EXPECT_TRUE(refused("old_sample", "empty"));
}

TEST_F(Monitoring, the_pool_notices_when_a_target_and_when_the_server_goes_and_comes_back) {
  TestWorld home;
  home.options.query_interval = std::chrono::milliseconds(200);
  api::Region region;
  region.meta.name = "mumbai";
  region.spec.metrics.emplace();
  region.spec.metrics->url = monitoring().prometheus_url() + "/";
  home.load(region);
  kube::initialise_http();
  monitoring::QueryPool pool({*home.world->regions, *home.world->home, home.metrics, home.options.query_interval}, {});
  const auto becomes = [&](const std::function<bool(const monitoring::QuerySource::Answer&)>& holds) {
    return eventually(kPatience, [&] { return holds(pool.ask("mumbai", "depth")); });
  };
  monitoring().set_metrics("depth 3\n");
  EXPECT_TRUE(becomes([](const auto& answer) { return answer.value == 3.0; }));
  monitoring().set_metrics("depth 4\n");
  EXPECT_TRUE(becomes([](const auto& answer) { return answer.value == 4.0; }));
  monitoring().remove_metrics();
  EXPECT_TRUE(becomes([](const auto& answer) { return answer.problem.find("empty") != std::string::npos; }));
  monitoring().set_metrics("depth 5\n");
  EXPECT_TRUE(becomes([](const auto& answer) { return answer.value == 5.0; }));
  monitoring().stop("prometheus");
  EXPECT_TRUE(becomes([](const auto& answer) { return !answer.value && !answer.problem.empty(); }));
  monitoring().start("prometheus");
  EXPECT_TRUE(becomes([](const auto& answer) { return answer.value == 5.0; }));
}

/// Alerts that a real Alertmanager holds active, by their label "phase".
std::map<std::string, json> active_alerts(const std::string& url) {
  kube::Request request;
  request.path = "/api/v2/alerts?active=true";
  const auto answer = connect_to(url)->send(request, {});
  std::map<std::string, json> alerts;
  if (!answer) return alerts;
  for (const json& alert : json::parse(answer.value().body)) alerts[alert["labels"].value("phase", "")] = alert;
  return alerts;
}

TEST_F(Monitoring, a_real_alertmanager_holds_a_phases_alert_until_it_is_over) {
  const std::string url = monitoring().alertmanager_url();
  runtime::Metrics metrics;
  const auto notifier = make_notifier({{"am", Receiver::Type::Alertmanager, {url}}}, clock, metrics);
  const Alert peak{"am",
                   {{"alertname", "HeadroomFestivalPhase"}, {"phase", "peak"}, {"severity", "critical"}, {"empty", ""}},
                   {{"summary", "war room opens"}},
                   clock.wall_now() - absl::Hours(2)};
  Alert prepare = peak;
  prepare.labels["phase"] = "prepare";
  notifier->set_active("shop/diwali", {prepare, peak});
  ASSERT_TRUE(eventually(kPatience, [&] { return active_alerts(url).size() == 2; })) << metrics.serialize();
  const json held = active_alerts(url)["peak"];
  EXPECT_EQ(held["annotations"]["summary"], "war room opens");
  absl::Time ends;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, held["endsAt"].get<std::string>(), &ends, &error)) << error;
  EXPECT_GT(ends, clock.wall_now() + absl::Minutes(2)) << "it ends by itself only if it is not sent again";
  EXPECT_LT(ends, clock.wall_now() + absl::Minutes(4));

  notifier->set_active("shop/diwali", {peak});
  EXPECT_TRUE(eventually(kPatience, [&] { return active_alerts(url).size() == 1; }));
  notifier->set_active("shop/diwali", {});
  EXPECT_TRUE(eventually(kPatience, [&] { return active_alerts(url).empty(); }));
}

}  // namespace
}  // namespace headroom::controllers
