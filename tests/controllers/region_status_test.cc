#include "operator/controllers/region_status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::controllers {
namespace {

using Outlook = ConnectionFault::Outlook;

const absl::Time kNow = absl::FromUnixSeconds(1'794'400'000);
const SteadyTime kStart = SteadyTime(std::chrono::hours(1));

api::ObjectMeta meta() {
  api::ObjectMeta meta;
  meta.name = "mumbai";
  meta.generation = 4;
  return meta;
}

RegionFacts healthy_facts() {
  RegionFacts facts;
  facts.cluster = {true, true, "", "v1.36.3", kStart};
  facts.report.reachable = true;
  facts.report.health_message = "all 1 probes pass";
  facts.report.probes = {{"api", true, 0, "fine", kNow}};
  return facts;
}

const api::Condition& condition(const api::RegionStatus& status, const char* type) {
  static const api::Condition kMissing{"(missing)", false, "(missing)", "(missing)", 0, {}};
  const api::Condition* found = api::find_condition(status.conditions, type);
  return found == nullptr ? kMissing : *found;
}

monitoring::QuerySource::Answer number(double value) { return {value, "", true}; }
monitoring::QuerySource::Answer silence(std::string why) { return {std::nullopt, std::move(why), true}; }

TEST(RegionStatus, of_a_region_in_order_is_ready) {
  const api::RegionStatus status = region_status(meta(), {}, healthy_facts(), {}, kNow);
  for (const char* type : {"Ready", "Reachable", "Healthy", "CapacityAvailable"}) {
    EXPECT_TRUE(condition(status, type).status) << type << ": " << condition(status, type).message;
  }
  for (const char* type : {"Stalled", "Reconciling"}) EXPECT_FALSE(condition(status, type).status) << type;
  EXPECT_EQ(status.observed_generation, 4);
  EXPECT_EQ(status.kubernetes_version, "v1.36.3");
  EXPECT_EQ(api::find_condition(status.conditions, "MetricsAvailable"), nullptr) << "none are declared";
}

TEST(RegionStatus, says_why_there_is_no_connection_and_whether_a_person_must_act) {
  struct Row {
    const char* reason;
    Outlook outlook;
    bool stalled;
  };
  const Row table[] = {{"SecretNotFound", Outlook::NeedsPerson, true},
                       {"KubeconfigInvalid", Outlook::NeedsPerson, true},
                       {"SecretUnreadable", Outlook::Failing, false}};
  for (const Row& row : table) {
    RegionFacts facts;
    facts.fault = ConnectionFault{row.reason, "what and how to mend it", row.outlook};
    const api::RegionStatus status = region_status(meta(), {}, facts, {}, kNow);
    EXPECT_FALSE(condition(status, "Reachable").status);
    EXPECT_EQ(condition(status, "Reachable").reason, row.reason);
    EXPECT_FALSE(condition(status, "Ready").status);
    EXPECT_EQ(condition(status, "Ready").message, "what and how to mend it");
    EXPECT_EQ(condition(status, "Stalled").status, row.stalled) << row.reason;
  }
}

TEST(RegionStatus, a_restart_does_not_doubt_a_region_before_its_first_answer) {
  const api::RegionStatus before = region_status(meta(), {}, healthy_facts(), {}, kNow);
  RegionFacts opening;
  const api::RegionStatus opened = region_status(meta(), {}, opening, before, kNow + absl::Seconds(1));
  EXPECT_TRUE(condition(opened, "Reachable").status);
  EXPECT_TRUE(condition(opened, "Reconciling").status);
  opening.fault = ConnectionFault{"NamespacesUnknown", "waiting", Outlook::Pending};
  EXPECT_TRUE(condition(region_status(meta(), {}, opening, before, kNow), "Reachable").status);

  const api::RegionStatus fresh = region_status(meta(), {}, RegionFacts{}, {}, kNow);
  EXPECT_FALSE(condition(fresh, "Reachable").status) << "a new region is not reachable before it answers";
  EXPECT_EQ(condition(fresh, "Reachable").reason, "Connecting");
}

TEST(RegionStatus, a_lost_api_server_is_told_in_its_own_words) {
  RegionFacts facts = healthy_facts();
  facts.cluster.reachable = false;
  facts.cluster.problem = "connection refused";
  const api::RegionStatus status = region_status(meta(), {}, facts, {}, kNow);
  EXPECT_EQ(condition(status, "Reachable").reason, "ApiServerAway");
  EXPECT_EQ(condition(status, "Reachable").message, "connection refused");
  EXPECT_FALSE(condition(status, "Stalled").status) << "it may come back";
}

TEST(RegionStatus, adds_up_planned_and_other_use_against_each_dimension) {
  api::RegionSpec spec;
  spec.capacity = {{"sustained-rps", Quantity::from_int(200), "sum(rps)"}, {"agents", Quantity::from_int(350), ""}};
  RegionFacts facts = healthy_facts();
  facts.planned = {{"sustained-rps", Quantity::from_int(150)}, {"agents", Quantity::from_int(350)}};
  facts.used = {{"sustained-rps", number(50)}};
  api::RegionStatus status = region_status(meta(), spec, facts, {}, kNow);
  EXPECT_TRUE(condition(status, "CapacityAvailable").status) << "exactly full is not over";
  ASSERT_EQ(status.capacity.size(), 2U);
  EXPECT_EQ(status.capacity[0].used, Quantity::from_int(50));
  EXPECT_FALSE(status.capacity[1].used);
  EXPECT_EQ(used_elsewhere(status), (std::map<std::string, Quantity>{{"sustained-rps", Quantity::from_int(50)}}));

  facts.used = {{"sustained-rps", number(50.5)}};
  status = region_status(meta(), spec, facts, status, kNow);
  EXPECT_FALSE(condition(status, "CapacityAvailable").status);
  EXPECT_EQ(condition(status, "CapacityAvailable").message,
            "sustained-rps: 150 planned and 50500m used besides of 200: raise spec.capacity with the region, or move "
            "demand to another one");
  EXPECT_TRUE(condition(status, "Ready").status) << "a full region still works";
}

TEST(RegionStatus, writes_quantities_in_the_family_of_the_declared_capacity) {
  api::RegionSpec spec;
  spec.capacity = {{"storage", Quantity::parse("32G").value(), ""},
                   {"memory", Quantity::parse("64Gi").value(), "sum(used)", QuantityFormat::BinarySI}};
  RegionFacts facts = healthy_facts();
  facts.planned = {{"storage", Quantity::parse("1500M").value() + Quantity::parse("0.5G").value()},
                   {"memory", Quantity::parse("65Gi").value()}};
  facts.used = {{"memory", number(1536.0 * 1024 * 1024)}};
  const api::RegionStatus status = region_status(meta(), spec, facts, {}, kNow);
  EXPECT_EQ(api::to_json(status)["capacity"], nlohmann::json::parse(R"([
      {"name": "storage", "hard": "32G", "planned": "2G"},
      {"name": "memory", "hard": "64Gi", "planned": "65Gi", "used": "1536Mi"}])"));
  EXPECT_NE(condition(status, "CapacityAvailable").message.find("memory: 65Gi planned and 1536Mi used besides of 64Gi"),
            std::string::npos);
}

TEST(RegionStatus, an_answer_that_fails_to_come_leaves_the_last_one_in_use) {
  api::RegionSpec spec;
  spec.capacity = {{"rps", Quantity::from_int(200), "sum(rps)"}};
  RegionFacts facts = healthy_facts();
  facts.used = {{"rps", number(50)}};
  api::RegionStatus status = region_status(meta(), spec, facts, {}, kNow);
  facts.used = {{"rps", silence("the answer is empty")}};
  status = region_status(meta(), spec, facts, status, kNow);
  EXPECT_EQ(status.capacity[0].used, Quantity::from_int(50));
  EXPECT_FALSE(condition(status, "MetricsAvailable").status);
  EXPECT_EQ(condition(status, "MetricsAvailable").message, "rps: the answer is empty");
}

TEST(RegionStatus, an_answer_under_way_changes_no_verdict_on_the_metrics) {
  RegionFacts facts = healthy_facts();
  facts.metrics = number(1);
  api::RegionStatus status = region_status(meta(), {}, facts, {}, kNow);
  EXPECT_TRUE(condition(status, "MetricsAvailable").status);
  facts.metrics = monitoring::QuerySource::Answer{};
  status = region_status(meta(), {}, facts, status, kNow);
  EXPECT_TRUE(condition(status, "MetricsAvailable").status);
  facts.metrics = silence("connection refused");
  status = region_status(meta(), {}, facts, status, kNow);
  EXPECT_FALSE(condition(status, "MetricsAvailable").status);
  EXPECT_TRUE(condition(status, "Ready").status) << "sizes by the calendar need no metrics";
}

TEST(RegionStatus, parameters_that_cannot_be_written_make_it_not_ready) {
  api::RegionSpec spec;
  spec.parameter_namespaces = {"shop"};
  RegionFacts facts = healthy_facts();
  api::RegionStatus status = region_status(meta(), spec, facts, {}, kNow);
  EXPECT_EQ(condition(status, "ParametersWritten").reason, "Pending");
  facts.report.parameters_written = true;
  status = region_status(meta(), spec, facts, status, kNow);
  EXPECT_TRUE(condition(status, "ParametersWritten").status);
  facts.report.parameters_written = false;
  facts.report.parameter_problems = {"ConfigMap shop/headroom-region: forbidden"};
  status = region_status(meta(), spec, facts, status, kNow);
  EXPECT_FALSE(condition(status, "Ready").status);
  EXPECT_EQ(condition(status, "Ready").message, "ConfigMap shop/headroom-region: forbidden");
}

TEST(RegionStatus, probes_that_only_keep_failing_are_not_worth_a_write_every_time) {
  api::RegionSpec spec;
  spec.health.probes.resize(1);
  spec.health.probes[0].name = "api";
  spec.health.probes[0].failure_threshold = 3;
  api::RegionStatus before;
  before.probes = {{"api", false, 3, "refused", kNow}};
  api::RegionStatus after = before;
  after.probes[0].consecutive_failures = 17;
  after.probes[0].last_probe = kNow + absl::Seconds(140);
  EXPECT_FALSE(worth_writing(spec, before, after));
  after.probes[0].last_probe = kNow + absl::Minutes(5);
  EXPECT_TRUE(worth_writing(spec, before, after)) << "but its time is told every five minutes";
  after = before;
  after.probes[0].consecutive_failures = 2;
  EXPECT_TRUE(worth_writing(spec, before, after));
  after = before;
  after.probes[0].message = "timed out";
  EXPECT_TRUE(worth_writing(spec, before, after));
  after = before;
  after.targets = 1;
  EXPECT_TRUE(worth_writing(spec, before, after));
}

std::vector<std::string> reasons(const api::RegionStatus& before, const api::RegionStatus& after) {
  std::vector<std::string> all;
  for (const runtime::EventText& event : region_events(before, after)) all.push_back(event.reason);
  return all;
}

TEST(RegionEvents, tell_of_changes_and_of_bad_news_at_first_sight) {
  const api::RegionStatus good = region_status(meta(), {}, healthy_facts(), {}, kNow);
  RegionFacts lost = healthy_facts();
  lost.cluster.reachable = false;
  lost.report.healthy = false;
  const api::RegionStatus bad = region_status(meta(), {}, lost, good, kNow);
  EXPECT_EQ(reasons({}, good), std::vector<std::string>{});
  EXPECT_EQ(reasons(good, good), std::vector<std::string>{});
  EXPECT_EQ(reasons(good, bad), (std::vector<std::string>{"RegionUnreachable", "RegionUnhealthy"}));
  EXPECT_EQ(reasons({}, bad), (std::vector<std::string>{"RegionUnreachable", "RegionUnhealthy"}));
  EXPECT_EQ(reasons(bad, bad), std::vector<std::string>{});
  EXPECT_EQ(reasons(bad, good), (std::vector<std::string>{"RegionReachable", "RegionHealthy"}));
  EXPECT_EQ(reasons({}, region_status(meta(), {}, RegionFacts{}, {}, kNow)), std::vector<std::string>{})
      << "connecting is no news";
}

TEST(QuantityNear, keeps_nine_digits_and_does_not_overflow) {
  EXPECT_EQ(quantity_near(0.5).to_string(), "0.5");
  EXPECT_EQ(quantity_near(1500).to_string(), "1500");
  EXPECT_EQ(quantity_near(-2.25).to_string(), "-2.25");
  EXPECT_EQ(quantity_near(1.8e11).to_string(), "180000000000");
  EXPECT_GT(quantity_near(1e300), Quantity::from_int(1'000'000'000'000));
  EXPECT_LT(quantity_near(-1e300), Quantity());
}

}  // namespace
}  // namespace headroom::controllers
