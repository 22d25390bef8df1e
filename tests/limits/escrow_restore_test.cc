// What a replica makes of a store that went back to a snapshot, and of a record that was deleted.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/limits/counting_replica.h"

namespace headroom::limits {
namespace {

using Kind = Verdict::Kind;

/// From a restore on, until nobody can spend any more by what is lost: Leases, then the request deadline.
constexpr double kWait = kLeaseLife + 64;

class RestoredEscrow : public testing::Test {
 protected:
  LedgerRecord& record() { return shared_.records[kLimit]; }
  /// The record changes, as if another replica had swapped it.
  void renumber() { record().resource_version = std::to_string(++shared_.version); }

  SharedRecords shared_;
};

TEST_F(RestoredEscrow, after_the_store_went_back_nothing_is_admitted_until_what_was_in_flight_has_ended) {
  CountingReplica replica("a", shared_, 10);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  const std::int64_t epoch = record().epoch;
  replica.escrow.went_back(kType, replica.at(1));
  EXPECT_EQ(replica.creates(2, 2), std::nullopt);
  replica.tick(4.5);
  EXPECT_EQ(replica.answer(2), Kind::Unavailable);
  const double end = 1 + kWait;  // others may have noticed by the end of their Leases only
  replica.escrow.lease_held_until(absl::Seconds(end + 20));
  replica.list({}, 50);
  replica.tick(end - 1);
  EXPECT_EQ(record().epoch, epoch);
  replica.tick(end + 1);
  replica.tick(end + 2);
  EXPECT_GT(record().epoch, epoch);
  EXPECT_EQ(replica.creates(3, end + 3), Kind::Allowed);
}

TEST_F(RestoredEscrow, after_the_record_was_deleted_nothing_is_admitted_until_nobody_can_spend_what_it_granted) {
  CountingReplica replica("a", shared_, 10);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  const std::int64_t epoch = record().epoch;
  record() = {};
  replica.escrow.ledger_read(kLimit, LedgerRecord{}, replica.at(1));
  replica.tick(1);
  EXPECT_EQ(replica.creates(2, 2), std::nullopt);
  replica.tick(4.5);
  EXPECT_EQ(replica.answer(2), Kind::Unavailable);
  const double end = 1 + kWait;
  replica.escrow.lease_held_until(absl::Seconds(end + 20));
  replica.list({}, 50);
  replica.tick(end - 1);
  EXPECT_TRUE(record().resource_version.empty()) << "others may still spend what it granted";
  replica.tick(end + 1);
  replica.tick(end + 2);
  EXPECT_GT(record().epoch, epoch);
  replica.creates(3, end + 3);
  replica.tick(end + 4);
  EXPECT_EQ(replica.answer(3), Kind::Allowed);
}

TEST_F(RestoredEscrow, a_new_epoch_leaves_to_a_newcomer_what_it_spends) {
  CountingReplica old("old", shared_, 4);
  ASSERT_EQ(old.creates(1, 0), Kind::Allowed);
  old.escrow.went_back(kType, old.at(1));
  // It has never seen what is lost, and does not wait for its end.
  CountingReplica newcomer("newcomer", shared_, 4);
  newcomer.escrow.lease_held_until(absl::Seconds(kWait + 30));
  ASSERT_EQ(newcomer.creates(11, kWait - 1), Kind::Allowed);
  ASSERT_EQ(newcomer.creates(12, kWait - 1), Kind::Allowed);
  const std::int64_t epoch = record().epoch;
  old.escrow.lease_held_until(absl::Seconds(kWait + 30));
  old.list({}, 50);
  for (const double after : {2, 3, 4}) old.tick(kWait + after);
  ASSERT_GT(record().epoch, epoch);
  int let_through = 0;
  for (int object = 21; object < 25; ++object) {
    old.creates(object, kWait + 5);
    old.tick(kWait + 8);
    if (old.answer(object) == Kind::Allowed) ++let_through;
  }
  EXPECT_EQ(let_through, 2) << "beside the two that are still on their way";
  newcomer.reads(kWait + 9);
  EXPECT_EQ(newcomer.escrow.pending(kLimit), (Amounts{2 * kOne}));
}

TEST_F(RestoredEscrow, a_record_that_was_made_meanwhile_is_no_proof_that_another_has_waited) {
  CountingReplica replica("replica", shared_, 4);
  record().epoch = 1;
  renumber();
  replica.reads(0.5);
  record() = {};  // it was made after the snapshot
  replica.escrow.went_back(kType, replica.at(1));
  replica.reads(2);
  CountingReplica newcomer("newcomer", shared_, 4);
  newcomer.escrow.lease_held_until(absl::Seconds(kWait + 30));
  ASSERT_EQ(newcomer.creates(1, 10), Kind::Allowed);
  const std::int64_t epoch = record().epoch;
  replica.reads(11);
  replica.escrow.lease_held_until(absl::Seconds(kWait + 30));
  replica.newest = 60;
  for (const double after : {2, 3, 4}) replica.tick(kWait + after);
  EXPECT_TRUE(replica.escrow.distrusts(kLimit)) << "what has landed meanwhile may be in no base yet";
  replica.sees_up_to(60, kWait + 5);
  replica.tick(kWait + 6);
  EXPECT_FALSE(replica.escrow.distrusts(kLimit));
  EXPECT_GT(record().epoch, epoch);
  ASSERT_EQ(record().bases.size(), 1U);
  EXPECT_GE(record().bases[0].revision, 60);
}

TEST_F(RestoredEscrow, what_landed_during_the_wait_is_looked_for_whatever_was_known_of_the_record) {
  for (const bool missing : {false, true}) {
    SCOPED_TRACE(missing);
    record() = {};
    CountingReplica replica("replica", shared_, 4);
    if (missing) record() = {};
    // Of each of its types it notices by itself: the second time it knows no record.
    replica.escrow.went_back(kType, replica.at(1));
    replica.escrow.went_back(kType, replica.at(1.1));
    replica.reads(2);
    const std::string version = record().resource_version;
    replica.escrow.lease_held_until(absl::Seconds(kWait + 30));
    replica.newest = 60;
    for (const double after : {2, 3, 4}) replica.tick(kWait + after);
    EXPECT_TRUE(replica.escrow.distrusts(kLimit));
    EXPECT_EQ(record().resource_version, version);
    replica.sees_up_to(60, kWait + 5);
    replica.tick(kWait + 6);
    EXPECT_FALSE(replica.escrow.distrusts(kLimit));
  }
}

TEST_F(RestoredEscrow, what_it_was_granted_before_is_given_back_before_anything_is_spent) {
  CountingReplica first("first", shared_, 10), second("second", shared_, 10);
  ASSERT_EQ(second.creates(1, 0), Kind::Allowed);
  second.sees(1, 51, 0.1);
  record().grants.at(0).granted = {9 * kOne};
  renumber();
  for (CountingReplica* const replica : {&first, &second}) {
    replica->escrow.went_back(kType, replica->at(1));
    replica->list({1}, 52);
    replica->newest = 52;
    replica->reads(2);
    replica->escrow.lease_held_until(absl::Seconds(kWait + 30));
  }
  first.escrow.holder_renewed(second.self, first.at(kWait));
  EXPECT_EQ(second.creates(2, kWait + 0.5), std::nullopt);
  for (const double after : {1.1, 1.2}) first.tick(kWait + after);
  ASSERT_FALSE(first.escrow.distrusts(kLimit));
  ASSERT_EQ(second.granted(), 9) << "who founds the epoch leaves it alone";
  const int swaps = second.swaps;
  second.reads(kWait + 1.5);
  EXPECT_EQ(second.answer(2), Kind::Allowed);
  EXPECT_GT(second.swaps, swaps);
  EXPECT_LT(second.granted(), 9);
}

// A swap that was made before its sender noticed may land on a record that has not changed since the snapshot.
TEST_F(RestoredEscrow, a_base_of_a_revision_that_is_lost_does_not_outlive_the_wait) {
  CountingReplica replica("a", shared_, 4);
  replica.escrow.went_back(kType, replica.at(1));
  ASSERT_EQ(record().bases.size(), 1U);
  record().bases[0].revision = 900;
  renumber();
  replica.reads(2);
  replica.escrow.lease_held_until(absl::Seconds(kWait + 30));
  for (const double after : {2, 3}) replica.tick(kWait + after);
  EXPECT_FALSE(replica.escrow.distrusts(kLimit));
  EXPECT_EQ(record().bases[0].revision, 50);
}

TEST_F(RestoredEscrow, a_base_that_no_cache_will_reach_tells_a_newcomer_of_the_restore) {
  CountingReplica replica("a", shared_, 4);
  record().bases[0].revision = 900;
  renumber();
  replica.reads(1);
  replica.tick(1.5);
  EXPECT_EQ(replica.consistent_reads, 0) << "others' caches may be ahead for a moment";
  replica.newest.reset();
  replica.tick(2.5);
  EXPECT_FALSE(replica.escrow.distrusts(kLimit)) << "it may be this cache that is late";
  replica.escrow.consistent_read(kType, 50, replica.at(3));
  replica.tick(3);
  EXPECT_TRUE(replica.escrow.distrusts(kLimit));
}

TEST_F(RestoredEscrow, a_cache_that_is_late_is_no_restore) {
  CountingReplica replica("a", shared_, 4);
  record().bases[0].revision = 60;
  renumber();
  replica.reads(1);
  replica.newest = 60;
  replica.tick(2.5);
  replica.tick(3);
  EXPECT_FALSE(replica.escrow.distrusts(kLimit));
  replica.sees_up_to(60, 4);
  replica.tick(4);
  EXPECT_FALSE(replica.escrow.distrusts(kLimit));
}

TEST_F(RestoredEscrow, a_limit_that_is_not_listed_yet_is_no_restore) {
  CountingReplica replica("a", shared_, 4);
  constexpr LimitId kNew = 8;
  shared_.records[kNew] = {"200", 1, 1, "selection", {4 * kOne}, {{kType, 55, {}}}, {}, {}};
  replica.usage.define(kNew, 1, true, std::array{kType});
  replica.escrow.set_limit(kNew, {1, "selection", {4 * kOne}, {kType}});
  replica.reads(1);
  replica.newest = 60;
  (void)replica.escrow.secured(kLimit, absl::Seconds(2));  // the type is read for another limit
  replica.tick(2.5);
  replica.sees_up_to(60, 2.6);
  for (const double now : {3, 4, 5}) replica.tick(now);
  EXPECT_FALSE(replica.escrow.distrusts(kNew)) << "another replica has listed it sooner";
  EXPECT_FALSE(replica.escrow.secured(kNew, absl::Seconds(2))) << "whatever is known of its type";
}

TEST_F(RestoredEscrow, of_several_types_a_base_that_is_not_lost_does_not_go_back) {
  constexpr LimitId kTwo = 8;
  constexpr TypeId kLost = 1, kKept = 2;
  InstantReplica replica("a", shared_);
  replica.usage.define(kTwo, 1, true, std::array{kLost, kKept});
  for (const TypeId type : {kLost, kKept}) {
    replica.usage.begin_list(type);
    (void)replica.usage.commit_list(type, 50);
  }
  replica.escrow.set_limit(kTwo, {1, "selection", {4 * kOne}, {kLost, kKept}});
  replica.escrow.lease_held_until(absl::Seconds(kWait + 30));
  replica.tick(0);
  replica.escrow.went_back(kLost, replica.at(1));
  LedgerRecord& two = shared_.records[kTwo];
  const std::int64_t epoch = two.epoch;
  const auto others_move = [&](Revision lost, Revision kept, double now) {
    two.bases = {{kLost, lost, {kOne}}, {kKept, kept, {kOne}}};
    two.resource_version = std::to_string(++shared_.version);
    replica.newest_of_type[kKept] = kept;
    replica.reads(now);
  };
  replica.newest.reset();
  others_move(900, 75, 2);
  replica.sees_up_to(kKept, 75, 2);
  (void)replica.escrow.secured(kTwo, absl::Seconds(kWait + 1.5));  // asks for reads of both types
  replica.tick(kWait + 2);
  ASSERT_TRUE(replica.unanswered_read) << "of the other type";
  others_move(900, 80, kWait + 3);
  replica.escrow.consistent_read(kLost, 50, replica.at(kWait + 3));
  replica.act(kWait + 3);
  replica.tick(kWait + 3);
  EXPECT_TRUE(replica.escrow.distrusts(kTwo)) << "its cache is late";
  replica.sees_up_to(kKept, 80, kWait + 4);
  replica.tick(kWait + 5);
  replica.tick(kWait + 6);
  EXPECT_FALSE(replica.escrow.distrusts(kTwo));
  EXPECT_GT(two.epoch, epoch);
  EXPECT_EQ(two.base(kLost)->revision, 50);
  EXPECT_EQ(two.base(kKept)->revision, 80);
}

TEST_F(RestoredEscrow, a_record_that_is_older_than_what_is_known_is_read_again_after_a_while) {
  CountingReplica replica("a", shared_, 10);
  const LedgerRecord saved = record();
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  ASSERT_NE(record().resource_version, saved.resource_version);
  record() = saved;
  replica.hears = false;
  int object = 2;
  while (replica.creates(object, 1) == Kind::Allowed) ++object;
  ASSERT_EQ(replica.refused_swaps, 1);
  replica.tick(1.2);
  EXPECT_EQ(replica.ledger_reads, 2) << "the first, and one for the refusal";
  replica.tick(1.25);
  EXPECT_EQ(replica.ledger_reads, 2);
  replica.tick(1.4);
  EXPECT_EQ(replica.ledger_reads, 3);
}

TEST_F(RestoredEscrow, bases_that_were_to_be_moved_before_the_restore_are_not_moved_after_it_for_that) {
  CountingReplica replica("a", shared_, 4);
  replica.sees_up_to(900, 0.5);
  replica.newest = 900;
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(0.6)));
  replica.tick(0.6);
  ASSERT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(0.6))) << "the base is not there yet";
  replica.escrow.went_back(kType, replica.at(1));
  replica.usage.lost(kType);
  replica.list({}, 60);
  replica.newest = 60;
  replica.escrow.lease_held_until(absl::Seconds(kWait + 30));
  for (const double after : {2, 3, 4}) replica.tick(kWait + after);
  ASSERT_FALSE(replica.escrow.distrusts(kLimit));
  const int swaps = replica.swaps;
  for (Revision revision = 61; revision < 65; ++revision) {
    replica.sees_up_to(revision, kWait + 5);
    replica.tick(kWait + 5);
  }
  EXPECT_EQ(replica.swaps, swaps);
}

