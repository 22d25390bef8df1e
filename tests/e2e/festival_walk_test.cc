// Festivals from before their first phase to after their last, on real API servers, HPAs and a database operator's
// custom resource, under a clock that the test moves. The tables are written by hand from the systems' own documents.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/clusters.h"
#include "tests/e2e/operators.h"

namespace headroom::e2e {
namespace {

constexpr char kNamespace[] = "whatsapp-erp";
constexpr char kSample[] = "manifests/samples/whatsapp-erp/";

/// minReplicas of the HPAs and instances of the database in Mumbai, replicas of the Deployments in Chennai.
struct Sizes {
  int workers, order, inventory, invoice, instances;
  int chennai_workers, chennai_order, chennai_inventory, chennai_invoice;
  bool operator==(const Sizes&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Sizes& sizes) {
  return out << "mumbai " << sizes.workers << " " << sizes.order << " " << sizes.inventory << " " << sizes.invoice
             << ", instances " << sizes.instances << ", chennai " << sizes.chennai_workers << " " << sizes.chennai_order
             << " " << sizes.chennai_inventory << " " << sizes.chennai_invoice;
}

struct Row {
  const char* at;  ///< civil time in Kolkata
  Sizes sizes;
};

Cluster& mumbai() { return Cluster::named("mumbai"); }
Cluster& chennai() { return Cluster::named("chennai"); }

int number(const Cluster& cluster, const kube::ResourceType& type, const std::string& name, const char* field) {
  const nlohmann::json object = cluster.get(type, kNamespace, name);
  return object.is_null() ? -1 : object.at("spec").value(field, -1);
}

Sizes sizes_now() {
  const auto hpa = [](const char* name) {
    return number(mumbai(), kube::types::kHorizontalPodAutoscaler, name, "minReplicas");
  };
  const auto deployment = [](const char* name) {
    return number(chennai(), kube::types::kDeployment, name, "replicas");
  };
  return {hpa("webhook-workers"),
          hpa("order-service"),
          hpa("inventory-service"),
          hpa("invoice-service"),
          number(mumbai(), kDatabase, "erp-db", "instances"),
          deployment("webhook-workers"),
          deployment("order-service"),
          deployment("inventory-service"),
          deployment("invoice-service")};
}

class FestivalWalk : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (Cluster* cluster : {&mumbai(), &chennai()}) cluster->add_databases();
    mumbai().know({"chennai"});
    mumbai().rights().allow(scale_kind(kDatabase));
    chennai().kubectl(absl::StrCat("apply --server-side -f ", kSample, "chennai/"));
    for (const char* file : {"00-namespace.yaml", "10-workloads.yaml", "11-autoscalers.yaml", "12-database.yaml",
                             "20-regions.yaml", "30-targets-mumbai.yaml", "31-targets-chennai.yaml"}) {
      mumbai().kubectl(absl::StrCat("apply --server-side -f ", kSample, file));
    }
    for (const Cluster* cluster : {&mumbai(), &chennai()}) {
      cluster->kubectl(
          absl::StrCat("-n ", kNamespace, " wait deployments --all --for=condition=Available --timeout=60s"));
    }
    EXPECT_TRUE(eventually(30, [&] {
      const auto database = mumbai().client().get(kDatabase, {kNamespace, "erp-db"}, {});
      return database && database.value().contains("status") &&
             database.value()["status"].value("readyInstances", 0) == 4;
    }));
    // The HPAs have raised their workloads; from here on nothing but Headroom changes anything.
    EXPECT_TRUE(
        eventually(30, [] { return number(mumbai(), kube::types::kDeployment, "webhook-workers", "replicas") == 10; }));
  }

  void SetUp() override {
    before_mumbai_ = mumbai().metadata_and_spec(kNamespace);
    before_chennai_ = chennai().metadata_and_spec(kNamespace);
    ASSERT_GE(before_mumbai_.size(), 9U);
  }

