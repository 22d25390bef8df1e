// Sizes that depend on what Headroom observes: clones of a database, lag, a learned baseline, a learned warm-up.
#include <absl/strings/str_cat.h>

#include "tests/e2e/shared_home.h"
#include "tests/support/test_monitoring.h"

namespace headroom::e2e {
namespace {

using kube::types::kDeployment;
using kube::types::kFestivalSchedule;
using kube::types::kScaleTarget;
using nlohmann::json;

class SizingBehaviour : public SharedHome {
 protected:
  std::string database(int instances) {
    home().add_databases();
    return absl::StrCat("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\nspec: {instances: ",
                        instances, ", storage: {size: 1Gi}}\n---\n");
  }
  static std::string read_replicas(const std::string& rules, const std::string& spec = "replicas: {max: 9}") {
    return absl::StrCat(
        "apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: db}\nspec: {targetRef: "
        "{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, name: db}, role: ReadReplica, "
        "readReplica: {counts: Instances, ",
        rules, "}, ", spec, ", engine: {type: Scale}}\n---\n");
  }
  void has_instances_ready(int count) {
    EXPECT_TRUE(becomes(kDatabase, "db", "/status/readyInstances", count));
    EXPECT_TRUE(becomes(kScaleTarget, "db", "/status/ready", count));
  }
};

TEST_F(SizingBehaviour, read_replicas_are_cloned_one_at_a_time_and_leave_only_with_approval) {
  apply(database(2));
  EXPECT_TRUE(becomes(kDatabase, "db", "/status/readyInstances", 2));
  kubectl("annotate cluster.postgresql.cnpg.io db dbcontroller.headroom.dev/frozen=true");
  apply(read_replicas("floor: 2, maxStep: 1") + festival("diwali", "{name: peak, from: -PT1H, to: PT2H, add: 3}"));
  // The second clone waits for the first, which does not come yet.
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 3));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 3));
  EXPECT_TRUE(
      becomes(kScaleTarget, "db", "/status/explanation/2/text", "at most 1 clone at a time: 3 on the way to 5"));
  kubectl("annotate --overwrite cluster.postgresql.cnpg.io db dbcontroller.headroom.dev/frozen-");
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 5));
  has_instances_ready(5);

  clock().advance(absl::Hours(3));
  EXPECT_TRUE(has(kScaleTarget, "db",
                  {"AwaitingApproval",
                   "True",
                   "ApprovalNeeded",
                   {"keeps 5", "deletes their data", "headroom.dev/approve-scale-down=2"}}));
  EXPECT_TRUE(has_event("db", "AwaitingApproval", "headroom.dev/approve-scale-down=2"));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 5));

  kubectl("annotate scaletarget db headroom.dev/approve-scale-down=4");
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 4)) << "as far as approved";
  has_instances_ready(4);
  EXPECT_TRUE(settles());
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 4));
  kubectl("annotate --overwrite scaletarget db headroom.dev/approve-scale-down=2");
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 2));
  EXPECT_TRUE(lacks(kScaleTarget, "db", "AwaitingApproval"));
  EXPECT_TRUE(becomes(kScaleTarget, "db", "/metadata/annotations/headroom.dev~1approve-scale-down", nullptr))
      << "an approval counts once";
  EXPECT_TRUE(becomes(kDatabase, "db", "/metadata/annotations/headroom.dev~1original", nullptr));
}

TEST_F(SizingBehaviour, a_floor_holds_whatever_a_phase_asks_for) {
  apply(database(2) + read_replicas("floor: 4, maxStep: 2, scaleDown: Automatic") +
        festival("diwali", "{name: peak, from: -PT1H, to: PT2H, replicas: 3}"));
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 4));
  EXPECT_TRUE(becomes(kScaleTarget, "db", "/status/desired", 4));
  const json explanation = home().get(kScaleTarget, ns(), "db").at("status").at("explanation");
  EXPECT_NE(explanation.dump().find("not below the floor 4"), std::string::npos) << explanation;
  has_instances_ready(4);
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 2)) << "what stood before the festival returns";
}

TEST_F(SizingBehaviour, replicas_that_lag_hold_the_size_until_they_have_caught_up) {
  static const headroom::testing::TestMonitoring monitoring("e2e-sizing",
                                                            headroom::testing::TestMonitoring::With::Prometheus);
  home().kubectl(
      absl::StrCat("apply --server-side -f - <<'END'\napiVersion: headroom.dev/v1alpha1\nkind: Region\n"
                   "metadata: {name: measured}\nspec: {metrics: {url: '",
                   monitoring.prometheus_url(), "'}}\nEND"));
  apply(database(2) +
        read_replicas("maxStep: 9, scaleDown: Automatic, lagGuard: {query: replication_lag_seconds, freezeAbove: 30s}",
                      "region: measured, replicas: {max: 9}"));
  // Until it is scraped the answer is empty, and the target says so.
  EXPECT_TRUE(has(kScaleTarget, "db", {"MetricsUnavailable", "True", "NoAnswer", {"lag guard"}}));
  monitoring.set_metrics("replication_lag_seconds 90\n");
  EXPECT_TRUE(lacks(kScaleTarget, "db", "MetricsUnavailable"));
  apply(festival("diwali", "{name: peak, from: -PT1H, to: PT2H, replicas: 5}"));
  EXPECT_TRUE(has(kScaleTarget, "db", {"Frozen", "True", "LagGuard", {"holds 2", "replica lag 90 s is above 30 s"}}));
  EXPECT_TRUE(has_event("db", "Frozen", "replica lag 90 s is above 30 s"));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 2));
  monitoring.set_metrics("replication_lag_seconds 5\n");
  EXPECT_TRUE(becomes(kDatabase, "db", "/spec/instances", 5));
  EXPECT_TRUE(lacks(kScaleTarget, "db", "Frozen"));
}

