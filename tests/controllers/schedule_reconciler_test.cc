// A schedule from the controller's first sight to the end of its finalizer, against API servers in memory.
#include "operator/controllers/schedule_reconciler.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/controllers/a_schedule.h"
#include "tests/controllers/test_world.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using testing_support::ist;

constexpr char kDiwali[] = "/apis/headroom.dev/v1alpha1/namespaces/shop/festivalschedules/diwali";

struct AlertList final : Notifier {
  std::map<std::string, std::vector<Alert>> active;
  void set_active(const std::string& owner, std::vector<Alert> alerts) override { active[owner] = std::move(alerts); }
};

/// The schedule's spec as JSON: the three phases of diwali(), peak with a switch.
json diwali_spec() {
  return json::parse(R"({
    "timeZone": "Asia/Kolkata",
    "occurrences": [{"name": "diwali", "day": "2026-11-08"}],
    "phases": [
      {"name": "prepare", "from": "-P3D", "to": "-P1D", "multiplier": "2"},
      {"name": "peak", "from": "-P1D", "to": "P2D", "multiplier": "5",
       "notify": [{"receiver": "on-call"}],
       "switches": [{"configMap": "flags", "key": "aggregate", "value": "on", "regions": ["mumbai"]}]},
      {"name": "decay", "from": "P2D", "to": "P3D", "decay": {"percentPerHour": "10"}}]})");
}

/// A home cluster, a region, a planner of sorts, and the reconciler.
struct Stage {
  TestWorld home;
  std::shared_ptr<testing::MemoryApiServer> mumbai = testing::MemoryApiServer::make();
  std::shared_ptr<Cluster> cluster;
  AlertList alerts;
  int replans = 0;
  std::unique_ptr<ScheduleReconciler> reconciler;

  Stage() {
    home.options.receivers = {{"on-call", Receiver::Type::Webhook, {"http://chat"}}};
    home.server->put(kDiwali, {{"metadata", {{"creationTimestamp", "2026-10-01T00:00:00Z"}}}, {"spec", diwali_spec()}});
    cluster = std::make_shared<Cluster>(
        "mumbai", client_of(mumbai), home.clock, home.metrics, [](const api::ObjectKey&) {}, 1);
    home.world->links.set("mumbai", {cluster, true, {}, {}});
    api::Region region;
    region.meta.name = "mumbai";
    home.load(region);
    restart();
    see();
  }
  void restart() {
    reconciler = std::make_unique<ScheduleReconciler>(*home.world, alerts, [this] { ++replans; });
  }
  /// What the operator's watch and planner would do after a change.
  void see() {
    const json object = home.server->get(kDiwali);
    if (object.is_null()) {
      home.world->schedules->remove({"shop", "diwali"});
    } else {
      home.load(api::festival_schedule_from_json(object).value());
    }
    plan();
  }
  void plan() {
    auto snapshot = std::make_shared<PlanSnapshot>();
    snapshot->at = home.clock.wall_now();
    for (const auto& schedule : home.world->schedules->list()) {
      if (schedule->meta.deleted) continue;
      plan::CompileInput input{
          schedule->meta.key(), schedule->spec, testing_support::zone("Asia/Kolkata"), {}, snapshot->at};
      snapshot->schedules[schedule->meta.key()].compiled =
          std::make_shared<const plan::CompiledSchedule>(plan::compile(input).value());
    }
    auto target = std::make_shared<api::ScaleTarget>();
    target->meta.ns = "shop";
    target->meta.name = "web";
    target->meta.uid = "uid-web";
    snapshot->targets = {target};
    home.load(*target);
    snapshot->result.decisions.resize(1);
    home.world->publish(snapshot);
  }
  runtime::ReconcileResult reconcile() {
    auto result = reconciler->reconcile({"sync", {"shop", "diwali"}}, "id", {});
    EXPECT_TRUE(result) << result.error().message;
    return result ? result.value() : runtime::ReconcileResult{};
  }
  /// Moves the clock, plans and reconciles, as at a transition.
  runtime::ReconcileResult at(const std::string& civil) {
    home.clock.advance_to(ist(civil));
    see();
    const auto result = reconcile();
    see();
    return result;
  }
  json status() const { return home.server->get(kDiwali).value("status", json::object()); }
  json condition(const std::string& type) const {
    for (const json& one : status().value("conditions", json::array())) {
      if (one["type"] == type) return one;
    }
    return json::object();
  }
  json flags() const { return mumbai->get(config_map_path("shop", "flags")); }
};