  void apply(const std::string& file) { mumbai().kubectl(absl::StrCat("apply --server-side -f ", kSample, file)); }
  void remove(const std::string& schedule) {
    mumbai().kubectl(absl::StrCat("-n ", kNamespace, " delete festivalschedule ", schedule, " --timeout=30s"));
  }

  /// Moves the clock to each row and waits for its sizes; then for every object to be what it was.
  void walk(FakeClock& clock, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      clock.advance_to(kolkata(row.at));
      Sizes seen{};
      const bool reached = eventually(30, [&] {
        seen = sizes_now();
        // Read replicas come before the workers that need them and leave after them.
        if (replicas_first_ && seen.workers >= 60) {
          EXPECT_EQ(number(mumbai(), kDatabase, "erp-db", "instances"), 6) << row.at;
        }
        return seen == row.sizes;
      });
      ASSERT_TRUE(reached) << row.at << "\n  expected " << row.sizes << "\n  found    " << seen << "\n"
                           << mumbai().kubectl("get scaletargets -A -o yaml");
    }
  }

  void expect_everything_as_before() {
    EXPECT_TRUE(eventually(20, [] {
      const auto targets = mumbai().client().list(kube::types::kScaleTarget, kNamespace, {}, {});
      return targets && std::ranges::none_of(targets.value().items, [](const nlohmann::json& target) {
               return target.at("status").contains("inForce");
             });
    })) << "a status still speaks of an override";
    const auto equal = [](const std::string& cluster, const std::map<std::string, nlohmann::json>& before) {
      std::map<std::string, nlohmann::json> now = Cluster::named(cluster).metadata_and_spec(kNamespace);
      for (auto& [name, object] : now) {
        // What an HPA scales is the HPA's: without load figures it never lowers what a floor has raised.
        if (name.starts_with("Deployment") && cluster == "mumbai") object["spec"].erase("replicas");
      }
      std::map<std::string, nlohmann::json> expected = before;
      for (auto& [name, object] : expected) {
        if (name.starts_with("Deployment") && cluster == "mumbai") object["spec"].erase("replicas");
      }
      return std::pair(now, expected);
    };
    for (const auto& [cluster, before] : {std::pair("mumbai", before_mumbai_), std::pair("chennai", before_chennai_)}) {
      EXPECT_TRUE(eventually(20, [&] {
        const auto [now, expected] = equal(cluster, before);
        return now == expected;
      }));
      const auto [now, expected] = equal(cluster, before);
      for (const auto& [name, object] : expected) {
        ASSERT_TRUE(now.contains(name)) << cluster << ": " << name << " is gone";
        EXPECT_EQ(now.at(name), object) << cluster << ": " << name << " " << nlohmann::json::diff(object, now.at(name));
      }
      for (const auto& [name, object] : now)
        EXPECT_TRUE(expected.contains(name)) << cluster << ": " << name << " is new";
    }
  }

  std::map<std::string, nlohmann::json> before_mumbai_, before_chennai_;
  bool replicas_first_ = false;  ///< the schedule has waves: the database before the workers
};

