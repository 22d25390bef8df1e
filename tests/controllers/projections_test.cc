#include "operator/controllers/projections.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/controllers/field_path.h"
#include "operator/controllers/managed_fields.h"
#include "operator/controllers/scale_kinds.h"
#include "operator/controllers/scaler_index.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

json parsed(const char* text) { return json::parse(text); }

const SizePaths kDeploymentPaths{".spec.replicas", ".status.replicas", ".status.readyReplicas", ".spec.selector"};

TEST(AutoscalerFromJson, reads_what_an_api_server_sends) {
  const auto autoscaler = autoscaler_from_json(parsed(R"({
    "metadata": {"namespace": "shop", "name": "web", "uid": "u1", "resourceVersion": "7",
      "labels": {"headroom.dev/scale-target": "web"},
      "annotations": {"headroom.dev/original": "x", "headroom.dev/made-from": "abc"},
      "ownerReferences": [{"apiVersion": "v1", "kind": "Other", "name": "no", "uid": "o"},
                          {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "so", "uid": "s",
                           "controller": true}],
      "managedFields": [
        {"manager": "headroom", "time": "2026-11-05T00:00:00Z", "fieldsV1": {"f:spec": {"f:minReplicas": {}}}},
        {"manager": "old", "time": "2026-11-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:maxReplicas": {}}}},
        {"manager": "argocd", "time": "2026-11-03T00:00:00Z", "fieldsV1": {"f:spec": {"f:maxReplicas": {}}}},
        {"manager": "hpa-controller", "time": "2026-11-09T00:00:00Z", "fieldsV1": {"f:status": {}}}]},
    "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
             "minReplicas": 10, "maxReplicas": 100},
    "status": {"currentReplicas": 12, "desiredReplicas": 13,
               "conditions": [{"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled"}]}})"));
  ASSERT_TRUE(autoscaler) << autoscaler.error().message;
  const Autoscaler& seen = autoscaler.value();
  EXPECT_EQ(seen.object.key, (api::ObjectKey{"shop", "web"}));
  EXPECT_EQ(seen.object.uid, "u1");
  EXPECT_EQ(seen.object.resource_version, "7");
  EXPECT_EQ(seen.object.original_annotation, "x");
  EXPECT_EQ(seen.object.other_manager, "argocd") << "the newest but ourselves that owns a bound";
  ASSERT_TRUE(seen.object.controller);
  EXPECT_EQ(seen.object.controller->kind, "ScaledObject");
  EXPECT_EQ(seen.target, (api::TargetRef{"apps/v1", "Deployment", "web"}));
  EXPECT_EQ(seen.min, 10);
  EXPECT_EQ(seen.max, 100);
  EXPECT_EQ(seen.current, 12);
  EXPECT_TRUE(seen.scaling_disabled);
  EXPECT_EQ(seen.managed_by, "web");
  EXPECT_EQ(seen.made_from, "abc");
}

TEST(AutoscalerFromJson, fills_in_the_default_minimum) {
  const auto autoscaler = autoscaler_from_json(parsed(
      R"({"metadata": {"name": "a"}, "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "D", "name": "d"}}})"));
  ASSERT_TRUE(autoscaler);
  EXPECT_EQ(autoscaler.value().min, 1);
}

TEST(AutoscalerFromJson, names_the_path_of_what_is_wrong) {
  const auto autoscaler = autoscaler_from_json(parsed(R"({"metadata": {"name": "a"},
                 "spec": {"minReplicas": "ten", "maxReplicas": 3, "scaleTargetRef": {"kind": "D", "name": "d"}}})"));
  ASSERT_FALSE(autoscaler);
  EXPECT_NE(autoscaler.error().message.find("spec.minReplicas"), std::string::npos) << autoscaler.error().message;
}

TEST(ScaledObjectFromJson, keeps_absent_bounds_absent_and_fills_in_what_keda_scales_by_default) {
  const auto scaled =
      scaled_object_from_json(parsed(R"({"metadata": {"name": "s"}, "spec": {"scaleTargetRef": {"name": "web"}}})"));
  ASSERT_TRUE(scaled);
  EXPECT_EQ(scaled.value().target, (api::TargetRef{"apps/v1", "Deployment", "web"}));
  EXPECT_FALSE(scaled.value().min);
  EXPECT_FALSE(scaled.value().max);
  EXPECT_FALSE(scaled.value().paused);
}