TEST(ScheduleReconciler, writes_a_status_onto_the_version_that_it_was_made_for_or_not_at_all) {
  Stage stage;
  stage.at("2026-11-01");
  ASSERT_EQ(stage.status()["state"], "Scheduled");
  stage.home.server->edit(kDiwali, {{"status", {{"phase", "of the next leader"}}}});
  stage.home.clock.advance_to(ist("2026-11-05 12:00"));
  stage.plan();
  EXPECT_LE(stage.reconcile().requeue_after, std::chrono::milliseconds(200)) << "it looks again soon";
  EXPECT_EQ(stage.status()["phase"], "of the next leader");
  EXPECT_EQ(stage.status()["state"], "Scheduled") << "nothing of a late write lands";
  stage.see();
  stage.reconcile();
  EXPECT_EQ(stage.status()["phase"], "prepare");
  EXPECT_EQ(stage.status()["state"], "Active");
}

TEST(ScheduleReconciler, takes_its_finalizer_before_anything_else) {
  Stage stage;
  stage.at("2026-11-01");
  const auto writes = stage.home.server->writes();
  ASSERT_GE(writes.size(), 2U);
  EXPECT_EQ(writes[0], std::string("PATCH ") + kDiwali);
  EXPECT_EQ(stage.home.server->get(kDiwali)["metadata"]["finalizers"], json{"headroom.dev/restore"});
}

