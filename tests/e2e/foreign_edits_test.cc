// In the middle of a phase somebody else writes what Headroom has sized: once by hand, or again and again.
#include <absl/strings/str_cat.h>

#include <thread>

#include "tests/e2e/shared_home.h"

namespace headroom::e2e {
namespace {

using kube::types::kDeployment;
using kube::types::kHorizontalPodAutoscaler;
using kube::types::kScaleTarget;
using nlohmann::json;

/// Sizes of 4 are brought to 12 by the peak.
class ForeignEdits : public SharedHome {
 protected:
  void deployment_at_its_peak() {
    apply(deployment("web", 4) + scale_target("web", "replicas: {max: 40, baseline: 4}, engine: {type: Scale}") +
          festival("diwali", "{name: peak, from: -PT1H, to: PT2H, multiplier: 3}"));
    EXPECT_TRUE(has_replicas("web", 12));
    EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", 12));
  }
  void autoscaler_at_its_peak() {
    apply(deployment("web", 4) + autoscaler("web", "web", 4, 15) +
          scale_target("web", "replicas: {max: 20, baseline: 4}") +
          festival("diwali", "{name: peak, from: -PT1H, to: PT2H, multiplier: 3}"));
    EXPECT_TRUE(has_bounds("web", 12, 15));
    EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", 12));
  }
  void the_peak_ends() {
    clock().advance(absl::Hours(3));
    EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", nullptr));
  }
  int generation() const { return home().get(kDeployment, ns(), "web").at("metadata").at("generation"); }
};

TEST_F(ForeignEdits, a_person_who_scales_above_the_plan_is_not_scaled_back) {
  deployment_at_its_peak();
  kubectl("scale deployment web --replicas=20");
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals/min", 20));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", nullptr));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 20));
  EXPECT_TRUE(lacks(kScaleTarget, "web", "Contested"));
  the_peak_ends();
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_replicas("web", 20)) << "what the person wanted stays";
}

TEST_F(ForeignEdits, a_person_who_scales_below_the_plan_gives_the_size_to_return_to) {
  deployment_at_its_peak();
  kubectl("scale deployment web --replicas=6");
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals/min", 6));
  EXPECT_TRUE(has_replicas("web", 12));
  EXPECT_TRUE(lacks(kScaleTarget, "web", "Contested")) << "once is no contest";
  the_peak_ends();
  EXPECT_TRUE(has_replicas("web", 6));
}

TEST_F(ForeignEdits, each_bound_of_an_hpa_that_a_person_edits_becomes_the_one_to_return_to) {
  autoscaler_at_its_peak();
  kubectl("patch hpa web --type=merge -p '{\"spec\": {\"minReplicas\": 6}}'");
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals/min", 6));
  EXPECT_TRUE(has_bounds("web", 12, 15));
  kubectl("patch hpa web --type=merge -p '{\"spec\": {\"maxReplicas\": 30}}'");
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals/max", 30));
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has_bounds("web", 12, 30));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals/min", 6)) << "a new maximum says nothing of the minimum";
  the_peak_ends();
  EXPECT_TRUE(has_bounds("web", 6, 30));
}

TEST_F(ForeignEdits, a_git_tool_that_writes_back_every_second_is_named_and_answered_ever_more_rarely) {
  // Back-off is counted on the wall clock, which runs as the machine's for this test.
  std::jthread time([](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      clock().advance(absl::Milliseconds(20));
    }
  });
  apply(deployment("web", 4), "argocd");
  apply(scale_target("web", "replicas: {max: 40, baseline: 4}, engine: {type: Scale}") +
        festival("diwali", "{name: peak, from: -PT1H, to: PT2H, multiplier: 3}"));
  EXPECT_TRUE(has_replicas("web", 12));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", 12));

  // The test is the Git tool: each second it forces its manifest upon the API server.
  const int before = generation();
  for (int second = 0; second < 10; ++second) {
    apply(deployment("web", 4), "argocd");
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  const int changes = generation() - before;
  // Answered after 1, 2, 4 and 8 seconds of standing: each answer and each write back are a change.
  EXPECT_GE(changes, 4) << "the plan has to be kept";
  EXPECT_LE(changes, 9) << "at most four answers in so short a time";
  EXPECT_TRUE(has(kScaleTarget, "web",
                  {"Contested",
                   "True",
                   "FieldContested",
                   {"field manager argocd wrote 4 over Headroom's 12, ", "take spec.replicas out", "spec.suspend"}}));
  EXPECT_TRUE(has_event("web", "Contested", "argocd"));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/originals/min", 4)) << "their value is the original, no new one";

  // The Git tool has stopped: the answer that is due within a minute stands, and ten minutes later nobody contests.
  clock().advance(absl::Minutes(1));
  touch(kDeployment, "web");
  EXPECT_TRUE(has_replicas("web", 12));
  EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "True", "Scaled"}));
  time = {};
  clock().advance(absl::Minutes(8));
  touch(kDeployment, "web");
  EXPECT_TRUE(settles());
  EXPECT_TRUE(has(kScaleTarget, "web", {"Contested", "True", "FieldContested"}));
  clock().advance(absl::Minutes(3));
  touch(kDeployment, "web");
  EXPECT_TRUE(lacks(kScaleTarget, "web", "Contested"));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/contest", nullptr));
  the_peak_ends();
  EXPECT_TRUE(has_replicas("web", 4));
}

}  // namespace
}  // namespace headroom::e2e
