// Adopted HPAs and ScaledObjects: raising, putting back, and leaving alone what belongs to others.
#include <gtest/gtest.h>

#include "tests/controllers/simulated_objects.h"

namespace headroom::controllers {
namespace {

using api::EngineType;
using nlohmann::json;

const absl::Time kStart = absl::FromUnixSeconds(1'793'808'000);
const OperatorOptions kOptions;

/// One target and its objects; converge() sends the writes and keeps what a status would keep.
struct Adopted : ::testing::Test {
  SimulatedObjects cluster;
  api::ScaleTarget target = a_target("web", EngineType::HorizontalPodAutoscaler, "web");
  absl::Time now = kStart;

  Convergence step(const plan::Decision& decision) {
    const EngineView view = cluster.view(target);
    Convergence result = converge(target, view, decision, now, kOptions);
    EXPECT_TRUE(cluster.apply(result.writes)) << "of " << result.writes.size();
    keep(result);
    return result;
  }
  void keep(const Convergence& result) {
    target.status.contest = result.contest;
    target.status.in_force = result.in_force ? result.in_force->min : std::nullopt;
    target.status.bounds_max = result.in_force ? result.in_force->max : std::nullopt;
    if (result.in_force) target.status.in_force_since = result.in_force_since;
  }
  Size bounds() { return cluster.view(target).size.now; }
  bool annotated() { return cluster.view(target).annotated; }
};

struct HpaEngine : Adopted {
  HpaEngine() {
    cluster.add(a_deployment("web", 10));
    cluster.add(an_autoscaler("web-hpa", "web", 10, 100));
  }
  /// The HPA controller and the workload, at once.
  void settle_workload(int replicas) {
    cluster.edit(
        "Deployment", "web",
        {{"spec", {{"replicas", replicas}}}, {"status", {{"replicas", replicas}, {"readyReplicas", replicas}}}});
  }
};

TEST_F(HpaEngine, writes_size_and_record_in_one_patch_with_a_precondition) {
  const std::string version = cluster.at("HorizontalPodAutoscaler", "web-hpa")["metadata"]["resourceVersion"];
  const Convergence result = step(a_decision(10, 60, 100));
  ASSERT_EQ(result.writes.size(), 1U);
  const json& body = result.writes[0].body;
  EXPECT_EQ(body["metadata"]["resourceVersion"], version);
  EXPECT_EQ(body["spec"], (json{{"minReplicas", 60}})) << "the maximum stays, so it is not written";
  const auto record = record_from_annotation(body["metadata"]["annotations"]["headroom.dev/original"]);
  ASSERT_TRUE(record);
  EXPECT_EQ(record.value().original, (Size{10, 100}));
  EXPECT_EQ(record.value().written, (Size{60, 100}));
  EXPECT_EQ(record.value().target, "shop/web");
  EXPECT_EQ(result.step_from, 10);
  EXPECT_EQ(result.step_to, 60);
}

TEST_F(HpaEngine, writes_nothing_the_second_and_the_third_time) {
  step(a_decision(10, 60, 100));
  for (int again = 2; again <= 3; ++again) {
    now += absl::Seconds(1);
    const Convergence result = step(a_decision(10, 60, 100));
    EXPECT_TRUE(result.writes.empty()) << again;
    EXPECT_TRUE(result.settled) << again;
  }
}

TEST_F(HpaEngine, leaves_an_object_alone_that_nothing_is_decided_for) {
  const Convergence result = step(no_decision(10));
  EXPECT_TRUE(result.writes.empty());
  EXPECT_TRUE(result.settled);
  EXPECT_TRUE(result.restored);
}

TEST_F(HpaEngine, raises_the_maximum_along_with_a_minimum_that_reaches_it) {
  step(a_decision(10, 120, 200));
  EXPECT_EQ(bounds(), (Size{120, 200}));
}

TEST_F(HpaEngine, lowers_the_minimum_first_and_the_maximum_once_the_replicas_fit) {
  const std::string before = cluster.face("HorizontalPodAutoscaler", "web-hpa");
  step(a_decision(10, 120, 200));
  settle_workload(150);
  now += absl::Hours(5);

  const Convergence down = step(no_decision(10));
  EXPECT_EQ(bounds(), (Size{10, 200}));
  EXPECT_FALSE(down.restored);
  EXPECT_EQ(down.look_again, kOptions.max_return_patience);
  EXPECT_TRUE(annotated()) << "the record stays until everything is back";

  now += absl::Minutes(4);
  const Convergence waiting = step(no_decision(10));
  EXPECT_TRUE(waiting.writes.empty());
  EXPECT_FALSE(waiting.settled);
  EXPECT_EQ(waiting.look_again, kOptions.max_return_patience - absl::Minutes(4));

  settle_workload(100);
  const Convergence back = step(no_decision(10));
  EXPECT_TRUE(back.restored);
  EXPECT_EQ(cluster.face("HorizontalPodAutoscaler", "web-hpa"), before);
}

TEST_F(HpaEngine, lowers_the_maximum_all_the_same_when_patience_ends) {
  step(a_decision(10, 120, 200));
  settle_workload(150);
  step(no_decision(10));
  now += kOptions.max_return_patience;
  EXPECT_TRUE(step(no_decision(10)).restored);
  EXPECT_EQ(bounds(), (Size{10, 100}));
}

TEST_F(HpaEngine, puts_both_bounds_back_in_one_patch_where_the_replicas_fit_already) {
  const std::string before = cluster.face("HorizontalPodAutoscaler", "web-hpa");
  step(a_decision(10, 60, 100));
  settle_workload(60);
  const Convergence result = step(no_decision(10));
  EXPECT_EQ(result.writes.size(), 1U);
  EXPECT_TRUE(result.restored);
  EXPECT_EQ(cluster.face("HorizontalPodAutoscaler", "web-hpa"), before);
}

TEST_F(HpaEngine, takes_a_new_minimum_for_the_original_and_raises_over_it_at_once) {
  step(a_decision(10, 60, 100));
  now += absl::Minutes(1);
  cluster.edit("HorizontalPodAutoscaler", "web-hpa", {{"spec", {{"minReplicas", 20}}}}, "kubectl-edit");
  EXPECT_TRUE(cluster.view(target).ownership.new_original);
  const Convergence result = step(a_decision(10, 60, 100));  // made before the edit was known
  EXPECT_EQ(bounds(), (Size{60, 100}));
  ASSERT_TRUE(result.contest);
  EXPECT_EQ(result.contest->times, 0);
  EXPECT_EQ(result.contest->manager, "kubectl-edit");
  step(no_decision(20));
  EXPECT_EQ(bounds(), (Size{20, 100}));
}

TEST_F(HpaEngine, keeps_a_foreign_value_above_the_plan_as_the_new_original_until_the_plan_knows_it) {
  step(a_decision(10, 60, 100));
  cluster.edit("HorizontalPodAutoscaler", "web-hpa", {{"spec", {{"minReplicas", 80}}}}, "kubectl-edit");
  step(a_decision(10, 60, 100));
  EXPECT_EQ(bounds(), (Size{80, 100})) << "a plan made from the old original must not lower it";
  EXPECT_FALSE(annotated()) << "and there is nothing to put back";
}

TEST_F(HpaEngine, notes_a_new_maximum_without_touching_it) {
  step(a_decision(10, 60, 100));
  cluster.edit("HorizontalPodAutoscaler", "web-hpa", {{"spec", {{"maxReplicas", 120}}}}, "kubectl-edit");
  step(a_decision(10, 60, 120));
  EXPECT_EQ(bounds(), (Size{60, 120}));
  step(no_decision(10));
  EXPECT_EQ(bounds(), (Size{10, 120}));
  EXPECT_FALSE(annotated());
}

TEST_F(HpaEngine, contests_the_original_put_back_with_back_off) {
  step(a_decision(10, 60, 100));
  now += absl::Minutes(2);
  const auto put_back = [&] {
    cluster.edit("HorizontalPodAutoscaler", "web-hpa", {{"spec", {{"minReplicas", 10}}}}, "argocd-controller");
  };
  put_back();
  const Convergence first = step(a_decision(10, 60, 100));
  EXPECT_EQ(bounds().min, 60);
  EXPECT_EQ(first.contest->times, 1);
  put_back();
  const Convergence second = step(a_decision(10, 60, 100));
  EXPECT_EQ(bounds().min, 10);
  EXPECT_EQ(second.look_again, absl::Seconds(2));
  EXPECT_FALSE(second.settled);
  EXPECT_TRUE(second.writes.empty());
  now += absl::Seconds(2);
  EXPECT_EQ(step(a_decision(10, 60, 100)).contest->times, 2);
  EXPECT_EQ(bounds().min, 60);
}

TEST_F(HpaEngine, writes_the_record_again_when_it_was_stripped) {
  step(a_decision(10, 60, 100));
  target.status.originals = api::Originals{10, 100, cluster.view(target).size.uid};
  cluster.edit("HorizontalPodAutoscaler", "web-hpa",
               {{"metadata", {{"annotations", {{"headroom.dev/original", nullptr}}}}}});
  step(a_decision(10, 60, 100));
  EXPECT_TRUE(annotated());
  target.status = {};
  step(no_decision(10));
  EXPECT_EQ(bounds(), (Size{10, 100}));
}

TEST_F(HpaEngine, writes_nothing_while_the_record_cannot_be_read) {
  step(a_decision(10, 60, 100));
  cluster.edit("HorizontalPodAutoscaler", "web-hpa",
               {{"metadata", {{"annotations", {{"headroom.dev/original", "{\"v\":1"}}}}}});
  const EngineView view = cluster.view(target);
  EXPECT_FALSE(view.known);
  ASSERT_NE(view.obstacle("OriginalUnreadable"), nullptr);
  EXPECT_TRUE(step(a_decision(10, 80, 100)).writes.empty());
  EXPECT_TRUE(step(no_decision(60)).writes.empty());
  EXPECT_FALSE(release(target, view, now, kOptions).restored);
}

TEST_F(HpaEngine, does_not_put_back_on_the_word_of_a_plan_that_had_not_seen_the_object) {
  step(a_decision(10, 60, 100));
  EXPECT_TRUE(step(plan::Decision{}).writes.empty());
  EXPECT_EQ(bounds().min, 60);
}

TEST_F(HpaEngine, stays_away_from_an_autoscaler_that_another_target_holds) {
  step(a_decision(10, 60, 100));
  api::ScaleTarget second = a_target("web-too", EngineType::HorizontalPodAutoscaler, "web");
  EngineView view = cluster.view(second);
  ASSERT_NE(view.obstacle("NotOurs"), nullptr);
  EXPECT_NE(view.obstacle("NotOurs")->message.find("shop/web"), std::string::npos);
  const Convergence away = converge(second, view, a_decision(10, 80, 100), now, kOptions);
  EXPECT_TRUE(away.writes.empty());
  EXPECT_FALSE(away.in_force) << "what the other holds would pass for its own once the other's record is gone";
  EXPECT_TRUE(release(second, view, now, kOptions).restored) << "nothing of its own is on it";
  EXPECT_TRUE(release(second, view, now, kOptions).writes.empty());

  EngineView unreachable = view;
  unreachable.obstacles.push_back({"FieldNotAllowed", "not allowed", Reach::Nothing});
  take_over_orphan(unreachable);
  EXPECT_TRUE(release(second, unreachable, now, kOptions).restored) << "it could not put back what it took over";

  take_over_orphan(view);
  EXPECT_EQ(view.ownership.original, (Size{10, 100})) << "the record of a target that is gone still counts";
  EXPECT_FALSE(converge(second, view, a_decision(10, 80, 100), now, kOptions).writes.empty());
}

TEST_F(HpaEngine, takes_a_copy_restored_into_another_namespace_over_with_its_originals) {
  step(a_decision(10, 60, 100));
  json& copy = cluster.at("HorizontalPodAutoscaler", "web-hpa");
  copy["metadata"]["uid"] = "uid-of-the-copy";
  std::string annotation = copy["metadata"]["annotations"]["headroom.dev/original"];
  annotation.replace(annotation.find("shop/web"), 8, "prod/web");
  cluster.edit("HorizontalPodAutoscaler", "web-hpa",
               {{"metadata", {{"annotations", {{"headroom.dev/original", annotation}}}}}});
  target.status = {};
  step(no_decision(10));
  EXPECT_EQ(bounds(), (Size{10, 100}));
  EXPECT_FALSE(annotated());
}

TEST_F(HpaEngine, gives_a_recreated_autoscaler_fresh_originals_and_drops_the_stale_record) {
  step(a_decision(10, 60, 100));
  json& recreated = cluster.at("HorizontalPodAutoscaler", "web-hpa");
  recreated["metadata"]["uid"] = "uid-new";
  recreated["spec"]["minReplicas"] = 15;
  EXPECT_EQ(cluster.view(target).ownership.original, (Size{15, 100}));
  step(no_decision(15));
  EXPECT_EQ(bounds(), (Size{15, 100}));
  EXPECT_FALSE(annotated());
}

TEST_F(HpaEngine, changes_nothing_while_a_person_holds_the_target) {
  step(a_decision(10, 60, 100));
  target.spec.suspend = api::SuspendMode::Hold;
  cluster.edit("HorizontalPodAutoscaler", "web-hpa", {{"spec", {{"minReplicas", 30}}}}, "kubectl-edit");
  const Convergence result = step(a_decision(10, 60, 100));
  EXPECT_TRUE(result.writes.empty());
  EXPECT_TRUE(result.settled);
}

TEST_F(HpaEngine, names_the_owner_of_an_autoscaler_and_never_writes_it) {
  cluster.edit("HorizontalPodAutoscaler", "web-hpa",
               {{"metadata",
                 {{"ownerReferences",
                   {{{"apiVersion", "keda.sh/v1alpha1"},
                     {"kind", "ScaledObject"},
                     {"name", "web"},
                     {"uid", "u"},
                     {"controller", true}}}}}}});
  const EngineView view = cluster.view(target);
  ASSERT_NE(view.obstacle("RivalScaler"), nullptr);
  EXPECT_NE(view.obstacle("RivalScaler")->message.find("ScaledObject web"), std::string::npos);
  EXPECT_TRUE(step(a_decision(10, 60, 100)).writes.empty());
}

TEST_F(HpaEngine, names_both_autoscalers_of_one_workload) {
  cluster.add(an_autoscaler("web-cpu", "web", 5, 50));
  for (const char* name : {"", "web-hpa"}) {
    target.spec.engine.name = name;
    const EngineView view = cluster.view(target);
    ASSERT_NE(view.obstacle("AmbiguousScaler"), nullptr) << name;
    const std::string& message = view.obstacle("AmbiguousScaler")->message;
    EXPECT_NE(message.find("shop/web-hpa"), std::string::npos) << message;
    EXPECT_NE(message.find("shop/web-cpu"), std::string::npos) << message;
    EXPECT_TRUE(step(a_decision(10, 60, 100)).writes.empty());
  }
}

TEST_F(HpaEngine, puts_its_override_back_although_a_second_autoscaler_appeared) {
  const std::string before = cluster.face("HorizontalPodAutoscaler", "web-hpa");
  step(a_decision(10, 60, 100));
  cluster.add(an_autoscaler("web-cpu", "web", 5, 50));
  EXPECT_TRUE(step(a_decision(10, 80, 100)).writes.empty());
  EXPECT_TRUE(step(no_decision(10)).restored);
  EXPECT_EQ(cluster.face("HorizontalPodAutoscaler", "web-hpa"), before);
}

TEST_F(HpaEngine, says_what_is_missing) {
  cluster.remove("HorizontalPodAutoscaler", "web-hpa");
  EXPECT_NE(cluster.view(target).obstacle("AutoscalerNotFound"), nullptr);
  target.spec.engine.name = "gone";
  EXPECT_NE(cluster.view(target).obstacle("AutoscalerNotFound"), nullptr);
  cluster.add(an_autoscaler("gone", "another", 1, 2));
  const EngineView view = cluster.view(target);
  ASSERT_NE(view.obstacle("AutoscalerNotFound"), nullptr);
  EXPECT_NE(view.obstacle("AutoscalerNotFound")->message.find("Deployment shop/another"), std::string::npos);
  EXPECT_TRUE(release(target, view, now, kOptions).restored);
}

TEST_F(HpaEngine, reports_a_workload_at_zero_and_raises_nothing) {
  settle_workload(0);
  EXPECT_NE(cluster.view(target).obstacle("ScalingDisabled"), nullptr);
  EXPECT_TRUE(step(a_decision(10, 60, 100)).writes.empty());
}

TEST_F(HpaEngine, puts_its_minimum_back_on_a_workload_that_was_switched_off_meanwhile) {
  step(a_decision(10, 60, 100));
  settle_workload(0);
  EXPECT_TRUE(step(no_decision(10)).restored);
  EXPECT_EQ(bounds(), (Size{10, 100}));
}

TEST_F(HpaEngine, wakes_a_workload_at_zero_where_the_user_wants_it_and_puts_it_to_sleep_again) {
  settle_workload(0);
  const std::string deployment = cluster.face("Deployment", "web");
  const std::string autoscaler = cluster.face("HorizontalPodAutoscaler", "web-hpa");
  target.spec.engine.when_scaled_to_zero = api::Engine::ZeroPolicy::Raise;

  const Convergence woken = step(a_decision(10, 60, 100));
  ASSERT_EQ(woken.writes.size(), 3U);
  EXPECT_EQ(woken.writes[1].subresource, "") << "first the record, then the size";
  EXPECT_EQ(woken.writes[2].subresource, "scale");
  EXPECT_EQ(cluster.at("Deployment", "web")["spec"]["replicas"], 1);
  EXPECT_EQ(bounds().min, 60);
  settle_workload(60);
  EXPECT_TRUE(step(a_decision(10, 60, 100)).settled);

  step(no_decision(10));
  step(no_decision(10));
  EXPECT_EQ(cluster.face("Deployment", "web"), deployment);
  EXPECT_EQ(cluster.face("HorizontalPodAutoscaler", "web-hpa"), autoscaler);
}

TEST_F(HpaEngine, wakes_a_workload_again_once_a_minute_at_most) {
  settle_workload(0);
  target.spec.engine.when_scaled_to_zero = api::Engine::ZeroPolicy::Raise;
  step(a_decision(10, 60, 100));
  settle_workload(0);
  now += absl::Seconds(30);
  const Convergence soon = step(a_decision(10, 60, 100));
  EXPECT_TRUE(soon.writes.empty());
  EXPECT_FALSE(soon.settled);
  now += absl::Seconds(30);
  step(a_decision(10, 60, 100));
  EXPECT_EQ(cluster.at("Deployment", "web")["spec"]["replicas"], 1);
}

struct KedaEngine : Adopted {
  KedaEngine() { target = a_target("web", EngineType::ScaledObject, "web"); }
  void given(std::optional<int> min, std::optional<int> max) {
    cluster.add(a_deployment("web", 3));
    cluster.add(a_scaled_object("web-so", "web", min, max));
  }
};

TEST_F(KedaEngine, writes_keda_s_names_and_restores_bounds_that_were_absent_by_removing_them) {
  given(std::nullopt, std::nullopt);
  const std::string before = cluster.face("ScaledObject", "web-so");
  EXPECT_EQ(originals_of(target, cluster.view(target)).min, 0);
  EXPECT_EQ(originals_of(target, cluster.view(target)).max, 100);
  step(a_decision(0, 120, 300));
  EXPECT_EQ(cluster.at("ScaledObject", "web-so")["spec"]["minReplicaCount"], 120);
  EXPECT_EQ(cluster.at("ScaledObject", "web-so")["spec"]["maxReplicaCount"], 300);
  EXPECT_TRUE(step(a_decision(0, 120, 300)).settled);
  step(no_decision(0));
  EXPECT_EQ(cluster.face("ScaledObject", "web-so"), before);
}

TEST_F(KedaEngine, leaves_an_absent_maximum_absent_where_the_default_suffices) {
  given(2, std::nullopt);
  step(a_decision(2, 40, 100));
  EXPECT_FALSE(cluster.at("ScaledObject", "web-so")["spec"].contains("maxReplicaCount"));
  EXPECT_TRUE(step(a_decision(2, 40, 100)).settled);
}

TEST_F(KedaEngine, respects_a_pause_but_still_puts_back) {
  given(2, 50);
  const std::string before = cluster.face("ScaledObject", "web-so");
  step(a_decision(2, 40, 50));
  cluster.edit("ScaledObject", "web-so",
               {{"metadata", {{"annotations", {{"autoscaling.keda.sh/paused-replicas", "5"}}}}}});
  EXPECT_NE(cluster.view(target).obstacle("Paused"), nullptr);
  EXPECT_TRUE(step(a_decision(2, 45, 50)).writes.empty());
  step(no_decision(2));
  cluster.edit("ScaledObject", "web-so", {{"metadata", {{"annotations", nullptr}}}});
  EXPECT_EQ(cluster.face("ScaledObject", "web-so"), before);
}

TEST_F(KedaEngine, does_not_take_keda_s_own_autoscaler_for_a_rival) {
  given(2, 50);
  json made = an_autoscaler("keda-hpa-web-so", "web", 2, 50);
  made["metadata"]["ownerReferences"] = {
      {{"apiVersion", "keda.sh/v1alpha1"}, {"kind", "ScaledObject"}, {"name", "web-so"}, {"controller", true}}};
  cluster.add(made);
  EXPECT_TRUE(cluster.view(target).obstacles.empty());
  cluster.add(an_autoscaler("web-cpu", "web", 1, 9));
  const EngineView view = cluster.view(target);
  ASSERT_NE(view.obstacle("AmbiguousScaler"), nullptr);
  EXPECT_EQ(view.obstacle("AmbiguousScaler")->message.find("keda-hpa"), std::string::npos);
}

}  // namespace
}  // namespace headroom::controllers