TEST_F(FestivalWalk, diwali_by_the_playbook_is_ready_at_every_boundary_and_leaves_no_trace) {
  FakeClock clock(kolkata("2026-10-31 12:00:00"));
  EmbeddedOperator headroom(mumbai(), clock);
  apply("40-diwali-playbook.yaml");
  replicas_first_ = true;
  constexpr Sizes kNormal{10, 10, 5, 5, 4, 10, 8, 6, 6};
  constexpr Sizes kLeadUp{60, 10, 5, 5, 6, 18, 8, 6, 6};
  constexpr Sizes kFestival{100, 60, 45, 45, 6, 30, 18, 14, 14};
  walk(clock, {{"2026-10-31 12:00:00", kNormal},
               {"2026-11-01 00:00:00", kNormal},
               {"2026-11-03 09:30:00", kNormal},
               {"2026-11-04 23:59:59", kNormal},
               {"2026-11-05 00:00:00", kLeadUp},
               {"2026-11-06 12:00:00", kLeadUp},
               {"2026-11-06 23:59:59", kLeadUp},
               {"2026-11-07 00:00:00", kFestival},
               {"2026-11-07 18:30:00", kFestival},
               {"2026-11-08 00:00:00", kFestival},
               {"2026-11-09 06:00:00", kFestival},
               {"2026-11-10 00:00:00", kFestival},
               {"2026-11-10 00:59:59", kFestival},
               {"2026-11-10 01:00:00", {90, 54, 41, 41, 6, 27, 17, 13, 13}},
               {"2026-11-10 02:00:00", {80, 48, 36, 36, 6, 24, 15, 11, 11}},
               {"2026-11-10 03:00:00", {70, 42, 32, 32, 6, 21, 13, 10, 10}},
               {"2026-11-10 03:30:00", {70, 42, 32, 32, 6, 21, 13, 10, 10}},
               {"2026-11-10 04:00:00", {60, 36, 27, 27, 6, 18, 11, 9, 9}},
               {"2026-11-10 05:00:00", {50, 30, 23, 23, 6, 15, 9, 7, 7}},
               {"2026-11-10 06:00:00", {40, 24, 18, 18, 6, 12, 8, 6, 6}},
               {"2026-11-10 07:00:00", kNormal},
               {"2026-11-11 00:00:00", kNormal}});
  expect_everything_as_before();
  remove("diwali-playbook");
}

TEST_F(FestivalWalk, diwali_by_the_calendar_follows_the_date_in_an_icalendar_file) {
  FakeClock clock(kolkata("2026-10-28 12:00:00"));
  apply("diwali-calendar/diwali-calendar.yaml");
  before_mumbai_ = mumbai().metadata_and_spec(kNamespace);
  EmbeddedOperator headroom(mumbai(), clock);
  constexpr Sizes kNormal{10, 10, 5, 5, 4, 10, 8, 6, 6};
  constexpr Sizes kDouble{60, 10, 5, 5, 4, 18, 8, 6, 6};
  constexpr Sizes kFull{100, 10, 5, 5, 4, 30, 8, 6, 6};
  walk(clock, {{"2026-10-29 00:00:00", kNormal},
               {"2026-11-02 23:59:59", kNormal},
               {"2026-11-03 00:00:00", kDouble},
               {"2026-11-05 12:00:00", kDouble},
               {"2026-11-06 00:00:00", kFull},
               {"2026-11-08 00:00:00", kFull},
               {"2026-11-11 00:00:00", kFull},
               {"2026-11-12 23:59:59", kFull},
               {"2026-11-13 00:00:00", kNormal}});
  expect_everything_as_before();
  remove("diwali-calendar");
}

TEST_F(FestivalWalk, new_year_recurs_by_its_rule) {
  FakeClock clock(kolkata("2027-12-27 12:00:00"));
  EmbeddedOperator headroom(mumbai(), clock);
  apply("41-new-year.yaml");
  constexpr Sizes kNormal{10, 10, 5, 5, 4, 10, 8, 6, 6};
  constexpr Sizes kEve{90, 10, 5, 5, 4, 27, 8, 6, 6};
  constexpr Sizes kNewYear{100, 10, 5, 5, 4, 30, 8, 6, 6};
  walk(clock, {{"2027-12-28 00:00:00", kNormal},
               {"2027-12-30 23:59:59", kNormal},
               {"2027-12-31 00:00:00", kEve},
               {"2027-12-31 23:59:59", kEve},
               {"2028-01-01 00:00:00", kNewYear},
               {"2028-01-02 23:59:59", kNewYear},
               {"2028-01-03 00:00:00", kNormal}});
  expect_everything_as_before();
  remove("new-year");
}

