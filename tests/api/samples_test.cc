// The shipped samples decide what their README files promise. Tables by hand, from the systems' own play-books.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "operator/base/duration.h"
#include "tests/api/sample_world.h"
#include "tests/support/civil.h"

namespace headroom::api {
namespace {

using testing_support::at;
using testing_support::ist;

struct Row {
  const char* at;  ///< civil time
  std::vector<int> sizes;
};

void expect_table(const SampleWorld& world, const std::string& zone, const std::vector<const char*>& targets,
                  const std::vector<Row>& table) {
  for (const Row& row : table) {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      EXPECT_EQ(world.size(targets[i], at(row.at, zone)), row.sizes[i]) << targets[i] << " at " << row.at;
    }
  }
}

SampleWorld whatsapp_erp(absl::Time now) {
  return SampleWorld(now).apply("whatsapp-erp", "mumbai").apply("whatsapp-erp/chennai", "chennai");
}

const std::vector<const char*> kMumbai = {"webhook-workers", "order-service", "inventory-service", "invoice-service",
                                          "erp-db"};

TEST(Samples, the_diwali_playbook_comes_out_as_its_readme_says) {
  // The database counts its primary: 4 is three read replicas, 6 is five.
  expect_table(whatsapp_erp(ist("2026-10-20")), "Asia/Kolkata", kMumbai,
               {{"2026-11-04 23:59:59", {10, 10, 5, 5, 4}},
                {"2026-11-05 00:00:00", {60, 10, 5, 5, 6}},
                {"2026-11-07 00:00:00", {100, 60, 45, 45, 6}},
                {"2026-11-08 00:00:00", {100, 60, 45, 45, 6}},
                {"2026-11-10 00:59:59", {100, 60, 45, 45, 6}},
                {"2026-11-10 01:00:00", {90, 54, 41, 41, 6}},
                {"2026-11-10 03:00:00", {70, 42, 32, 32, 6}},
                {"2026-11-10 06:00:00", {40, 24, 18, 18, 6}},
                {"2026-11-10 07:00:00", {10, 10, 5, 5, 4}}});
}

TEST(Samples, the_diwali_playbook_finds_its_day_in_the_years_after) {
  expect_table(whatsapp_erp(ist("2027-10-01")), "Asia/Kolkata", kMumbai,
               {{"2027-10-25 23:59:59", {10, 10, 5, 5, 4}},
                {"2027-10-26 00:00:00", {60, 10, 5, 5, 6}},
                {"2027-10-29 00:00:00", {100, 60, 45, 45, 6}}});
}

TEST(Samples, the_standby_keeps_30_percent_of_mumbai) {
  expect_table(
      whatsapp_erp(ist("2026-10-20")), "Asia/Kolkata",
      {"chennai-webhook-workers", "chennai-order-service", "chennai-inventory-service", "chennai-invoice-service"},
      {{"2026-11-04 23:59:59", {10, 8, 6, 6}},
       {"2026-11-05 00:00:00", {18, 8, 6, 6}},
       {"2026-11-07 00:00:00", {30, 18, 14, 14}},
       {"2026-11-10 01:00:00", {27, 17, 13, 13}},
       {"2026-11-10 07:00:00", {10, 8, 6, 6}}});
}

TEST(Samples, new_year_comes_every_year) {
  for (const char* year : {"2026", "2027", "2031"}) {
    const std::string december = std::string(year) + "-12-", january = std::to_string(std::stoi(year) + 1) + "-01-";
    const SampleWorld world = whatsapp_erp(ist(december + "01"));
    EXPECT_EQ(world.size("webhook-workers", ist(december + "30 23:59:59")), 10);
    EXPECT_EQ(world.size("webhook-workers", ist(december + "31 00:00:00")), 90);
    EXPECT_EQ(world.size("webhook-workers", ist(january + "01 00:00:00")), 100);
    EXPECT_EQ(world.size("webhook-workers", ist(january + "02 23:59:59")), 100);
    EXPECT_EQ(world.size("webhook-workers", ist(january + "03 00:00:00")), 10);
  }
}

TEST(Samples, the_other_calendar_comes_out_as_its_readme_says_with_the_erp_at_half_the_workers) {
  SampleWorld world = whatsapp_erp(ist("2026-10-20"));
  world.remove_schedule("diwali-playbook")
      .apply("whatsapp-erp/diwali-calendar", "mumbai")
      .apply("whatsapp-erp/erp-follows-workers", "mumbai");
  expect_table(world, "Asia/Kolkata", kMumbai,
               {{"2026-10-29 00:00:00", {10, 10, 5, 5, 4}},
                {"2026-11-02 23:59:59", {10, 10, 5, 5, 4}},
                {"2026-11-03 00:00:00", {60, 30, 30, 30, 4}},
                {"2026-11-06 00:00:00", {100, 50, 50, 50, 4}},
                {"2026-11-08 00:00:00", {100, 50, 50, 50, 4}},
                {"2026-11-11 00:00:00", {100, 50, 50, 50, 4}},
                {"2026-11-12 23:59:59", {100, 50, 50, 50, 4}},
                {"2026-11-13 00:00:00", {10, 10, 5, 5, 4}},
                {"2027-10-24 00:00:00", {60, 30, 30, 30, 4}}});
}

TEST(Samples, the_load_test_of_the_agents_takes_each_regions_capacity_exactly) {
  SampleWorld world(at("2026-11-20", "UTC"));
  world.apply("agents-6-month", "us-east-1");
  for (const auto& [name, region] : world.regions()) world.apply("agents-6-month/every-region", name);
  const std::vector<const char*> targets = {"agents-us-east-1", "agents-eu-west-1", "agents-ap-south-1"};
  expect_table(
      world, "UTC", targets,
      {{"2026-12-01 08:59:59", {2, 2, 2}}, {"2026-12-01 09:00:00", {8, 8, 8}}, {"2026-12-01 11:00:00", {2, 2, 2}}});
  const plan::DecideResult full = world.decide(at("2026-12-01 09:00:00", "UTC"));
  for (const plan::Decision& decision : full.decisions) EXPECT_FALSE(decision.capped_by_region);
  Quantity sustained, agents;
  for (const auto& [name, region] : world.regions()) {
    sustained = sustained + full.planned_use.at(name).at("sustained-rps");
    agents = agents + full.planned_use.at(name).at("agents");
  }
  EXPECT_EQ(sustained, Quantity::from_int(550));
  EXPECT_EQ(agents, Quantity::from_int(1000));
}

TEST(Samples, the_launch_of_the_agents_reaches_the_totals_of_ten_regions) {
  SampleWorld world(at("2027-02-01", "UTC"));
  world.apply("agents-12-month", "us-east-1");
  for (const auto& [name, region] : world.regions()) world.apply("agents-12-month/every-region", name);
  ASSERT_EQ(world.regions().size(), 10u);
  const plan::DecideResult full = world.decide(at("2027-03-01 00:00:00", "UTC"));
  const std::pair<const char*, std::int64_t> totals[] = {
      {"sustained-rps", 1'000}, {"peak-rps", 5'000}, {"agents", 10'000}, {"actions", 100'000'000}};
  for (const auto& [dimension, total] : totals) {
    Quantity sum;
    for (const auto& [name, region] : world.regions()) sum = sum + full.planned_use.at(name).at(dimension);
    EXPECT_EQ(sum, Quantity::from_int(total)) << dimension;
  }
  EXPECT_EQ(world.size("agents-sa-east-1", at("2027-02-28 23:59:59", "UTC")), 8);
  EXPECT_EQ(world.size("agents-sa-east-1", at("2027-03-01 00:00:00", "UTC")), 16);
  EXPECT_EQ(world.size("agents-sa-east-1", at("2027-03-08 00:00:00", "UTC")), 8);
}

TEST(Samples, every_target_of_the_agents_is_in_a_region_that_fulfils_its_requirements_but_the_refused_one) {
  for (const char* folder : {"agents-6-month", "agents-12-month"}) {
    SampleWorld world(at("2026-11-20", "UTC"));
    world.apply(folder, "us-east-1");
    int refused = 0;
    for (const auto& [name, target] : world.targets()) {
      const RegionSpec& region = world.regions().at(target.spec.region).spec;
      bool fulfilled = target.spec.requirements.residency != RegionSpec::DataResidency::Strict ||
                       region.data_residency == RegionSpec::DataResidency::Strict;
      for (const std::string& regime : target.spec.requirements.compliance) {
        fulfilled = fulfilled && std::ranges::find(region.compliance, regime) != region.compliance.end();
      }
      refused += fulfilled ? 0 : 1;
      EXPECT_EQ(fulfilled, target.spec.engine.type != EngineType::Advise) << name;
    }
    EXPECT_EQ(refused, 1) << folder;
  }
}

/// "storage 90 % Orange Notify owner 1h" for each threshold.
std::vector<std::string> levels_of(const ScaleLimit& limit) {
  std::vector<std::string> levels;
  for (const Threshold& threshold : limit.spec.thresholds) {
    std::string level = threshold.dimension + " " + std::to_string(threshold.percent) + " % " +
                        to_string(threshold.level) + " " + to_string(threshold.action);
    if (threshold.escalation) {
      for (const std::string& receiver : threshold.escalation->to) level += " " + receiver;
      level += " " + format_duration(threshold.escalation->within);
    }
    levels.push_back(level);
  }
  return levels;
}

TEST(Samples, the_depository_has_its_seven_limits_with_their_levels_and_actions) {
  using Texts = std::vector<std::string>;
  SampleWorld world(at("2026-11-20", "UTC"));
  world.apply("depository", "local");
  ASSERT_EQ(world.limits().size(), 7u);
  for (const auto& [name, limit] : world.limits()) {
    EXPECT_EQ(limit.meta.ns, "depository") << name;
    EXPECT_EQ(limit.spec.mode, ScaleLimitSpec::Mode::Enforce) << name;
    EXPECT_EQ(limit.spec.unavailable, ScaleLimitSpec::Unavailable::Fail) << name;
  }

  const ScaleLimit& concurrent = world.limits().at("concurrent-writes");
  EXPECT_EQ(concurrent.spec.concurrency,
            (ConcurrencyLimit{100, 75, ConcurrencyLimit::Queue{100, absl::Seconds(3)}, absl::Seconds(10)}));
  EXPECT_EQ(levels_of(concurrent), (Texts{"concurrency 51 % Yellow None", "concurrency 76 % Orange Notify ops 0s",
                                          "concurrency 100 % Red PauseWrites ops 0s"}));

  const FieldCap& size = world.limits().at("artifact-size").spec.object.fields.at(0);
  EXPECT_EQ(size.max, Quantity::from_int(500'000'000));
  EXPECT_EQ(size.code, 413);

  const ScaleLimit& storage = world.limits().at("total-storage");
  EXPECT_EQ(
      dimensions_of(storage.spec),
      (std::vector<LimitDimension>{{LimitDimension::Kind::Sum, "storage", Quantity::from_int(1'000'000'000'000)}}));
  EXPECT_EQ(levels_of(storage),
            (Texts{"storage 70 % Yellow Notify ops 6h", "storage 90 % Orange Notify owner 1h",
                   "storage 99 % Red PauseWrites owner 0s", "storage 100 % Red Halt owner ops 0s"}));

  EXPECT_EQ(world.limits().at("write-throughput").spec.rate->writes_per_second, 1000);
  EXPECT_EQ(world.limits().at("artifact-count").spec.total.count, 100'000);

  const ScaleLimit& query = world.limits().at("query-time");
  EXPECT_TRUE(query.spec.match.resources.empty()) << "it stands in the way of no write";
  EXPECT_EQ(dimensions_of(query.spec),
            (std::vector<LimitDimension>{{LimitDimension::Kind::Observed, "p99", Quantity::from_int(5)},
                                         {LimitDimension::Kind::Observed, "p999", Quantity::from_int(10)},
                                         {LimitDimension::Kind::Observed, "slowest", Quantity::from_int(30)}}));
  EXPECT_EQ(levels_of(query).front(), "p99 10 % Yellow Notify ops 1h") << "500 ms";

  const ScaleLimit& audit = world.limits().at("audit-trail");
  EXPECT_TRUE(dimensions_of(audit.spec).empty()) << "it has no size limit";
  EXPECT_EQ(audit.spec.deny.at(0).operations, (std::vector<Operation>{Operation::Update, Operation::Delete}));
  EXPECT_FALSE(audit.spec.deny.at(0).while_switch) << "always";
}

TEST(Samples, the_agents_of_three_regions_share_one_quota_and_send_no_more_than_a_million_bytes) {
  SampleWorld world(at("2026-11-20", "UTC"));
  world.apply("agents-6-month", "us-east-1");
  const ScaleLimitSpec& actions = world.limits().at("agent-actions").spec;
  EXPECT_EQ(actions.object.max_bytes, 1'000'000);
  EXPECT_EQ(dimensions_of(actions),
            (std::vector<LimitDimension>{{LimitDimension::Kind::Count, "count", Quantity::from_int(10'000'000)},
                                         {LimitDimension::Kind::Sum, "stored", Quantity::from_int(21'000'000'000)},
                                         {LimitDimension::Kind::Rate, "rate", Quantity::from_int(450)}}));
  EXPECT_EQ(actions.rate->burst, 600);
  EXPECT_EQ(world.limits().at("agents").spec.total.count, 1050);
  for (const char* name : {"agent-actions", "agents"}) {
    EXPECT_EQ(world.limits().at(name).kind, LimitKind::ClusterScaleLimit);
    EXPECT_EQ(world.limits().at(name).spec.match.namespaces, (LabelSelector{{{"quota", "agents"}}, {}}));
  }
  const ScaleLimitSpec& storage = world.limits().at("agent-storage").spec;
  for (const ObservedLimit& observed : storage.observed) {
    EXPECT_TRUE(world.regions().contains(observed.region)) << observed.region;
    EXPECT_EQ(observed.hard, Quantity::from_int(200'000'000'000));
    EXPECT_EQ(observed.hold_for, absl::Minutes(5));
  }
  EXPECT_EQ(storage.observed.size(), 3u);
  EXPECT_EQ(storage.thresholds.at(0).percent, 90) << "180 GB of 200";
}

TEST(Samples, whatsapp_erp_caps_replicas_at_the_sizes_of_its_targets_and_stops_marketing_by_a_switch) {
  const SampleWorld world = whatsapp_erp(ist("2026-10-20"));
  int capped = 0;
  for (const auto& [name, target] : world.targets()) {
    for (const auto& [limit_name, limit] : world.limits()) {
      if (!limit.spec.object.max_replicas || !limit.spec.match.labels->matches({{"app", name}})) continue;
      ++capped;
      EXPECT_EQ(limit.spec.object.max_replicas, target.spec.replicas.max) << name;
      const auto& autoscalers = world.limits().at("autoscalers-" + std::to_string(target.spec.replicas.max)).spec;
      EXPECT_EQ(autoscalers.object.fields.at(0).max, Quantity::from_int(target.spec.replicas.max));
      EXPECT_EQ(std::ranges::count(autoscalers.match.fields.at(0).values, name), 1) << name;
    }
  }
  EXPECT_EQ(capped, 4) << "each service of Mumbai, once";
  const DenyRule& emergency = world.limits().at("marketing").spec.deny.at(0);
  EXPECT_EQ(emergency.while_switch, (SwitchCondition{"whatsapp-erp", "surge", "marketing", "rejected"}));
  EXPECT_EQ(emergency.operations, std::vector<Operation>{Operation::Create});
}

TEST(Samples, the_model_registry_starts_from_the_sizes_that_it_has) {
  SampleWorld world(at("2026-11-20", "UTC"));
  world.apply("model-registry", "us-east-1");
  expect_table(world, "UTC", {"registry", "registry-db", "dependency-graph", "ground-truth-consumers"},
               {{"2026-11-20 12:00:00", {3, 3, 4, 4}}});
}

}  // namespace
}  // namespace headroom::api
