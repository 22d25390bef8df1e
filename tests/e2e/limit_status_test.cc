// What headroom-webhook tells in the statuses of limits on a real API server, and what follows from it.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;
using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

json threshold(const std::string& name, int percent, const std::string& level, const std::string& action) {
  return {{"name", name}, {"percent", percent}, {"level", level}, {"action", action}};
}

json limit_with(const std::string& ns, int count, const json& thresholds) {
  json limit = scale_limit(ns, "artifacts", {{"count", count}});
  limit["spec"]["thresholds"] = thresholds;
  return limit;
}

json condition(const json& limit, const std::string& type) {
  const json none = json::array();
  for (const json& one : limit.value("/status/conditions"_json_pointer, none)) {
    if (one.at("type") == type) return one;
  }
  return json::object();
}

/// One webhook, whose promises come within seconds.
class LimitStatus : public ::testing::Test {
 protected:
  LimitStatus() {
    kube::ClientLimits impatient;
    impatient.retry_for = std::chrono::milliseconds(0);
    client_ = std::make_unique<kube::Client>(kube::make_transport(home_.config()).value(), impatient, 1);
  }

  json limit(const std::string& ns) { return home_.get(kScaleLimit, ns, "artifacts"); }
  json status(const std::string& ns) { return limit(ns).value("status", json::object()); }

  AssertionResult reaches(const std::string& ns, const std::string& what, const std::function<bool(const json&)>& holds,
                          int seconds = 20) {
    json last;
    if (eventually(seconds, [&] { return holds(last = limit(ns)); })) return AssertionSuccess();
    return AssertionFailure() << "not " << what << ": " << last.value("status", json()).dump(1);
  }
  AssertionResult is_level(const std::string& ns, int used, const std::string& level) {
    return reaches(ns, absl::StrCat(level, " with ", used), [&](const json& limit) {
      return limit.value("/status/level"_json_pointer, "") == level &&
             limit.value("/status/fullest/used"_json_pointer, "") == std::to_string(used);
    });
  }
  AssertionResult is_enforced(const std::string& ns, bool enforced, const std::string& reason, int generation) {
    return reaches(ns, absl::StrCat(reason, " in generation ", generation), [&](const json& limit) {
      const json found = condition(limit, "Enforced");
      return found.value("status", "") == (enforced ? "True" : "False") && found.value("reason", "") == reason &&
             found.value("observedGeneration", 0) == generation;
    });
  }
  AssertionResult is_ready(const std::string& ns) {
    return reaches(ns, "ready",
                   [](const json& limit) { return condition(limit, "Ready").value("status", "") == "True"; });
  }

  Result<json> create(const std::string& ns, int number) {
    return client_->create(kArtifact, artifact(ns, absl::StrCat("a", number)), {});
  }
  Status remove(const std::string& ns, int number) {
    return client_->remove(kArtifact, {ns, absl::StrCat("a", number)}, {}, {});
  }
  /// Soon: the webhook hears of what it has stored itself.
  AssertionResult is_refused(const std::string& ns, int number, int status, const std::string& message) {
    Error last;
    const auto refused = [&] {
      const auto created = create(ns, number);
      if (created) {
        EXPECT_TRUE(remove(ns, number));
        return false;
      }
      last = created.error();
      return last.http_status == status && absl::StrContains(last.message, message);
    };
    if (eventually(5, refused)) return AssertionSuccess();
    return AssertionFailure() << last.http_status << " " << last.message;
  }
  AssertionResult is_let_through(const std::string& ns, int number) {
    std::string last;
    const auto passes = [&] {
      const auto created = create(ns, number);
      if (!created) last = created.error().message;
      return static_cast<bool>(created);
    };
    if (eventually(5, passes)) return AssertionSuccess();
    return AssertionFailure() << last;
  }
  /// Creates the artifacts [from, to).
  void fill(const std::string& ns, int from, int to) {
    for (int i = from; i < to; ++i) {
      const auto created = create(ns, i);
      ASSERT_TRUE(created) << i << ": " << created.error().message;
    }
  }

  /// Reasons of the events about the limit.
  std::string events(const std::string& ns) {
    return home_.kubectl(
        absl::StrCat("get events.events.k8s.io -n ", ns, " -o jsonpath='{range .items[*]}{.type}/{.reason} {end}'"));
  }
  /// What kubectl shows of the limit, by columns.
  std::vector<std::string> row(const std::string& ns) {
    return absl::StrSplit(home_.kubectl(absl::StrCat("get scalelimits artifacts --no-headers -n ", ns)), ' ',
                          absl::SkipWhitespace());
  }

  Cluster& home_ = limits_home();
  std::unique_ptr<kube::Client> client_;
  Webhooks webhooks_{home_, 1, {"--request-deadline-seconds", "3", "--lease-seconds", "3"}};
};