TEST_F(FestivalWalk, services_that_follow_the_workers_at_one_half_take_the_larger_of_both) {
  FakeClock clock(kolkata("2026-11-04 12:00:00"));
  apply("erp-follows-workers/targets.yaml");
  EmbeddedOperator headroom(mumbai(), clock);
  apply("40-diwali-playbook.yaml");
  replicas_first_ = true;
  constexpr Sizes kNormal{10, 10, 5, 5, 4, 10, 8, 6, 6};
  // 60 + 50 + 50 ERP pods would be 160; the region carries 150 and cuts in proportion to what goes beyond the
  // originals.
  constexpr Sizes kFestival{100, 56, 47, 47, 6, 30, 18, 15, 15};
  walk(clock, {{"2026-11-05 00:00:00", {60, 30, 30, 30, 6, 18, 9, 9, 9}},
               {"2026-11-07 00:00:00", kFestival},
               {"2026-11-08 00:00:00", kFestival},
               {"2026-11-10 01:00:00", {90, 54, 45, 45, 6, 27, 17, 14, 14}},
               {"2026-11-10 03:00:00", {70, 42, 35, 35, 6, 21, 13, 11, 11}},
               {"2026-11-10 06:00:00", {40, 24, 20, 20, 6, 12, 8, 6, 6}},
               {"2026-11-10 07:00:00", kNormal}});
  expect_everything_as_before();
  remove("diwali-playbook");
  apply("30-targets-mumbai.yaml");
}

TEST_F(FestivalWalk, a_boundary_during_an_outage_of_the_api_server_is_met_after_it) {
  FakeClock clock(kolkata("2026-11-06 20:00:00"));
  EmbeddedOperator headroom(mumbai(), clock);
  apply("40-diwali-playbook.yaml");
  constexpr Sizes kLeadUp{60, 10, 5, 5, 6, 18, 8, 6, 6};
  constexpr Sizes kFestival{100, 60, 45, 45, 6, 30, 18, 14, 14};
  walk(clock, {{"2026-11-06 21:00:00", kLeadUp}});
  mumbai().stop_apiserver();
  clock.advance_to(kolkata("2026-11-07 00:00:00"));
  mumbai().start_apiserver();
  walk(clock, {{"2026-11-07 00:00:30", kFestival}, {"2026-11-10 12:00:00", {10, 10, 5, 5, 4, 10, 8, 6, 6}}});
  expect_everything_as_before();
  remove("diwali-playbook");
}

nlohmann::json schedule_status() {
  return mumbai().status_of(kube::types::kFestivalSchedule, kNamespace, "diwali-playbook");
}

TEST_F(FestivalWalk, an_operator_killed_in_the_middle_and_restarted_after_two_boundaries_ends_in_the_same_state) {
  apply("40-diwali-playbook.yaml");
  {
    OperatorProcess first(mumbai(), {"--replay-clock", "2026-11-04T18:29:58Z@1"});
    // Killed once the boundary has been noted; how far the wave has come by then differs from run to run.
    EXPECT_TRUE(eventually(60, [] { return schedule_status().contains("lastBoundary"); })) << schedule_status();
    first.kill_now();
  }
  OperatorProcess second(mumbai(), {"--replay-clock", "2026-11-07T18:35:00Z@1"});  // Nov 8, 00:05 in Kolkata
  Sizes seen{};
  constexpr Sizes kFestival{100, 60, 45, 45, 6, 30, 18, 14, 14};
  EXPECT_TRUE(eventually(60, [&] { return (seen = sizes_now()) == kFestival; })) << "found " << seen;

  nlohmann::json status, boundary;
  EXPECT_TRUE(eventually(20, [&] {
    status = schedule_status();
    boundary = status.value("lastBoundary", nlohmann::json::object());
    return status.value("phase", "") == "peak" && boundary.value("phase", "") == "peak";
  })) << status;
  EXPECT_TRUE(boundary.value("lateBy", "").starts_with("5m")) << boundary;
  EXPECT_GT(status.value("missedBoundaries", 0), 0) << "eve began and ended while nobody was awake";

  second.kill_now();
  OperatorProcess third(mumbai(), {"--replay-clock", "2026-11-11T00:00:00Z@1"});
  EXPECT_TRUE(eventually(60, [&] { return (seen = sizes_now()) == Sizes{10, 10, 5, 5, 4, 10, 8, 6, 6}; }))
      << "found " << seen;
  expect_everything_as_before();
  remove("diwali-playbook");
}

}  // namespace
}  // namespace headroom::e2e
