// The reconciler against an API server in memory: what is written, in which order, and what is not.
#include "operator/controllers/target_reconciler.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/controllers/known_view.h"
#include "tests/controllers/simulated_objects.h"
#include "tests/controllers/test_world.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr char kTargetPath[] = "/apis/headroom.dev/v1alpha1/namespaces/shop/scaletargets/web";
constexpr char kHpaPath[] = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web-hpa";
constexpr char kDeploymentPath[] = "/apis/apps/v1/namespaces/shop/deployments/web";

std::string scale_target_json() {
  return R"({"apiVersion": "headroom.dev/v1alpha1", "kind": "ScaleTarget", "metadata": {"name": "web"},
    "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
             "replicas": {"min": 1, "max": 200},
             "engine": {"type": "HorizontalPodAutoscaler"}}})";
}

struct Reconciler : ::testing::Test {
  TestWorld test;
  std::shared_ptr<Cluster> cluster;
  int replans = 0;
  std::unique_ptr<TargetReconciler> reconciler;
  runtime::WorkQueue queue{test.clock, Backoff{}, 1};
  const runtime::WorkKey scale_key{kScaleWork, {"shop", "web"}}, status_key{kStatusWork, {"shop", "web"}};

  Reconciler() {
    test.server->put(kDeploymentPath, a_deployment("web", 10));
    test.server->put(kHpaPath, an_autoscaler("web-hpa", "web", 10, 100));
    test.server->put(kTargetPath, json::parse(scale_target_json()));
    cluster = std::make_shared<Cluster>(
        "local", client_of(test.server), test.clock, test.metrics, [](const api::ObjectKey&) {}, 1);
    cluster->start();
    connect();
    reconciler = std::make_unique<TargetReconciler>(*test.world, [this] { ++replans; });
    reconciler->use_queue(queue);
    show_target();
    EXPECT_TRUE(test.server->await([&] { return view().known && view().ready.has_value(); }));
  }
  ~Reconciler() override {
    queue.shut_down();
    cluster->stop();
  }
  void connect() {
    RegionLink link;
    link.cluster = cluster;
    test.world->links.set("local", link);
  }
  void disconnect(const std::string& problem) {
    RegionLink link;
    link.problem = problem;
    test.world->links.set("local", link);
  }
  /// As the home cluster's watch would.
  void show_target() {
    const auto target = api::scale_target_from_json(test.server->get(kTargetPath));
    ASSERT_TRUE(target) << target.error().message;
    test.load(target.value());
  }
  const api::ScaleTarget& target() { return *test.world->targets->get({"shop", "web"}); }
  EngineView view() { return view_engine(target(), cluster.get(), test.options); }
  void plan(plan::Decision decision) {
    auto snapshot = std::make_shared<PlanSnapshot>();
    snapshot->at = test.clock.wall_now();
    decision.target = {"shop", "web"};
    snapshot->targets = {test.world->targets->get({"shop", "web"})};
    snapshot->result.decisions = {std::move(decision)};
    test.world->publish(std::move(snapshot));
  }
  Result<runtime::ReconcileResult> run(const runtime::WorkKey& key) { return reconciler->reconcile(key, "id", {}); }
  Result<runtime::ReconcileResult> scale() { return run(scale_key); }
  Result<runtime::ReconcileResult> status() { return run(status_key); }
  void await_hpa(const std::function<bool(const json&)>& holds) {
    EXPECT_TRUE(test.server->await([&] { return holds(test.server->get(kHpaPath)); }));
  }
  /// Until the caches show what the server has.
  void catch_up() {
    EXPECT_TRUE(test.server->await([&] {
      return view().resource_version == test.server->get(kHpaPath)["metadata"]["resourceVersion"].get<std::string>();
    }));
  }
  int min() { return test.server->get(kHpaPath)["spec"]["minReplicas"]; }
  json stored() { return test.server->get(kTargetPath).value("status", json::object()); }
  json stored_condition(const std::string& type) {
    for (const json& condition : stored().value("conditions", json::array())) {
      if (condition["type"] == type) return condition;
    }
    return nullptr;
  }
  std::vector<std::string> writes() { return test.server->writes(); }
};

