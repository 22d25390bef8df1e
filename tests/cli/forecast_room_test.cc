// What a forecast makes of quotas and nodes that lie beside targets and workloads in files.
#include "operator/cli/forecast_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/base/time_zone.h"
#include "operator/cli/forecast_text.h"
#include "tests/cli/offline.h"
#include "tests/support/civil.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using testing_support::ist;

/// web of namespace shop, 2 replicas of half a cpu, which rise to `size` on 10 March 2027, beside `objects`.
PlanningWorld rising_to(int size, std::vector<json> objects) {
  objects.push_back(a_target("web", 2, 100, 1));
  objects.push_back(a_deployment("web", 2, "500m"));
  objects.push_back(a_schedule("fair", "2027-03-10", std::to_string(size)));
  return world_of(objects);
}

absl::TimeZone zone() { return load_time_zone("Asia/Kolkata").value(); }
Forecast told_of(const PlanningWorld& world) { return forecast_of(world, ist("2027-03-09"), ist("2027-03-12")); }
std::vector<std::string> warnings_of(const PlanningWorld& world) { return told_of(world).warnings; }

const PoolForecast& pool_of(const PlanningWorld& world, const Forecast& told, const std::string& resource) {
  for (const PoolForecast& one : told.pools) {
    if (world.room.pools[static_cast<std::size_t>(one.pool)].resource == resource) return one;
  }
  throw std::runtime_error("nothing is told of " + resource);
}

TEST(QuotaForecast, holds_the_last_replica_that_fits) {
  const PlanningWorld world = rising_to(6, {a_quota("compute", {{"requests.cpu", 3}})});
  EXPECT_THAT(warnings_of(world), IsEmpty());
  const Forecast told = told_of(world);
  const PoolForecast& cpu = pool_of(world, told, "requests.cpu");
  EXPECT_EQ(cpu.peak, Quantity::from_int(3));
  EXPECT_EQ(cpu.peak_at, ist("2027-03-10"));
  EXPECT_FALSE(cpu.shortage);
  EXPECT_THAT(cpu.spans, IsEmpty());
}

TEST(QuotaForecast, says_how_many_pods_do_not_fit_and_what_would_help) {
  const PlanningWorld world = rising_to(9, {a_quota("compute", {{"requests.cpu", 3}})});
  EXPECT_THAT(warnings_of(world),
              ElementsAre("ResourceQuota shop/compute is too small from 2027-03-10 00:00 +05:30 on (fair peak): "
                          "requests.cpu 4500m of 3, 3 pods of shop/web do not fit; "
                          "raise it by 1500m"));
  const Forecast told = told_of(world);
  EXPECT_THAT(pool_of(world, told, "requests.cpu").spans, ElementsAre(std::pair(ist("2027-03-10"), ist("2027-03-11"))));
}

TEST(QuotaForecast, counts_what_others_use_but_not_the_targets_own_replicas_twice) {
  json quota = a_quota("compute", {{"requests.cpu", 5}});
  // Two cpus of others beside the one of web's two replicas.
  quota["status"] = {{"hard", {{"requests.cpu", "5"}}}, {"used", {{"requests.cpu", "3"}}}};
  EXPECT_THAT(warnings_of(rising_to(6, {quota})), IsEmpty());
  EXPECT_THAT(warnings_of(rising_to(7, {quota})), ElementsAre(HasSubstr("5500m of 5")));
}

TEST(QuotaForecast, counts_other_workloads_of_the_namespace_where_no_status_tells) {
  json elsewhere = a_deployment("batch", 100, "1");
  elsewhere["metadata"]["namespace"] = "depot";
  const std::vector<json> beside = {a_quota("compute", {{"requests.cpu", 4}}), a_deployment("cron", 2, "500m"),
                                    elsewhere};
  EXPECT_THAT(warnings_of(rising_to(6, beside)), IsEmpty());
  EXPECT_THAT(warnings_of(rising_to(8, beside)), ElementsAre(HasSubstr("5 of 4")));
}