TEST_F(RestoredEscrow, its_own_older_grant_is_no_news_while_it_waits) {
  CountingReplica replica("a", shared_, 10);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  const LedgerRecord saved = record();
  replica.sees(1, 51, 0.1);
  for (int object = 2; object < 12; ++object) replica.creates(object, 0.2);
  ASSERT_GT(record().grant(replica.self)->sequence, saved.grant(replica.self)->sequence);
  record() = saved;
  replica.escrow.went_back(kType, replica.at(1));
  replica.escrow.lease_held_until(absl::Seconds(kWait + 30));
  replica.list({1}, 52);
  replica.newest = 52;
  for (const double now : {10, 20, 70}) {
    renumber();
    replica.reads(now);
  }
  for (const double after : {2, 3, 4}) replica.tick(kWait + after);
  EXPECT_GT(record().epoch, saved.epoch);
  EXPECT_FALSE(replica.escrow.distrusts(kLimit));
}

TEST_F(RestoredEscrow, budget_of_what_landed_at_a_revision_that_is_lost_comes_home) {
  CountingReplica replica("a", shared_, 10);
  ASSERT_EQ(replica.creates(1, 0, "leader"), Kind::Allowed);
  replica.creates(2, 0, "leader");
  replica.tick(2.5);
  ASSERT_EQ(replica.answer(2), Kind::Allowed) << "either may land";
  replica.sees(1, 500, 3);
  replica.escrow.went_back(kType, replica.at(4));
  replica.usage.lost(kType);
  replica.list({}, 60);
  replica.newest = 60;
  replica.escrow.lease_held_until(absl::Seconds(3 * kWait));
  for (int now = 5; now < 3 * static_cast<int>(kWait); ++now) replica.tick(now);
  EXPECT_EQ(replica.escrow.reserved(), 0U);
  EXPECT_TRUE(record().grants.empty());
}

}  // namespace
}  // namespace headroom::limits
