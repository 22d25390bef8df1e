// Counting what is stored, from lists and watches.
#include "operator/limits/usage_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "operator/limits/reservations.h"

namespace headroom::limits {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr LimitId kFirst = 1, kSecond = 2;
constexpr TypeId kType = 5;
constexpr Amount kOne = Quantity::kNano;
constexpr std::array<LimitId, 2> kBoth{kFirst, kSecond};

Uid uid(int number) { return {9, static_cast<std::uint64_t>(number)}; }

ListedObject object(int number, Revision version) {
  return {uid(number), {7, static_cast<std::uint64_t>(number)}, version};
}

class UsageCacheTest : public testing::Test {
 protected:
  UsageCacheTest() {
    // The first counts and sums all, the second counts some.
    cache_.define(kFirst, 2, true, kTypes);
    cache_.define(kSecond, 1, true, kTypes);
  }

  std::vector<Membership> counts(Amount size, bool second) {
    return {{kFirst, true, {kOne, size}}, {kSecond, second, second ? Amounts{kOne} : Amounts(1)}};
  }
  void list(std::vector<std::pair<int, bool>> objects, Revision revision) {
    cache_.begin_list(kType);
    for (const auto& [number, second] : objects) cache_.listed(kType, object(number, revision), counts(kOne, second));
    gone_ = cache_.commit_list(kType, revision);
  }

