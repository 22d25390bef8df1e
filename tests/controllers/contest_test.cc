#include <gtest/gtest.h>

#include <vector>

#include "operator/controllers/overrides.h"

namespace headroom::controllers {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'793'808'000);

Ownership holding(int original, int written) {
  Ownership ownership;
  ownership.original = {original, {}};
  ownership.held = true;
  ownership.written = {written, {}};
  ownership.written_at = kStart;
  return ownership;
}

Ownership edited(int original, int written, bool new_original) {
  Ownership ownership = holding(original, written);
  ownership.foreign_edit = true;
  ownership.new_original = new_original;
  return ownership;
}

api::Contest a_contest(int value, int times, absl::Time last) { return {value, "kubectl", times, last}; }

TEST(JudgeContest, writes_over_a_new_original_at_once_and_calls_it_no_contest_yet) {
  const auto verdict =
      judge_contest(std::nullopt, edited(20, 60, true), {20, {}}, {60, {}}, "kubectl", kStart + absl::Seconds(1));
  EXPECT_TRUE(verdict.may_write);
  ASSERT_TRUE(verdict.contest);
  EXPECT_EQ(verdict.contest->times, 0);
  EXPECT_EQ(verdict.contest->value, 20);
  EXPECT_EQ(verdict.contest->manager, "kubectl");
}

TEST(JudgeContest, calls_the_same_value_again_a_contest) {
  const auto verdict = judge_contest(a_contest(20, 0, kStart), edited(20, 60, true), {20, {}}, {60, {}}, "argocd",
                                     kStart + absl::Seconds(5));
  EXPECT_TRUE(verdict.may_write);
  ASSERT_TRUE(verdict.contest);
  EXPECT_EQ(verdict.contest->times, 1);
  EXPECT_EQ(verdict.contest->manager, "argocd");
  EXPECT_EQ(verdict.contest->last, kStart + absl::Seconds(5));
}

TEST(JudgeContest, calls_the_original_put_back_a_contest_from_the_first_time_on) {
  const auto verdict = judge_contest(std::nullopt, edited(10, 60, false), {10, {}}, {60, {}}, "kustomize-controller",
                                     kStart + absl::Minutes(3));
  EXPECT_TRUE(verdict.may_write);
  ASSERT_TRUE(verdict.contest);
  EXPECT_EQ(verdict.contest->times, 1);
}

TEST(JudgeContest, raises_again_after_one_second_then_twice_as_long_up_to_once_a_minute_for_ever) {
  Boxed<api::Contest> contest;
  absl::Time last = kStart;
  const int waits[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
  for (const int wait : waits) {
    const Ownership ownership = edited(10, 60, false);
    const absl::Time early = last + absl::Seconds(wait) - absl::Milliseconds(1);
    const auto refused = judge_contest(contest, ownership, {10, {}}, {60, {}}, "argocd", early);
    EXPECT_FALSE(refused.may_write) << wait;
    EXPECT_EQ(refused.retry_in, absl::Milliseconds(1)) << wait;
    EXPECT_EQ(refused.contest, contest) << "waiting changes nothing, " << wait;
    last += absl::Seconds(wait);
    const auto allowed = judge_contest(contest, ownership, {10, {}}, {60, {}}, "argocd", last);
    EXPECT_TRUE(allowed.may_write) << wait;
    contest = allowed.contest;
  }
  EXPECT_EQ(contest->times, 9);
}

TEST(JudgeContest, backs_off_from_values_that_change_each_time_as_well) {
  const auto verdict = judge_contest(a_contest(20, 4, kStart), edited(21, 60, true), {21, {}}, {60, {}}, "autoscaler-x",
                                     kStart + absl::Seconds(15));
  EXPECT_FALSE(verdict.may_write);
  EXPECT_EQ(verdict.retry_in, absl::Seconds(1));
}

TEST(JudgeContest, lowers_three_times_and_then_leaves_it) {
  Boxed<api::Contest> contest;
  absl::Time at = kStart;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    at += absl::Minutes(2);
    const auto verdict = judge_contest(contest, edited(80, 40, false), {80, {}}, {40, {}}, "kubectl", at);
    EXPECT_TRUE(verdict.may_write) << attempt;
    contest = verdict.contest;
  }
  const auto left = judge_contest(contest, edited(80, 40, false), {80, {}}, {40, {}}, "kubectl", at + absl::Hours(5));
  EXPECT_FALSE(left.may_write);
  EXPECT_FALSE(left.retry_in);
  EXPECT_EQ(left.contest, contest);
  const auto raised = judge_contest(contest, edited(80, 40, false), {80, {}}, {90, {}}, "kubectl", at + absl::Hours(5));
  EXPECT_TRUE(raised.may_write) << "a later phase that wants more may still raise";
}

TEST(JudgeContest, ends_when_our_value_has_stood_for_ten_minutes) {
  const api::Contest contest = a_contest(20, 3, kStart);
  const auto during = judge_contest(contest, holding(10, 60), {60, {}}, {60, {}}, "", kStart + absl::Minutes(9));
  EXPECT_EQ(during.contest, contest);
  EXPECT_EQ(during.retry_in, absl::Minutes(1)) << "somebody has to look when it ends";
  const auto after = judge_contest(contest, holding(10, 60), {60, {}}, {60, {}}, "", kStart + absl::Minutes(10));
  EXPECT_FALSE(after.contest);
  EXPECT_FALSE(after.retry_in);
}

TEST(JudgeContest, lets_our_own_next_step_pass_while_a_contest_is_remembered) {
  const auto verdict =
      judge_contest(a_contest(20, 3, kStart), holding(10, 60), {60, {}}, {100, {}}, "", kStart + absl::Seconds(1));
  EXPECT_TRUE(verdict.may_write);
}

TEST(JudgeContest, does_not_argue_about_a_value_that_is_wanted_anyway) {
  const auto verdict = judge_contest(std::nullopt, edited(80, 60, true), {80, {}}, {80, {}}, "kubectl", kStart);
  EXPECT_TRUE(verdict.may_write);
  EXPECT_FALSE(verdict.contest);
}

TEST(JudgeContest, names_the_bound_that_was_changed) {
  Ownership ownership = holding(10, 60);
  ownership.written = {60, 200};
  ownership.foreign_edit = true;
  const auto verdict =
      judge_contest(std::nullopt, ownership, {60, 100}, {60, 200}, "argocd", kStart + absl::Minutes(1));
  ASSERT_TRUE(verdict.contest);
  EXPECT_EQ(verdict.contest->value, 100);
}

}  // namespace
}  // namespace headroom::controllers
