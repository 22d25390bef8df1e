// Sizes that lie in the workload itself: /scale, fields of custom resources, read replicas one at a time, advice.
#include <gtest/gtest.h>

#include "tests/controllers/simulated_objects.h"

namespace headroom::controllers {
namespace {

using api::EngineType;
using nlohmann::json;

const absl::Time kStart = absl::FromUnixSeconds(1'793'808'000);

struct WorkloadEngine : ::testing::Test {
  SimulatedObjects cluster;
  api::ScaleTarget target;
  OperatorOptions options;
  absl::Time now = kStart;

  Convergence plan(const plan::Decision& decision) {
    return converge(target, cluster.view(target, options), decision, now, options);
  }
  Convergence step(const plan::Decision& decision, std::size_t most = SIZE_MAX) {
    Convergence result = plan(decision);
    EXPECT_TRUE(cluster.apply(result.writes, most));
    if (most < result.writes.size()) return result;  // died before anything was kept
    target.status.contest = result.contest;
    target.status.in_force = result.in_force ? result.in_force->min : std::nullopt;
    return result;
  }
};

struct ScaleEngine : WorkloadEngine {
  ScaleEngine() {
    target = a_target("jobs", EngineType::Scale, "jobs");
    cluster.add(a_deployment("jobs", 3));
  }
  int replicas() { return cluster.at("Deployment", "jobs")["spec"]["replicas"]; }
};

TEST_F(ScaleEngine, records_the_original_before_it_writes_the_size) {
  const Convergence result = step(a_decision(3, 8, 8));
  ASSERT_EQ(result.writes.size(), 2U);
  EXPECT_EQ(result.writes[0].subresource, "");
  EXPECT_TRUE(result.writes[0].then_rebase);
  EXPECT_FALSE(result.writes[0].body.contains("spec"));
  EXPECT_EQ(result.writes[1].subresource, "scale");
  EXPECT_EQ(result.writes[1].body["spec"]["replicas"], 8);
  EXPECT_EQ(replicas(), 8);
  EXPECT_TRUE(step(a_decision(3, 8, 8)).settled);
}

TEST_F(ScaleEngine, takes_the_record_off_only_after_the_size_is_back) {
  const std::string before = cluster.face("Deployment", "jobs");
  step(a_decision(3, 8, 8));
  const Convergence back = step(no_decision(3));
  ASSERT_EQ(back.writes.size(), 2U);
  EXPECT_EQ(back.writes[0].subresource, "scale");
  EXPECT_TRUE(back.restored);
  EXPECT_EQ(cluster.face("Deployment", "jobs"), before);
}

TEST_F(ScaleEngine, survives_a_crash_between_any_two_writes) {
  const int sizes[] = {8, 5, 12};
  for (int phases = 1; phases <= 3; ++phases) {
    for (std::size_t died = 0; died <= 2; ++died) {
      for (const bool status_survives : {true, false}) {
        cluster = SimulatedObjects();
        cluster.add(a_deployment("jobs", 3));
        target.status = {};
        const std::string before = cluster.face("Deployment", "jobs");
        for (int i = 0; i < phases; ++i) {
          now += absl::Hours(1);
          step(a_decision(3, sizes[i], sizes[i]), i + 1 == phases ? died : SIZE_MAX);
        }
        if (!status_survives) target.status = {};
        const auto label = [&] { return "phases " + std::to_string(phases) + ", died after " + std::to_string(died); };
        EXPECT_EQ(cluster.view(target).ownership.original.min, 3) << label();

        const Convergence again = step(a_decision(3, sizes[phases - 1], sizes[phases - 1]));
        EXPECT_FALSE(again.contest) << "nobody but us has been here; " << label();
        EXPECT_EQ(replicas(), sizes[phases - 1]) << label();
        const Convergence back = step(no_decision(3), died);
        step(no_decision(3));
        EXPECT_EQ(cluster.face("Deployment", "jobs"), before) << label();
      }
    }
  }
}

TEST_F(ScaleEngine, contests_whoever_puts_the_original_back) {
  step(a_decision(3, 8, 8));
  now += absl::Minutes(1);
  cluster.edit("Deployment", "jobs", {{"spec", {{"replicas", 3}}}}, "kubectl-scale");
  const Convergence result = step(a_decision(3, 8, 8));
  ASSERT_TRUE(result.contest);
  EXPECT_EQ(result.contest->times, 1);
  EXPECT_EQ(result.contest->manager, "kubectl-scale");
  EXPECT_EQ(result.writes.size(), 1U) << "the record is right already";
  EXPECT_EQ(replicas(), 8);
}

TEST_F(ScaleEngine, never_writes_replicas_of_a_workload_that_an_autoscaler_scales) {
  cluster.add(an_autoscaler("jobs-hpa", "jobs", 1, 9));
  const EngineView view = cluster.view(target);
  ASSERT_NE(view.obstacle("RivalScaler"), nullptr);
  EXPECT_NE(view.obstacle("RivalScaler")->message.find("shop/jobs-hpa"), std::string::npos);
  EXPECT_TRUE(plan(a_decision(3, 8, 8)).writes.empty());
  cluster.remove("HorizontalPodAutoscaler", "jobs-hpa");
  cluster.add(a_scaled_object("jobs-so", "jobs", 1, 9));
  EXPECT_NE(cluster.view(target).obstacle("RivalScaler"), nullptr);
}

TEST_F(ScaleEngine, only_takes_its_record_off_where_an_autoscaler_took_over) {
  step(a_decision(3, 8, 8));
  cluster.add(an_autoscaler("jobs-hpa", "jobs", 1, 20));
  cluster.edit("Deployment", "jobs", {{"spec", {{"replicas", 14}}}}, "kube-controller-manager");
  EXPECT_TRUE(plan(a_decision(3, 8, 8)).writes.empty());
  const Convergence result = step(no_decision(3));
  ASSERT_EQ(result.writes.size(), 1U);
  EXPECT_FALSE(result.writes[0].body.contains("spec"));
  EXPECT_EQ(replicas(), 14);
  EXPECT_FALSE(cluster.view(target).annotated);
}

TEST_F(ScaleEngine, waits_until_it_knows_that_there_is_no_rival) {
  EngineObjects objects = cluster.objects_of(target);
  objects.scaled_object = {nullptr, false, "CacheNotSynced", ""};
  EXPECT_NE(view_of(target, objects, options).obstacle("CacheNotSynced"), nullptr);
  objects.scaled_object.problem = "scaledobjects.keda.sh is forbidden";
  EXPECT_TRUE(view_of(target, objects, options).obstacles.empty()) << "KEDA's HPAs would tell of a rival";
  objects.autoscaler.synced = false;
  EXPECT_NE(view_of(target, objects, options).obstacle("CacheNotSynced"), nullptr);
}

TEST_F(ScaleEngine, says_that_the_workload_is_gone_and_has_nothing_to_put_back) {
  step(a_decision(3, 8, 8));
  cluster.remove("Deployment", "jobs");
  EXPECT_NE(cluster.view(target).obstacle("TargetNotFound"), nullptr);
  const Convergence result = release(target, cluster.view(target), now, options);
  EXPECT_TRUE(result.restored);
  EXPECT_TRUE(result.writes.empty());
}

TEST_F(ScaleEngine, passes_on_why_a_kind_cannot_be_read) {
  EngineObjects objects = cluster.objects_of(target);
  objects.workload = {nullptr, false, "KindNotServed", "no kind Widget in example.com/v1"};
  const EngineView view = view_of(target, objects, options);
  ASSERT_NE(view.obstacle("KindNotServed"), nullptr);
  EXPECT_NE(view.obstacle("KindNotServed")->message.find("Widget"), std::string::npos);
  EXPECT_FALSE(release(target, view, now, options).restored) << "it may only be away for a while";
}

struct DatabaseEngine : WorkloadEngine {
  DatabaseEngine() {
    target = a_database_target("orders", EngineType::Scale, "orders");
    cluster.kinds["Cluster"] = database_kind("");
    cluster.add(a_database("orders", 3));
  }
  int instances() { return cluster.at("Cluster", "orders")["spec"]["instances"]; }
  void report(int there, int ready) {
    cluster.edit("Cluster", "orders", {{"status", {{"instances", there}, {"readyInstances", ready}}}});
  }
};

TEST_F(DatabaseEngine, makes_one_clone_at_a_time_each_once_the_former_is_ready) {
  const plan::Decision decision = a_decision(3, 5, 5);
  const Convergence first = step(decision);
  EXPECT_EQ(instances(), 4);
  EXPECT_EQ(first.step_to, 4);
  EXPECT_FALSE(first.settled);

  report(4, 3);
  const Convergence waiting = step(decision);
  EXPECT_TRUE(waiting.writes.empty());
  EXPECT_EQ(instances(), 4);
  EXPECT_FALSE(waiting.settled);
  EXPECT_FALSE(waiting.waiting.empty());

  report(4, 4);
  step(decision);
  EXPECT_EQ(instances(), 5);
  EXPECT_EQ(cluster.view(target).ownership.original.min, 3);
  report(5, 5);
  EXPECT_TRUE(step(decision).settled);
}

TEST_F(DatabaseEngine, takes_the_first_step_although_a_replica_is_ill) {
  report(3, 2);
  step(a_decision(3, 5, 5));
  EXPECT_EQ(instances(), 4);
}

TEST_F(DatabaseEngine, removes_one_clone_at_a_time_each_once_the_former_has_left) {
  const std::string before = cluster.face("Cluster", "orders");
  for (int i = 4; i <= 5; ++i) {
    step(a_decision(3, 5, 5));
    report(i, i);
  }
  ASSERT_EQ(instances(), 5);
  step(no_decision(3));
  EXPECT_EQ(instances(), 4);
  EXPECT_TRUE(step(no_decision(3)).writes.empty()) << "five are still there";
  report(4, 4);
  EXPECT_TRUE(step(no_decision(3)).restored);
  EXPECT_EQ(cluster.face("Cluster", "orders"), before);
}

TEST_F(DatabaseEngine, moves_as_many_at_a_time_as_it_may) {
  target.spec.read_replica.max_step = 3;
  step(a_decision(3, 10, 10));
  EXPECT_EQ(instances(), 6);
}

TEST_F(DatabaseEngine, never_deletes_data_unasked_when_the_target_is_deleted) {
  target.spec.read_replica.scale_down = api::ReadReplicaPolicy::ScaleDown::Manual;
  step(a_decision(3, 4, 4));
  report(4, 4);
  const Convergence left = release(target, cluster.view(target), now, options);
  ASSERT_EQ(left.writes.size(), 1U);
  EXPECT_FALSE(left.writes[0].body.contains("spec"));
  EXPECT_TRUE(left.restored);

  target.meta.annotations["headroom.dev/approve-scale-down"] = "3";
  const Convergence approved = release(target, cluster.view(target), now, options);
  ASSERT_TRUE(cluster.apply(approved.writes));
  EXPECT_EQ(instances(), 3);
}

TEST_F(DatabaseEngine, reads_an_approval_only_where_it_is_a_count) {
  for (const char* text : {"yes", "-1", "", "3.5"}) {
    target.meta.annotations["headroom.dev/approve-scale-down"] = text;
    EXPECT_FALSE(approved_scale_down(target)) << text;
  }
  target.meta.annotations["headroom.dev/approve-scale-down"] = "3";
  EXPECT_EQ(observation_of(target, cluster.view(target)).approved_size, 3);
}

struct FieldEngine : WorkloadEngine {
  FieldEngine() {
    target = a_database_target("orders", EngineType::Field, "orders");
    cluster.kinds["Cluster"] = database_kind(".spec.instances");
    cluster.add(a_database("orders", 3));
    options.allowed_fields = {{"postgresql.cnpg.io", "clusters", ".spec.instances"}};
  }
};

TEST_F(FieldEngine, writes_field_and_record_in_one_patch_and_puts_both_back) {
  const std::string before = cluster.face("Cluster", "orders");
  const Convergence result = step(a_decision(3, 4, 4));
  ASSERT_EQ(result.writes.size(), 1U);
  EXPECT_EQ(result.writes[0].subresource, "");
  EXPECT_EQ(result.writes[0].body["spec"], (json{{"instances", 4}}));
  EXPECT_TRUE(step(a_decision(3, 4, 4)).settled);
  step(no_decision(3));
  EXPECT_EQ(cluster.face("Cluster", "orders"), before);
}

TEST_F(FieldEngine, restores_a_field_that_was_absent_by_removing_it) {
  cluster.at("Cluster", "orders")["spec"].erase("instances");
  const std::string before = cluster.face("Cluster", "orders");
  target.spec.role = api::Role::Workload;
  step(a_decision(0, 4, 4));
  EXPECT_EQ(cluster.at("Cluster", "orders")["spec"]["instances"], 4);
  step(no_decision(0));
  EXPECT_EQ(cluster.face("Cluster", "orders"), before);
}

TEST_F(FieldEngine, writes_only_what_the_administrator_allows) {
  const AllowedField others[] = {{"postgresql.cnpg.io", "clusters", ".spec.storage"},
                                 {"postgresql.cnpg.io", "backups", ".spec.instances"},
                                 {"other.example.com", "clusters", ".spec.instances"}};
  for (const AllowedField& other : others) {
    options.allowed_fields = {other};
    ASSERT_NE(cluster.view(target, options).obstacle("FieldNotAllowed"), nullptr) << other.path;
    EXPECT_TRUE(plan(a_decision(3, 4, 4)).writes.empty());
  }
}

TEST_F(FieldEngine, never_writes_built_in_kinds_even_where_allowed) {
  target = a_target("jobs", EngineType::Field, "jobs");
  target.spec.engine.field_path = ".spec.replicas";
  cluster.add(a_deployment("jobs", 3));
  options.allowed_fields = {{"apps", "deployments", ".spec.replicas"}};
  EXPECT_NE(cluster.view(target, options).obstacle("FieldNotAllowed"), nullptr);
  EXPECT_TRUE(plan(a_decision(3, 4, 4)).writes.empty());
}

TEST_F(FieldEngine, sees_a_rival_only_in_who_writes_the_same_field) {
  json autoscaler = an_autoscaler("orders-hpa", "orders", 1, 9);
  autoscaler["spec"]["scaleTargetRef"] = {
      {"apiVersion", "postgresql.cnpg.io/v1"}, {"kind", "Cluster"}, {"name", "orders"}};
  cluster.add(autoscaler);
  EXPECT_NE(cluster.view(target, options).obstacle("RivalScaler"), nullptr);
  target.spec.engine.field_path = ".spec.poolers";
  cluster.kinds["Cluster"] = database_kind(".spec.poolers");
  options.allowed_fields = {{"postgresql.cnpg.io", "clusters", ".spec.poolers"}};
  EXPECT_EQ(cluster.view(target, options).obstacle("RivalScaler"), nullptr);
}

struct AdviseEngine : WorkloadEngine {
  AdviseEngine() {
    target = a_target("web", EngineType::Advise, "web");
    cluster.add(a_deployment("web", 7));
  }
};

TEST_F(AdviseEngine, writes_nothing_whatever_is_decided) {
  EXPECT_TRUE(plan(a_decision(7, 60, 60)).writes.empty());
  EXPECT_TRUE(plan(a_decision(7, 60, 60)).settled);
  EXPECT_TRUE(release(target, cluster.view(target), now, options).restored);
}

TEST_F(AdviseEngine, starts_from_the_workload_or_from_the_autoscaler_where_one_decides) {
  EXPECT_EQ(originals_of(target, cluster.view(target)), (api::Originals{7, 7, cluster.view(target).size.uid}));
  cluster.add(an_autoscaler("web-hpa", "web", 5, 50));
  EXPECT_EQ(originals_of(target, cluster.view(target)).min, 5);
  EXPECT_EQ(originals_of(target, cluster.view(target)).max, 50);
}

TEST_F(AdviseEngine, lets_ramps_go_on_from_what_was_last_advised) {
  target.status.in_force = 40;
  target.status.in_force_since = kStart;
  EXPECT_EQ(observation_of(target, cluster.view(target)).in_force, 40);
}

struct OwnAutoscaler : WorkloadEngine {
  OwnAutoscaler() {
    target = a_target("web", EngineType::HorizontalPodAutoscaler, "web");
    target.spec.replicas.min = 10;
    target.spec.engine.metrics.text =
        R"([{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":60}}}])";
    target.spec.engine.behavior.text = R"({"scaleDown":{"stabilizationWindowSeconds":300}})";
    cluster.add(a_deployment("web", 10));
  }
  Convergence kept(const plan::Decision& decision) {
    const Convergence result = step(decision);
    const EngineView view = cluster.view(target);
    target.status.originals = originals_of(target, view);
    target.status.bounds_min = view.size.now.min;
    target.status.bounds_max = view.size.now.max;
    return result;
  }
};

