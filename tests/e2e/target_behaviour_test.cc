// In the middle of a phase the target, its workload or the schedule goes, comes back or changes.
#include <absl/strings/str_cat.h>

#include "tests/e2e/shared_home.h"

namespace headroom::e2e {
namespace {

using kube::types::kDeployment;
using kube::types::kFestivalSchedule;
using kube::types::kHorizontalPodAutoscaler;
using kube::types::kScaleTarget;
using nlohmann::json;

constexpr char kPeak[] = "{name: peak, from: -PT1H, to: PT2H, multiplier: 3}";
/// A Deployment of 4 that the peak brings to 12.
constexpr char kWorkload[] = "replicas: {max: 20, baseline: 4}, engine: {type: Scale}";

class TargetBehaviour : public SharedHome {
 protected:
  /// Deployment and target "web", at 4; what they were before the festival.
  std::map<std::string, json> web_at_rest() {
    apply(deployment("web", 4) + scale_target("web", kWorkload));
    const auto before = workloads_at_rest();
    EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "True", "AtOriginal", {"the original size stands"}}));
    return before;
  }
  void peak_begins() {
    apply(festival("diwali", kPeak));
    EXPECT_TRUE(has_replicas("web", 12));
    EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "True", "Scaled", {"12 by FestivalSchedule/diwali peak"}}));
  }
  std::string uid_of(const kube::ResourceType& type, const std::string& name) {
    return home().get(type, ns(), name).at("metadata").at("uid");
  }
};

// --- the target goes ---

TEST_F(TargetBehaviour, a_deleted_target_leaves_its_workload_as_it_was) {
  const auto before = web_at_rest();
  peak_begins();
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals/min", 4));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", 12));
  EXPECT_TRUE(has_event("web", "ScaledUp", absl::StrCat("Deployment ", ns(), "/web from 4 to 12")));
  kubectl("delete scaletarget web --timeout=20s");
  EXPECT_EQ(workloads_at_rest(), before);
  EXPECT_TRUE(has_event("web", "Restored", absl::StrCat("Deployment ", ns(), "/web is back at 4")));
}

TEST_F(TargetBehaviour, a_deleted_target_of_an_hpa_waits_until_the_old_maximum_fits_and_says_so) {
  apply(deployment("web", 4) + autoscaler("web", "web", 4, 10) +
        scale_target("web", "replicas: {max: 20, baseline: 4}"));
  auto before = workloads_at_rest();
  apply(festival("diwali", kPeak));
  EXPECT_TRUE(has_bounds("web", 12, 20));
  EXPECT_TRUE(has_replicas("web", 12));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/current", 12)) << "the operator has seen them too";

  kubectl("delete scaletarget web --wait=false");
  EXPECT_TRUE(has_bounds("web", 4, 20)) << "lowered at once the maximum would cut two running pods";
  EXPECT_TRUE(has(kScaleTarget, "web",
                  {"Ready",
                   "False",
                   "Restoring",
                   {"the maximum stays 20 until 10 hold the 12 replicas that run", "headroom.dev/force-delete"}}));
  kubectl("scale deployment web --replicas=9");  // as load figures would have it
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/metadata/name", nullptr));
  auto after = workloads_at_rest();
  for (auto* objects : {&before, &after}) (*objects)["Deployment web"]["spec"].erase("replicas");
  EXPECT_EQ(after, before);
}

TEST_F(TargetBehaviour, a_target_whose_workload_is_gone_can_be_deleted) {
  web_at_rest();
  peak_begins();
  kubectl("delete deployment web");
  EXPECT_TRUE(has(kScaleTarget, "web",
                  {"Ready", "False", "TargetNotFound", {absl::StrCat("Deployment ", ns(), "/web does not exist")}}));
  kubectl("delete scaletarget web --timeout=20s");
}

TEST_F(TargetBehaviour, a_namespace_can_be_deleted_in_the_middle_of_a_phase) {
  web_at_rest();
  peak_begins();
  home().kubectl(absl::StrCat("delete namespace ", ns(), " --timeout=40s"));
}

// --- the workload goes and comes back ---

TEST_F(TargetBehaviour, a_workload_made_anew_gets_fresh_originals) {
  apply(deployment("web", 4) + scale_target("web", "replicas: {max: 30}, engine: {type: Scale}"));
  apply(festival("diwali", kPeak));
  EXPECT_TRUE(has_replicas("web", 12));
  kubectl("delete deployment web");
  EXPECT_TRUE(has(kScaleTarget, "web", {"Stalled", "True", "TargetNotFound", {"web does not exist"}}));
  apply(deployment("web", 5));
  EXPECT_TRUE(has_replicas("web", 15));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals",
                      json{{"min", 5}, {"max", 5}, {"uid", uid_of(kDeployment, "web")}}));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", 15));
  EXPECT_TRUE(lacks(kScaleTarget, "web", "Stalled"));
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(has_replicas("web", 5));
}

TEST_F(TargetBehaviour, an_hpa_made_anew_gets_fresh_originals) {
  apply(deployment("web", 4) + autoscaler("web", "web", 4, 10) + scale_target("web", "replicas: {max: 30}"));
  apply(festival("diwali", kPeak));
  EXPECT_TRUE(has_bounds("web", 12, 30));
  kubectl("delete hpa web");
  EXPECT_TRUE(has(kScaleTarget, "web",
                  {"Stalled", "True", "AutoscalerNotFound", {"no HorizontalPodAutoscaler scales", "create one"}}));
  apply(autoscaler("web", "web", 6, 40));
  EXPECT_TRUE(has_bounds("web", 18, 40));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals",
                      json{{"min", 6}, {"max", 40}, {"uid", uid_of(kHorizontalPodAutoscaler, "web")}}));
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(has_bounds("web", 6, 40));
}