TEST(QuotaForecast, adds_up_targets_that_share_it_and_counts_the_pods_of_those_that_rise) {
  const PlanningWorld world = rising_to(
      8, {a_quota("compute", {{"requests.cpu", 12}}), a_target("api", 10, 10, 10), a_deployment("api", 10, "1")});
  EXPECT_THAT(warnings_of(world),
              ElementsAre(AllOf(HasSubstr("14 of 12"), HasSubstr("4 pods of shop/web do not fit"))));
}

TEST(QuotaForecast, is_too_small_for_what_stands_already) {
  EXPECT_THAT(warnings_of(rising_to(1, {a_quota("compute", {{"requests.cpu", "600m"}})})),
              ElementsAre("ResourceQuota shop/compute is too small from 2027-03-09 00:00 +05:30 on: requests.cpu 1 of "
                          "600m, 1 pod of shop/web does not fit; raise it by 400m"));
}

TEST(QuotaForecast, reads_amounts_as_files_spell_them_and_passes_over_what_pods_do_not_request) {
  const PlanningWorld world =
      rising_to(9, {a_quota("compute", {{"pods", 8}, {"cpu", "4"}, {"requests.memory", "1Gi"}, {"services", 1}})});
  EXPECT_THAT(warnings_of(world), UnorderedElementsAre(HasSubstr("pods 9 of 8"), HasSubstr("cpu 4500m of 4")));
  EXPECT_EQ(told_of(world).pools.size(), 2U);
  EXPECT_THAT(warnings_of(rising_to(9, {a_quota("compute", {{"pods", "many"}})})),
              ElementsAre(HasSubstr("spec.hard: pods: ")));
}

TEST(NodeForecast, says_how_many_pods_find_no_place) {
  // 8 half cpus on one node, 3 on the other, where a quarter is left over.
  const std::vector<json> nodes = {a_node("one", "4"), a_node("two", "1750m")};
  EXPECT_THAT(warnings_of(rising_to(11, nodes)), IsEmpty());
  const PlanningWorld world = rising_to(13, nodes);
  EXPECT_THAT(warnings_of(world), ElementsAre("the nodes are too few from 2027-03-10 00:00 +05:30 on (fair peak): pods "
                                              "13 of 11, 2 pods of shop/web do not fit; add nodes"));
  const Forecast told = told_of(world);
  EXPECT_EQ(pool_of(world, told, "cpu").peak, Quantity::parse("6500m").value());
  EXPECT_EQ(pool_of(world, told, "cpu").hard, Quantity::parse("5750m").value());
}

TEST(NodeForecast, counts_the_pods_of_others_and_not_those_of_the_target) {
  const std::vector<json> busy = {a_node("one", "4"), a_pod("other", "one", "1"), a_pod("web", "one", "500m")};
  EXPECT_THAT(warnings_of(rising_to(6, busy)), IsEmpty());
  EXPECT_THAT(warnings_of(rising_to(7, busy)), ElementsAre(HasSubstr("pods 7 of 6")));
}

TEST(NodeForecast, counts_other_workloads_where_no_pods_are_given) {
  const std::vector<json> nodes = {a_node("one", "4"), a_deployment("cron", 2, "500m")};
  EXPECT_THAT(warnings_of(rising_to(6, nodes)), IsEmpty());
  EXPECT_THAT(warnings_of(rising_to(7, nodes)), ElementsAre(HasSubstr("pods 7 of 6")));
}

TEST(NodeForecast, takes_no_place_on_nodes_that_accept_no_pods) {
  json cordoned = a_node("one", "4");
  cordoned["spec"] = {{"unschedulable", true}};
  EXPECT_THAT(warnings_of(rising_to(5, {cordoned})), ElementsAre(HasSubstr("pods 5 of 0")));
  json bare = a_node("one", "4");
  bare["status"].erase("conditions");
  EXPECT_THAT(warnings_of(rising_to(5, {bare})), IsEmpty()) << "a file seldom says that a node is ready";
}

