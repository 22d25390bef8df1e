// Others scale the workload too, or Headroom may not: it says so and keeps its hands off.
#include <absl/strings/str_cat.h>

#include "tests/e2e/shared_home.h"

namespace headroom::e2e {
namespace {

using kube::types::kDeployment;
using kube::types::kHorizontalPodAutoscaler;
using kube::types::kScaleTarget;
using nlohmann::json;

constexpr char kByScale[] = "replicas: {max: 20, baseline: 4}, engine: {type: Scale}";
constexpr char kPeak[] = "{name: peak, from: -PT1H, to: PT2H, multiplier: 3}";

class Rivals : public SharedHome {
 protected:
  static void SetUpTestSuite() { home().add_keda(); }

  std::string scaled_object(const std::string& name) {
    return absl::StrCat("apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: ", name,
                        "}\nspec: {scaleTargetRef: {name: web}, minReplicaCount: 4, maxReplicaCount: 10, triggers: "
                        "[{type: cron, metadata: {timezone: Asia/Kolkata, start: 0 0 * * *, end: 1 0 * * *, "
                        "desiredReplicas: '4'}}]}\n---\n");
  }
  int generation() const { return home().get(kDeployment, ns(), "web").at("metadata").at("generation"); }
};

TEST_F(Rivals, a_workload_that_an_hpa_scales_is_not_scaled_beside_it) {
  apply(deployment("web", 4) + autoscaler("load", "web", 4, 10));
  EXPECT_TRUE(becomes(kDeployment, "web", "/status/readyReplicas", 4));
  const int before = generation();
  apply(scale_target("web", kByScale) + festival("diwali", kPeak));
  const std::string hpa = absl::StrCat("HorizontalPodAutoscaler ", ns(), "/load scales Deployment ", ns(), "/web");
  EXPECT_TRUE(
      has(kScaleTarget, "web", {"RivalScaler", "True", "RivalScaler", {hpa, "engine HorizontalPodAutoscaler"}}));
  EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "False", "RivalScaler", {hpa}}));
  EXPECT_TRUE(has_event("web", "RivalScaler", hpa));
  EXPECT_TRUE(settles());
  EXPECT_EQ(generation(), before);
  kubectl("delete hpa load");
  EXPECT_TRUE(has_replicas("web", 12));
  EXPECT_TRUE(lacks(kScaleTarget, "web", "RivalScaler"));
}

TEST_F(Rivals, an_hpa_that_a_person_makes_in_the_middle_of_a_phase_takes_the_size_over) {
  apply(deployment("web", 4) + scale_target("web", kByScale) + festival("diwali", kPeak));
  EXPECT_TRUE(has_replicas("web", 12));
  apply(autoscaler("load", "web", 4, 30));
  EXPECT_TRUE(has(kScaleTarget, "web", {"RivalScaler", "True", "RivalScaler", {"/load scales"}}));
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(becomes(kDeployment, "web", "/metadata/annotations/headroom.dev~1original", nullptr));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 12)) << "the size is the autoscaler's now";
  EXPECT_TRUE(has_event("web", "Restored", "is left at 12; its size is not Headroom's any more"));
}

TEST_F(Rivals, a_workload_that_keda_scales_is_not_scaled_beside_it) {
  apply(deployment("web", 4) + scaled_object("queue"));
  apply(scale_target("web", kByScale) + festival("diwali", kPeak));
  EXPECT_TRUE(
      has(kScaleTarget, "web",
          {"RivalScaler",
           "True",
           "RivalScaler",
           {absl::StrCat("ScaledObject ", ns(), "/queue scales"), "engine HorizontalPodAutoscaler or ScaledObject"}}));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 4));
  kubectl("delete scaledobject queue");
  EXPECT_TRUE(has_replicas("web", 12));
}

TEST_F(Rivals, an_hpa_that_a_controller_owns_is_left_to_it) {
  apply(deployment("web", 4) + scaled_object("queue"));
  const json scaled = json::parse(kubectl("get scaledobject queue -o json"));
  json owner = {{"apiVersion", "keda.sh/v1alpha1"},
                {"kind", "ScaledObject"},
                {"name", "queue"},
                {"uid", scaled.at("metadata").at("uid")},
                {"controller", true}};
  apply(autoscaler("keda-hpa-queue", "web", 4, 10));
  kubectl(absl::StrCat("patch hpa keda-hpa-queue --type=merge -p '",
                       json{{"metadata", {{"ownerReferences", json::array({owner})}}}}.dump(), "'"));
  apply(scale_target("web",
                     "replicas: {max: 20, baseline: 4}, engine: {type: HorizontalPodAutoscaler, "
                     "horizontalPodAutoscaler: {name: keda-hpa-queue}}") +
        festival("diwali", kPeak));
  EXPECT_TRUE(
      has(kScaleTarget, "web",
          {"RivalScaler", "True", "RivalScaler", {"belongs to ScaledObject queue", "use engine ScaledObject"}}));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_bounds("keda-hpa-queue", 4, 10));
}

