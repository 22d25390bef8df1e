// The model registry on a real API server with a real Prometheus and a stand-in for its database's operator: sizes by
// what is measured, under a clock that the test moves. The figures are the system's own, written by hand.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "tests/e2e/clusters.h"
#include "tests/e2e/operators.h"
#include "tests/support/test_monitoring.h"

namespace headroom::e2e {
namespace {

using headroom::testing::TestMonitoring;
using nlohmann::json;

constexpr char kNamespace[] = "model-registry";
constexpr char kSample[] = "manifests/samples/model-registry/";

/// minReplicas of the registry's HPA, instances of its database, replicas of the graph store and of the consumers.
struct Sizes {
  int registry = 3, database = 3, graph = 4, consumers = 4;
  bool operator==(const Sizes&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Sizes& sizes) {
  return out << "registry " << sizes.registry << ", database " << sizes.database << ", graph " << sizes.graph
             << ", consumers " << sizes.consumers;
}

/// What the exporter serves; a metric that is not there is missing.
using Figures = std::map<std::string, std::string>;

constexpr char kP99[] = "registry_request_p99_seconds";
constexpr char kQueue[] = "registry_queue_depth";
constexpr char kCpu[] = "registry_cpu_utilization_percent";
constexpr char kGraphLatency[] = "graph_query_latency_seconds";
constexpr char kConsumerLag[] = "ground_truth_consumer_lag_seconds";
constexpr char kReplicationLag[] = "cnpg_pg_replication_lag{cluster=\"registry-db\"}";

const Figures kCalm{{kP99, "0.05"},          {kQueue, "5"},        {kCpu, "40"},
                    {kGraphLatency, "0.05"}, {kConsumerLag, "10"}, {kReplicationLag, "1"}};
struct Rule {
  const char *target, *rule, *metric;
};
constexpr Rule kRules[] = {{"registry", "p99-latency", kP99},
                           {"registry", "queue-depth", kQueue},
                           {"registry-db", "cpu", kCpu},
                           {"registry-db", "p99-latency", kP99},
                           {"registry-db", "queue-depth", kQueue},
                           {"dependency-graph", "query-latency", kGraphLatency},
                           {"ground-truth-consumers", "consumer-lag", kConsumerLag}};

class ModelRegistry : public ::testing::Test {
 protected:
  static Cluster& cluster() { return Cluster::named("us-east-1"); }
  static TestMonitoring& monitoring() {
    static TestMonitoring running(absl::StrCat("model-registry-", getpid()), TestMonitoring::With::Prometheus);
    return running;
  }

  static void SetUpTestSuite() {
    cluster().add_databases();
    cluster().rights().allow(scale_kind(kDatabase));
    cluster().kubectl(absl::StrCat("apply -f ", kSample));
    cluster().kubectl(absl::StrCat("patch region us-east-1 --type merge -p '{\"spec\":{\"metrics\":{\"url\":\"",
                                   monitoring().prometheus_url(), "\"}}}'"));
    cluster().kubectl(
        absl::StrCat("-n ", kNamespace, " wait deployments --all --for=condition=Available --timeout=60s"));
    EXPECT_TRUE(eventually(30, [] {
      return status_of(kDatabase, "registry-db").value("readyInstances", 0) == 3 &&
             status_of(kube::types::kDeployment, "registry").value("readyReplicas", 0) == 3;
    }));
  }

  void SetUp() override {
    before_ = cluster().metadata_and_spec(kNamespace);
    ASSERT_EQ(before_.size(), 6U) << "two Deployments, a StatefulSet, an HPA, a database, a ConfigMap of the cluster's";
    controllers::OperatorOptions options;
    options.query_interval = std::chrono::milliseconds(200);
    headroom_ = std::make_unique<EmbeddedOperator>(cluster(), clock(), options);
    measure(kCalm);
    clock().advance(absl::Hours(1));  // the cool-downs of the test before are over
    expect({});
  }

