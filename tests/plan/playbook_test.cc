// The festival tables, row by row, written by hand from the planning rules and from the systems' own calendars.
#include "tests/plan/playbook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::ElementsAre;
using testing_support::a_festival;
using testing_support::a_target;
using testing_support::ist;
using testing_support::named;
using testing_support::texts;
using testing_support::World;

const char* const kTargets[] = {"webhook-workers", "order-service", "inventory-service", "invoice-service",
                                "read-replicas"};

struct Row {
  const char* at;  // civil time in Kolkata
  int sizes[5];    // in the order of kTargets
};

// 2 x 30, 5 x 30 = 150 and 10 x 30 = 300 capped by 100; 3 x 20, 3 x 15; 3 + 2. Ten per cent an hour of 100, 60 and 45:
// less 10, 6 and 4.5 an hour, rounded up; workers' 30 and the others' 18 and 13.5 after seven hours are at or below
// their baselines, so all are over at 07:00, and only then may the read replicas leave.
const Row kDiwali[] = {
    {"2026-11-04 23:59:59", {10, 10, 5, 5, 3}},    {"2026-11-05 00:00:00", {60, 10, 5, 5, 5}},
    {"2026-11-06 23:59:59", {60, 10, 5, 5, 5}},    {"2026-11-07 00:00:00", {100, 60, 45, 45, 5}},
    {"2026-11-07 23:59:59", {100, 60, 45, 45, 5}}, {"2026-11-08 00:00:00", {100, 60, 45, 45, 5}},
    {"2026-11-10 00:00:00", {100, 60, 45, 45, 5}}, {"2026-11-10 00:59:59", {100, 60, 45, 45, 5}},
    {"2026-11-10 01:00:00", {90, 54, 41, 41, 5}},  {"2026-11-10 02:00:00", {80, 48, 36, 36, 5}},
    {"2026-11-10 03:00:00", {70, 42, 32, 32, 5}},  {"2026-11-10 06:00:00", {40, 24, 18, 18, 5}},
    {"2026-11-10 06:59:59", {40, 24, 18, 18, 5}},  {"2026-11-10 07:00:00", {10, 10, 5, 5, 3}},
    {"2026-11-10 12:00:00", {10, 10, 5, 5, 3}},    {"2026-11-11 00:00:00", {10, 10, 5, 5, 3}},
};

TEST(Playbook, diwali_decides_the_worked_table) {
  World world = playbook_targets();
  world.add(playbook());
  for (const Row& row : kDiwali) {
    const DecideResult result = world.decide(ist(row.at));
    for (int t = 0; t < 5; ++t) {
      EXPECT_EQ(result.decisions[static_cast<std::size_t>(t)].size, row.sizes[t]) << kTargets[t] << " at " << row.at;
    }
  }
}

TEST(Playbook, diwali_walks_through_the_worked_table_when_every_step_is_written) {
  World world = playbook_targets();
  world.add(playbook());
  const Walk walk = world.walk(ist("2026-11-01"), ist("2026-11-20"));
  EXPECT_TRUE(walk.complete);
  for (const Row& row : kDiwali) {
    for (int t = 0; t < 5; ++t) {
      const Decision* decision = walk.decision_at(t, ist(row.at));
      ASSERT_NE(decision, nullptr);
      EXPECT_EQ(decision->size, row.sizes[t]) << kTargets[t] << " at " << row.at;
    }
  }
  // Three rises, the end of d-day, six hourly steps, the end.
  std::vector<std::string> instants;
  for (const WalkRow& row : walk.rows) instants.push_back(testing_support::in_ist(row.at).substr(5, 11));
  EXPECT_THAT(instants,
              ElementsAre("11-01 00:00", "11-05 00:00", "11-07 00:00", "11-08 00:00", "11-10 00:00", "11-10 01:00",
                          "11-10 02:00", "11-10 03:00", "11-10 04:00", "11-10 05:00", "11-10 06:00", "11-10 07:00"));
}