TEST_F(LimitStatus, levels_follow_creates_and_deletes_up_to_a_halt) {
  limit_namespace("levels",
                  {limit_with("levels", 10,
                              {threshold("expand", 70, "Yellow", "Notify"), threshold("act", 90, "Orange", "Notify"),
                               threshold("full", 100, "Red", "Halt")})});
  ASSERT_TRUE(webhooks_.wait_ready(30));
  ASSERT_TRUE(is_enforced("levels", true, "Exact", 1));
  fill("levels", 0, 6);
  EXPECT_TRUE(is_level("levels", 6, "Green"));
  fill("levels", 6, 7);
  EXPECT_TRUE(is_level("levels", 7, "Yellow"));
  fill("levels", 7, 9);
  EXPECT_TRUE(is_level("levels", 9, "Orange"));
  std::vector<std::string> columns = row("levels");
  ASSERT_EQ(columns.size(), 10U);
  columns.pop_back();  // its age
  EXPECT_THAT(columns, ElementsAre("artifacts", "True", "True", "Orange", "count", "9", "10", "90", "Enforce"));
  fill("levels", 9, 10);
  EXPECT_TRUE(is_level("levels", 10, "Red"));
  ASSERT_TRUE(status("levels").contains("halted"));
  EXPECT_TRUE(is_refused("levels", 10, 503, "count is 10 of 10 (100 %); writes are halted"));
  ASSERT_TRUE(remove("levels", 0));
  ASSERT_TRUE(remove("levels", 1));
  ASSERT_TRUE(remove("levels", 2));
  ASSERT_TRUE(remove("levels", 3));
  EXPECT_TRUE(is_level("levels", 6, "Green"));
  EXPECT_FALSE(status("levels").contains("halted"));
  EXPECT_FALSE(status("levels").contains("thresholds"));
  EXPECT_TRUE(is_let_through("levels", 10));
  EXPECT_TRUE(eventually(20, [&] { return absl::StrContains(events("levels"), "Normal/WritesResumed"); }))
      << events("levels");
  EXPECT_THAT(events("levels"), HasSubstr("Warning/WritesHalted"));
  EXPECT_THAT(events("levels"), HasSubstr("Warning/LimitThresholdCrossed"));
  EXPECT_THAT(events("levels"), HasSubstr("Normal/LimitEnforced"));
}

TEST_F(LimitStatus, a_pause_tells_clients_to_come_back_until_something_is_deleted) {
  limit_namespace("paused", {limit_with("paused", 10, json::array({threshold("nearly", 90, "Red", "PauseWrites")}))});
  ASSERT_TRUE(webhooks_.wait_ready(30));
  ASSERT_TRUE(is_ready("paused"));
  fill("paused", 0, 9);
  EXPECT_TRUE(
      reaches("paused", "paused", [](const json& limit) { return limit.contains("/status/paused"_json_pointer); }));
  EXPECT_TRUE(is_refused("paused", 9, 429, "ScaleLimit paused/artifacts: count is 9 of 10 (90 %); writes are paused"));
  EXPECT_TRUE(reaches("paused", "told of the denial", [](const json& limit) {
    return limit.value("/status/denials/0/reason"_json_pointer, "") == "Paused" &&
           limit.value("/status/denials/0/dimension"_json_pointer, "") == "count" &&
           absl::StrContains(limit.value("/status/denials/0/lastMessage"_json_pointer, ""), "writes are paused");
  }));
  EXPECT_TRUE(
      absl::StrContains(webhooks_.replica(0).ask("/metrics"),
                        "headroom_limit_denials_total{dimension=\"count\",kind=\"ScaleLimit\",limit=\"artifacts\","
                        "namespace=\"paused\",reason=\"Paused\"}"));
  ASSERT_TRUE(remove("paused", 0));
  EXPECT_TRUE(
      reaches("paused", "resumed", [](const json& limit) { return !limit.contains("/status/paused"_json_pointer); }));
  EXPECT_TRUE(is_let_through("paused", 9));
}

TEST_F(LimitStatus, a_limit_is_exact_again_some_time_after_what_it_counts_was_changed) {
  limit_namespace("exact", {scale_limit("exact", "artifacts", {{"count", 5}})});
  ASSERT_TRUE(webhooks_.wait_ready(30));
  EXPECT_TRUE(is_enforced("exact", false, "SettlingIn", 1));
  EXPECT_TRUE(is_ready("exact"));
  EXPECT_TRUE(is_enforced("exact", true, "Exact", 1));
  const json labels = {{"matchLabels", {{"counted", "yes"}}}};
  ASSERT_TRUE(client_->patch(kScaleLimit, {"exact", "artifacts"}, kube::PatchType::Merge,
                             {{"spec", {{"match", {{"labelSelector", labels}}}}}}, {}));
  EXPECT_TRUE(is_enforced("exact", false, "SettlingIn", 2));
  EXPECT_TRUE(is_enforced("exact", true, "Exact", 2));
  EXPECT_EQ(limit("exact")["status"]["observedGeneration"], 2);
}