TEST_F(Reconciler, adds_its_finalizer_before_it_changes_anything) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  EXPECT_EQ(writes(),
            (std::vector<std::string>{std::string("PATCH ") + kTargetPath, std::string("PATCH ") + kHpaPath}));
  EXPECT_EQ(test.server->get(kTargetPath)["metadata"]["finalizers"], json::array({"headroom.dev/restore"}));
  EXPECT_EQ(min(), 60);
}

TEST_F(Reconciler, adds_it_at_first_sight_so_that_no_boundary_waits_for_it) {
  plan(no_decision(10));
  ASSERT_TRUE(scale());
  EXPECT_EQ(writes().size(), 1U);
  show_target();
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  EXPECT_EQ(writes().size(), 2U);
}

TEST_F(Reconciler, changes_nothing_where_it_cannot_leave_its_finalizer) {
  test.server->refuse([](const kube::Request& request) { return request.path.starts_with(kTargetPath); }, 403);
  plan(a_decision(10, 60, 100));
  EXPECT_FALSE(scale());
  EXPECT_EQ(min(), 10);
}

TEST_F(Reconciler, makes_no_autoscaler_in_a_region_that_may_not_hold_the_target) {
  json own = test.server->get(kTargetPath);
  own["spec"]["engine"]["horizontalPodAutoscaler"] = {{"metrics", {{{"type", "Resource"}}}}};
  test.server->erase(kHpaPath);
  test.server->put(kTargetPath, own);
  show_target();
  EXPECT_TRUE(test.server->await([&] { return view().known && !view().exists && view().obstacles.empty(); }));
  test.world->records.update(target(), [](TargetRecord& record) {
    record.refusal =
        RegionRefusal{"RequirementsNotMet", "Region local does not meet spec.requires: it lacks compliance EU_GDPR"};
  });
  plan(no_decision(1));
  ASSERT_TRUE(scale());
  EXPECT_EQ(writes(), std::vector<std::string>());
  ASSERT_TRUE(status());
  EXPECT_EQ(stored_condition("Ready")["reason"], "RequirementsNotMet");

  show_target();
  test.world->records.update(target(), [](TargetRecord& record) { record.refusal.reset(); });
  ASSERT_TRUE(scale());
  EXPECT_EQ(
      test.server->get("/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web")["spec"]["minReplicas"], 1);
}

TEST_F(Reconciler, writes_once_although_the_caches_lag_behind) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  const std::size_t so_far = writes().size();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(scale());
  EXPECT_EQ(writes().size(), so_far);
  catch_up();
  ASSERT_TRUE(scale());
  EXPECT_EQ(writes().size(), so_far);
}

TEST_F(Reconciler, goes_on_to_the_next_size_on_the_version_that_its_own_write_left) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  plan(a_decision(10, 80, 100));
  ASSERT_TRUE(scale());
  EXPECT_EQ(min(), 80);
}

TEST_F(Reconciler, what_it_has_put_back_is_in_force_for_no_later_plan_whatever_the_stored_status_says) {
  const auto in_force = [&](const EngineView& view) { return observation_of(target(), view).in_force; };
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  show_target();
  catch_up();
  EXPECT_EQ(in_force(view_as_known(*test.world, target(), cluster.get())), 60);
  plan(no_decision(10));
  ASSERT_TRUE(scale());
  EXPECT_FALSE(in_force(view_as_known(*test.world, target(), cluster.get()))) << "the caches may lag behind";
  catch_up();
  ASSERT_EQ(in_force(view()), 60) << "what is stored, and would pass for the truth";
  EXPECT_FALSE(in_force(view_as_known(*test.world, target(), cluster.get())));
}

TEST_F(Reconciler, queues_status_after_sizes) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  queue.add(scale_key);
  EXPECT_EQ(queue.take({}), scale_key);
  EXPECT_EQ(queue.take({}), status_key);
}

TEST_F(Reconciler, tells_what_it_did_in_events_and_status) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  EXPECT_EQ(test.events.reasons("web"), std::vector<std::string>{"ScaledUp"});
  EXPECT_EQ(stored()["inForce"], 60);
  EXPECT_EQ(stored()["originals"]["min"], 10);
  EXPECT_EQ(stored()["bounds"]["min"], 60);
  EXPECT_EQ(stored_condition("Ready")["reason"], "WaitingForReplicas");

  plan(no_decision(10));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  EXPECT_EQ(test.events.reasons("web"), (std::vector<std::string>{"ScaledUp", "ScaledDown", "Restored"}));
  EXPECT_FALSE(stored().contains("inForce")) << "what is not so any more goes from the stored status";
  EXPECT_EQ(stored_condition("Ready")["reason"], "AtOriginal");
}