TEST_F(SizingBehaviour, a_given_baseline_is_what_a_multiplier_starts_from) {
  apply(deployment("web", 4) + scale_target("web", "replicas: {max: 60, baseline: 10}, engine: {type: Scale}") +
        festival("diwali", "{name: peak, from: -PT1H, to: PT2H, multiplier: '2.5'}"));
  EXPECT_TRUE(has_replicas("web", 25));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/baseline", 10));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/explanation/1/text", "diwali peak: 2.5 x 10 = 25"));
}

TEST_F(SizingBehaviour, a_baseline_is_learned_from_a_day_of_sizes_and_frozen_by_the_festival) {
  apply(deployment("web", 4) +
        scale_target("web", "replicas: {max: 60, learn: {statistic: Max, window: 24h}}, engine: {type: Scale}"));
  EXPECT_TRUE(has(kScaleTarget, "web", {"BaselineUncertain", "True", "Learning", {"of 24 hourly samples so far"}}));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/current", 4));
  for (int hour = 0; hour < 25; ++hour) {
    if (hour == 10) {
      kubectl("scale deployment web --replicas=7");  // a busy afternoon
      EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/current", 7));
    }
    if (hour == 14) {
      kubectl("scale deployment web --replicas=4");
      EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/current", 4));
    }
    clock().advance(absl::Hours(1));
    EXPECT_TRUE(settles());
  }
  touch(kDeployment, "web");
  EXPECT_TRUE(lacks(kScaleTarget, "web", "BaselineUncertain"));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/baseline", 7));
  apply(festival("diwali", "{name: peak, from: -PT1H, to: PT9H, multiplier: 3}"));
  EXPECT_TRUE(has_replicas("web", 21));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/current", 21));
  for (int hour = 0; hour < 3; ++hour) {
    clock().advance(absl::Hours(1));
    EXPECT_TRUE(settles());
  }
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/baseline", 7)) << "an override teaches nothing";
  EXPECT_TRUE(has_replicas("web", 21));
}

TEST_F(SizingBehaviour, a_lead_comes_from_the_time_that_earlier_steps_took) {
  // Pods fit no node until the test gives it a label, which makes them take five minutes by the clock.
  const auto warm_up = [&](bool open) {
    home().kubectl(absl::StrCat("label node --all --overwrite warm=", open ? ns() : "no"));
  };
  warm_up(true);
  apply(deployment("web", 4, absl::StrCat("nodeSelector: {warm: ", ns(), "}")) +
        scale_target("web",
                     "replicas: {max: 60, baseline: 4}, engine: {type: Scale}, warmUp: {estimate: 2h, learn: "
                     "Enabled}"));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/ready", 4));
  for (int peak = 1; peak <= 3; ++peak) {
    warm_up(false);
    apply(festival("rehearsal", "{name: peak, from: PT0S, to: PT1H, multiplier: 3, capacity: Start}"));
    EXPECT_TRUE(has_replicas("web", 12));
    EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/current", 12));
    clock().advance(absl::Minutes(5));
    warm_up(true);
    EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/ready", 12));
    EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/warmUp/0/seconds", json(std::vector<int>(peak, 300))));
    clock().advance(absl::Hours(1));
    EXPECT_TRUE(has_replicas("web", 4));
    EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/current", 4));
  }
  kubectl("delete festivalschedule rehearsal --timeout=20s");

  const absl::Time day = clock().wall_now() + absl::Hours(3);
  apply(festival("diwali", "{name: peak, from: PT0S, to: PT1H, multiplier: 3}", "", day));
  // 300 s learned and a margin of 30 s, not the two hours that were guessed.
  clock().advance_to(day - absl::Seconds(331));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 4));
  EXPECT_TRUE(becomes(kFestivalSchedule, "diwali", "/status/startedLeads", nullptr));
  clock().advance_to(day - absl::Seconds(330));
  EXPECT_TRUE(has_replicas("web", 12));
  EXPECT_TRUE(becomes(kFestivalSchedule, "diwali", "/status/startedLeads/0/phase", "peak"));
  EXPECT_TRUE(has(kFestivalSchedule, "diwali", {"Ready", "True", "Leading"}));
}

}  // namespace
}  // namespace headroom::e2e
