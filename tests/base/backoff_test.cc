#include "operator/base/backoff.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace headroom {
namespace {

using std::chrono::milliseconds;
constexpr std::uint64_t kHighest = std::numeric_limits<std::uint64_t>::max();

TEST(Backoff, doubles_up_to_its_maximum) {
  const Backoff backoff;  // 800 ms, ×2, 30 s
  const struct {
    int attempt;
    milliseconds delay;
  } table[] = {{0, milliseconds(800)},
               {1, milliseconds(1600)},
               {2, milliseconds(3200)},
               {5, milliseconds(25'600)},
               {6, milliseconds(30'000)},
               {100, milliseconds(30'000)},
               {std::numeric_limits<int>::max(), milliseconds(30'000)},
               {-1, milliseconds(800)}};
  for (const auto& row : table) EXPECT_EQ(backoff.delay(row.attempt, 0), row.delay) << row.attempt;
}

TEST(Backoff, spreads_retries_by_its_jitter_and_never_shortens_them) {
  const Backoff backoff{.initial = milliseconds(1000), .factor = 2, .max = milliseconds(60'000), .jitter = 0.1};
  EXPECT_EQ(backoff.delay(0, 0), milliseconds(1000));
  EXPECT_EQ(backoff.delay(0, kHighest / 2), milliseconds(1050));
  EXPECT_EQ(backoff.delay(0, kHighest), milliseconds(1100));
  EXPECT_EQ(backoff.delay(20, kHighest), milliseconds(66'000));
}

TEST(Backoff, is_exact_without_jitter) {
  const Backoff backoff{.initial = milliseconds(5), .factor = 3, .max = milliseconds(1000), .jitter = 0};
  EXPECT_EQ(backoff.delay(2, kHighest), milliseconds(45));
}

}  // namespace
}  // namespace headroom