TEST_F(OwnAutoscaler, is_made_with_its_label_from_metrics_and_behavior) {
  EXPECT_TRUE(cluster.view(target).known) << "its originals are in the spec";
  EXPECT_EQ(originals_of(target, cluster.view(target)).max, 100);
  kept(no_decision(10));
  const json& made = cluster.at("HorizontalPodAutoscaler", "web");
  EXPECT_EQ(made["metadata"]["labels"]["headroom.dev/scale-target"], "web");
  EXPECT_EQ(made["spec"]["minReplicas"], 10);
  EXPECT_EQ(made["spec"]["maxReplicas"], 100);
  EXPECT_EQ(made["spec"]["metrics"], json::parse(target.spec.engine.metrics.text));
  EXPECT_EQ(made["spec"]["behavior"], json::parse(target.spec.engine.behavior.text));
  EXPECT_EQ(made["spec"]["scaleTargetRef"]["name"], "web");
  EXPECT_FALSE(made["metadata"].contains("ownerReferences")) << "the ScaleTarget may live in another cluster";
  EXPECT_TRUE(kept(no_decision(10)).writes.empty());
}

TEST_F(OwnAutoscaler, is_made_at_the_size_in_force) {
  kept(a_decision(10, 60, 100));
  EXPECT_EQ(cluster.at("HorizontalPodAutoscaler", "web")["spec"]["minReplicas"], 60);
  EXPECT_TRUE(kept(a_decision(10, 60, 100)).settled);
  kept(no_decision(10));
  EXPECT_EQ(cluster.at("HorizontalPodAutoscaler", "web")["spec"]["minReplicas"], 10);
}