  /// Each test ends calm, with what falls by itself still on its way.
  void TearDown() override {
    for (int looks = 0; looks < 10 && sizes_now() != Sizes{}; ++looks) {
      clock().advance(absl::Minutes(30));
      settle();
    }
    expect({});
    expect_everything_as_before();
  }

  /// One for all tests, since the rules' clocks in the ScaleTargets do not go back.
  static FakeClock& clock() {
    static FakeClock shared(kolkata("2026-06-01 12:00:00"));
    return shared;
  }

  static json status_of(const kube::ResourceType& type, const std::string& name) {
    return cluster().status_of(type, kNamespace, name);
  }
  static json target_status(const std::string& name) { return status_of(kube::types::kScaleTarget, name); }

  /// Empty: the condition is not there.
  static json condition(const kube::ResourceType& type, const std::string& name, const std::string& kind) {
    return cluster().condition(type, kNamespace, name, kind);
  }
  static json condition(const std::string& target, const std::string& kind) {
    return condition(kube::types::kScaleTarget, target, kind);
  }

  static int number(const kube::ResourceType& type, const std::string& name, const char* field) {
    const json object = cluster().get(type, kNamespace, name);
    return object.is_null() ? -1 : object.at("spec").value(field, -1);
  }
  static Sizes sizes_now() {
    return {number(kube::types::kHorizontalPodAutoscaler, "registry", "minReplicas"),
            number(kDatabase, "registry-db", "instances"),
            number(kube::types::kStatefulSet, "dependency-graph", "replicas"),
            number(kube::types::kDeployment, "ground-truth-consumers", "replicas")};
  }

  /// Serves the figures, and returns when the operator's rules have seen every one of them.
  void measure(const Figures& figures) {
    std::string text;
    for (const auto& [metric, value] : figures) absl::StrAppend(&text, metric, " ", value, "\n");
    monitoring().set_metrics(text);
    EXPECT_TRUE(eventually(60, [&] {
      return std::ranges::all_of(kRules, [&](const Rule& rule) {
        const auto figure = figures.find(rule.metric);
        const std::string expected = figure == figures.end() || figure->second == "NaN" ? "" : figure->second;
        return seen(rule) == expected;
      });
    })) << text;
  }
  static Figures with(Figures figures, const Figures& others) {
    for (const auto& [metric, value] : others) figures[metric] = value;
    return figures;
  }

  /// The rule's latest answer. A status is stored at once only when something in it matters, so it is asked for.
  static std::string seen(const Rule& rule) {
    static int asked = 0;
    (void)cluster().client().patch(kube::types::kScaleTarget, {kNamespace, rule.target}, kube::PatchType::Merge,
                                   {{"metadata", {{"annotations", {{"test/asked", std::to_string(++asked)}}}}}}, {});
    for (const json& entry :
         target_status(rule.target).value("rules", json::object()).value("entries", json::array())) {
      if (entry.at("name") == rule.rule) return entry.value("value", "");
    }
    return "unknown";
  }

  /// Waits until everything that is decided by now has been carried out.
  void settle() { EXPECT_TRUE(headroom_->get().wait_settled(std::chrono::seconds(20))); }
  void expect(const Sizes& sizes) {
    Sizes found{};
    EXPECT_TRUE(eventually(20, [&] { return (found = sizes_now()) == sizes; }))
        << "expected " << sizes << "\nfound    " << found << "\nat " << absl::FormatTime(clock().wall_now()) << "\n"
        << cluster().kubectl(absl::StrCat("-n ", kNamespace, " get scaletargets -o yaml"));
  }
  /// For something that must not happen: looks once all has been done that is to be done.
  void expect_still(const Sizes& sizes) {
    settle();
    EXPECT_EQ(sizes_now(), sizes) << absl::FormatTime(clock().wall_now());
  }
  /// The step of a rule comes at the end of `wait`, and not a second earlier.
  void expect_step(absl::Duration wait, const Sizes& before, const Sizes& after) {
    clock().advance(wait - absl::Seconds(1));
    expect_still(before);
    clock().advance(absl::Seconds(1));
    expect(after);
  }