TEST_F(Rivals, a_scaled_object_is_raised_by_its_own_engine_and_put_back) {
  apply(deployment("web", 4) + scaled_object("queue"));
  apply(scale_target("web", "replicas: {max: 20, baseline: 4}, engine: {type: ScaledObject}") +
        festival("diwali", kPeak));
  EXPECT_TRUE(becomes(kube::types::kScaledObject, "queue", "/spec/minReplicaCount", 12));
  EXPECT_TRUE(becomes(kube::types::kScaledObject, "queue", "/spec/maxReplicaCount", 20));
  kubectl("annotate scaledobject queue autoscaling.keda.sh/paused=true");
  EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "False", "Paused", {"is paused by an annotation", "remove it"}}));
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(becomes(kube::types::kScaledObject, "queue", "/spec/minReplicaCount", 4));
}

TEST_F(Rivals, two_hpas_on_one_workload_are_both_named_and_neither_is_raised) {
  apply(deployment("web", 4) + autoscaler("load", "web", 4, 10) + autoscaler("forgotten", "web", 3, 8) +
        scale_target("web", "replicas: {max: 20, baseline: 4}") + festival("diwali", kPeak));
  EXPECT_TRUE(has(kScaleTarget, "web",
                  {"AmbiguousScaler", "True", "AmbiguousScaler", {"/load", "/forgotten", "delete all but one"}}));
  EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "False", "AmbiguousScaler"}));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_bounds("load", 4, 10));
  EXPECT_TRUE(has_bounds("forgotten", 3, 8));
  kubectl("delete hpa forgotten");
  EXPECT_TRUE(has_bounds("load", 12, 20));
  EXPECT_TRUE(lacks(kScaleTarget, "web", "AmbiguousScaler"));
}

TEST_F(Rivals, an_hpa_switched_off_by_a_workload_at_zero_is_reported_and_raised_only_where_asked) {
  apply(deployment("web", 0) + autoscaler("web", "web", 4, 10) +
        scale_target("web", "replicas: {max: 20, baseline: 4}") + festival("diwali", kPeak));
  EXPECT_TRUE(
      has(kScaleTarget, "web",
          {"ScalingDisabled", "True", "ScaledToZero", {"stands at 0", "scale it to 1", "whenScaledToZero: Raise"}}));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 0));
  EXPECT_TRUE(has_bounds("web", 4, 10));
  kubectl("patch scaletarget web --type=merge -p '{\"spec\": {\"engine\": {\"whenScaledToZero\": \"Raise\"}}}'");
  EXPECT_TRUE(has_bounds("web", 12, 20));
  EXPECT_TRUE(has_replicas("web", 12)) << "raised to 1, from where the autoscaler takes over";
  EXPECT_TRUE(lacks(kScaleTarget, "web", "ScalingDisabled"));
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(has_replicas("web", 0)) << "0 was its size before";
}

// --- tenancy ---

TEST_F(Rivals, a_target_in_a_namespace_that_its_region_does_not_admit_is_not_raised) {
  home().kubectl(
      "apply --server-side -f - <<'END'\napiVersion: headroom.dev/v1alpha1\nkind: Region\nmetadata: {name: "
      "guarded}\nspec: {allowedNamespaces: {from: Selector, selector: {matchLabels: {guarded: 'yes'}}}}\nEND");
  apply(deployment("web", 4) + scale_target("web", absl::StrCat("region: guarded, ", kByScale)) +
        festival("diwali", kPeak));
  const std::string refused = absl::StrCat("Region guarded does not admit namespace ", ns());
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals/min", 4));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 4));
  EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "False", "NamespaceNotAllowed", {refused, "label the namespace"}}));
  home().kubectl("label namespace " + ns() + " guarded=yes");
  EXPECT_TRUE(has_replicas("web", 12));
  home().kubectl("label namespace " + ns() + " guarded-");
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 12)) << "a festival is not cut because a label went";
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(has_replicas("web", 4)) << "putting back is always allowed";
}

TEST_F(Rivals, a_field_that_the_administrator_does_not_allow_is_never_written) {
  home().add_databases();
  apply(
      "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\nspec: {instances: 2, storage: {size: "
      "1Gi}}\n");
  const json before = home().get(kDatabase, ns(), "db").at("spec");
  apply(
      "apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: db}\nspec: {targetRef: {apiVersion: "
      "postgresql.cnpg.io/v1, kind: Cluster, name: db}, replicas: {max: 9}, engine: {type: Field, field: {path: "
      ".spec.maxSyncReplicas}}}\n---\n" +
      festival("diwali", "{name: peak, from: -PT1H, to: PT2H, replicas: 5}"));
  EXPECT_TRUE(has(kScaleTarget, "db",
                  {"Ready",
                   "False",
                   "FieldNotAllowed",
                   {"field .spec.maxSyncReplicas of clusters.postgresql.cnpg.io",
                    "path \".spec.maxSyncReplicas\" added to allowedFields of the operator's configuration"}}));
  EXPECT_TRUE(settles());
  EXPECT_EQ(home().get(kDatabase, ns(), "db").at("spec"), before);
}

}  // namespace
}  // namespace headroom::e2e
