#include "operator/base/result.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace headroom {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return invalid(std::to_string(number) + " is odd");
  return number / 2;
}

Result<int> quarter(int number) {
  BOOST_OUTCOME_TRY(once, half(number));
  return half(once);
}

Status only_even(int number) {
  BOOST_OUTCOME_TRYV(half(number));
  return ok();
}

TEST(Result, passes_the_first_error_up) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
  EXPECT_EQ(quarter(6).error().code, ErrorCode::InvalidArgument);
  EXPECT_TRUE(only_even(2).has_value());
  EXPECT_EQ(only_even(1).error().message, "1 is odd");
}

TEST(Error, keeps_its_class_when_it_gets_context) {
  const Error error = with_context({ErrorCode::TooManyRequests, "slow down", 429, std::chrono::milliseconds(1500)},
                                   "Deployment shop/workers");
  EXPECT_EQ(error.message, "Deployment shop/workers: slow down");
  EXPECT_EQ(error.code, ErrorCode::TooManyRequests);
  EXPECT_EQ(error.http_status, 429);
  EXPECT_EQ(error.retry_after, std::chrono::milliseconds(1500));
}

TEST(Error, names_every_class_differently) {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::Internal); ++code) {
    names.insert(to_string(static_cast<ErrorCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::Internal) + 1);
  EXPECT_FALSE(names.contains("Unknown"));
}

}  // namespace
}  // namespace headroom