TEST_F(LimitStatus, a_webhook_configuration_that_somebody_deletes_comes_back_and_the_wait_begins_anew) {
  limit_namespace("removed", {scale_limit("removed", "artifacts", {{"count", 5}})});
  ASSERT_TRUE(webhooks_.wait_ready(30));
  ASSERT_TRUE(is_enforced("removed", true, "Exact", 1));
  home_.kubectl("delete validatingwebhookconfiguration headroom");
  EXPECT_TRUE(reaches("removed", "not enforced",
                      [](const json& limit) { return condition(limit, "Enforced").value("status", "") == "False"; }));
  EXPECT_TRUE(is_enforced("removed", true, "Exact", 1));
  EXPECT_THAT(home_.kubectl("get validatingwebhookconfiguration headroom -o name"), HasSubstr("headroom"));
}

TEST_F(LimitStatus, a_webhook_configuration_that_somebody_alters_is_put_right_and_the_wait_begins_anew) {
  limit_namespace("altered", {scale_limit("altered", "artifacts", {{"count", 5}})});
  ASSERT_TRUE(webhooks_.wait_ready(30));
  const kube::ResourceType type{"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
                                "ValidatingWebhookConfiguration", false};
  const json never = {{"name", "never"}, {"expression", "false"}};
  const json edits[] = {
      {{"op", "replace"}, {"path", "/webhooks/1/matchConditions/0/expression"}, {"value", "false"}},
      {{"op", "add"}, {"path", "/webhooks/1/matchConditions/-"}, {"value", never}},
      {{"op", "replace"}, {"path", "/webhooks/1/objectSelector"}, {"value", {{"matchLabels", {{"a", "b"}}}}}},
      {{"op", "replace"}, {"path", "/webhooks/1/timeoutSeconds"}, {"value", 1}},
  };
  // By whom the certificate is verified changes while former replicas' authorities are dropped.
  const auto entries = [&] {
    json list = home_.get(type, "", "headroom").at("webhooks");
    for (json& entry : list) entry["clientConfig"].erase("caBundle");
    return list;
  };
  for (const json& edit : edits) {
    SCOPED_TRACE(edit.dump());
    ASSERT_TRUE(is_enforced("altered", true, "Exact", 1));
    const json before = entries();
    // It may be put right before anybody looks.
    EXPECT_TRUE(eventually(30, [&] {
      const auto altered = home_.client().patch(type, {"", "headroom"}, kube::PatchType::Json, json::array({edit}), {});
      EXPECT_TRUE(altered) << altered.error().message;
      return eventually(5, [&] { return condition(limit("altered"), "Enforced").value("status", "") == "False"; });
    }));
    EXPECT_TRUE(eventually(20, [&] { return entries() == before; })) << entries().dump(1);
  }
  EXPECT_TRUE(is_enforced("altered", true, "Exact", 1));
}

TEST_F(LimitStatus, a_webhook_that_only_warns_is_ready_and_promises_nothing) {
  json warning = scale_limit("warned", "artifacts", {{"count", 1}});
  warning["spec"]["mode"] = "Warn";
  limit_namespace("warned", {warning});
  ASSERT_TRUE(in_force(webhooks_, 1, "warned", {"artifacts"}));
  EXPECT_TRUE(is_enforced("warned", false, "Warns", 1));
  EXPECT_TRUE(is_ready("warned"));
  // No refusal tells when the API server begins to ask about this namespace; until then writes pass without a warning.
  int written = 0;
  EXPECT_TRUE(eventually(20, [&] {
    fill("warned", written, written + 1);
    ++written;
    return status("warned").value("/denials/0/reason"_json_pointer, "") == "OverLimit";
  })) << status("warned");
  EXPECT_TRUE(reaches("warned", "over", [&](const json& limit) {
    return limit.value("/status/fullest/percent"_json_pointer, 0) == 100 * written;
  }));
}

TEST_F(LimitStatus, a_promise_outlives_the_replica_that_made_it) {
  limit_namespace("inherited", {scale_limit("inherited", "artifacts", {{"count", 5}})});
  ASSERT_TRUE(webhooks_.wait_ready(30));
  ASSERT_TRUE(is_enforced("inherited", true, "Exact", 1));
  const json before = condition(limit("inherited"), "Enforced");
  webhooks_.replica(0).kill_now();
  webhooks_.restart(0);
  ASSERT_TRUE(webhooks_.wait_ready(30));
  fill("inherited", 0, 3);
  EXPECT_TRUE(is_level("inherited", 3, "Green"));
  EXPECT_EQ(condition(limit("inherited"), "Enforced"), before);
}

}  // namespace
}  // namespace headroom::e2e
