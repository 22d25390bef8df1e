#include "operator/runtime/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

TEST(Metrics, counts_sets_and_observes_by_name_and_labels) {
  Metrics metrics;
  metrics.add("headroom_patches_total", "Patches.", {{"region", "west"}});
  metrics.add("headroom_patches_total", "Patches.", {{"region", "west"}}, 2);
  metrics.add("headroom_patches_total", "Patches.", {{"region", "east"}});
  metrics.set("headroom_min_replicas", "Floor.", {{"name", "cart"}}, 10);
  metrics.set("headroom_min_replicas", "Floor.", {{"name", "cart"}}, 60);
  metrics.observe("headroom_transition_seconds", "Lag.", {}, 0.3);
  const std::string text = metrics.serialize();
  EXPECT_THAT(text, HasSubstr("# HELP headroom_patches_total Patches.\n# TYPE headroom_patches_total counter\n"));
  EXPECT_THAT(text, HasSubstr("headroom_patches_total{region=\"west\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("headroom_patches_total{region=\"east\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("headroom_min_replicas{name=\"cart\"} 60\n"));
  EXPECT_THAT(text, HasSubstr("headroom_transition_seconds_bucket{le=\"0.25\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("headroom_transition_seconds_bucket{le=\"0.5\"} 1\n"));
}

TEST(Metrics, forgets_a_gauge_that_was_removed_and_takes_it_up_anew) {
  Metrics metrics;
  metrics.set("headroom_min_replicas", "Floor.", {{"name", "cart"}}, 10);
  metrics.remove("headroom_min_replicas", {{"name", "cart"}});
  metrics.remove("headroom_min_replicas", {{"name", "cart"}});
  metrics.remove("headroom_unknown", {});
  EXPECT_THAT(metrics.serialize(), Not(HasSubstr("cart")));
  metrics.set("headroom_min_replicas", "Floor.", {{"name", "cart"}}, 7);
  EXPECT_THAT(metrics.serialize(), HasSubstr("headroom_min_replicas{name=\"cart\"} 7\n"));
}

TEST(Metrics, shows_everything_of_a_controller_at_zero_before_its_first_reconcile) {
  Metrics metrics;
  metrics.introduce_controller("region", 4);
  const std::string text = metrics.serialize();
  for (const char* line : {
           "controller_runtime_reconcile_total{controller=\"region\",result=\"success\"} 0\n",
           "controller_runtime_reconcile_total{controller=\"region\",result=\"error\"} 0\n",
           "controller_runtime_reconcile_total{controller=\"region\",result=\"requeue\"} 0\n",
           "controller_runtime_reconcile_total{controller=\"region\",result=\"requeue_after\"} 0\n",
           "controller_runtime_reconcile_errors_total{controller=\"region\"} 0\n",
           "controller_runtime_terminal_reconcile_errors_total{controller=\"region\"} 0\n",
           "controller_runtime_reconcile_panics_total{controller=\"region\"} 0\n",
           "controller_runtime_reconcile_time_seconds_count{controller=\"region\"} 0\n",
           "controller_runtime_max_concurrent_reconciles{controller=\"region\"} 4\n",
           "controller_runtime_active_workers{controller=\"region\"} 0\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Metrics, uses_the_buckets_that_existing_dashboards_expect) {
  Metrics metrics;
  metrics.reconciled("region", "success", milliseconds(460));
  metrics.observe("workqueue_queue_duration_seconds", "Wait.", {{"name", "region"}}, 5e-7);
  const std::string text = metrics.serialize();
  EXPECT_THAT(text,
              HasSubstr("controller_runtime_reconcile_time_seconds_bucket{controller=\"region\",le=\"0.45\"} 0\n"));
  EXPECT_THAT(text,
              HasSubstr("controller_runtime_reconcile_time_seconds_bucket{controller=\"region\",le=\"0.5\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("controller_runtime_reconcile_time_seconds_bucket{controller=\"region\",le=\"60\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("workqueue_queue_duration_seconds_bucket{name=\"region\",le=\"1e-07\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("workqueue_queue_duration_seconds_bucket{name=\"region\",le=\"1e-06\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("workqueue_queue_duration_seconds_bucket{name=\"region\",le=\"1000\"} 1\n"));
}

TEST(Metrics, counts_requests_as_client_go_does) {
  Metrics metrics;
  metrics.request("10.0.0.1:6443", "PATCH", 200, milliseconds(3));
  metrics.request("10.0.0.1:6443", "PATCH", 0, milliseconds(3));
  metrics.leading("headroom", true);
  const std::string text = metrics.serialize();
  EXPECT_THAT(text, HasSubstr("rest_client_requests_total{code=\"200\",host=\"10.0.0.1:6443\",method=\"PATCH\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("rest_client_requests_total{code=\"<error>\",host=\"10.0.0.1:6443\",method=\"PATCH\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("rest_client_request_duration_seconds_count{host=\"10.0.0.1:6443\",verb=\"PATCH\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("leader_election_master_status{name=\"headroom\"} 1\n"));
}

TEST(Metrics, drops_what_prometheus_would_refuse_and_lives_on) {
  Metrics metrics;
  metrics.add("no-dashes", "Bad name.", {});
  metrics.add("headroom_total", "Counter.", {{"bad-label", "x"}});
  metrics.add("headroom_total", "Counter.", {});
  metrics.set("headroom_total", "Now a gauge?", {}, 5);
  metrics.add("headroom_lines_total", "Two\nlines.", {});
  const std::string text = metrics.serialize();
  EXPECT_THAT(text, HasSubstr("headroom_total 1\n"));
  EXPECT_THAT(text, HasSubstr("# HELP headroom_lines_total Two lines.\n"));
  EXPECT_THAT(text, Not(HasSubstr("no-dashes")));
}

TEST(Metrics, asks_for_fresh_values_right_before_it_serializes_until_the_handle_dies) {
  Metrics metrics;
  int asked = 0;
  auto handle = metrics.before_serialize([&] { metrics.set("headroom_asked", "Times.", {}, ++asked); });
  EXPECT_THAT(metrics.serialize(), HasSubstr("headroom_asked 1\n"));
  EXPECT_THAT(metrics.serialize(), HasSubstr("headroom_asked 2\n"));
  handle.reset();
  metrics.serialize();
  EXPECT_EQ(asked, 2);
}

TEST(Metrics, loses_no_count_between_threads) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&metrics, t] {
        for (int i = 0; i < 1000; ++i) {
          metrics.add("headroom_total", "Counter.", {});
          metrics.observe("headroom_seconds", "Histogram.", {}, 0.1);
          metrics.set("headroom_gauge", "Gauge.", {{"t", std::to_string(t)}}, i);
          if (i % 10 == 0) metrics.remove("headroom_gauge", {{"t", std::to_string(t)}});
          if (i % 100 == 0) metrics.serialize();
        }
      });
    }
  }
  EXPECT_THAT(metrics.serialize(), HasSubstr("headroom_total 4000\n"));
  EXPECT_THAT(metrics.serialize(), HasSubstr("headroom_seconds_count 4000\n"));
}

}  // namespace
}  // namespace headroom::runtime
