// The shipped samples decide what their README files promise. Tables by hand, from the systems' own play-books.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

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

TEST(Samples, the_model_registry_starts_from_the_sizes_that_it_has) {
  SampleWorld world(at("2026-11-20", "UTC"));
  world.apply("model-registry", "us-east-1");
  expect_table(world, "UTC", {"registry", "registry-db", "dependency-graph", "ground-truth-consumers"},
               {{"2026-11-20 12:00:00", {3, 3, 4, 4}}});
}

}  // namespace
}  // namespace headroom::api
