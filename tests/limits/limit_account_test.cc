// What one replica keeps of a limit's ledger.
#include "operator/limits/limit_account.h"

#include <gtest/gtest.h>

#include <string>

namespace headroom::limits {
namespace {

constexpr TypeId kType = 3, kOtherType = 4;
constexpr Amount kOne = Quantity::kNano;
const Holder kSelf{"self", 1};

class LimitAccountTest : public testing::Test {
 protected:
  LimitAccountTest() : account_({1, "selection", {1'000'000 * kOne}, {kType, kOtherType}}, kSelf) {
    (void)account_.read(LedgerRecord{});
  }

  SwapWish at(Revision revision) {
    SwapWish wish;
    wish.figures = {{kType, revision, {0}}, {kOtherType, revision, {0}}};
    return wish;
  }
  // What is granted afterwards.
  Amount swap(const SwapWish& wish) {
    auto swap = account_.plan(wish);
    if (!swap) return -1;
    swap->record.resource_version = std::to_string(++version_);
    EXPECT_EQ(account_.landed(swap->record), LimitAccount::Reading::Good);
    return account_.granted()[0];
  }

  LimitAccount account_;
  int version_ = 0;
};

// A limit with plenty of room goes for long without a swap.
TEST_F(LimitAccountTest, settles_thousands_of_writes_none_before_the_base_counts_it) {
  constexpr int kWrites = 5000;
  constexpr Revision kHalf = kWrites / 2;
  SwapWish take = at(1);
  take.wanted = {kWrites * kOne};
  ASSERT_EQ(swap(take), kWrites * kOne);
  int counted_by_half = 0;
  for (int i = 1; i <= kWrites; ++i) {
    const Revision landed = i % 7 == 0 ? 0 : i;  // some never will
    account_.resolved(i % 3 == 0 ? kOtherType : kType, landed, {kOne});
    if (landed <= kHalf) ++counted_by_half;
  }
  EXPECT_EQ(account_.unsettled(), (Amounts{kWrites * kOne}));

  SwapWish settle = at(kHalf);
  settle.give_back = true;
  const Amount left = swap(settle);
  EXPECT_GE(left, (kWrites - counted_by_half) * kOne) << "a write that the base does not count was settled";
  EXPECT_LT(left, (kWrites - counted_by_half + kWrites / 10) * kOne) << "what the base counts is nearly all settled";
  EXPECT_EQ(account_.unsettled(), (Amounts{left}));

  settle = at(kWrites);
  settle.give_back = true;
  EXPECT_EQ(swap(settle), 0);
  EXPECT_EQ(account_.unsettled(), (Amounts{0}));
}

TEST_F(LimitAccountTest, what_a_swap_under_way_settles_is_settled_by_it_alone) {
  SwapWish take = at(1);
  take.wanted = {5000 * kOne};
  ASSERT_EQ(swap(take), 5000 * kOne);
  for (int i = 0; i < 100; ++i) account_.resolved(kType, 2, {kOne});
  SwapWish settle = at(10);
  settle.give_back = true;
  settle.pending = {4900 * kOne};
  auto under_way = account_.plan(settle);
  ASSERT_TRUE(under_way);
  for (int i = 0; i < 2000; ++i) account_.resolved(kType, 20, {kOne});
  under_way->record.resource_version = "9";
  EXPECT_EQ(account_.landed(under_way->record), LimitAccount::Reading::Good);
  EXPECT_EQ(account_.unsettled(), (Amounts{2000 * kOne}));
}

}  // namespace
}  // namespace headroom::limits