TEST_F(OwnAutoscaler, follows_changed_metrics_and_behavior) {
  kept(no_decision(10));
  target.spec.engine.behavior.text = R"({"scaleUp":{"stabilizationWindowSeconds":60}})";
  kept(no_decision(10));
  EXPECT_EQ(cluster.at("HorizontalPodAutoscaler", "web")["spec"]["behavior"],
            json::parse(target.spec.engine.behavior.text))
      << "what is not wanted any more goes";
  EXPECT_TRUE(kept(no_decision(10)).writes.empty());
}

TEST_F(OwnAutoscaler, is_deleted_on_release_and_only_the_very_one_that_was_seen) {
  kept(no_decision(10));
  const EngineView view = cluster.view(target);
  const Convergence result = release(target, view, now, options);
  ASSERT_EQ(result.writes.size(), 1U);
  EXPECT_EQ(result.writes[0].kind, Write::Kind::Delete);
  EXPECT_EQ(result.writes[0].body["metadata"]["uid"], view.size.uid);
  ASSERT_TRUE(cluster.apply(result.writes));
  EXPECT_FALSE(cluster.has("HorizontalPodAutoscaler", "web"));
  EXPECT_TRUE(release(target, cluster.view(target), now, options).restored);
}

TEST_F(OwnAutoscaler, is_not_somebody_else_s_of_the_same_name) {
  cluster.add(an_autoscaler("web", "web", 2, 5));
  EXPECT_NE(cluster.view(target).obstacle("NotOurs"), nullptr);
  EXPECT_TRUE(plan(a_decision(10, 60, 100)).writes.empty());
  EXPECT_TRUE(release(target, cluster.view(target), now, options).writes.empty());
}

