// What is known of several objects together, and what is not judged.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/lint/shop.h"

namespace headroom::lint {
namespace {

std::size_t count(const Report& report, const std::string& rule) {
  return static_cast<std::size_t>(std::ranges::count(report.findings, rule, &Finding::rule));
}

TEST(LintTogether, a_circle_of_followers_is_an_error_at_each_of_them) {
  const Report report = lint_text(spoiled("  warmUp:\n    estimate: 90s", "  follow: {target: worker}"));
  EXPECT_EQ(count(report, "refused"), 2u) << format(report, Format::Text);
}

TEST(LintTogether, dates_that_have_passed_are_a_warning_only_when_none_is_to_come) {
  Options options = options_of_test();
  options.now += absl::Hours(24 * 60);
  EXPECT_EQ(count(lint_text(shop(), options), "past"), 0u) << "the calendar has a day in spring";
  options.now += absl::Hours(24 * 365);
  const Report report = lint_text(shop(), options);
  EXPECT_EQ(count(report, "past"), 1u) << format(report, Format::Text);
}

TEST(LintTogether, what_is_not_among_the_files_is_said_only_where_asked) {
  const std::string alone =
      "apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: web}\n"
      "spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, replicas: {max: 5}}\n";
  EXPECT_TRUE(lint_text(alone).findings.empty());
  Options options = options_of_test();
  options.notes = true;
  const Report report = lint_text(alone, options);
  EXPECT_EQ(report.exit_code(true), 0);
  EXPECT_GE(count(report, "not-judged"), 2u) << "the workload, and the rules about changes";
  EXPECT_TRUE(std::ranges::any_of(report.findings, [](const Finding& each) {
    return each.message == "Deployment default/web is not among the files";
  })) << format(report, Format::Text);
}

TEST(LintTogether, an_autoscaler_of_another_workload_is_found) {
  const Report report = lint_text(
      spoiled("  warmUp:\n    estimate: 90s", "  engine: {horizontalPodAutoscaler: {name: cache}}") +
      "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: cache, namespace: shop}\n"
      "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: cache}}\n");
  ASSERT_EQ(count(report, "wrong-scaler"), 1u) << format(report, Format::Text);
}

TEST(LintTogether, limits_that_hide_each_other_are_found) {
  const Report report = lint_text(
      shop() +
      "---\napiVersion: headroom.dev/v1alpha1\nkind: ClusterScaleLimit\nmetadata: {name: fewer-pods}\n"
      "spec: {match: {resources: [{version: v1, resource: pods}], namespaceSelector: {matchLabels: {kind: shop}}}, "
      "total: {count: 10}}\n");
  EXPECT_GE(count(report, "doubtful"), 1u) << format(report, Format::Text);
}

TEST(LintTogether, one_object_that_is_malformed_does_not_hide_the_others) {
  std::string text = shop() +
                     "---\nkind: [\n---\napiVersion: headroom.dev/v1alpha1\nkind: Region\nmetadata: {name: x}\n"
                     "spec: {dataResidency: Lose}\n";
  const Report report = lint_text(text);
  EXPECT_EQ(count(report, "manifest"), 1u);
  EXPECT_EQ(count(report, "schema/enum"), 1u);
  EXPECT_EQ(report.findings.size(), 2u) << format(report, Format::Text);
}

TEST(LintTogether, a_ledger_is_nothing_to_apply) {
  const Report report = lint_text(
      "apiVersion: headroom.dev/v1alpha1\nkind: LimitLedger\nmetadata: {name: a, namespace: headroom-system}\n");
  EXPECT_EQ(count(report, "internal-kind"), 1u);
}

}  // namespace
}  // namespace headroom::lint