TEST(ScheduleReconciler, tells_the_festival_in_status_and_events_as_it_goes) {
  Stage stage;
  const auto until_next = stage.at("2026-11-04 23:59:00").requeue_after;
  EXPECT_EQ(stage.status()["state"], "Scheduled");
  ASSERT_TRUE(until_next);
  EXPECT_EQ(*until_next, std::chrono::milliseconds(60'001)) << "called again right after the transition";
  stage.at("2026-11-05 00:00:00");
  EXPECT_EQ(stage.status()["phase"], "prepare");
  EXPECT_EQ(stage.status()["lastBoundary"]["lateBy"], "0s");
  stage.at("2026-11-07 00:00:02");
  EXPECT_EQ(stage.status()["phase"], "peak");
  EXPECT_EQ(stage.status()["lastBoundary"]["lateBy"], "2s");
  EXPECT_EQ(stage.status().value("missedBoundaries", 0), 0);
  const auto told = stage.home.events.reasons("diwali");
  EXPECT_EQ(told, (std::vector<std::string>{"PhaseStarted", "PhaseEnded", "PhaseStarted"}));
  stage.at("2026-11-11");
  EXPECT_EQ(stage.status()["state"], "Ended");
  EXPECT_FALSE(stage.status().contains("phase")) << "what no longer holds leaves the stored status";
}

TEST(ScheduleReconciler, a_settled_schedule_is_not_written_again) {
  Stage stage;
  stage.at("2026-11-05 00:00:00");
  const std::size_t writes = stage.home.server->writes().size();
  for (int i = 0; i < 5; ++i) stage.at("2026-11-05 00:00:0" + std::to_string(i + 1));
  EXPECT_EQ(stage.home.server->writes().size(), writes);
}

TEST(ScheduleReconciler, counts_boundaries_missed_during_an_outage_once) {
  Stage stage;
  stage.at("2026-11-04");
  stage.at("2026-11-05 00:00:00");
  stage.restart();
  stage.at("2026-11-07 06:00:00");
  EXPECT_EQ(stage.status()["missedBoundaries"], 2);
  EXPECT_EQ(stage.status()["lastBoundary"]["lateBy"], "6h");
  const auto told = stage.home.events.reasons("diwali");
  EXPECT_NE(std::ranges::find(told, "BoundariesMissed"), told.end());
  EXPECT_NE(std::ranges::find(told, "Late"), told.end());
  stage.restart();
  stage.at("2026-11-07 07:00:00");
  EXPECT_EQ(stage.status()["missedBoundaries"], 2);
}

TEST(ScheduleReconciler, a_status_that_cannot_be_written_does_not_count_twice) {
  Stage stage;
  stage.at("2026-11-04");
  stage.at("2026-11-05 00:00:00");
  stage.restart();
  stage.home.clock.advance_to(ist("2026-11-07 06:00:00"));
  stage.see();
  stage.home.server->refuse([](const kube::Request& request) { return request.method == kube::Method::Patch; }, 500);
  EXPECT_FALSE(stage.reconciler->reconcile({"sync", {"shop", "diwali"}}, "id", {}));
  stage.home.server->refuse_nothing();
  stage.reconcile();
  EXPECT_EQ(stage.status()["missedBoundaries"], 2);
  EXPECT_EQ(std::ranges::count(stage.home.events.reasons("diwali"), "BoundariesMissed"), 1);
}

TEST(ScheduleReconciler, holds_the_phases_notification_active_and_ends_it) {
  Stage stage;
  stage.at("2026-11-06");
  EXPECT_TRUE(stage.alerts.active["shop/diwali"].empty());
  stage.at("2026-11-08");
  ASSERT_EQ(stage.alerts.active["shop/diwali"].size(), 1U);
  EXPECT_EQ(stage.alerts.active["shop/diwali"][0].receiver, "on-call");
  stage.at("2026-11-10");
  EXPECT_TRUE(stage.alerts.active["shop/diwali"].empty());
}

TEST(ScheduleReconciler, says_when_it_names_a_receiver_that_nobody_configured) {
  Stage stage;
  stage.home.options.receivers.clear();
  stage.at("2026-11-01");
  EXPECT_EQ(stage.condition("ReceiverUnknown")["status"], "True");
}

TEST(ScheduleReconciler, sets_its_switches_for_the_phase_and_puts_them_back) {
  Stage stage;
  stage.mumbai->put(config_map_path("shop", "flags"), {{"data", {{"aggregate", "off"}, {"theirs", "x"}}}});
  stage.at("2026-11-06");
  EXPECT_EQ(stage.flags()["data"]["aggregate"], "off");
  const auto again = stage.at("2026-11-07 00:00:00").requeue_after;
  EXPECT_EQ(stage.flags()["data"], (json{{"aggregate", "on"}, {"theirs", "x"}}));
  EXPECT_EQ(
      stage.status()["switches"],
      (json::array(
          {{{"region", "mumbai"}, {"configMap", "flags"}, {"key", "aggregate"}, {"value", "on"}, {"former", "off"}}})));
  EXPECT_LE(again.value(), std::chrono::minutes(1)) << "looked after while it is set";
  stage.restart();
  stage.at("2026-11-10 00:00:00");
  EXPECT_EQ(stage.flags()["data"], (json{{"aggregate", "off"}, {"theirs", "x"}}));
  EXPECT_FALSE(stage.status().contains("switches"));
}

TEST(ScheduleReconciler, says_what_it_cannot_switch_and_goes_on_trying_after_the_phase) {
  Stage stage;
  stage.mumbai->put(config_map_path("shop", "flags"), {{"data", {{"aggregate", "off"}}}});
  stage.at("2026-11-07 00:00:00");
  EXPECT_EQ(stage.flags()["data"]["aggregate"], "on");
  stage.mumbai->set_down(true);
  const auto again = stage.at("2026-11-10 00:00:00").requeue_after;
  EXPECT_EQ(stage.condition("Ready")["status"], "False");
  EXPECT_NE(stage.condition("SwitchesPending")["message"].get<std::string>().find("mumbai"), std::string::npos);
  EXPECT_EQ(stage.status()["switches"].size(), 1U) << "it is still set";
  EXPECT_LE(again.value(), std::chrono::seconds(2)) << "most outages are over in moments";
  stage.mumbai->set_down(false);
  stage.at("2026-11-10 00:01:00");
  EXPECT_EQ(stage.flags()["data"]["aggregate"], "off");
  EXPECT_EQ(stage.condition("Ready")["status"], "True");
}

TEST(ScheduleReconciler, a_hanging_region_costs_one_deadline_and_no_more) {
  Stage stage;
  json spec = diwali_spec();
  for (const char* other : {"b", "c", "d"}) {
    spec["phases"][1]["switches"].push_back(
        {{"configMap", other}, {"key", "k"}, {"value", "v"}, {"regions", {"mumbai"}}});
  }
  stage.home.server->edit(kDiwali, {{"spec", spec}});
  stage.mumbai->set_hanging(true);
  const auto began = std::chrono::steady_clock::now();
  stage.at("2026-11-08");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(8));
  EXPECT_EQ(stage.condition("SwitchesPending")["status"], "True");
}

TEST(ScheduleReconciler, a_region_that_does_not_admit_the_namespace_is_not_switched) {
  Stage stage;
  api::Region mumbai;
  mumbai.meta.name = "mumbai";
  mumbai.spec.allowed_namespaces.from = api::AllowedNamespaces::From::Same;
  stage.home.load(mumbai);
  stage.at("2026-11-08");
  EXPECT_TRUE(stage.flags().is_null());
  EXPECT_NE(stage.condition("SwitchesPending")["message"].get<std::string>().find("allowedNamespaces"),
            std::string::npos);
}

TEST(ScheduleReconciler, a_switch_in_a_region_that_was_taken_away_is_forgotten) {
  Stage stage;
  stage.at("2026-11-08");
  ASSERT_EQ(stage.status()["switches"].size(), 1U);
  stage.home.world->regions->remove({"", "mumbai"});
  stage.home.world->links.remove("mumbai");
  stage.at("2026-11-10 00:00:00");
  EXPECT_FALSE(stage.status().contains("switches"));
  EXPECT_EQ(stage.condition("Ready")["status"], "True");
}

TEST(ScheduleReconciler, an_operator_write_between_read_and_patch_is_not_overwritten) {
  Stage stage;
  stage.mumbai->put(config_map_path("shop", "flags"), {{"data", {{"aggregate", "off"}}}});
  int interferences = 0;
  stage.mumbai->refuse(
      [&](const kube::Request& request) {
        return request.method == kube::Method::Patch && interferences++ == 0;  // as if somebody had been quicker
      },
      409);
  stage.at("2026-11-08");
  EXPECT_EQ(stage.flags()["data"]["aggregate"], "on");
  EXPECT_GE(interferences, 2);
}

TEST(ScheduleReconciler, suspended_with_hold_it_leaves_switches_as_they_are_and_with_restore_it_returns_them) {
  Stage stage;
  stage.at("2026-11-08");
  ASSERT_EQ(stage.flags()["data"]["aggregate"], "on");
  stage.home.server->edit(kDiwali, {{"spec", {{"suspend", "Hold"}}}});
  stage.at("2026-11-10 12:00:00");
  EXPECT_EQ(stage.flags()["data"]["aggregate"], "on");
  EXPECT_EQ(stage.status()["state"], "Suspended");
  stage.home.server->edit(kDiwali, {{"spec", {{"suspend", "Restore"}}}});
  stage.at("2026-11-10 12:01:00");
  EXPECT_TRUE(stage.flags().is_null()) << "the ConfigMap was of our making";
}

TEST(ScheduleReconciler, waits_with_its_finalizer_until_switches_and_targets_are_back) {
  Stage stage;
  stage.mumbai->put(config_map_path("shop", "flags"), {{"data", {{"aggregate", "off"}}}});
  stage.at("2026-11-08");
  const auto target = stage.home.world->targets->get({"shop", "web"});
  stage.home.world->records.update(*target, [](TargetRecord& record) {
    record.status.in_force = 60;
    record.status.decided_by = "FestivalSchedule/diwali peak";
  });
  stage.home.server->erase(kDiwali);
  stage.see();
  stage.reconcile();
  EXPECT_EQ(stage.flags()["data"]["aggregate"], "off");
  EXPECT_GE(stage.replans, 1);
  EXPECT_FALSE(stage.home.server->get(kDiwali).is_null()) << "web still stands at 60";
  EXPECT_TRUE(stage.alerts.active["shop/diwali"].empty());

  stage.home.world->records.update(*target, [](TargetRecord& record) { record.status.in_force.reset(); });
  stage.see();
  stage.reconcile();
  EXPECT_TRUE(stage.home.server->get(kDiwali).is_null());
  EXPECT_TRUE(stage.home.events.note("RestoreIncomplete").empty());
  stage.see();
  stage.reconcile();
}

TEST(ScheduleReconciler, a_target_that_another_schedule_holds_does_not_keep_it) {
  Stage stage;
  stage.at("2026-11-08");
  stage.home.world->records.update(*stage.home.world->targets->get({"shop", "web"}), [](TargetRecord& record) {
    record.status.in_force = 60;
    record.status.decided_by = "FestivalSchedule/diwali-sale peak";
  });
  stage.home.server->erase(kDiwali);
  stage.see();
  stage.reconcile();
  EXPECT_TRUE(stage.home.server->get(kDiwali).is_null());
}

TEST(ScheduleReconciler, does_not_let_go_before_a_plan_without_it) {
  Stage stage;
  stage.at("2026-11-05");
  const auto stale = stage.home.world->plan();
  stage.home.server->erase(kDiwali);
  stage.see();
  stage.home.world->publish(stale);
  stage.reconcile();
  EXPECT_FALSE(stage.home.server->get(kDiwali).is_null());
}

TEST(ScheduleReconciler, a_lost_region_delays_its_end_for_a_bounded_time) {
  Stage stage;
  stage.at("2026-11-08");
  stage.mumbai->set_down(true);
  stage.home.server->erase(kDiwali);
  stage.see();
  stage.reconcile();
  EXPECT_FALSE(stage.home.server->get(kDiwali).is_null());
  stage.home.options.finalizer_patience = absl::ZeroDuration();
  stage.see();
  stage.reconcile();
  EXPECT_TRUE(stage.home.server->get(kDiwali).is_null());
  EXPECT_NE(stage.home.events.note("RestoreIncomplete").find("ConfigMap shop/flags in region mumbai"),
            std::string::npos);
}

TEST(ScheduleReconciler, an_annotation_makes_it_let_go) {
  Stage stage;
  stage.at("2026-11-08");
  stage.mumbai->set_down(true);
  stage.home.server->edit(kDiwali, {{"metadata", {{"annotations", {{"headroom.dev/force-delete", "true"}}}}}});
  stage.home.server->erase(kDiwali);
  stage.see();
  stage.reconcile();
  EXPECT_TRUE(stage.home.server->get(kDiwali).is_null());
}

TEST(ScheduleReconciler, says_that_it_waits_for_a_plan_only_when_the_plan_is_overdue) {
  Stage stage;
  stage.at("2026-11-05");
  stage.home.server->edit(kDiwali, {{"spec", {{"priority", 3}}}});
  stage.home.load(api::festival_schedule_from_json(stage.home.server->get(kDiwali)).value());
  EXPECT_LE(stage.reconcile().requeue_after.value(), std::chrono::milliseconds(500));
  EXPECT_EQ(stage.condition("Reconciling")["status"], "False");
  stage.plan();
  stage.reconcile();
  EXPECT_EQ(stage.status()["observedGeneration"], 2);
}

}  // namespace
}  // namespace headroom::controllers