TEST_F(OwnAutoscaler, is_not_made_beside_another) {
  cluster.add(an_autoscaler("web-cpu", "web", 2, 5));
  EXPECT_NE(cluster.view(target).obstacle("RivalScaler"), nullptr);
  EXPECT_TRUE(plan(a_decision(10, 60, 100)).writes.empty());
}

TEST_F(OwnAutoscaler, corrects_an_edit_with_back_off) {
  kept(no_decision(10));
  now += absl::Minutes(1);
  cluster.edit("HorizontalPodAutoscaler", "web", {{"spec", {{"minReplicas", 2}}}}, "kubectl-edit");
  const Convergence result = step(no_decision(10));
  EXPECT_EQ(cluster.at("HorizontalPodAutoscaler", "web")["spec"]["minReplicas"], 10);
  ASSERT_TRUE(result.contest);
  EXPECT_EQ(result.contest->manager, "kubectl-edit");
}

TEST(LabelOf, fits_a_label_and_tells_long_names_apart) {
  const std::string stem(100, 'a');
  EXPECT_EQ(label_of("web"), "web");
  EXPECT_EQ(label_of(stem + "1").size(), 63U);
  EXPECT_NE(label_of(stem + "1"), label_of(stem + "2"));
}

TEST(ViewEngine, says_that_the_region_is_not_connected) {
  const EngineView view = view_engine(a_target("web", EngineType::Scale, "web"), nullptr, OperatorOptions{});
  ASSERT_NE(view.obstacle("RegionNotConnected"), nullptr);
  EXPECT_FALSE(view.known);
  EXPECT_FALSE(observation_of(a_target("web", EngineType::Scale, "web"), view).originals);
}

}  // namespace
}  // namespace headroom::controllers
