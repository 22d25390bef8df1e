// What the two programs and the API server really export: every rule and every dashboard asks for what is there, and
// promtool finds nothing to say about it.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <utility>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/duration.h"
#include "tests/e2e/limits_home.h"
#include "tests/e2e/operators.h"
#include "tests/support/test_monitoring.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kNamespace[] = "seen";

/// A command with all that it says.
struct Outcome {
  int status = -1;
  std::string output;
};

Outcome outcome_of(const std::string& command) {
  Outcome outcome;
  FILE* pipe = popen(absl::StrCat("timeout --kill-after=5 60 ", command, " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    outcome.output.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

json headroom_object(const std::string& kind, const std::string& name, const json& spec) {
  json object = {
      {"apiVersion", "headroom.dev/v1alpha1"}, {"kind", kind}, {"metadata", {{"name", name}}}, {"spec", spec}};
  if (kind != "Region") object["metadata"]["namespace"] = kNamespace;
  return object;
}

/// A festival that begins in some seconds and then asks for more than its target may have, sooner than that is ready.
json festival() {
  const std::string day = format_rfc3339(absl::FromUnixSeconds(absl::ToUnixSeconds(SystemClock().wall_now()) + 8));
  const json now = {{"name", "now"}, {"from", "PT0S"}, {"to", "PT1H"}, {"targets", json::object()}, {"replicas", 2}};
  const json later = {
      {"name", "later"}, {"from", "PT1H"}, {"to", "PT3H"}, {"targets", json::object()}, {"replicas", 9}};
  return headroom_object("FestivalSchedule", "fair",
                         {{"timeZone", "Asia/Kolkata"},
                          {"occurrences", {{{"name", "today"}, {"instant", day}}}},
                          {"phases", {now, later}}});
}

json target() {
  return headroom_object("ScaleTarget", "web",
                         {{"targetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", "web"}}},
                          {"engine", {{"type", "Scale"}}},
                          {"replicas", {{"min", 1}, {"max", 3}, {"baseline", 1}}},
                          {"warmUp", {{"estimate", "6h"}}}});
}

json region(const std::string& prometheus) {
  return headroom_object("Region", "local",
                         {{"cluster", {{"type", "Local"}}},
                          {"metrics", {{"url", prometheus}}},
                          {"capacity", {{{"name", "pods"}, {"hard", "100"}, {"usedQuery", "sum(pods_used)"}}}},
                          {"health", {{"probes", {{{"name", "api-server"}, {"type", "APIServer"}}}}}}});
}

std::string shown_by(const OperatorProcess& headroom) {
  auto page = headroom.ask("/metrics");
  return page ? std::move(page).value() : std::string();
}

class MetricsPages : public ::testing::Test {
 protected:
  MetricsPages() { std::filesystem::create_directories(folder_); }
  ~MetricsPages() override { std::filesystem::remove_all(folder_); }

  std::string page(const std::string& name, const std::string& content) const {
    std::string path = folder_ + "/" + name;
    std::ofstream(path) << content;
    return path;
  }
  void create(const kube::ResourceType& type, const json& object) const {
    const auto made = home_.client().create(type, object, {});
    EXPECT_TRUE(made) << made.error().message;
  }
  void furnish() const {
    json flow = scale_limit(kNamespace, "flow", json::object());
    flow["spec"].erase("total");
    flow["spec"].merge_patch({{"rate", {{"writesPerSecond", 100}}}, {"concurrency", {{"max", 50}}}});
    limit_namespace(kNamespace, {scale_limit(kNamespace, "artifacts", {{"count", 2}}), flow});
    home_.kubectl(absl::StrCat("create deployment web --image=registry.k8s.io/pause:3.10 -n ", kNamespace));
    create(kube::types::kScaleTarget, target());
    create(kube::types::kFestivalSchedule, festival());
  }
  /// Asks until there are no problems; what it said last.
  static Outcome settled(const std::function<std::string()>& command) {
    Outcome last;
    eventually(
        60,
        [&] {
          last = outcome_of(command());
          return last.status == 0;
        },
        std::chrono::milliseconds(500));
    return last;
  }

  const std::string folder_ = ::testing::TempDir() + absl::StrCat("metrics-pages-", getpid());
  Cluster& home_ = limits_home();
};

TEST_F(MetricsPages, have_everything_that_rules_and_dashboards_ask_for) {
  furnish();
  Webhooks webhooks(home_, 2, limits_arguments());
  const OperatorProcess headroom(home_.rights().operator_kubeconfig(), folder_ + "/operator.log",
                                 {"--namespace", "headroom-system"});
  ASSERT_TRUE(in_force(webhooks, 2, kNamespace, {"artifacts", "flow"}));
  for (int i = 0; i < 3; ++i) {
    (void)home_.client().create(kArtifact, artifact(kNamespace, absl::StrCat("a", i)), {});
  }
  std::vector<std::string> scraped;
  for (const int port :
       {int(headroom.port()), int(webhooks.replica(0).health_port()), int(webhooks.replica(1).health_port())}) {
    scraped.insert(scraped.end(), {"--target", absl::StrCat("127.0.0.1:", port)});
  }
  for (const char* group : {"agents", "festivals", "headroom", "limits"}) {
    scraped.insert(scraped.end(), {"--rules", absl::StrCat("charts/headroom/rules/", group, ".yaml")});
  }
  const headroom::testing::TestMonitoring monitoring(absl::StrCat("metrics-pages-", getpid()),
                                                     headroom::testing::TestMonitoring::With::Prometheus, scraped);
  monitoring.set_metrics("pods_used 5\n");
  create(kube::types::kRegion, region(monitoring.prometheus_url()));

  std::string at_operator, at_webhook, at_api_server;
  const Outcome names = settled([&] {
    at_operator = page("operator.txt", shown_by(headroom));
    at_webhook = page("webhook.txt", webhooks.replica(0).ask("/metrics"));
    at_api_server = page("api-server.txt", home_.client().raw_get("/metrics", {}).value().body);
    return absl::StrCat("python3 tests/observability/names_test.py . --operator ", at_operator, " --webhook ",
                        at_webhook, " --api-server ", at_api_server);
  });
  EXPECT_EQ(names.status, 0) << names.output;
  for (const std::string& path : {at_operator, at_webhook}) {
    const Outcome lint = outcome_of(absl::StrCat("promtool check metrics <", path));
    EXPECT_EQ(lint.status, 0) << path << "\n" << lint.output;
    EXPECT_EQ(lint.output, "") << path;
  }
  const Outcome queries = settled(
      [&] { return absl::StrCat("python3 tests/observability/queries_test.py . ", monitoring.prometheus_url()); });
  EXPECT_EQ(queries.status, 0) << queries.output;
  std::printf("%s%s", names.output.c_str(), queries.output.c_str());
}

}  // namespace
}  // namespace headroom::e2e