TEST_F(TargetBehaviour, a_workload_restored_from_a_backup_of_the_phase_keeps_its_true_originals) {
  web_at_rest();
  peak_begins();
  json copy = home().get(kDeployment, ns(), "web");
  copy["metadata"] = {{"name", "web"}, {"annotations", copy["metadata"]["annotations"]}};
  copy.erase("status");
  kubectl("delete deployment web");
  apply(copy.dump(), "backup");
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals",
                      json{{"min", 4}, {"max", 4}, {"uid", uid_of(kDeployment, "web")}}));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 12));
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(has_replicas("web", 4));
  EXPECT_TRUE(becomes(kDeployment, "web", "/metadata/annotations/headroom.dev~1original", nullptr));
}

// --- the schedule changes ---

TEST_F(TargetBehaviour, a_schedule_edited_in_the_middle_of_its_phase_counts_at_once) {
  const auto before = web_at_rest();
  peak_begins();
  const absl::Time day = clock().wall_now();
  apply(festival("diwali", "{name: peak, from: -PT1H, to: PT2H, multiplier: 4}", "", day));
  EXPECT_TRUE(has_replicas("web", 16));
  EXPECT_TRUE(has_event("web", "ScaledUp", "from 12 to 16"));
  apply(festival("diwali", "{name: peak, from: -PT1H, to: PT2H, multiplier: 2}", "", day));
  EXPECT_TRUE(has_replicas("web", 8));
  EXPECT_TRUE(has_event("web", "ScaledDown", "from 16 to 8"));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals/min", 4));
  apply(festival("diwali", "{name: peak, from: -PT1H, to: -PT30M, multiplier: 2}", "", day));
  EXPECT_TRUE(has_replicas("web", 4));
  EXPECT_TRUE(has(kFestivalSchedule, "diwali", {"Ready", "True", "Ended"}));
  EXPECT_TRUE(settles());
  EXPECT_EQ(workloads_at_rest(), before);
}

TEST_F(TargetBehaviour, a_deleted_schedule_takes_its_sizes_along) {
  const auto before = web_at_rest();
  peak_begins();
  kubectl("delete festivalschedule diwali --timeout=20s");
  EXPECT_EQ(workloads_at_rest(), before) << "the schedule's finalizer goes after its sizes";
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", nullptr));
}

TEST_F(TargetBehaviour, a_schedule_on_hold_keeps_its_sizes_past_its_end) {
  web_at_rest();
  peak_begins();
  kubectl("patch festivalschedule diwali --type=merge -p '{\"spec\": {\"suspend\": \"Hold\"}}'");
  EXPECT_TRUE(has(kFestivalSchedule, "diwali", {"Ready", "True", "Suspended"}));
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 12));
  kubectl("patch festivalschedule diwali --type=merge -p '{\"spec\": {\"suspend\": \"None\"}}'");
  EXPECT_TRUE(has_replicas("web", 4));
}

TEST_F(TargetBehaviour, a_schedule_that_is_to_restore_puts_back_and_can_be_resumed) {
  web_at_rest();
  peak_begins();
  kubectl("patch festivalschedule diwali --type=merge -p '{\"spec\": {\"suspend\": \"Restore\"}}'");
  EXPECT_TRUE(has_replicas("web", 4));
  EXPECT_TRUE(has(kFestivalSchedule, "diwali", {"Ready", "True", "Suspended"}));
  kubectl("patch festivalschedule diwali --type=merge -p '{\"spec\": {\"suspend\": \"None\"}}'");
  EXPECT_TRUE(has_replicas("web", 12));
}

// --- the target is taken out of Headroom's hands ---

TEST_F(TargetBehaviour, a_target_on_hold_stays_as_it_is_whatever_happens) {
  web_at_rest();
  peak_begins();
  kubectl("patch scaletarget web --type=merge -p '{\"spec\": {\"suspend\": \"Hold\"}}'");
  EXPECT_TRUE(has(kScaleTarget, "web", {"Frozen", "True", "Suspended", {"suspended: holds 12"}}));
  EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "True", "Suspended", {"Hold", "nothing is changed", "12"}}));
  clock().advance(absl::Hours(3));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 12));
  kubectl("scale deployment web --replicas=7");
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 7));
  kubectl("patch scaletarget web --type=merge -p '{\"spec\": {\"suspend\": \"None\"}}'");
  EXPECT_TRUE(lacks(kScaleTarget, "web", "Frozen"));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", nullptr));
  EXPECT_TRUE(has_replicas("web", 7)) << "what a person set meanwhile is the original";
}

TEST_F(TargetBehaviour, a_target_that_is_to_restore_goes_back_and_can_be_resumed) {
  web_at_rest();
  peak_begins();
  kubectl("patch scaletarget web --type=merge -p '{\"spec\": {\"suspend\": \"Restore\"}}'");
  EXPECT_TRUE(has_replicas("web", 4));
  EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "True", "Suspended", {"Restore", "the original size stands"}}));
  kubectl("patch scaletarget web --type=merge -p '{\"spec\": {\"suspend\": \"None\"}}'");
  EXPECT_TRUE(has_replicas("web", 12));
}

}  // namespace
}  // namespace headroom::e2e
