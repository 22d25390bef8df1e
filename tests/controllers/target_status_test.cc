#include "operator/controllers/target_status.h"

#include <gtest/gtest.h>

#include "operator/controllers/target_events.h"
#include "tests/controllers/simulated_objects.h"

namespace headroom::controllers {
namespace {

using api::EngineType;
using Kind = api::Reason::Kind;

const absl::Time kNow = absl::FromUnixSeconds(1'793'808'000);

/// One target on an HPA of 10 to 100; what is there and what is decided is up to the test.
struct Status : ::testing::Test {
  SimulatedObjects cluster;
  api::ScaleTarget target = a_target("web", EngineType::HorizontalPodAutoscaler, "web");
  OperatorOptions options;
  TargetRecord record;
  std::string region_problem, write_problem, metrics_problem;
  std::optional<RegionRefusal> refusal;
  absl::Time now = kNow;

  Status() {
    cluster.add(a_deployment("web", 10));
    cluster.add(an_autoscaler("web-hpa", "web", 10, 100));
    target.meta.generation = 4;
  }
  void replicas(int there, int ready) {
    cluster.edit("Deployment", "web",
                 {{"spec", {{"replicas", there}}}, {"status", {{"replicas", there}, {"readyReplicas", ready}}}});
  }
  /// Converges and writes until nothing is left to write.
  void carry_out(const plan::Decision& decision) {
    for (int i = 0; i < 3; ++i) {
      const Convergence result = converge(target, cluster.view(target, options), decision, now, options);
      ASSERT_TRUE(cluster.apply(result.writes));
    }
  }
  void tell(const plan::Decision* decision) {
    const EngineView view = cluster.view(target, options);
    target.status = record.status;
    std::optional<Convergence> convergence;
    if (target.meta.deleted) {
      convergence = release(target, view, now, options);
    } else if (decision != nullptr) {
      convergence = converge(target, view, *decision, now, options);
    }
    update_status(record,
                  {.target = target,
                   .view = view,
                   .decision = decision,
                   .convergence = convergence ? &*convergence : nullptr,
                   .region_problem = region_problem,
                   .refusal = refusal,
                   .write_problem = write_problem,
                   .metrics_unavailable = !metrics_problem.empty(),
                   .metrics_problem = metrics_problem},
                  now);
  }
  void tell(const plan::Decision& decision) { tell(&decision); }
  const api::Condition* condition(const char* type) { return api::find_condition(record.status.conditions, type); }
  std::string reason(const char* type) {
    const api::Condition* found = condition(type);
    return found == nullptr ? "" : found->reason;
  }
  bool is_true(const char* type) { return condition(type) != nullptr && condition(type)->status; }
};

TEST_F(Status, what_another_target_holds_is_not_in_force_and_leaves_nothing_to_put_back_when_it_goes) {
  api::ScaleTarget other = target;
  carry_out(a_decision(10, 60, 100));
  target = a_target("web-too", EngineType::HorizontalPodAutoscaler, "web");
  const EngineView claimed = cluster.view(target, options);
  ASSERT_TRUE(claimed.claimed_by);
  EXPECT_FALSE(observation_of(target, claimed).in_force);
  record.status.originals = originals_of(target, claimed);
  tell(a_decision(10, 80, 100));
  EXPECT_FALSE(record.status.in_force);

  std::swap(target, other);
  carry_out(no_decision(10));
  std::swap(target, other);
  target.status = record.status;
  const EngineView left = cluster.view(target, options);
  EXPECT_FALSE(left.claimed_by);
  EXPECT_TRUE(release(target, left, now, options).restored) << "or its deletion would wait for nothing";
}

TEST_F(Status, has_ready_from_the_first_sight_on_although_no_plan_is_made) {
  tell(nullptr);
  ASSERT_NE(condition("Ready"), nullptr);
  EXPECT_FALSE(is_true("Ready"));
  EXPECT_EQ(reason("Ready"), "Planning");
  EXPECT_TRUE(is_true("Reconciling"));
  EXPECT_EQ(condition("Stalled"), nullptr);
  EXPECT_EQ(record.status.observed_generation, 4);
  EXPECT_EQ(condition("Ready")->observed_generation, 4);
}

TEST_F(Status, is_ready_at_the_original_size_while_nothing_is_due) {
  tell(no_decision(10));
  EXPECT_TRUE(is_true("Ready"));
  EXPECT_EQ(reason("Ready"), "AtOriginal");
  EXPECT_EQ(condition("Reconciling"), nullptr);
  EXPECT_EQ(record.status.bounds_min, 10);
  EXPECT_EQ(record.status.bounds_max, 100);
  EXPECT_EQ(record.status.desired, 10);
  EXPECT_EQ(record.status.originals->min, 10);
  EXPECT_FALSE(record.status.in_force);
  EXPECT_EQ(record.status.selector, "app=web");
  EXPECT_EQ(record.status.baseline, 10);
}

TEST_F(Status, reconciles_until_the_replicas_are_ready) {
  const plan::Decision decision = a_decision(10, 60, 100);
  tell(decision);
  EXPECT_EQ(reason("Reconciling"), "Scaling");
  EXPECT_FALSE(record.status.in_force) << "nothing has been written yet";

  carry_out(decision);
  replicas(60, 45);
  tell(decision);
  EXPECT_EQ(reason("Ready"), "WaitingForReplicas");
  EXPECT_NE(condition("Ready")->message.find("45 of 60"), std::string::npos);
  EXPECT_TRUE(is_true("Reconciling"));
  EXPECT_EQ(record.status.in_force, 60);
  EXPECT_EQ(record.status.in_force_since, kNow);
  EXPECT_EQ(record.status.bounds_min, 60);
  EXPECT_EQ(record.status.current, 60);
  EXPECT_EQ(record.status.ready, 45);

  replicas(60, 60);
  tell(decision);
  EXPECT_TRUE(is_true("Ready"));
  EXPECT_EQ(reason("Ready"), "Scaled");
  EXPECT_EQ(condition("Reconciling"), nullptr);
  EXPECT_EQ(record.status.decided_by, "FestivalSchedule/diwali peak");
  EXPECT_EQ(record.status.explanation, decision.reasons);
}

TEST_F(Status, does_not_call_in_force_what_was_only_announced_so_that_nobody_is_blamed_for_the_former_size) {
  cluster.add(a_deployment("api", 10));
  target = a_target("api", EngineType::Scale, "api");
  const plan::Decision decision = a_decision(10, 18, 18);
  const Convergence first = converge(target, cluster.view(target, options), decision, now, options);
  ASSERT_EQ(first.writes.size(), 2U) << "an annotation, then /scale";
  ASSERT_TRUE(cluster.apply({first.writes.front()})) << "the second write was refused, say by a conflict";
  tell(decision);
  EXPECT_FALSE(record.status.in_force);

  target.status = record.status;
  const Convergence second = converge(target, cluster.view(target, options), decision, now, options);
  EXPECT_FALSE(second.contest);
  EXPECT_EQ(second.step_to, 18);
}

TEST_F(Status, keeps_the_transition_time_while_only_the_message_changes) {
  const plan::Decision decision = a_decision(10, 60, 100);
  carry_out(decision);
  replicas(60, 20);
  tell(decision);
  now += absl::Minutes(1);
  replicas(60, 40);
  tell(decision);
  EXPECT_EQ(condition("Ready")->last_transition, kNow);
  EXPECT_NE(condition("Ready")->message.find("40 of 60"), std::string::npos);
}

TEST_F(Status, stalls_with_the_obstacle_s_words_and_its_own_condition) {
  cluster.add(an_autoscaler("web-cpu", "web", 1, 5));
  tell(a_decision(10, 60, 100));
  EXPECT_EQ(reason("Stalled"), "AmbiguousScaler");
  EXPECT_TRUE(is_true("AmbiguousScaler"));
  EXPECT_NE(condition("AmbiguousScaler")->message.find("web-cpu"), std::string::npos);
  EXPECT_FALSE(is_true("Ready"));
  cluster.remove("HorizontalPodAutoscaler", "web-cpu");
  tell(no_decision(10));
  EXPECT_EQ(condition("AmbiguousScaler"), nullptr);
  EXPECT_EQ(condition("Stalled"), nullptr);
}

TEST_F(Status, calls_a_service_that_was_switched_off_no_fault_until_a_size_is_due) {
  replicas(0, 0);
  tell(no_decision(10));
  EXPECT_TRUE(is_true("Ready"));
  EXPECT_TRUE(is_true("ScalingDisabled"));
  tell(a_decision(10, 60, 100));
  EXPECT_EQ(reason("Stalled"), "ScalingDisabled");
}

TEST_F(Status, names_a_lost_region_before_anything_else) {
  region_problem = "region chennai does not answer: connection refused";
  tell(a_decision(10, 60, 100));
  EXPECT_EQ(reason("Stalled"), "RegionUnavailable");
  EXPECT_EQ(condition("Stalled")->message, region_problem);
}

TEST_F(Status, keeps_what_it_knew_of_an_object_that_it_cannot_see) {
  const plan::Decision decision = a_decision(10, 60, 100);
  carry_out(decision);
  tell(decision);
  const EngineView blind = view_engine(target, nullptr, options);
  update_status(record, {.target = target, .view = blind, .decision = nullptr, .convergence = nullptr}, now);
  EXPECT_EQ(record.status.in_force, 60);
  EXPECT_EQ(record.status.bounds_min, 60);
  EXPECT_EQ(record.status.originals->min, 10);
  EXPECT_EQ(record.status.current, 10);
}

TEST_F(Status, shows_why_a_write_failed) {
  write_problem = "patching HorizontalPodAutoscaler shop/web-hpa: forbidden";
  tell(a_decision(10, 60, 100));
  EXPECT_EQ(reason("Stalled"), "WriteFailed");
  EXPECT_EQ(condition("Stalled")->message, write_problem);
}

TEST_F(Status, says_how_much_was_wanted_where_a_cap_cut_it) {
  plan::Decision decision = a_decision(10, 100, 100);
  decision.wanted = 150;
  decision.capped_by_max = true;
  decision.reasons.push_back({Kind::Maximum, 100, "", "capped by max 100"});
  tell(decision);
  EXPECT_EQ(reason("Capped"), "Maximum");
  EXPECT_EQ(condition("Capped")->message, "150 wanted, 100 decided: capped by max 100");
  decision.capped_by_max = false;
  decision.capped_by_region = true;
  decision.reasons.back() = {Kind::RegionCapacity, 80, "mumbai", "region mumbai is full"};
  tell(decision);
  EXPECT_EQ(reason("Capped"), "RegionCapacity");
  tell(no_decision(10));
  EXPECT_EQ(condition("Capped"), nullptr);
}

TEST_F(Status, names_who_contests_but_not_who_merely_gave_a_new_original) {
  const plan::Decision decision = a_decision(10, 60, 100);
  carry_out(decision);
  record.status.contest = api::Contest{20, "kubectl-edit", 0, now};
  tell(decision);
  EXPECT_EQ(condition("Contested"), nullptr);
  record.status.contest = api::Contest{20, "argocd-controller", 2, now};
  tell(decision);
  EXPECT_TRUE(is_true("Contested"));
  EXPECT_NE(condition("Contested")->message.find("argocd-controller wrote 20 over Headroom's 60, 2 times so far"),
            std::string::npos)
      << condition("Contested")->message;
  EXPECT_NE(condition("Contested")->message.find("take spec.minReplicas out"), std::string::npos)
      << condition("Contested")->message;
  EXPECT_FALSE(is_true("Stalled")) << "our value stands";
  now += absl::Minutes(10);
  tell(decision);
  EXPECT_FALSE(record.status.contest) << "it has stood for ten minutes";
  EXPECT_EQ(condition("Contested"), nullptr);
}

TEST_F(Status, names_the_maximum_where_that_is_what_is_contested) {
  const plan::Decision decision = a_decision(10, 60, 150);
  carry_out(decision);
  cluster.edit("HorizontalPodAutoscaler", "web-hpa", {{"spec", {{"maxReplicas", 100}}}}, "argocd-controller");
  record.status.contest = api::Contest{100, "argocd-controller", 2, now};
  tell(decision);
  const std::string& message = condition("Contested")->message;
  EXPECT_NE(message.find("wrote 100 over Headroom's 150"), std::string::npos) << message;
  EXPECT_NE(message.find("take spec.maxReplicas out"), std::string::npos) << message;
}

TEST_F(Status, stalls_while_a_contested_value_stands) {
  const plan::Decision decision = a_decision(10, 60, 100);
  carry_out(decision);
  record.status.contest = api::Contest{10, "argocd-controller", 3, now};
  cluster.edit("HorizontalPodAutoscaler", "web-hpa", {{"spec", {{"minReplicas", 10}}}}, "argocd-controller");
  tell(decision);
  EXPECT_EQ(reason("Stalled"), "Contested");
  EXPECT_EQ(record.status.bounds_min, 60) << "what Headroom wrote; the edit is the contest's business";
}

TEST_F(Status, tells_freezing_approval_and_missing_metrics) {
  plan::Decision decision = a_decision(10, 60, 100);
  decision.frozen = true;
  decision.awaiting_approval = true;
  decision.reasons.push_back({Kind::AwaitingApproval, 60, "", "keeps 60: annotate ..."});
  decision.reasons.push_back({Kind::LagGuard, 60, "", "holds 60: replica lag 90 s"});
  metrics_problem = "query of rule lag: no answer for 6 minutes";
  tell(decision);
  EXPECT_EQ(reason("Frozen"), "LagGuard");
  EXPECT_EQ(condition("Frozen")->message, "holds 60: replica lag 90 s");
  EXPECT_EQ(condition("AwaitingApproval")->message, "keeps 60: annotate ...");
  EXPECT_EQ(condition("MetricsUnavailable")->message, metrics_problem);
  metrics_problem.clear();
  tell(no_decision(10));
  for (const char* type : {"Frozen", "AwaitingApproval", "MetricsUnavailable"})
    EXPECT_EQ(condition(type), nullptr) << type;
}

TEST_F(Status, is_not_ready_in_a_region_that_may_not_hold_it_and_says_what_is_missing) {
  refusal = {"RequirementsNotMet", "Region mumbai does not meet spec.requires: it lacks compliance EU_GDPR"};
  tell(no_decision(10));
  EXPECT_FALSE(is_true("Ready"));
  EXPECT_TRUE(is_true("Stalled"));
  EXPECT_EQ(reason("Ready"), "RequirementsNotMet");
  EXPECT_EQ(condition("Ready")->message, refusal->message);
  refusal.reset();
  tell(no_decision(10));
  EXPECT_TRUE(is_true("Ready"));
}

TEST_F(Status, marks_a_baseline_learned_in_less_than_a_day) {
  target.spec.replicas.learn = api::LearnedBaselineSpec{};
  record.status.samples.hourly.assign(5, 12);
  tell(no_decision(10));
  EXPECT_EQ(reason("BaselineUncertain"), "Learning");
  record.status.samples.hourly.assign(24, 12);
  tell(no_decision(10));
  EXPECT_EQ(condition("BaselineUncertain"), nullptr);
  EXPECT_EQ(record.status.baseline, 12);
  plan::Decision decision = no_decision(10);
  decision.baseline_zero = true;
  tell(decision);
  EXPECT_EQ(reason("BaselineUncertain"), "BaselineZero");
}

TEST_F(Status, tells_a_person_s_hold_from_a_person_s_restore) {
  target.spec.suspend = api::SuspendMode::Hold;
  tell(a_decision(10, 60, 100));
  EXPECT_EQ(reason("Ready"), "Suspended");
  EXPECT_TRUE(is_true("Ready"));
  target.spec.suspend = api::SuspendMode::Restore;
  tell(no_decision(10));
  EXPECT_EQ(reason("Ready"), "Suspended");
}

TEST_F(Status, reconciles_while_it_is_being_deleted) {
  target.meta.deleted = now;
  tell(nullptr);
  EXPECT_EQ(reason("Reconciling"), "Restoring");
  EXPECT_FALSE(is_true("Ready"));
}

TEST_F(Status, says_what_a_deletion_waits_for_and_how_to_let_go) {
  target.spec.replicas.max = 150;
  carry_out(a_decision(10, 120, 150));
  replicas(120, 120);
  target.meta.deleted = now;
  tell(nullptr);
  EXPECT_EQ(reason("Ready"), "Restoring");
  const std::string message = condition("Ready")->message;
  EXPECT_NE(message.find("the maximum stays 150 until 100 hold the 120 replicas that run"), message.npos) << message;
  EXPECT_NE(message.find("headroom.dev/force-delete"), message.npos) << message;
  replicas(100, 100);
  tell(nullptr);
  EXPECT_EQ(condition("Ready")->message, "being deleted: the original size is put back first");
}

TEST_F(Status, says_why_a_deletion_is_stuck) {
  carry_out(a_decision(10, 60, 100));
  cluster.edit("HorizontalPodAutoscaler", "web-hpa",
               {{"metadata", {{"annotations", {{api::kOriginalAnnotation, "no record"}}}}}});
  target.meta.deleted = now;
  tell(nullptr);
  EXPECT_TRUE(is_true("Stalled"));
  EXPECT_EQ(reason("Ready"), "OriginalUnreadable");
  const std::string message = condition("Ready")->message;
  EXPECT_NE(message.find("cannot be put back: what HorizontalPodAutoscaler shop/web-hpa said before"), message.npos)
      << message;
  EXPECT_NE(message.find("headroom.dev/force-delete"), message.npos) << message;
}

TEST_F(Status, publishes_advice_without_writing) {
  target.spec.engine.type = EngineType::Advise;
  tell(a_decision(10, 60, 60));
  EXPECT_EQ(reason("Ready"), "Advised");
  EXPECT_EQ(record.status.in_force, 60);
  EXPECT_EQ(record.status.in_force_since, kNow);
  EXPECT_EQ(record.status.bounds_min, 60);
  now += absl::Hours(1);
  tell(a_decision(10, 60, 60));
  EXPECT_EQ(record.status.in_force_since, kNow);
  tell(no_decision(10));
  EXPECT_FALSE(record.status.in_force);
  EXPECT_FALSE(record.status.in_force_since);
}

TEST_F(Status, learns_how_long_a_step_took_to_be_ready) {
  target.spec.warm_up.learn = true;
  record.pending = PendingStep{10, 60, kNow - absl::Seconds(95)};
  replicas(60, 59);
  tell(a_decision(10, 60, 100));
  EXPECT_TRUE(record.pending);
  replicas(60, 60);
  tell(a_decision(10, 60, 100));
  EXPECT_FALSE(record.pending);
  ASSERT_EQ(record.status.warm_up.size(), 1U);
  EXPECT_EQ(record.status.warm_up[0].step, 64);
  EXPECT_EQ(record.status.warm_up[0].seconds, std::vector<int>{95});
}

TEST_F(Status, has_equal_bounds_where_there_is_no_autoscaler) {
  target = a_target("jobs", EngineType::Scale, "jobs");
  cluster.add(a_deployment("jobs", 3));
  carry_out(a_decision(3, 8, 8));
  tell(a_decision(3, 8, 8));
  EXPECT_EQ(record.status.bounds_min, 8);
  EXPECT_EQ(record.status.bounds_max, 8);
}

TEST(DiffersInSubstance, overlooks_only_counts_and_messages) {
  api::ScaleTargetStatus a;
  a.conditions = {{"Ready", false, "WaitingForReplicas", "45 of 60", 1, kNow}};
  api::ScaleTargetStatus b = a;
  b.current = 60;
  b.ready = 46;
  b.conditions[0].message = "46 of 60";
  EXPECT_FALSE(differs_in_substance(a, b));
  b.in_force = 60;
  EXPECT_TRUE(differs_in_substance(a, b));
  b = a;
  b.conditions.push_back({"Contested", true, "FieldContested", "x", 1, kNow});
  EXPECT_TRUE(differs_in_substance(a, b));
}

TEST(Events, say_from_where_to_where_and_why) {
  SimulatedObjects cluster;
  cluster.add(a_deployment("web", 10));
  cluster.add(an_autoscaler("web-hpa", "web", 10, 100));
  const api::ScaleTarget target = a_target("web", EngineType::HorizontalPodAutoscaler, "web");
  const plan::Decision decision = a_decision(10, 60, 100);
  const Convergence up = converge(target, cluster.view(target), decision, kNow, {});
  const auto events = events_of_writes(cluster.view(target), up, &decision);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].reason, "ScaledUp");
  EXPECT_EQ(events[0].note,
            "HorizontalPodAutoscaler shop/web-hpa from 10 to 60, FestivalSchedule/diwali peak: diwali: peak");
  ASSERT_TRUE(cluster.apply(up.writes));
  const plan::Decision over = no_decision(10);
  const Convergence down = converge(target, cluster.view(target), over, kNow, {});
  const auto back = events_of_writes(cluster.view(target), down, &over);
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].reason, "ScaledDown");
  EXPECT_EQ(back[1].reason, "Restored");
  EXPECT_EQ(back[1].note, "HorizontalPodAutoscaler shop/web-hpa is back at 10 to 100");
}

TEST(Events, tell_of_an_abnormal_condition_once_when_it_begins) {
  const std::vector<api::Condition> before{{"Capped", true, "Maximum", "old", 1, kNow}};
  const std::vector<api::Condition> after{{"Capped", true, "Maximum", "new", 1, kNow},
                                          {"RivalScaler", true, "RivalScaler", "an HPA scales it", 1, kNow},
                                          {"Ready", true, "Scaled", "", 1, kNow}};
  const auto events = events_of_conditions(before, after);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].reason, "RivalScaler");
  EXPECT_EQ(events[0].note, "an HPA scales it");
}

}  // namespace
}  // namespace headroom::controllers