TEST(ScaledObjectFromJson, reads_a_pause_as_keda_does) {
  const std::pair<const char*, bool> table[] = {
      {R"({"autoscaling.keda.sh/paused": "true"})", true},
      {R"({"autoscaling.keda.sh/paused": "false"})", false},
      {R"({"autoscaling.keda.sh/paused": "0"})", false},
      {R"({"autoscaling.keda.sh/paused": ""})", true},
      {R"({"autoscaling.keda.sh/paused-replicas": "5"})", true},
      {R"({"autoscaling.keda.sh/paused": "false", "autoscaling.keda.sh/paused-replicas": "5"})", true},
      {R"({"other": "true"})", false},
  };
  for (const auto& [annotations, paused] : table) {
    json object = parsed(R"({"metadata": {"name": "s"}, "spec": {"scaleTargetRef": {"name": "web"}}})");
    object["metadata"]["annotations"] = parsed(annotations);
    EXPECT_EQ(scaled_object_from_json(object).value().paused, paused) << annotations;
  }
}

TEST(WorkloadFromJson, reads_a_deployment) {
  const auto workload = workload_from_json(parsed(R"({
    "metadata": {"namespace": "shop", "name": "web",
      "managedFields": [{"manager": "kubectl", "subresource": "scale", "time": "2026-11-03T00:00:00Z",
                         "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
    "spec": {"replicas": 5,
      "selector": {"matchLabels": {"app": "web", "tier": "front"},
                   "matchExpressions": [{"key": "track", "operator": "NotIn", "values": ["canary", "dark"]},
                                        {"key": "beta", "operator": "DoesNotExist"}]},
      "template": {"spec": {"containers": [{"resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "1Gi"}}}]}}},
    "status": {"replicas": 6, "readyReplicas": 4}})"),
                                           kDeploymentPaths);
  ASSERT_TRUE(workload) << workload.error().message;
  EXPECT_EQ(workload.value().replicas, 5);
  EXPECT_EQ(workload.value().current, 6);
  EXPECT_EQ(workload.value().ready, 4);
  EXPECT_EQ(workload.value().selector, "app=web,tier=front,track notin (canary,dark),!beta");
  EXPECT_EQ(workload.value().object.other_manager, "kubectl");
  EXPECT_EQ(workload.value().pod_requests->at("requests.cpu"), Quantity::parse("250m").value());
  EXPECT_EQ(workload.value().pod_requests->at("requests.memory"), Quantity::parse("1Gi").value());
}

TEST(WorkloadFromJson, counts_no_ready_replica_where_a_built_in_kind_leaves_the_field_out) {
  const auto workload = workload_from_json(
      parsed(R"({"metadata": {"name": "w"}, "spec": {"replicas": 3}, "status": {"replicas": 3}})"), kDeploymentPaths);
  EXPECT_EQ(workload.value().ready, 0);
}

struct ReadyField {
  const char* status;
  int current, ready;
};

TEST(WorkloadFromJson, finds_readiness_in_kinds_whose_schema_does_not_tell) {
  const ReadyField table[] = {
      {R"({"instances": 4, "readyReplicas": 3, "readyInstances": 2})", 4, 3},
      {R"({"instances": 4, "readyInstances": 2})", 4, 2},
      {R"({"instances": 4})", 4, 4},
      {R"({})", 0, 0},
  };
  for (const ReadyField& row : table) {
    const json object = {{"metadata", {{"name", "db"}}}, {"spec", {{"instances", 4}}}, {"status", parsed(row.status)}};
    const auto workload = workload_from_json(object, {".spec.instances", ".status.instances", "", ""});
    EXPECT_EQ(workload.value().current, row.current) << row.status;
    EXPECT_EQ(workload.value().ready, row.ready) << row.status;
  }
}

TEST(WorkloadFromJson, refuses_a_size_that_is_no_count_rather_than_calling_it_absent) {
  for (const char* size : {R"("3")", "3.5", "-1", "99999999999", "{}", "true"}) {
    json object = {{"metadata", {{"name", "db"}}}, {"spec", {{"replicas", parsed(size)}}}};
    const auto workload = workload_from_json(object, kDeploymentPaths);
    ASSERT_FALSE(workload) << size;
    EXPECT_NE(workload.error().message.find("spec.replicas"), std::string::npos);
  }
}

TEST(Projections, survive_documents_that_are_no_objects) {
  for (const char* text : {"null", "[]", "3", R"({"metadata": 3, "spec": []})", R"({"spec": {"scaleTargetRef": 1}})",
                           R"({"metadata": {"managedFields": [1, {"manager": "m", "fieldsV1": 3}]}})"}) {
    (void)autoscaler_from_json(parsed(text));
    (void)scaled_object_from_json(parsed(text));
    (void)workload_from_json(parsed(text), kDeploymentPaths);
  }
}

TEST(FieldPath, reads_and_writes_nested_fields) {
  const json object = parsed(R"({"spec": {"a-b": {"c_d": 3, "n": null}}})");
  ASSERT_NE(find_field(object, ".spec.a-b.c_d"), nullptr);
  EXPECT_EQ(*find_field(object, ".spec.a-b.c_d"), 3);
  EXPECT_EQ(find_field(object, ".spec.a-b.n"), nullptr);
  EXPECT_EQ(find_field(object, ".spec.x.y"), nullptr);
  EXPECT_EQ(field_patch(".spec.a.b", 7), parsed(R"({"spec": {"a": {"b": 7}}})"));
  EXPECT_EQ(field_patch(".spec.a", nullptr), parsed(R"({"spec": {"a": null}})"));
}

TEST(FieldPath, refuses_what_is_no_chain_of_fields) {
  for (const char* path : {"", ".", "spec", ".spec.", "..spec", ".spec[0].x", ".spec.*", ".spec.a b", ".spec.a\n"}) {
    const auto fields = parse_field_path(path);
    ASSERT_FALSE(fields) << path;
    EXPECT_NE(fields.error().message.find(".spec.replicas"), std::string::npos);
  }
  EXPECT_FALSE(parse_field_path("." + std::string(600, 'a')));
}

json a_crd(const char* subresources, const char* status) {
  json version = {{"name", "v1"},
                  {"subresources", parsed(subresources)},
                  {"schema", {{"openAPIV3Schema", {{"properties", {{"status", parsed(status)}}}}}}}};
  return {{"spec", {{"versions", {{{"name", "v1beta1"}}, version}}}}};
}

const kube::ResourceType kCluster{"postgresql.cnpg.io", "v1", "clusters", "Cluster", true};
constexpr char kScale[] =
    R"({"scale": {"specReplicasPath": ".spec.instances", "statusReplicasPath": ".status.instances",
                  "labelSelectorPath": ".status.selector"}})";

TEST(KindFromCrd, finds_sizes_where_the_scale_subresource_says) {
  const auto kind =
      kind_from_crd(kCluster, a_crd(kScale, R"({"properties": {"instances": {}, "readyInstances": {}}})"), "");
  ASSERT_TRUE(kind) << kind.error().message;
  EXPECT_EQ(kind.value().paths.spec, ".spec.instances");
  EXPECT_EQ(kind.value().paths.status, ".status.instances");
  EXPECT_EQ(kind.value().paths.ready, ".status.readyInstances");
  EXPECT_EQ(kind.value().paths.selector, ".status.selector");
  EXPECT_EQ(kind.value().scale_path, ".spec.instances");
}

TEST(KindFromCrd, prefers_ready_replicas_and_falls_back_on_what_status_has) {
  EXPECT_EQ(kind_from_crd(kCluster, a_crd(kScale, R"({"properties": {"readyReplicas": {}, "readyInstances": {}}})"), "")
                .value()
                .paths.ready,
            ".status.readyReplicas");
  EXPECT_EQ(kind_from_crd(kCluster, a_crd(kScale, R"({"properties": {"instances": {}}})"), "").value().paths.ready,
            ".status.instances");
  EXPECT_EQ(kind_from_crd(kCluster, a_crd(kScale, R"({"x-kubernetes-preserve-unknown-fields": true})"), "")
                .value()
                .paths.ready,
            "")
      << "an open schema does not tell; each object is asked";
}

TEST(KindFromCrd, says_that_there_is_no_scale_subresource_and_what_to_use_instead) {
  const auto kind = kind_from_crd(kCluster, a_crd("{}", "{}"), "");
  ASSERT_FALSE(kind);
  EXPECT_EQ(kind.error().code, ErrorCode::NotFound);
  EXPECT_NE(kind.error().message.find("Field"), std::string::npos);
  EXPECT_FALSE(kind_from_crd({"g", "v9", "p", "K", true}, a_crd(kScale, "{}"), ""));
}

TEST(KindFromCrd, takes_a_field_s_path_from_the_target_and_the_status_beside_it) {
  const auto kind =
      kind_from_crd(kCluster, a_crd("{}", R"({"properties": {"numberOfInstances": {}}})"), ".spec.numberOfInstances");
  ASSERT_TRUE(kind);
  EXPECT_EQ(kind.value().paths.spec, ".spec.numberOfInstances");
  EXPECT_EQ(kind.value().paths.status, ".status.numberOfInstances");
  EXPECT_EQ(kind.value().scale_path, "");
}

TEST(BuiltInKind, knows_what_kubernetes_ships_by_exact_version) {
  EXPECT_TRUE(built_in_kind({"apps/v1", "StatefulSet", "x"}, ""));
  EXPECT_TRUE(built_in_kind({"v1", "ReplicationController", "x"}, ""));
  EXPECT_FALSE(built_in_kind({"apps/v1beta1", "Deployment", "x"}, ""));
  EXPECT_FALSE(built_in_kind({"apps/v1", "DaemonSet", "x"}, ""));
}

TEST(ProtectedGroup, is_what_kubernetes_and_headroom_own) {
  for (const char* group :
       {"", "apps", "autoscaling", "networking.k8s.io", "x.k8s.io", "headroom.dev", "a.headroom.dev"}) {
    EXPECT_TRUE(is_protected_group(group)) << group;
  }
  for (const char* group : {"postgresql.cnpg.io", "acid.zalan.do", "notk8s.io", "k8s.io.example.com"}) {
    EXPECT_FALSE(is_protected_group(group)) << group;
  }
}

std::shared_ptr<const Autoscaler> scaling(const std::string& name, const std::string& api_version,
                                          const std::string& workload) {
  Autoscaler autoscaler;
  autoscaler.object.key = {"shop", name};
  autoscaler.target = {api_version, "Deployment", workload};
  return std::make_shared<const Autoscaler>(autoscaler);
}

TEST(ScalerIndex, follows_its_store_and_tells_which_workloads_are_concerned) {
  auto store = std::make_shared<runtime::Store<Autoscaler>>();
  ScalerIndex<Autoscaler> index(store);
  const api::TargetRef web{"apps/v1", "Deployment", "web"}, api{"apps/v1", "Deployment", "api"};
  store->apply({"shop", "a"}, "1", scaling("a", "apps/v1", "web"));
  EXPECT_EQ(index.refresh({"shop", "a"}), (std::vector<api::ObjectKey>{{"shop", "web"}}));
  store->apply({"shop", "b"}, "2", scaling("b", "", "web"));
  index.refresh({"shop", "b"});
  EXPECT_EQ(index.of("shop", web).size(), 2U);
  EXPECT_EQ(index.of("other", web).size(), 0U);
  EXPECT_EQ(index.of("shop", {"apps/v1", "StatefulSet", "web"}).size(), 0U);
  EXPECT_EQ(index.of("shop", {"argoproj.io/v1alpha1", "Deployment", "web"}).size(), 1U) << "the one without a group";

  store->apply({"shop", "a"}, "3", scaling("a", "apps/v1", "api"));
  EXPECT_EQ(index.refresh({"shop", "a"}), (std::vector<api::ObjectKey>{{"shop", "web"}, {"shop", "api"}}));
  EXPECT_EQ(index.of("shop", web).size(), 1U);
  EXPECT_EQ(index.of("shop", api).size(), 1U);

  store->remove({"shop", "a"});
  EXPECT_EQ(index.refresh({"shop", "a"}), (std::vector<api::ObjectKey>{{"shop", "api"}}));
  EXPECT_EQ(index.of("shop", api).size(), 0U);
}

}  // namespace
}  // namespace headroom::controllers