TEST(Playbook, says_why) {
  World world = playbook_targets();
  world.add(playbook());
  const auto why = [&](const char* at, const char* name) { return texts(world.decide(ist(at), name)); };
  EXPECT_THAT(why("2026-11-04 12:00", "webhook-workers"), ElementsAre("original 10"));
  EXPECT_THAT(why("2026-11-05 00:00", "webhook-workers"), ElementsAre("original 10", "diwali t-3: 2 x 30 = 60"));
  EXPECT_THAT(why("2026-11-08 00:00", "webhook-workers"),
              ElementsAre("original 10", "diwali d-day: 10 x 30 = 300", "capped by max 100 (wanted 300)"));
  EXPECT_THAT(why("2026-11-08 00:00", "read-replicas"), ElementsAre("original 3", "diwali d-day: 3 + 2 = 5"));
  EXPECT_THAT(why("2026-11-10 03:00", "order-service"),
              ElementsAre("original 10", "diwali cool-down: 60 - 3 h x 10 % = 42"));
  EXPECT_THAT(why("2026-11-10 03:00", "read-replicas"),
              ElementsAre("original 3", "diwali d-day: 3 + 2 = 5, held until the later waves have left"));
}

TEST(Playbook, names_who_decided_and_what_was_wanted_before_the_cap) {
  World world = playbook_targets();
  world.add(playbook());
  const Decision before = world.decide(ist("2026-11-04 12:00"), "webhook-workers");
  EXPECT_FALSE(before.active);
  EXPECT_EQ(before.decided_by, "Original");
  EXPECT_EQ(before.min, 10);
  EXPECT_EQ(before.max, 100);
  const Decision peak = world.decide(ist("2026-11-08 12:00"), "webhook-workers");
  EXPECT_TRUE(peak.active);
  EXPECT_TRUE(peak.capped_by_max);
  EXPECT_EQ(peak.wanted, 300);
  EXPECT_EQ(peak.decided_by, "FestivalSchedule/diwali d-day");
  EXPECT_EQ(peak.decided_by_schedule, "shop/diwali");
  EXPECT_EQ(schedule_in_decided_by(peak.decided_by, "shop"), "shop/diwali");
  EXPECT_EQ(schedule_in_decided_by("Rule/lag", "shop"), "");
}

TEST(Playbook, removes_read_replicas_one_at_a_time) {
  World world = playbook_targets();
  world.add(playbook());
  TargetObservation& replicas = world.observed("read-replicas");
  replicas.in_force = replicas.current = replicas.ready = 5;
  EXPECT_EQ(world.decide(ist("2026-11-10 07:00"), "read-replicas").size, 4);
  replicas.in_force = 4;
  EXPECT_EQ(world.decide(ist("2026-11-10 07:00"), "read-replicas").size, 4) << "the first is still leaving";
  replicas.current = 4;
  EXPECT_EQ(world.decide(ist("2026-11-10 07:00"), "read-replicas").size, 3);
}

// The other calendar: monitoring from D-10, 2x from D-5, 5x from D-2, 10x from D, 5x from D+3, normal at D+5.
TEST(Playbook, the_other_diwali_calendar_with_days_before_and_after) {
  World world;
  world.add(a_target("webhook-workers").min(10).max(100).baseline(30));
  world.add(a_target("gateway").min(2).max(100).baseline(4));
  const auto both = named({"webhook-workers", "gateway"});
  world.add(a_festival("diwali")
                .day("2026-11-08")
                .phase("monitoring", "-P10D", "-P5D")
                .phase("rising", "-P5D", "-P2D")
                .multiply(both, "2")
                .phase("eve", "-P2D", "P0D")
                .multiply(both, "5")
                .phase("peak", "P0D", "P3D")
                .multiply(both, "10")
                .phase("after", "P3D", "P5D")
                .multiply(both, "5"));
  const struct {
    const char* at;
    int workers, gateway;
  } table[] = {
      {"2026-10-29 00:00:00", 10, 2},                                      // monitoring asks for nothing
      {"2026-11-02 23:59:59", 10, 2},                                      // D-5 is the 3rd
      {"2026-11-03 00:00:00", 60, 8},                                      // 2 x 30, 2 x 4
      {"2026-11-05 23:59:59", 60, 8},   {"2026-11-06 00:00:00", 100, 20},  // 150 capped, 5 x 4
      {"2026-11-07 23:59:59", 100, 20}, {"2026-11-08 00:00:00", 100, 40},  // 300 capped, 10 x 4
      {"2026-11-10 23:59:59", 100, 40}, {"2026-11-11 00:00:00", 100, 20},
      {"2026-11-12 23:59:59", 100, 20}, {"2026-11-13 00:00:00", 10, 2},  // D+5: normal
  };
  for (const auto& row : table) {
    EXPECT_EQ(world.decide(ist(row.at), "webhook-workers").size, row.workers) << row.at;
    EXPECT_EQ(world.decide(ist(row.at), "gateway").size, row.gateway) << row.at;
  }
}