TEST(RoomForecast, keeps_the_clusters_of_regions_apart) {
  json target = a_target("web", 2, 100, 1);
  target["spec"]["region"] = "chennai";
  json region = a_region("chennai", "pods", 1000);
  region["spec"]["cluster"] = {{"type", "Kubeconfig"},
                               {"kubeconfigSecretRef", {{"namespace", "shop"}, {"name", "chennai"}}}};
  const std::vector<json> home = {target, region, a_schedule("fair", "2027-03-10", "9"), a_quota("home", {{"pods", 1}}),
                                  a_node("home", "1")};
  const PlanningWorld there = world_of(
      home, {{"chennai", a_deployment("web", 2, "500m")}, {"chennai", a_quota("compute", {{"requests.cpu", 3}})}});
  EXPECT_THAT(warnings_of(there), ElementsAre(HasSubstr("ResourceQuota shop/compute of region chennai is too small")));
  EXPECT_THAT(warnings_of(world_of(home)), IsEmpty()) << "what stands at home is none of its business";
}

TEST(RoomForecast, says_what_it_looked_at) {
  const std::string blind = "health of regions, quotas, nodes and limits are not looked at";
  EXPECT_THAT(told_of(rising_to(3, {})).assumptions, Contains(HasSubstr(blind)));
  EXPECT_THAT(told_of(rising_to(3, {a_node("one", "4")})).assumptions,
              Contains(HasSubstr("health of regions, quotas and limits are not looked at")));
  json database = a_target("db", 2, 50, 1);
  database["spec"]["targetRef"] = {{"apiVersion", "postgresql.cnpg.io/v1"}, {"kind", "Cluster"}, {"name", "db"}};
  EXPECT_THAT(told_of(rising_to(3, {database, a_node("one", "4")})).assumptions,
              Contains("Quotas and nodes are not looked at for shop/db: what a replica requests is not known."));
  EXPECT_THAT(told_of(rising_to(3, {database})).assumptions, Not(Contains(HasSubstr("not looked at for shop/db"))));
}

TEST(RoomForecast, is_shown_with_the_tightest_of_each_and_in_full_where_it_may_be_wide) {
  const PlanningWorld world =
      rising_to(9, {a_quota("compute", {{"requests.cpu", 3}, {"pods", 50}, {"cpu", 100}}), a_node("one", "40")});
  const Forecast told = told_of(world);
  const std::string text = simulation_text(world, told, {zone(), false, false});
  EXPECT_THAT(text, HasSubstr("QUOTAS AND NODES"));
  EXPECT_THAT(text, ContainsRegex("ResourceQuota shop/compute +requests.cpu +4500m +3 +-1500m +.* +3\n"));
  EXPECT_THAT(text, Not(ContainsRegex("ResourceQuota shop/compute +pods")));
  EXPECT_THAT(simulation_text(world, told, {zone(), false, true}), ContainsRegex("ResourceQuota shop/compute +pods"));
}

TEST(RoomForecast, is_told_to_programs) {
  const PlanningWorld world = rising_to(9, {a_quota("compute", {{"requests.cpu", 3}}), a_node("one", "40")});
  const json out = forecast_json(world, told_of(world));
  EXPECT_EQ(out["quotas"], json::array({{{"quota", {{"namespace", "shop"}, {"name", "compute"}}},
                                         {"resource", "requests.cpu"},
                                         {"hard", "3"},
                                         {"peak", "4500m"},
                                         {"left", "-1500m"},
                                         {"peakAt", "2027-03-09T18:30:00Z"},
                                         {"shortBy", 3},
                                         {"shortSince", "2027-03-09T18:30:00Z"},
                                         {"phase", "fair peak"},
                                         {"targets", json::array({{{"namespace", "shop"}, {"name", "web"}}})}}}));
  ASSERT_EQ(out["nodes"].size(), 2U) << out["nodes"];
  EXPECT_EQ(out["nodes"][1]["resource"], "pods");
  EXPECT_EQ(out["nodes"][1]["peak"], "9");
  EXPECT_EQ(out["nodes"][1]["hard"], "80");
  EXPECT_EQ(out["nodes"][1]["shortBy"], 0);
}

}  // namespace
}  // namespace headroom::cli