  void approve(const std::string& target, int size) {
    cluster().kubectl(
        absl::StrCat("-n ", kNamespace, " annotate scaletarget ", target, " headroom.dev/approve-scale-down=", size));
  }

  void expect_everything_as_before() {
    const auto without_scaled = [](std::map<std::string, json> objects) {
      // What an HPA scales is the HPA's: without load figures it never lowers what a floor has raised.
      objects.at("Deployment registry")["spec"].erase("replicas");
      return objects;
    };
    EXPECT_TRUE(eventually(20, [&] {
      return without_scaled(cluster().metadata_and_spec(kNamespace)) == without_scaled(before_);
    })) << json::diff(json(without_scaled(before_)), json(without_scaled(cluster().metadata_and_spec(kNamespace))));
  }

  std::map<std::string, json> before_;
  std::unique_ptr<EmbeddedOperator> headroom_;
};

TEST_F(ModelRegistry, consumers_rise_at_300_s_of_lag_and_fall_at_30_s_between_4_and_their_16_partitions) {
  measure(with(kCalm, {{kConsumerLag, "299"}}));
  clock().advance(absl::Minutes(10));
  expect_still({});
  measure(with(kCalm, {{kConsumerLag, "300"}}));
  expect({.consumers = 8});
  expect_step(absl::Minutes(5), {.consumers = 8}, {.consumers = 12});
  for (const char* between : {"299", "31"}) {
    measure(with(kCalm, {{kConsumerLag, between}}));
    clock().advance(absl::Minutes(10));
    expect_still({.consumers = 12});
  }
  measure(with(kCalm, {{kConsumerLag, "5000"}}));
  expect({.consumers = 16});
  EXPECT_TRUE(eventually(
      10, [] { return target_status("ground-truth-consumers").value("decidedBy", "") == "Rule/consumer-lag"; }));
  clock().advance(absl::Minutes(10));
  expect_still({.consumers = 16});

  measure(with(kCalm, {{kConsumerLag, "30"}}));
  expect({.consumers = 12});
  expect_step(absl::Minutes(5), {.consumers = 12}, {.consumers = 8});
  expect_step(absl::Minutes(5), {.consumers = 8}, {});
  clock().advance(absl::Minutes(10));
  expect_still({});
}

TEST_F(ModelRegistry, registry_and_read_replicas_rise_together_when_p99_is_over_200_ms_for_five_minutes) {
  measure(with(kCalm, {{kP99, "0.2"}, {kQueue, "100"}, {kCpu, "70"}}));
  clock().advance(absl::Minutes(10));
  expect_still({});
  measure(with(kCalm, {{kP99, "0.201"}}));
  clock().advance(absl::Minutes(4));
  expect_still({});
  measure(with(kCalm, {{kP99, "0.2"}}));  // four minutes are not five, and the next ones count anew
  measure(with(kCalm, {{kP99, "0.201"}}));
  expect_step(absl::Minutes(5), {}, {.registry = 4, .database = 4});

  // One instance every five minutes up to 8; one read replica every half hour up to 5, which with the primary are 6.
  for (int registry = 5; registry <= 8; ++registry) {
    expect_step(absl::Minutes(5), {.registry = registry - 1, .database = 4}, {.registry = registry, .database = 4});
  }
  expect_step(absl::Minutes(10), {.registry = 8, .database = 4}, {.registry = 8, .database = 5});
  expect_step(absl::Minutes(30), {.registry = 8, .database = 5}, {.registry = 8, .database = 6});
  clock().advance(absl::Minutes(60));
  expect_still({.registry = 8, .database = 6});

  // The queue alone keeps what p99 would let go.
  measure(with(kCalm, {{kP99, "0.099"}, {kQueue, "20"}}));
  clock().advance(absl::Minutes(60));
  expect_still({.registry = 8, .database = 6});
  measure(with(kCalm, {{kP99, "0.099"}, {kQueue, "19"}}));
  expect_step(absl::Minutes(5), {.registry = 8, .database = 6}, {.registry = 7, .database = 6});
  for (int registry = 6; registry >= 3; --registry) {
    expect_step(absl::Minutes(5), {.registry = registry + 1, .database = 6}, {.registry = registry, .database = 6});
  }

  // A clone goes when somebody says so; until then the status says what to do.
  EXPECT_TRUE(eventually(10, [] { return condition("registry-db", "AwaitingApproval").value("status", "") == "True"; }))
      << target_status("registry-db");
  EXPECT_NE(condition("registry-db", "AwaitingApproval")
                .value("message", "")
                .find("headroom.dev/approve-scale-down=5 to approve 5"),
            std::string::npos)
      << condition("registry-db", "AwaitingApproval");
  clock().advance(absl::Hours(1));
  expect_still({.database = 6});
  approve("registry-db", 3);
  expect({.database = 4});
  expect_step(absl::Minutes(30), {.database = 4}, {});
}

TEST_F(ModelRegistry, read_replicas_rise_by_cpu_over_70_percent_and_wait_while_they_lag) {
  measure(with(kCalm, {{kCpu, "71"}, {kReplicationLag, "61"}}));
  clock().advance(absl::Minutes(5));
  EXPECT_TRUE(eventually(10, [] { return condition("registry-db", "Frozen").value("reason", "") == "LagGuard"; }))
      << target_status("registry-db");
  EXPECT_NE(condition("registry-db", "Frozen").value("message", "").find("lag 61 s is above 60 s"), std::string::npos);
  expect_still({});
  measure(with(kCalm, {{kCpu, "71"}, {kReplicationLag, "60"}}));
  expect({.database = 4});
  EXPECT_TRUE(eventually(10, [] { return condition("registry-db", "Frozen").empty(); }));
  EXPECT_EQ(target_status("registry-db").value("decidedBy", ""), "Rule/cpu");

  measure(with(kCalm, {{kCpu, "50"}}));
  clock().advance(absl::Hours(1));
  expect_still({.database = 4});
  EXPECT_TRUE(condition("registry-db", "AwaitingApproval").empty()) << "nothing is to be removed yet";
  approve("registry-db", 3);
  measure(kCalm);
  expect_step(absl::Minutes(5), {.database = 4}, {});
}

TEST_F(ModelRegistry, followers_of_the_graph_rise_by_latency_up_to_7_beside_their_leader) {
  measure(with(kCalm, {{kGraphLatency, "0.2"}}));
  clock().advance(absl::Minutes(10));
  expect_still({});
  measure(with(kCalm, {{kGraphLatency, "0.201"}}));
  expect_step(absl::Minutes(5), {}, {.graph = 5});
  for (int graph = 6; graph <= 8; ++graph) expect_step(absl::Minutes(10), {.graph = graph - 1}, {.graph = graph});
  clock().advance(absl::Minutes(20));
  expect_still({.graph = 8});
  measure(with(kCalm, {{kGraphLatency, "0.1"}}));
  clock().advance(absl::Minutes(20));
  expect_still({.graph = 8});
  approve("dependency-graph", 4);
  measure(kCalm);
  expect_step(absl::Minutes(5), {.graph = 8}, {.graph = 7});
  for (int graph = 6; graph >= 5; --graph) expect_step(absl::Minutes(10), {.graph = graph + 1}, {.graph = graph});
  expect_step(absl::Minutes(10), {.graph = 5}, {});
}

TEST_F(ModelRegistry, the_queue_alone_raises_both_and_the_cpu_is_left_to_the_autoscaler) {
  const json hpa = before_.at("HorizontalPodAutoscaler registry").at("spec");
  EXPECT_EQ(hpa["metrics"][0]["resource"]["target"]["averageUtilization"], 70);
  EXPECT_EQ(hpa["behavior"]["scaleUp"]["stabilizationWindowSeconds"], 300);
  measure(with(kCalm, {{kQueue, "101"}}));
  expect_step(absl::Minutes(5), {}, {.registry = 4, .database = 4});
  const json raised = cluster().get(kube::types::kHorizontalPodAutoscaler, kNamespace, "registry");
  EXPECT_EQ(raised["spec"]["metrics"], hpa["metrics"]);
  EXPECT_EQ(raised["spec"]["behavior"], hpa["behavior"]);
  EXPECT_EQ(raised["spec"]["maxReplicas"], 8);
  approve("registry-db", 3);
  measure(kCalm);
  expect_step(absl::Minutes(5), {.registry = 4, .database = 4}, {.database = 4});
  expect_step(absl::Minutes(25), {.database = 4}, {});
}

TEST_F(ModelRegistry, a_missing_or_unusable_metric_holds_the_size_and_is_told) {
  measure(with(kCalm, {{kConsumerLag, "300"}, {kP99, "0.201"}}));
  expect({.consumers = 8});
  expect_step(absl::Minutes(5), {.consumers = 8}, {.registry = 4, .database = 4, .consumers = 12});
  EXPECT_TRUE(condition("ground-truth-consumers", "MetricsUnavailable").empty());
  for (const char* answer : {"empty", "NaN"}) {
    Figures broken = kCalm;
    for (const char* metric : {kConsumerLag, kQueue}) {
      if (answer == std::string("empty")) broken.erase(metric);
      if (answer == std::string("NaN")) broken[metric] = "NaN";
    }
    measure(broken);  // everything else is calm: only what is not known keeps the sizes up
    for (const char* target : {"ground-truth-consumers", "registry", "registry-db"}) {
      EXPECT_TRUE(eventually(10,
                             [&] {
                               return condition(target, "MetricsUnavailable").value("message", "").find(answer) !=
                                      std::string::npos;
                             }))
          << target << ": " << answer << ": " << condition(target, "MetricsUnavailable");
    }
    EXPECT_NE(
        condition("ground-truth-consumers", "MetricsUnavailable").value("message", "").find("rule consumer-lag: "),
        std::string::npos);
    EXPECT_TRUE(condition("dependency-graph", "MetricsUnavailable").empty());
    clock().advance(absl::Hours(1));
    expect_still({.registry = 4, .database = 4, .consumers = 12});
  }
  // One rule without an answer does not keep another from raising.
  Figures half = with(kCalm, {{kP99, "0.3"}});
  half.erase(kQueue);
  measure(half);
  expect_step(absl::Minutes(5), {.registry = 4, .database = 4, .consumers = 8}, {.registry = 5, .database = 5});
  approve("registry-db", 3);
  measure(kCalm);
  EXPECT_TRUE(eventually(10, [] { return condition("registry", "MetricsUnavailable").empty(); }));
}

TEST_F(ModelRegistry, without_its_prometheus_every_size_stays_and_with_it_the_rules_go_on) {
  measure(with(kCalm, {{kConsumerLag, "300"}, {kGraphLatency, "0.201"}}));
  expect({.consumers = 8});
  expect_step(absl::Minutes(5), {.consumers = 8}, {.graph = 5, .consumers = 12});
  measure(kCalm);  // the last that is known is calm, so that only the silence holds the sizes
  monitoring().stop("prometheus");
  for (const char* target : {"registry", "registry-db", "dependency-graph", "ground-truth-consumers"}) {
    EXPECT_TRUE(eventually(20, [&] { return condition(target, "MetricsUnavailable").value("status", "") == "True"; }))
        << target_status(target);
  }
  EXPECT_TRUE(eventually(30, [] {
    return condition(kube::types::kRegion, "us-east-1", "MetricsAvailable").value("status", "") == "False";
  }));
  clock().advance(absl::Hours(1));
  expect_still({.graph = 5, .consumers = 12});

  monitoring().start("prometheus");
  approve("dependency-graph", 4);
  measure(kCalm);
  EXPECT_TRUE(eventually(30, [] {
    return condition(kube::types::kRegion, "us-east-1", "MetricsAvailable").value("status", "") == "True";
  }));
  for (const char* target : {"registry", "registry-db", "dependency-graph", "ground-truth-consumers"}) {
    EXPECT_TRUE(eventually(20, [&] { return condition(target, "MetricsUnavailable").empty(); })) << target;
  }
}

}  // namespace
}  // namespace headroom::e2e