TEST_F(Reconciler, writes_a_status_only_where_it_differs) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  const std::size_t so_far = writes().size();
  ASSERT_TRUE(status()) << "before the cache shows it";
  show_target();
  ASSERT_TRUE(status()) << "and after";
  EXPECT_EQ(writes().size(), so_far);
}

TEST_F(Reconciler, writes_a_status_onto_the_version_that_it_was_made_for_or_not_at_all) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  show_target();
  test.server->edit(kTargetPath, {{"status", {{"inForce", 70}}}});  // the next leader's
  plan(no_decision(10));
  ASSERT_TRUE(scale());
  const auto late = status();
  ASSERT_TRUE(late) << "somebody else was faster, which is no error";
  ASSERT_TRUE(late.value().requeue_after);
  EXPECT_LE(*late.value().requeue_after, milliseconds(200));
  EXPECT_EQ(stored()["inForce"], 70);
  show_target();
  ASSERT_TRUE(status());
  EXPECT_FALSE(stored().contains("inForce"));
}

TEST_F(Reconciler, writes_a_status_at_once_however_far_the_cache_is_behind_or_ahead) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status()) << "over the finalizer, which the cache does not show";
  plan(no_decision(10));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status()) << "over our own write, which the cache does not show";
  EXPECT_EQ(stored_condition("Ready")["reason"], "AtOriginal");
  test.server->edit(kTargetPath, {{"metadata", {{"labels", {{"team", "web"}}}}}});
  show_target();
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status()) << "over an edit that came to the cache together with our write";
  EXPECT_EQ(stored()["inForce"], 60);
}

TEST_F(Reconciler, writes_flapping_readiness_once_a_second_at_most) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  show_target();
  catch_up();
  const std::size_t so_far = writes().size();
  test.server->edit(kDeploymentPath, {{"status", {{"replicas", 60}, {"readyReplicas", 33}}}});
  ASSERT_TRUE(test.server->await([&] { return view().ready == 33; }));
  const auto later = status();
  ASSERT_TRUE(later);
  EXPECT_TRUE(later.value().requeue_after);
  EXPECT_EQ(writes().size(), so_far);
  test.server->edit(kDeploymentPath, {{"status", {{"readyReplicas", 60}}}});
  plan(no_decision(10));
  ASSERT_TRUE(status()) << "what changes in substance is told at once";
  EXPECT_EQ(writes().size(), so_far + 1);
}

TEST_F(Reconciler, reads_again_after_a_conflict_and_never_replays) {
  test.server->refuse(
      [](const kube::Request& request) {
        return request.method == kube::Method::Patch && request.path.starts_with(kHpaPath);
      },
      409);
  plan(a_decision(10, 60, 100));
  const auto result = scale();
  ASSERT_TRUE(result) << "somebody else was faster, which is no error";
  ASSERT_TRUE(result.value().requeue_after);
  EXPECT_LE(*result.value().requeue_after, milliseconds(200));
  EXPECT_FALSE(test.world->records.get(target()).status.in_force);
  test.server->refuse_nothing();
  ASSERT_TRUE(scale());
  EXPECT_EQ(min(), 60);
}

TEST_F(Reconciler, takes_an_object_made_anew_for_nobody_s_edit_although_its_first_write_meets_a_conflict) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  catch_up();
  test.server->erase(kHpaPath);
  json anew = an_autoscaler("web-hpa", "web", 20, 100);
  anew["metadata"]["uid"] = "another";
  test.server->put(kHpaPath, anew);
  catch_up();
  test.server->refuse(
      [](const kube::Request& request) {
        return request.method == kube::Method::Patch && request.path.starts_with(kHpaPath);
      },
      409);
  plan(a_decision(20, 60, 100));
  ASSERT_TRUE(scale());
  test.server->refuse_nothing();
  ASSERT_TRUE(scale());
  EXPECT_EQ(min(), 60) << "at once";
  EXPECT_FALSE(test.world->records.get(target()).status.contest);
  plan(no_decision(20));
  ASSERT_TRUE(scale());
  EXPECT_EQ(min(), 20);
}