// Monitoring for 3 days, 3x on 31 December, 5x on 1 and 2 January, normal on 3 January; every year.
TEST(Playbook, new_year_comes_back_every_year) {
  World world(ist("2026-06-01"));
  world.add(a_target("webhook-workers").min(10).max(100).baseline(30));
  world.add(a_target("gateway").min(2).max(100).baseline(4));
  const auto both = named({"webhook-workers", "gateway"});
  world.add(a_festival("new-year")
                .recurring("2025-01-01", "FREQ=YEARLY")
                .phase("monitoring", "-P4D", "-P1D")
                .phase("eve", "-P1D", "P0D")
                .multiply(both, "3")
                .phase("days", "P0D", "P2D")
                .multiply(both, "5"));
  const struct {
    const char* at;
    int workers, gateway;
  } table[] = {
      {"2026-12-28 00:00:00", 10, 2},  {"2026-12-30 23:59:59", 10, 2},   {"2026-12-31 00:00:00", 90, 12},
      {"2026-12-31 23:59:59", 90, 12}, {"2027-01-01 00:00:00", 100, 20}, {"2027-01-02 23:59:59", 100, 20},
      {"2027-01-03 00:00:00", 10, 2},
  };
  for (const auto& row : table) {
    EXPECT_EQ(world.decide(ist(row.at), "webhook-workers").size, row.workers) << row.at;
    EXPECT_EQ(world.decide(ist(row.at), "gateway").size, row.gateway) << row.at;
  }
  EXPECT_EQ(world.decide(ist("2027-01-01"), "gateway").contributions.front().occurrence, "new-year/2027-01-01");
}

// ERP services follow the workers at half their size; half of 10 is less than what they have, so it says nothing.
TEST(Playbook, services_follow_the_workers_at_half_their_size) {
  World world;
  world.add(a_target("order-service").min(10).max(100).follows("webhook-workers", "0.5"));
  world.add(a_target("invoice-service").min(5).max(40).follows("webhook-workers", "0.5"));
  world.add(a_target("webhook-workers").min(10).max(100).baseline(30));
  const auto workers = named({"webhook-workers"});
  world.add(a_festival("diwali")
                .day("2026-11-08")
                .phase("t-3", "-P3D", "-P1D")
                .multiply(workers, "2")
                .phase("t-1", "-P1D", "P0D")
                .multiply(workers, "5")
                .phase("d-day", "P0D", "P2D")
                .multiply(workers, "10")
                .phase("cool-down", "P2D", "P3D")
                .decay(workers, "10"));
  const struct {
    const char* at;
    int workers, order, invoice;
  } table[] = {
      {"2026-11-04 23:59:59", 10, 10, 5},    // half of 10 is 5
      {"2026-11-05 00:00:00", 60, 30, 30},   // half of 60
      {"2026-11-07 00:00:00", 100, 50, 40},  // half of the capped 100, not of 150; invoice has a max of 40
      {"2026-11-08 00:00:00", 100, 50, 40}, {"2026-11-10 01:00:00", 90, 45, 40}, {"2026-11-10 03:00:00", 70, 35, 35},
      {"2026-11-10 06:00:00", 40, 20, 20},  {"2026-11-10 07:00:00", 10, 10, 5},
  };
  for (const auto& row : table) {
    EXPECT_EQ(world.decide(ist(row.at), "webhook-workers").size, row.workers) << row.at;
    EXPECT_EQ(world.decide(ist(row.at), "order-service").size, row.order) << row.at;
    EXPECT_EQ(world.decide(ist(row.at), "invoice-service").size, row.invoice) << row.at;
  }
  const Decision order = world.decide(ist("2026-11-05"), "order-service");
  EXPECT_THAT(texts(order), ElementsAre("original 10", "follows webhook-workers: 0.5 x 60 = 30"));
  EXPECT_EQ(order.decided_by, "Follow/webhook-workers");
  EXPECT_EQ(order.next_transition, ist("2026-11-07")) << "a follower changes when its leader does";
}

}  // namespace
}  // namespace headroom::plan