  static constexpr std::array<TypeId, 1> kTypes{kType};
  UsageCache cache_;
  std::vector<Uid> gone_;
};

TEST_F(UsageCacheTest, is_not_known_before_the_first_list) {
  cache_.applied(kType, object(1, 10), counts(kOne, true));
  EXPECT_EQ(cache_.revision(kFirst, kType), 0);
  list({{1, true}}, 20);
  EXPECT_EQ(cache_.revision(kFirst, kType), 20);
  EXPECT_EQ(cache_.used(kFirst, kType), (Amounts{kOne, kOne}));
}

TEST_F(UsageCacheTest, adds_up_all_that_was_taken_away_and_all_that_a_list_may_have_jumped_over) {
  list({{1, false}, {2, false}}, 10);
  EXPECT_EQ(cache_.lowered(kFirst, kType), (Amounts{0, 0}));
  cache_.applied(kType, object(1, 11), counts(3 * kOne, false));
  EXPECT_EQ(cache_.lowered(kFirst, kType), (Amounts{0, 0}));
  cache_.applied(kType, object(1, 12), counts(kOne, false));
  EXPECT_EQ(cache_.lowered(kFirst, kType), (Amounts{0, 2 * kOne}));
  cache_.deleted(kType, object(1, 13), kBoth);
  EXPECT_EQ(cache_.lowered(kFirst, kType), (Amounts{kOne, 3 * kOne}));
  cache_.begin_list(kType);
  cache_.listed(kType, object(2, 10), counts(kOne, false));
  cache_.listed(kType, object(3, 19), counts(kOne, false));
  gone_ = cache_.commit_list(kType, 20);
  EXPECT_EQ(cache_.lowered(kFirst, kType), (Amounts{kOne, 3 * kOne})) << "what is of the same version was there";
  list({{2, false}, {3, false}}, 30);
  EXPECT_EQ(cache_.lowered(kFirst, kType), (Amounts{3 * kOne, 5 * kOne})) << "others may have come and gone";
}

TEST_F(UsageCacheTest, follows_events) {
  list({}, 10);
  cache_.applied(kType, object(1, 11), counts(3 * kOne, true));
  cache_.applied(kType, object(2, 12), counts(kOne / 2, false));
  EXPECT_EQ(cache_.used(kFirst, kType), (Amounts{2 * kOne, 3 * kOne + kOne / 2}));
  EXPECT_EQ(cache_.used(kSecond, kType), (Amounts{kOne}));
  cache_.applied(kType, object(1, 13), counts(kOne, false));
  EXPECT_EQ(cache_.used(kFirst, kType), (Amounts{2 * kOne, kOne + kOne / 2}));
  EXPECT_EQ(cache_.used(kSecond, kType), (Amounts{0}));
  cache_.deleted(kType, object(1, 14), kBoth);
  EXPECT_EQ(cache_.used(kFirst, kType), (Amounts{kOne, kOne / 2}));
  EXPECT_EQ(cache_.revision(kFirst, kType), 14);
  EXPECT_FALSE(cache_.has_name(kType, object(1, 0).name));
  EXPECT_TRUE(cache_.has_name(kType, object(2, 0).name));
}

TEST_F(UsageCacheTest, a_list_replaces_what_was_known_and_tells_what_is_gone) {
  list({{1, true}, {2, true}, {3, false}}, 10);
  list({{2, false}, {3, false}}, 20);
  EXPECT_EQ(cache_.used(kFirst, kType), (Amounts{2 * kOne, 2 * kOne}));
  EXPECT_EQ(cache_.used(kSecond, kType), (Amounts{0}));
  EXPECT_THAT(gone_, ElementsAre(uid(1))) << "the second object is there, although the second limit counts it no more";
}

TEST_F(UsageCacheTest, what_is_kept_out_counts_nothing_and_is_known_by_what_it_would_count) {
  const std::vector<Membership> out{{kFirst, false, {kOne, 5 * kOne}, true}};
  list({}, 10);
  cache_.applied(kType, object(1, 11), out);
  EXPECT_TRUE(cache_.used(kFirst, kType).is_zero());
  EXPECT_EQ(cache_.objects(kFirst), 0U);
  EXPECT_FALSE(cache_.find(kFirst, kType, uid(1)));
  const Standing standing = cache_.standing(kFirst, kType, uid(1), 11);
  EXPECT_EQ(standing.kind, Standing::Kind::KeptOut);
  EXPECT_EQ(standing.amounts, (Amounts{kOne, 5 * kOne}));
  EXPECT_EQ(cache_.standing(kFirst, kType, uid(1), 12).kind, Standing::Kind::Unseen);
  EXPECT_EQ(cache_.standing(kFirst, kType, uid(2), 11).kind, Standing::Kind::Out);

  cache_.applied(kType, object(1, 12), counts(7 * kOne, false));
  EXPECT_EQ(cache_.used(kFirst, kType), (Amounts{kOne, 7 * kOne}));
  EXPECT_EQ(cache_.standing(kFirst, kType, uid(1), 12).kind, Standing::Kind::Counts);
  cache_.applied(kType, object(1, 13), out);
  EXPECT_TRUE(cache_.used(kFirst, kType).is_zero());
  EXPECT_EQ(cache_.lowered(kFirst, kType), (Amounts{kOne, 7 * kOne}));
  cache_.deleted(kType, object(1, 14), kBoth);
  EXPECT_EQ(cache_.lowered(kFirst, kType), (Amounts{kOne, 7 * kOne})) << "it counted nothing any more";
}

TEST_F(UsageCacheTest, a_limit_that_comes_later_is_known_from_the_next_list_on) {
  list({{1, true}}, 10);
  constexpr LimitId kThird = 3;
  cache_.define(kThird, 1, true, kTypes);
  EXPECT_EQ(cache_.revision(kThird, kType), 0);
  EXPECT_EQ(cache_.revision(kFirst, kType), 10) << "the others go on";
  cache_.begin_list(kType);
  cache_.listed(kType, object(1, 10), std::vector<Membership>{{kThird, true, {kOne}}, {kFirst, true, {kOne, kOne}}});
  (void)cache_.commit_list(kType, 30);
  EXPECT_EQ(cache_.revision(kThird, kType), 30);
  EXPECT_EQ(cache_.used(kThird, kType), (Amounts{kOne}));
}

TEST_F(UsageCacheTest, amounts_of_any_size_are_exact) {
  list({}, 10);
  const std::vector<Amount> sizes{
      0, 1, kOne / 3, kOne, Amount{1} << 62, (Amount{1} << 62) * kOne, 999'999'999'999 * kOne + 1};
  Amount sum = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    cache_.applied(kType, object(static_cast<int>(i), 11 + static_cast<Revision>(i)), counts(sizes[i], false));
    sum += sizes[i];
    EXPECT_EQ(cache_.used(kFirst, kType)[1], sum);
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(cache_.find(kFirst, kType, uid(static_cast<int>(i)))->amounts[1], sizes[i]) << i;
    cache_.deleted(kType, object(static_cast<int>(i), 100 + static_cast<Revision>(i)), kBoth);
    sum -= sizes[i];
    EXPECT_EQ(cache_.used(kFirst, kType)[1], sum);
  }
}

TEST_F(UsageCacheTest, what_was_lost_is_not_known_until_it_is_listed) {
  list({{1, true}}, 10);
  cache_.lost(kType);
  EXPECT_EQ(cache_.revision(kFirst, kType), 0);
  list({{1, true}}, 5);
  EXPECT_EQ(cache_.revision(kFirst, kType), 5) << "also at an earlier revision";
}

// --- writes in flight ---

constexpr BootTime kNow = absl::Seconds(100);

Charges one(Amount amount = kOne) { return {{kFirst, {amount}}}; }

TEST(ReservationsTest, an_update_is_decided_when_its_object_moves_on_or_goes) {
  for (const bool deleted : {false, true}) {
    Reservations reservations;
    reservations.add({kType, uid(1), 10, {}}, one(), kNow);
    EXPECT_THAT(reservations.seen(kType, uid(1), 10, false), IsEmpty()) << "that is what it was made upon";
    const auto resolved = reservations.seen(kType, uid(1), deleted ? 5 : 11, deleted);
    ASSERT_EQ(resolved.size(), 1U);
    EXPECT_EQ(reservations.pending(kFirst), Amounts());
    EXPECT_EQ(reservations.size(), 0U);
  }
}

TEST(ReservationsTest, updates_of_two_versions_are_two_writes) {
  Reservations reservations;
  reservations.add({kType, uid(1), 10, {}}, one(), kNow);
  reservations.add({kType, uid(1), 11, {}}, one(), kNow);
  EXPECT_EQ(reservations.pending(kFirst), (Amounts{2 * kOne}));
  EXPECT_EQ(reservations.seen(kType, uid(1), 11, false).size(), 1U);
  EXPECT_EQ(reservations.pending(kFirst), (Amounts{kOne}));
}

TEST(ReservationsTest, creates_of_one_name_count_once_until_all_have_ended) {
  Reservations reservations;
  const Uid name = name_id("ns", "leader");
  reservations.add({kType, uid(1), 0, name}, one(), kNow);
  reservations.add({kType, uid(2), 0, name}, one(3 * kOne), kNow);
  EXPECT_EQ(reservations.pending(kFirst), (Amounts{3 * kOne}));
  EXPECT_THAT(reservations.seen(kType, uid(1), 20, false), IsEmpty()) << "the other may land once this one is deleted";
  const auto resolved = reservations.give_up(kType, kNow);
  ASSERT_EQ(resolved.size(), 1U);
  EXPECT_EQ(resolved[0].revision, 20) << "one of them has landed: it is in what is stored from then on";
  EXPECT_EQ(resolved[0].charges[0].amounts, (Amounts{3 * kOne}));
}

TEST(ReservationsTest, that_one_of_them_landed_at_a_revision_which_is_lost_does_not_count) {
  Reservations reservations;
  const Uid name = name_id("ns", "leader");
  reservations.add({kType, uid(1), 0, name}, one(), kNow);
  reservations.add({kType, uid(2), 0, name}, one(), kNow);
  EXPECT_THAT(reservations.seen(kType, uid(1), 500, false), IsEmpty());
  reservations.went_back(kType + 1);
  reservations.went_back(kType);
  const auto resolved = reservations.give_up(kType, kNow);
  ASSERT_EQ(resolved.size(), 1U);
  EXPECT_EQ(resolved[0].revision, 0);
}

TEST(ReservationsTest, only_those_that_are_old_enough_are_given_up) {
  Reservations reservations;
  reservations.add({kType, uid(1), 10, {}}, one(), kNow);
  reservations.add({kType, uid(2), 10, {}}, one(), kNow + absl::Seconds(1));
  EXPECT_FALSE(reservations.overdue(kType, kNow - absl::Seconds(1)));
  EXPECT_TRUE(reservations.overdue(kType, kNow));
  EXPECT_EQ(reservations.give_up(kType, kNow).size(), 1U);
  EXPECT_EQ(reservations.size(), 1U);
}

TEST(ReservationsTest, what_has_been_under_way_for_long_is_told_by_limit_and_requester) {
  Reservations reservations;
  const BootTime later = kNow + absl::Seconds(1);
  reservations.add({kType, uid(1), 10, {}, 7}, one(), kNow);
  reservations.add({kType, uid(2), 10, {}, 7}, one(2 * kOne), kNow);
  reservations.add({kType, uid(3), 10, {}, 5}, {{kSecond, {kOne}}}, kNow);
  reservations.add({kType, uid(4), 10, {}, 5}, one(), later);
  const Uid name = name_id("ns", "leader");
  reservations.add({kType, uid(5), 0, name, 8}, one(), kNow);
  reservations.add({kType, uid(6), 0, name, 9}, one(), later);
  const auto told = [&](BootTime before) {
    std::vector<std::tuple<LimitId, Requester, std::int64_t, Amount>> rows;
    for (const Lingering& row : reservations.lingering(before)) {
      rows.emplace_back(row.limit, row.requester, row.writes, row.amounts[0] / kOne);
    }
    return rows;
  };
  using Row = std::tuple<LimitId, Requester, std::int64_t, Amount>;
  EXPECT_THAT(told(kNow - absl::Nanoseconds(1)), IsEmpty());
  EXPECT_THAT(told(kNow), ElementsAre(Row{kFirst, 7, 2, 3}, Row{kFirst, 8, 1, 1}, Row{kSecond, 5, 1, 1}));
  (void)reservations.seen(kType, uid(1), 11, false);
  (void)reservations.seen(kType, uid(3), 11, false);
  (void)reservations.seen(kType, uid(5), 11, false);
  EXPECT_THAT(told(kNow), ElementsAre(Row{kFirst, 7, 1, 2})) << "of the name, the one that is left came later";
  EXPECT_THAT(told(later), ElementsAre(Row{kFirst, 5, 1, 1}, Row{kFirst, 7, 1, 2}, Row{kFirst, 9, 1, 1}));
}

TEST(ReservationsTest, another_call_for_a_write_starts_its_time_anew) {
  Reservations reservations;
  reservations.add({kType, uid(1), 10, {}}, one(), kNow);
  reservations.add({kType, uid(1), 10, {}}, one(), kNow + absl::Seconds(9));
  EXPECT_FALSE(reservations.overdue(kType, kNow));
  EXPECT_EQ(reservations.pending(kFirst), (Amounts{kOne}));
}

}  // namespace
}  // namespace headroom::limits