TEST_F(Reconciler, tells_a_refused_write_and_tries_again_with_back_off) {
  test.server->refuse(
      [](const kube::Request& request) {
        return request.method == kube::Method::Patch && request.path.starts_with(kHpaPath);
      },
      403);
  plan(a_decision(10, 60, 100));
  const auto result = scale();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::Forbidden);
  ASSERT_TRUE(status());
  EXPECT_EQ(stored_condition("Stalled")["reason"], "WriteFailed");
  EXPECT_NE(stored_condition("Stalled")["message"].get<std::string>().find("HorizontalPodAutoscaler shop/web-hpa"),
            std::string::npos);
  test.server->refuse_nothing();
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  EXPECT_TRUE(stored_condition("Stalled").is_null());
}

TEST_F(Reconciler, asks_for_a_new_plan_when_the_originals_are_news) {
  plan(no_decision(10));
  ASSERT_TRUE(scale());
  EXPECT_EQ(replans, 1);
  ASSERT_TRUE(scale());
  EXPECT_EQ(replans, 1);
  test.server->edit(kHpaPath, {{"spec", {{"minReplicas", 12}}}});
  catch_up();
  ASSERT_TRUE(scale());
  EXPECT_EQ(replans, 2);
}

TEST_F(Reconciler, puts_nothing_back_on_the_word_of_a_plan_made_before_the_caches_were_filled) {
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  catch_up();
  plan(plan::Decision{});
  const int before = replans;
  const auto result = scale();
  ASSERT_TRUE(result);
  EXPECT_EQ(min(), 60);
  EXPECT_GT(replans, before) << "but asks for one that has seen the object";
  EXPECT_TRUE(result.value().requeue_after);
}

TEST_F(Reconciler, waits_for_a_region_that_is_not_connected) {
  disconnect("no kubeconfig");
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  EXPECT_EQ(stored_condition("Stalled")["reason"], "RegionUnavailable");
  EXPECT_NE(stored_condition("Stalled")["message"].get<std::string>().find("no kubeconfig"), std::string::npos);
  test.world->links.remove("local");
  ASSERT_TRUE(status());
  const auto conditions = test.world->records.get(target()).status.conditions;
  EXPECT_NE(api::find_condition(conditions, "Stalled")->message.find("local is being connected"), std::string::npos);
}

TEST_F(Reconciler, takes_over_from_a_target_that_is_gone_but_not_from_one_that_lives) {
  const OriginalRecord record{view().size.uid, {5, 100}, {10, 100}, {}, test.clock.wall_now(), "shop/former"};
  test.server->edit(kHpaPath, {{"metadata", {{"annotations", {{"headroom.dev/original", to_annotation(record)}}}}}});
  catch_up();
  api::ScaleTarget former = target();
  former.meta.name = "former";
  test.load(former);
  test.world->targets->replace({{former.meta.key(), "1", std::make_shared<const api::ScaleTarget>(former)},
                                {target().meta.key(), "1", std::make_shared<const api::ScaleTarget>(target())}});
  plan(a_decision(5, 60, 100));
  ASSERT_TRUE(scale());
  EXPECT_EQ(min(), 10);
  test.world->targets->remove(former.meta.key());
  ASSERT_TRUE(scale());
  EXPECT_EQ(min(), 60);
  plan(no_decision(5));
  ASSERT_TRUE(scale());
  EXPECT_EQ(min(), 5) << "what it said before the former target came";
}

TEST_F(Reconciler, measures_how_long_a_step_takes_to_be_ready) {
  test.server->edit(kTargetPath, {{"spec", {{"warmUp", {{"learn", "Enabled"}}}}}});
  show_target();
  plan(a_decision(10, 60, 100));
  ASSERT_TRUE(scale());
  test.clock.advance(absl::Seconds(90));
  test.server->edit(kDeploymentPath, {{"status", {{"replicas", 60}, {"readyReplicas", 60}}}});
  ASSERT_TRUE(test.server->await([&] { return view().ready == 60; }));
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  EXPECT_EQ(stored()["warmUp"], (json::array({{{"step", 64}, {"seconds", {90}}}})));
}

