// Whom a limit tells of its thresholds.
#include "operator/controllers/limit_alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::controllers {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

json depository() {
  return json::parse(R"({
    "apiVersion": "headroom.dev/v1alpha1", "kind": "ScaleLimit",
    "metadata": {"namespace": "depository", "name": "artifacts", "uid": "u-1", "generation": 1},
    "spec": {
      "match": {"resources": [{"group": "example.com", "version": "v1", "resource": "artifacts"}]},
      "total": {"count": 100000, "sums": [{"name": "storage", "path": ".spec.sizeBytes", "hard": "1000G"}]},
      "thresholds": [
        {"name": "orange", "dimension": "storage", "percent": 90, "level": "Orange", "action": "Notify",
         "escalation": {"to": ["owner", "ops"], "within": "6h", "message": "storage is being expanded"}},
        {"name": "full", "percent": 100, "level": "Red", "action": "Halt", "escalation": {"to": ["ops"]}},
        {"name": "shown", "percent": 70, "level": "Yellow"}]},
    "status": {"observedGeneration": 1, "thresholds": [
      {"threshold": "shown", "dimension": "storage", "state": "Crossed", "since": "2026-11-01T08:00:00Z"},
      {"threshold": "orange", "dimension": "storage", "state": "Crossed", "since": "2026-11-01T09:00:00Z",
       "due": "2026-11-01T15:00:00Z"},
      {"threshold": "full", "dimension": "count", "state": "Pending", "since": "2026-11-01T10:00:00Z"}]}})");
}

std::vector<Alert> alerts_of(const json& object) {
  return limit_alerts(api::scale_limit_from_json(object).value()).value();
}

TEST(LimitAlerts, are_not_told_by_the_figures_of_other_thresholds) {
  json object = depository();
  object["metadata"]["generation"] = 2;
  EXPECT_FALSE(limit_alerts(api::scale_limit_from_json(object).value())) << "those before are left as they are";
  object["metadata"]["deletionTimestamp"] = "2026-11-02T00:00:00Z";
  EXPECT_TRUE(alerts_of(object).empty());
}

TEST(LimitAlerts, go_to_each_receiver_of_a_crossed_threshold_with_what_it_is_to_do_and_by_when) {
  const std::vector<Alert> alerts = alerts_of(depository());
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0].receiver, "owner");
  EXPECT_EQ(alerts[1].receiver, "ops");
  EXPECT_THAT(alerts[0].labels, UnorderedElementsAre(Pair("alertname", "HeadroomLimitThreshold"),
                                                     Pair("kind", "ScaleLimit"), Pair("namespace", "depository"),
                                                     Pair("limit", "artifacts"), Pair("threshold", "orange"),
                                                     Pair("dimension", "storage"), Pair("severity", "warning")));
  EXPECT_THAT(alerts[0].annotations,
              UnorderedElementsAre(
                  Pair("summary", "ScaleLimit depository/artifacts: storage has reached 90 % of what is allowed"),
                  Pair("description", "storage is being expanded"), Pair("due", "2026-11-01T15:00:00Z")));
  EXPECT_EQ(absl::FormatTime(alerts[0].starts_at, absl::UTCTimeZone()), "2026-11-01T09:00:00+00:00");
}

TEST(LimitAlerts, of_a_threshold_that_stops_writes_say_so_and_are_urgent) {
  json object = depository();
  object["status"]["thresholds"] = json::array(
      {{{"threshold", "full"}, {"dimension", "count"}, {"state", "Crossed"}, {"since", "2026-11-01T10:00:00Z"}}});
  std::vector<Alert> alerts = alerts_of(object);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].labels["severity"], "critical");
  EXPECT_EQ(alerts[0].annotations["summary"],
            "ScaleLimit depository/artifacts: count has reached 100 % of what is allowed; writes that would use more "
            "are halted");
  object["spec"]["mode"] = "Audit";
  EXPECT_EQ(alerts_of(object).at(0).annotations.at("summary"),
            "ScaleLimit depository/artifacts: count has reached 100 % of what is allowed");
}

TEST(LimitAlerts, are_over_with_the_crossing_the_threshold_or_the_limit) {
  json object = depository();
  object["status"]["thresholds"][1]["state"] = "Pending";
  EXPECT_THAT(alerts_of(object), IsEmpty());
  object = depository();
  object["spec"]["thresholds"].erase(0);
  EXPECT_THAT(alerts_of(object), IsEmpty());
  object = depository();
  object["spec"]["thresholds"][0]["dimension"] = "count";
  EXPECT_THAT(alerts_of(object), IsEmpty()) << "it speaks of another dimension now";
  object = depository();
  object["metadata"]["deletionTimestamp"] = "2026-11-01T10:00:00Z";
  EXPECT_THAT(alerts_of(object), IsEmpty());
}

}  // namespace
}  // namespace headroom::controllers
