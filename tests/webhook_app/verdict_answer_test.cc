#include "webhook/app/verdict_answer.h"

#include <gtest/gtest.h>

#include "tests/webhook_app/a_limit.h"

namespace headroom::webhook {
namespace {

using limits::Verdict;
constexpr limits::Amount kOne = Quantity::kNano;
constexpr limits::Amount kGi = kOne * 1024 * 1024 * 1024;

const nlohmann::json kSum = {{"total", {{"sums", {{{"name", "size"}, {"path", ".spec.size"}, {"hard", "1Gi"}}}}}}};
const WrittenObject kObject{"example.com", "artifacts", "shop", "a"};

limits::CompiledLimit compiled(const nlohmann::json& spec = {}) { return {1, a_limit("files", spec), {1}, {}, {}}; }

TEST(Verdicts, become_statuses_that_clients_know_with_the_figures_in_the_message) {
  const struct {
    Verdict verdict;
    int code;
    const char* reason;
    const char* message;
    bool again;
  } table[] = {
      {{Verdict::Kind::OverLimit, 1, 0, 10 * kOne, kOne, 10 * kOne},
       403,
       "Forbidden",
       "ScaleLimit shop/files: over count: used 10, asked 1, hard 10",
       false},
      {{Verdict::Kind::OverLimit, 1, 1, kGi / 2, kGi, kGi},
       403,
       "Forbidden",
       "ScaleLimit shop/files: over size: used 512Mi, asked 1Gi, hard 1Gi",
       false},
      {{Verdict::Kind::InFlight, 1, 0, 9 * kOne, kOne, 10 * kOne},
       429,
       "TooManyRequests",
       "ScaleLimit shop/files: over count: used 9, asked 1, hard 10; writes that are under way hold the rest; try "
       "again",
       true},
      {{Verdict::Kind::NameTaken, 1, 0, 0, kOne, 0},
       409,
       "AlreadyExists",
       "artifacts.example.com \"a\" already exists",
       false},
      {{Verdict::Kind::Unavailable, 1, 0, 0, kOne, 0},
       503,
       "ServiceUnavailable",
       "ScaleLimit shop/files: cannot be judged now; its ledger or this webhook is not in touch; try again",
       true},
  };
  const limits::CompiledLimit limit = compiled(kSum);
  for (const auto& row : table) {
    const Answer answer = answer_to(row.verdict, &limit, kObject);
    EXPECT_FALSE(answer.allowed);
    EXPECT_EQ(answer.code, row.code);
    EXPECT_EQ(answer.reason, row.reason);
    EXPECT_EQ(answer.message, row.message);
    EXPECT_EQ(answer.retry_after.has_value(), row.again) << row.message;
  }
  EXPECT_TRUE(answer_to({}, &limit, kObject).allowed);
}

TEST(Verdicts, of_flow_say_what_is_in_use_and_when_to_come_back) {
  const struct {
    Verdict verdict;
    const char* message;
    int retry_after;
  } table[] = {
      {{Verdict::Kind::OverConcurrency, 8, 0, 100 * kOne, kOne, 100 * kOne},
       "ScaleLimit shop/files: over concurrency: in progress 100, asked 1, hard 100; try again in 1 second",
       1},
      {{Verdict::Kind::OverRate, 8, 1, 20 * kOne, kOne, 20 * kOne, absl::Seconds(3.2)},
       "ScaleLimit shop/files: over rate: 20 writes within 4s, asked 1, hard 20 (5 a second); try again in 4 seconds",
       4},
      {{Verdict::Kind::OverRate, 8, 1, 20 * kOne, kOne, 20 * kOne, absl::Hours(3)},
       "ScaleLimit shop/files: over rate: 20 writes within 4s, asked 1, hard 20 (5 a second); try again in 60 seconds",
       60},
  };
  const limits::CompiledLimit limit(
      1, a_limit("files", {{"rate", {{"writesPerSecond", 5}, {"burst", 20}}}, {"concurrency", {{"max", 100}}}}), {1},
      {}, {}, 8);
  for (const auto& row : table) {
    const Answer answer = answer_to(row.verdict, &limit, kObject);
    EXPECT_FALSE(answer.allowed);
    EXPECT_EQ(answer.code, 429);
    EXPECT_EQ(answer.reason, "TooManyRequests");
    EXPECT_EQ(answer.message, row.message);
    EXPECT_EQ(answer.retry_after, std::chrono::seconds(row.retry_after));
  }
  EXPECT_EQ(dimension_name(table[0].verdict, limit), "concurrency");
  EXPECT_EQ(dimension_name(table[1].verdict, limit), "rate");
}

TEST(Verdicts, let_through_with_a_warning_what_a_limit_does_not_insist_on_judging) {
  const limits::CompiledLimit limit = compiled({{"unavailable", "Ignore"}});
  const Answer unjudged = answer_to({Verdict::Kind::Unavailable, 1, 0, 0, kOne, 0}, &limit, kObject);
  EXPECT_TRUE(unjudged.allowed);
  ASSERT_EQ(unjudged.warnings.size(), 1u);
  EXPECT_FALSE(answer_to({Verdict::Kind::OverLimit, 1, 0, 10 * kOne, kOne, 10 * kOne}, &limit, kObject).allowed);
}

TEST(Verdicts, of_a_limit_that_is_gone_ask_to_try_again) {
  const Answer answer = answer_to({Verdict::Kind::Unavailable, 1, 0, 0, kOne, 0}, nullptr, kObject);
  EXPECT_EQ(answer.code, 429);
}

}  // namespace
}  // namespace headroom::webhook