TEST_F(Reconciler, forgets_a_target_that_is_gone) {
  plan(no_decision(10));
  ASSERT_TRUE(scale());
  const api::ScaleTarget before = target();
  test.world->targets->remove({"shop", "web"});
  ASSERT_TRUE(scale());
  EXPECT_FALSE(test.world->records.get(before).status.originals);
}

/// A target that holds an override and is being deleted.
struct Deletion : Reconciler {
  Deletion() {
    plan(a_decision(10, 60, 100));
    EXPECT_TRUE(scale());
    EXPECT_TRUE(status());
    catch_up();
    test.server->erase(kTargetPath);
    show_target();
  }
  bool gone() { return test.server->get(kTargetPath).is_null(); }
  void lose_region() { disconnect("connection refused"); }
  absl::Time patience_ends() { return *target().meta.deleted + test.options.finalizer_patience; }
};

TEST_F(Deletion, puts_back_first_and_lets_go_then) {
  ASSERT_TRUE(scale());
  EXPECT_EQ(min(), 10);
  EXPECT_FALSE(test.server->get(kHpaPath)["metadata"]["annotations"].contains("headroom.dev/original"));
  EXPECT_TRUE(gone());
  const auto reasons = test.events.reasons("web");
  EXPECT_EQ(reasons.back(), "Restored");
}

TEST_F(Deletion, waits_for_a_lost_region_as_long_as_its_patience_lasts) {
  lose_region();
  test.clock.advance_to(patience_ends() - absl::Seconds(1));
  const auto waiting = scale();
  ASSERT_TRUE(waiting);
  EXPECT_TRUE(waiting.value().requeue_after);
  EXPECT_FALSE(gone());
  test.clock.advance_to(patience_ends());
  ASSERT_TRUE(scale());
  EXPECT_TRUE(gone());
  EXPECT_EQ(test.events.reasons("web").back(), "RestoreAbandoned");
  EXPECT_NE(test.events.note("RestoreAbandoned").find("10 to 100"), std::string::npos);
}

TEST_F(Deletion, gives_up_at_once_where_a_person_says_so) {
  lose_region();
  ASSERT_TRUE(scale());
  EXPECT_FALSE(gone());
  test.server->edit(kTargetPath, {{"metadata", {{"annotations", {{"headroom.dev/force-delete", "true"}}}}}});
  show_target();
  ASSERT_TRUE(scale());
  EXPECT_TRUE(gone());
}

TEST_F(Deletion, puts_back_all_the_same_when_forced_while_the_region_answers) {
  test.server->edit(kTargetPath, {{"metadata", {{"annotations", {{"headroom.dev/force-delete", "true"}}}}}});
  show_target();
  ASSERT_TRUE(scale());
  EXPECT_EQ(min(), 10);
  EXPECT_TRUE(gone());
}

TEST_F(Deletion, does_not_wait_for_a_region_in_which_nothing_is_overridden) {
  plan(no_decision(10));
  test.world->records.update(target(), [](TargetRecord& record) { record.status.in_force.reset(); });
  lose_region();
  ASSERT_TRUE(scale());
  EXPECT_TRUE(gone());
}

TEST_F(Deletion, retries_a_refused_write_with_back_off_until_patience_ends) {
  test.server->refuse(
      [](const kube::Request& request) {
        return request.method == kube::Method::Patch && request.path.starts_with(kHpaPath);
      },
      403);
  EXPECT_FALSE(scale());
  EXPECT_FALSE(gone());
  test.clock.advance_to(patience_ends());
  ASSERT_TRUE(scale());
  EXPECT_TRUE(gone());
  EXPECT_EQ(test.events.reasons("web").back(), "RestoreAbandoned");
}

TEST_F(Deletion, has_nothing_to_put_back_where_the_object_is_gone) {
  test.server->erase(kHpaPath);
  ASSERT_TRUE(test.server->await([&] { return !view().known; }));
  ASSERT_TRUE(scale());
  EXPECT_TRUE(gone());
}

TEST_F(Deletion, tells_that_it_is_under_way) {
  lose_region();
  ASSERT_TRUE(scale());
  ASSERT_TRUE(status());
  EXPECT_EQ(stored_condition("Ready")["status"], "False");
  EXPECT_EQ(stored_condition("Stalled")["reason"], "RegionUnavailable");
}

}  // namespace
}  // namespace headroom::controllers
