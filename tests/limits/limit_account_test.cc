// What one replica keeps of a limit's ledger.
#include "operator/limits/limit_account.h"

#include <gtest/gtest.h>

#include <cstdint>
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

TEST_F(LimitAccountTest, a_refusal_that_comes_after_the_record_that_caused_it_needs_no_reading) {
  SwapWish take = at(1);
  take.wanted = {kOne};
  ASSERT_EQ(swap(take), kOne);
  take.wanted = {5 * kOne};
  const auto refused = account_.plan(take);
  ASSERT_TRUE(refused);
  LedgerRecord others = *account_.record();
  others.resource_version = std::to_string(++version_);
  EXPECT_EQ(account_.read(others), LimitAccount::Reading::Good);
  account_.refused(refused->sequence);
  EXPECT_FALSE(account_.needs_reading());
  EXPECT_EQ(swap(take), 5 * kOne);
}

TEST_F(LimitAccountTest, after_it_has_forgotten_all_an_older_grant_is_no_news_and_one_older_than_that_is) {
  SwapWish take = at(1);
  for (const Amount wanted : {1, 2, 3}) {
    take.wanted = {wanted * kOne};
    ASSERT_EQ(swap(take), wanted * kOne);
  }
  LedgerRecord restored = *account_.record();
  const auto read_with = [&](std::int64_t sequence) {
    restored.grants.at(0).sequence = sequence;
    restored.resource_version = std::to_string(++version_);
    return account_.read(restored);
  };
  account_.drop();
  EXPECT_EQ(read_with(2), LimitAccount::Reading::Good);
  EXPECT_EQ(read_with(2), LimitAccount::Reading::Good);
  EXPECT_EQ(read_with(1), LimitAccount::Reading::Strange);
}

// Of a limit with several dimensions each would need swaps of its own otherwise.
TEST(LimitAccountAtTheEnd, takes_ahead_in_all_dimensions_when_one_runs_out) {
  LimitAccount account({1, "selection", {100 * kOne, 1000 * kOne}, {kType}}, kSelf);
  (void)account.read(LedgerRecord{});
  SwapWish wish;
  wish.figures = {{kType, 1, {99 * kOne, 990 * kOne}}};
  wish.asked = {5 * kOne, 50 * kOne};
  wish.largest = {kOne, 10 * kOne};
  wish.recall = RecallId{1, kSelf, 1};
  auto first = account.plan(wish);
  ASSERT_TRUE(first);
  first->record.resource_version = "1";
  ASSERT_EQ(account.landed(first->record), LimitAccount::Reading::Good);
  const Amounts taken = account.granted();
  ASSERT_GT(taken[0], 10 * kOne);
  ASSERT_GT(taken[1], 100 * kOne);

  wish.pending = {taken[0] - 2 * kOne, taken[1] - 20 * kOne};
  EXPECT_FALSE(account.plan(wish)) << "enough for whoever waits";
  wish.pending = {taken[0] - 2 * kOne, taken[1]};
  const auto second = account.plan(wish);
  ASSERT_TRUE(second);
  const Amounts more = second->record.granted() - taken;
  EXPECT_GT(more[0], 5 * kOne);
  EXPECT_GT(more[1], 50 * kOne);
}

TEST(LimitAccountAtTheEnd, begins_where_an_eighth_is_left_beside_what_waits) {
  const auto granted_to = [](Amount waiting) {
    LimitAccount account({1, "selection", {100 * kOne}, {kType}}, kSelf);
    (void)account.read(LedgerRecord{});
    SwapWish wish;
    wish.figures = {{kType, 1, {80 * kOne}}};
    wish.asked = wish.wanted = {waiting * kOne};
    wish.largest = {kOne};
    wish.recall = RecallId{1, kSelf, 1};
    const auto swap = account.plan(wish);
    return swap ? swap->record.granted()[0] / kOne : 0;
  };
  EXPECT_EQ(granted_to(7), 7);
  EXPECT_GT(granted_to(8), 20) << "more than there is: the rest is for deletes to free";
}

}  // namespace
}  // namespace headroom::limits
