// Dimensions that a real Prometheus tells, up to a halt that a real API server's clients meet.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "tests/e2e/limit_samples.h"
#include "tests/e2e/limits_home.h"
#include "tests/support/test_monitoring.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kNamespace[] = "observed";

json condition(const json& status, const char* type) {
  const json none = json::array();
  for (const json& one : status.value("conditions", none)) {
    if (one.at("type") == type) return one;
  }
  return json::object();
}

class ObservedLimits : public ::testing::Test {
 protected:
  ::testing::AssertionResult reaches(const std::function<bool(const json&)>& holds) {
    return status_reaches(home_, kScaleLimit, kNamespace, "disk", holds, 60);
  }
  ::testing::AssertionResult shows(const std::string& used, int percent, const std::string& level) {
    return reaches([&](const json& status) {
      const json row = status.value("/dimensions/0"_json_pointer, json::object());
      return row.value("used", "") == used && row.value("percent", -1) == percent && row.value("level", "") == level;
    });
  }
  ::testing::AssertionResult says_of_metrics(const std::string& reason) {
    return reaches(
        [&](const json& status) { return condition(status, "MetricsUnavailable").value("reason", "") == reason; });
  }
  Result<json> create(const std::string& name) { return client_->create(kArtifact, artifact(kNamespace, name), {}); }

  Cluster& home_ = limits_home();
  std::unique_ptr<kube::Client> client_ = impatient_client(home_);
};

TEST_F(ObservedLimits, halt_by_what_prometheus_says_and_by_nothing_that_it_does_not_say) {
  const headroom::testing::TestMonitoring monitoring(absl::StrCat("observed-limits-", getpid()),
                                                     headroom::testing::TestMonitoring::With::Prometheus);
  monitoring.set_metrics("disk_used_bytes{disk=\"a\"} 60e9\ndisk_used_bytes{disk=\"b\"} 40e9\n");
  json limit = scale_limit(kNamespace, "disk", json::object());
  limit["spec"].erase("total");
  limit["spec"]["observed"] = {{{"name", "used"}, {"query", "sum(disk_used_bytes)"}, {"hard", "200G"}}};
  limit["spec"]["thresholds"] = {{{"name", "filling"}, {"percent", 90}, {"level", "Orange"}, {"action", "Notify"}},
                                 {{"name", "full"}, {"percent", 99}, {"level", "Red"}, {"action", "Halt"}}};
  limit_namespace(kNamespace, {limit});
  Webhooks webhooks(home_, 2, {"--request-deadline-seconds", "3", "--lease-seconds", "3", "--query-seconds", "1"});
  ASSERT_TRUE(in_force(webhooks, 2, "nothing", {"nothing"}));
  ASSERT_TRUE(enforced(home_, kScaleLimit, kNamespace, "disk"));
  EXPECT_TRUE(reaches([](const json& status) {
    const json found = condition(status, "MetricsUnavailable");
    return found.value("reason", "") == "NoAnswer" &&
           absl::StrContains(found.value("message", ""), "there is no Region local");
  }));
  EXPECT_TRUE(lands(create("before"))) << "silence halts nothing";

  const json region = {
      {"apiVersion", "headroom.dev/v1alpha1"},
      {"kind", "Region"},
      {"metadata", {{"name", "local"}}},
      {"spec",
       {{"cluster", {{"type", "Local"}}}, {"metrics", {{"url", monitoring.prometheus_url()}, {"staleness", "15s"}}}}}};
  ASSERT_TRUE(lands(home_.client().create(kube::types::kRegion, region, {})));
  EXPECT_TRUE(shows("100G", 50, "Green"));
  EXPECT_TRUE(says_of_metrics(""));
  monitoring.set_metrics("disk_used_bytes 180.5e9\n");
  EXPECT_TRUE(shows("180500M", 90, "Orange"));
  EXPECT_TRUE(lands(create("while-filling")));

  monitoring.set_metrics("disk_used_bytes 199e9\n");
  EXPECT_TRUE(shows("199G", 99, "Red"));
  Result<json> last = json();
  EXPECT_TRUE(eventually(10, [&] {
    last = create("while-full");
    if (last) {
      EXPECT_TRUE(client_->remove(kArtifact, {kNamespace, "while-full"}, {}, {}));
    }
    return bool(refused(last, 503, "ScaleLimit observed/disk: used is 199G of 200G (99 %); writes are halted"));
  })) << lands(last).message();

  monitoring.stop("prometheus");
  EXPECT_TRUE(says_of_metrics("StaleMetrics"));
  EXPECT_TRUE(shows("199G", 99, "Red")) << "the last figure";
  EXPECT_TRUE(says_of_metrics("NoAnswer"));
  EXPECT_TRUE(reaches([](const json& status) {
    return status.contains("halted") && !status.value("/dimensions/0"_json_pointer, json::object()).contains("used");
  })) << "then none, and what is halted stays so";
  EXPECT_TRUE(refused(create("while-silent"), 503, "writes are halted"));

  monitoring.start("prometheus");
  monitoring.set_metrics("disk_used_bytes 20e9\n");
  EXPECT_TRUE(shows("20G", 10, "Green"));
  EXPECT_TRUE(eventually(10, [&] { return bool(lands(create("after"))); }));
  EXPECT_TRUE(says_of_metrics(""));
  home_.kubectl("delete region local");
}

}  // namespace
}  // namespace headroom::e2e
