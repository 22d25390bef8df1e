#include "operator/base/deadline.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

const Error kCancelled{ErrorCode::Cancelled, "stopped", 0, {}};

/// Until the token fires, ten seconds at most.
bool fires(const std::stop_token& token) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, token, std::chrono::seconds(10), [] { return false; });
  return token.stop_requested();
}

TEST(Deadline, cancels_what_takes_too_long_and_calls_it_a_timeout) {
  const Deadline deadline(std::chrono::milliseconds(5), {});
  ASSERT_TRUE(fires(deadline.token()));
  const Error judged = deadline.judge(kCancelled);
  EXPECT_EQ(judged.code, ErrorCode::Timeout);
  EXPECT_EQ(judged.message, "no answer within 5 ms");
}

TEST(Deadline, hands_on_its_callers_stop_and_leaves_that_a_cancellation) {
  std::stop_source stop;
  const Deadline deadline(std::chrono::hours(1), stop.get_token());
  EXPECT_FALSE(deadline.token().stop_requested());
  stop.request_stop();
  ASSERT_TRUE(fires(deadline.token()));
  EXPECT_EQ(deadline.judge(kCancelled).code, ErrorCode::Cancelled);
}

TEST(Deadline, leaves_other_failures_and_others_cancellations_as_they_are) {
  const Deadline deadline(std::chrono::hours(1), {});
  EXPECT_EQ(deadline.judge(kCancelled).message, "stopped") << "somebody else refused, as a write gate does";
  EXPECT_EQ(deadline.judge({ErrorCode::Forbidden, "no", 403, {}}).code, ErrorCode::Forbidden);
}

TEST(Deadline, costs_no_wait_when_the_work_is_done_early) {
  const auto began = std::chrono::steady_clock::now();
  { const Deadline deadline(std::chrono::hours(1), {}); }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

}  // namespace
}  // namespace headroom
