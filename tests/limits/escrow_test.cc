// Rules of the escrow ledger one by one; what they are worth together, the simulation tries.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/limits/counting_replica.h"

namespace headroom::limits {
namespace {

using Kind = Verdict::Kind;

constexpr double kRequestDeadline = 64;

class EscrowTest : public testing::Test {
 protected:
  LedgerRecord& record() { return shared_.records[kLimit]; }

  SharedRecords shared_;
};

TEST_F(EscrowTest, admits_up_to_the_limit_and_then_says_by_how_much_it_is_over) {
  CountingReplica replica("a", shared_, 4);
  for (int i = 1; i <= 4; ++i) {
    ASSERT_EQ(replica.creates(i, 0.1 * i), Kind::Allowed) << i;
    replica.sees(i, 50 + i, 0.1 * i);
  }
  replica.newest = 54;
  EXPECT_EQ(replica.creates(5, 1), Kind::OverLimit);
  const Verdict& verdict = replica.answers.at(5);
  EXPECT_EQ(verdict.used, 4 * kOne);
  EXPECT_EQ(verdict.asked, kOne);
  EXPECT_EQ(verdict.hard, 4 * kOne);
}

TEST_F(EscrowTest, room_that_a_delete_made_is_used_at_once) {
  CountingReplica replica("a", shared_, 1);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.sees(1, 51, 0.1);
  replica.newest = 51;
  ASSERT_EQ(replica.creates(2, 0.2), Kind::OverLimit);
  replica.sees(1, 52, 0.3, true);
  EXPECT_EQ(replica.creates(3, 0.4), Kind::Allowed);
}

TEST_F(EscrowTest, far_from_the_limit_most_writes_need_no_swap) {
  CountingReplica replica("a", shared_, 10'000);
  for (int i = 1; i <= 1000; ++i) ASSERT_EQ(replica.creates(i, 0.001 * i), Kind::Allowed);
  EXPECT_LE(replica.swaps, 5);
  EXPECT_EQ(replica.consistent_reads, 0);
}

TEST_F(EscrowTest, nothing_is_refused_as_over_the_limit_before_the_cache_is_known_to_be_up_to_date) {
  CountingReplica replica("a", shared_, 1);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.sees(1, 51, 0.1);
  replica.newest = 60;  // something has happened that this replica has not seen: the object may be gone
  EXPECT_EQ(replica.creates(2, 0.2), std::nullopt);
  replica.sees(1, 60, 0.3, true);
  EXPECT_EQ(replica.answer(2), Kind::Allowed);
}

TEST_F(EscrowTest, what_is_in_flight_is_no_reason_for_a_final_refusal) {
  CountingReplica replica("a", shared_, 1);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  EXPECT_EQ(replica.creates(2, 0.1), std::nullopt);
  replica.tick(3);
  EXPECT_EQ(replica.answer(2), Kind::InFlight) << "the first has not landed, so the second would fit what is stored";
}

TEST_F(EscrowTest, repeated_calls_for_one_write_are_charged_once_at_their_largest) {
  CountingReplica replica("a", shared_, 10);
  replica.sees(1, 51, 0);
  EXPECT_EQ(replica.updates(1, 51, 3, 0.1, 100), Kind::Allowed);
  EXPECT_EQ(replica.updates(1, 51, 5, 0.1, 101), Kind::Allowed);
  EXPECT_EQ(replica.updates(1, 51, 2, 0.1, 102), Kind::Allowed);
  EXPECT_EQ(replica.escrow.pending(kLimit)[0], 5 * kOne);
  replica.sees(1, 52, 0.2);
  EXPECT_EQ(replica.escrow.pending(kLimit)[0], 0) << "the object has moved on: all three are decided";
}

TEST_F(EscrowTest, an_update_of_a_version_that_is_gone_is_let_through_and_charges_nothing) {
  CountingReplica replica("a", shared_, 1);
  replica.sees(1, 60, 0);
  EXPECT_EQ(replica.updates(1, 55, 1, 0.1, 100), Kind::Allowed) << "the API server will say that there is a conflict";
  EXPECT_EQ(replica.escrow.reserved(), 0U);
}

TEST_F(EscrowTest, creates_of_one_name_hold_room_for_one) {
  CountingReplica replica("a", shared_, 10);
  EXPECT_EQ(replica.creates(1, 0, "leader"), Kind::Allowed);
  EXPECT_EQ(replica.creates(2, 0.1, "leader"), std::nullopt) << "it waits to see what becomes of the first";
  replica.usage.applied(kType, {CountingReplica::uid(1), name_id("ns", "leader"), 51},
                        std::vector<Membership>{{kLimit, true, {kOne}}});
  replica.escrow.seen(kType, CountingReplica::uid(1), 51, false);
  replica.escrow.cache_moved(kType, replica.at(0.2));
  replica.act(0.2);
  EXPECT_EQ(replica.answer(2), Kind::NameTaken);
  EXPECT_EQ(replica.escrow.reserved(), 0U);
}

TEST_F(EscrowTest, a_write_that_never_lands_holds_its_room_until_its_deadline_and_a_later_consistent_read) {
  CountingReplica replica("a", shared_, 1);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  const auto renew = [&](double now) { replica.escrow.lease_held_until(absl::Seconds(now + kLeaseLife)); };
  renew(kRequestDeadline);
  replica.newest = 51;
  replica.tick(kRequestDeadline - 1);
  replica.sees_up_to(51, kRequestDeadline - 1);
  EXPECT_EQ(replica.escrow.reserved(), 1U) << "it may still land";
  replica.newest.reset();
  replica.tick(kRequestDeadline + 2);
  replica.tick(kRequestDeadline + 4);
  EXPECT_EQ(replica.escrow.reserved(), 1U) << "it may have landed without this replica's knowing";
  ASSERT_TRUE(replica.unanswered_read);
  replica.escrow.consistent_read(kType, 52, replica.at(kRequestDeadline + 5));
  replica.tick(kRequestDeadline + 6);
  EXPECT_EQ(replica.escrow.reserved(), 1U) << "the cache is not there yet";
  replica.sees_up_to(52, kRequestDeadline + 7);
  replica.tick(kRequestDeadline + 8);
  EXPECT_EQ(replica.escrow.reserved(), 0U);
}

TEST_F(EscrowTest, nothing_is_admitted_when_the_lease_has_lapsed) {
  CountingReplica replica("a", shared_, 10);
  ASSERT_EQ(replica.creates(1, kLeaseLife - 1), Kind::Allowed);
  EXPECT_EQ(replica.creates(2, kLeaseLife), std::nullopt) << "it waits for the Lease";
  replica.tick(kLeaseLife + 3);
  EXPECT_EQ(replica.answer(2), Kind::Unavailable);
}

TEST_F(EscrowTest, grants_of_a_dead_replica_come_back_after_its_lease_its_requests_and_a_consistent_read) {
  CountingReplica dead("a", shared_, 2);
  CountingReplica other("b", shared_, 2);
  other.escrow.holder_renewed(dead.self, other.at(0));
  ASSERT_EQ(dead.creates(1, 0), Kind::Allowed);
  ASSERT_EQ(dead.creates(2, 0), Kind::Allowed);
  ASSERT_EQ(dead.granted(), 2);
  const auto live = [&](double now) {
    other.escrow.lease_held_until(absl::Seconds(now + kLeaseLife));
    other.escrow.ledger_read(kLimit, record(), other.at(now));
    other.tick(now);
  };
  other.newest.reset();
  live(kLeaseLife + kRequestDeadline - 1);
  EXPECT_EQ(dead.granted(), 2) << "its writes may still land";
  live(kLeaseLife + kRequestDeadline + 1);
  live(kLeaseLife + kRequestDeadline + 1.5);
  EXPECT_EQ(dead.granted(), 2) << "they may have landed";
  ASSERT_TRUE(other.unanswered_read);
  other.sees(1, 61, kLeaseLife + kRequestDeadline + 2);
  other.escrow.consistent_read(kType, 61, other.at(kLeaseLife + kRequestDeadline + 3));
  other.newest = 61;
  live(kLeaseLife + kRequestDeadline + 4);
  EXPECT_EQ(dead.granted(), 0);
  EXPECT_EQ(other.creates(3, kLeaseLife + kRequestDeadline + 5), Kind::Allowed) << "one of the two has landed";
  EXPECT_EQ(other.creates(4, kLeaseLife + kRequestDeadline + 5.1), std::nullopt);
}

TEST_F(EscrowTest, a_replica_that_was_only_not_heard_of_keeps_its_grants) {
  CountingReplica alive("a", shared_, 2);
  CountingReplica other("b", shared_, 2);
  other.escrow.holder_renewed(alive.self, other.at(0));
  ASSERT_EQ(alive.creates(1, 0), Kind::Allowed);
  const double late = kLeaseLife + kRequestDeadline + 1;
  other.newest = 61;
  other.sees_up_to(61, late);
  other.escrow.lease_held_until(absl::Seconds(late + kLeaseLife));
  other.escrow.ledger_read(kLimit, record(), other.at(late));
  other.renewed = true;  // says its Lease; the watch of Leases has stalled
  other.tick(late);
  other.tick(late + 1);
  EXPECT_GT(alive.granted(), 0);
  other.renewed.reset();  // the Lease cannot be read
  const double later = 3 * late;
  other.tick(later);
  other.tick(later + 1);
  EXPECT_GT(alive.granted(), 0);
}

TEST_F(EscrowTest, a_replica_that_stood_still_until_it_was_taken_for_dead_voids_nothing_of_the_others) {
  CountingReplica still("a", shared_, 10);
  CountingReplica other("b", shared_, 10);
  other.escrow.holder_renewed(still.self, other.at(0));
  ASSERT_EQ(still.creates(1, 0), Kind::Allowed);
  const double late = kLeaseLife + kRequestDeadline + 1;
  other.newest = 61;
  other.sees_up_to(61, late);
  other.escrow.lease_held_until(absl::Seconds(1000));
  other.reads(late);
  other.tick(late);
  other.tick(late + 1);
  ASSERT_EQ(still.granted(), 0);
  ASSERT_EQ(other.creates(2, late + 1), Kind::Allowed);
  const std::int64_t epoch = record().epoch;

  still.newest = 61;
  still.reads(late + 2);
  still.escrow.begin_anew({"a", 2}, still.at(late + 2));
  still.escrow.lease_held_until(absl::Seconds(1000));
  still.sees_up_to(61, late + 2);
  still.creates(3, late + 3);
  still.tick(late + 3);
  EXPECT_EQ(still.answer(3), Kind::Allowed) << "its new life owes nothing";
  const double end = late + 2 + kLeaseLife + kRequestDeadline;
  for (double now = end - 1; now < end + 5; ++now) still.tick(now);
  EXPECT_EQ(record().epoch, epoch);
}

TEST_F(EscrowTest, a_swap_whose_answer_was_lost_is_found_to_have_landed) {
  CountingReplica replica("a", shared_, 10);
  replica.loses_answers = true;
  EXPECT_EQ(replica.creates(1, 0), Kind::Allowed);
  EXPECT_GT(replica.granted(), 0);
}

TEST_F(EscrowTest, what_another_replica_does_not_need_is_given_up_to_a_recall) {
  CountingReplica rich("a", shared_, 8);
  CountingReplica poor("b", shared_, 8);
  ASSERT_EQ(rich.creates(1, 0), Kind::Allowed);
  const Amount held = rich.granted();
  ASSERT_GT(held, 1);
  int asked = 0;
  while (asked < 8 && poor.creates(100 + asked, 0.1) == Kind::Allowed) ++asked;
  ASSERT_LT(asked, 8);
  EXPECT_EQ(asked, 8 - held);
  rich.escrow.ledger_read(kLimit, record(), rich.at(0.2));
  rich.tick(0.2);
  EXPECT_EQ(rich.granted(), 1) << "what is in flight stays";
  poor.escrow.ledger_read(kLimit, record(), poor.at(0.3));
  poor.act(0.3);
  EXPECT_EQ(poor.answer(100 + asked), Kind::Allowed);
}

TEST_F(EscrowTest, an_idle_limit_holds_no_grant_and_causes_no_traffic) {
  CountingReplica replica("a", shared_, 10);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.sees(1, 51, 0.1);
  replica.tick(6);
  EXPECT_TRUE(record().grants.empty());
  const int swaps = replica.swaps;
  const int reads = replica.consistent_reads;
  for (int i = 7; i < 100; ++i) replica.tick(i);
  EXPECT_EQ(replica.swaps, swaps);
  EXPECT_EQ(replica.consistent_reads, reads);
}

TEST_F(EscrowTest, a_type_is_listed_for_those_who_wait_and_not_for_ever) {
  CountingReplica replica("a", shared_, 1);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.newest = 60;  // of a type that stays quiet: its watch does not get there
  ASSERT_EQ(replica.creates(2, 0.1), std::nullopt);
  for (double now = 0.2; now < 5; now += 0.1) replica.tick(now);
  ASSERT_TRUE(replica.answer(2).has_value());
  ASSERT_GT(replica.lists, 0);
  replica.list({1}, 60);
  replica.escrow.cache_moved(kType, replica.at(5));
  const int lists = replica.lists;
  for (double now = 5; now < 10; now += 0.1) replica.tick(now);
  EXPECT_EQ(replica.lists, lists);
}

TEST_F(EscrowTest, the_base_of_an_idle_limit_is_moved_when_it_is_to_count_all_that_was_stored_at_a_moment) {
  CountingReplica replica("a", shared_, 10);
  ASSERT_EQ(record().bases.at(0).revision, 50);
  replica.sees(1, 51, 1);  // let through before anything was judged
  replica.newest = 52;
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(2))) << "the cache may lack what is stored";
  replica.tick(2);
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(2))) << "the cache has not reached the read";
  EXPECT_EQ(record().bases.at(0).revision, 50);
  replica.sees_up_to(52, 2.1);
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(2))) << "the base has not moved yet";
  replica.tick(2.2);
  EXPECT_TRUE(replica.escrow.secured(kLimit, absl::Seconds(2)));
  EXPECT_EQ(record().bases.at(0).revision, 52);
  EXPECT_EQ(record().bases.at(0).used, Amounts{kOne});
  const int swaps = replica.swaps;
  for (int i = 3; i < 20; ++i) {
    replica.tick(i);
    EXPECT_TRUE(replica.escrow.secured(kLimit, absl::Seconds(2)));
  }
  EXPECT_EQ(replica.swaps, swaps) << "once is enough";
}

TEST_F(EscrowTest, what_is_granted_beyond_what_was_stored_unseen_is_given_back_before_the_limit_counts_as_exact) {
  CountingReplica replica("a", shared_, 4), other("b", shared_, 4);
  ASSERT_EQ(other.creates(2, 0), Kind::Allowed);
  replica.reads(0);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  ASSERT_GE(replica.granted(), 1);
  for (int object = 11; object <= 13; ++object) replica.sees(object, 40 + object, 0.1);  // nobody judged these
  replica.newest = 53;
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(0.2)));
  replica.tick(0.2);
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(0.2)));
  replica.tick(0.3);
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(0.2))) << "three are stored, and two may still come";
  other.reads(0.4);
  other.tick(6);  // idle: what is unspent goes back
  replica.reads(6);
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(0.2))) << "a write of each is in flight";
}

TEST_F(EscrowTest, who_holds_a_limit_alone_spends_by_its_cache_where_more_is_granted_than_is_left) {
  CountingReplica replica("a", shared_, 4);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  ASSERT_GE(replica.granted(), 2);
  for (int object = 11; object <= 13; ++object) replica.sees(object, 40 + object, 0.1);  // nobody judged these
  replica.newest = 53;
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(0.2)));
  replica.tick(0.2);
  EXPECT_FALSE(replica.escrow.secured(kLimit, absl::Seconds(0.2))) << "the base does not count them yet";
  replica.tick(0.3);
  EXPECT_TRUE(replica.escrow.secured(kLimit, absl::Seconds(0.2)));
  EXPECT_EQ(replica.creates(2, 0.4), std::nullopt) << "three are stored, and one is in flight";
  replica.sees(11, 54, 0.5, true);
  EXPECT_EQ(replica.answer(2), Kind::Allowed);
}

TEST_F(EscrowTest, alone_at_the_end_of_a_limit_deletes_make_room_without_a_swap_for_each) {
  constexpr int kHard = 40;
  CountingReplica replica("a", shared_, kHard);
  Revision revision = 50;
  double now = 0;
  for (int object = 1; object <= kHard; ++object) {
    ASSERT_EQ(replica.creates(object, now += 0.01), Kind::Allowed) << object;
    replica.sees(object, ++revision, now += 0.01);
  }
  const int swaps = replica.swaps;
  replica.newest.reset();  // or what is full is refused at once
  for (int object = kHard + 1; object <= 2 * kHard; ++object) {
    ASSERT_EQ(replica.creates(object, now += 0.01), std::nullopt) << "it is full";
    replica.sees(object - kHard, ++revision, now += 0.01, true);
    ASSERT_EQ(replica.answer(object), Kind::Allowed) << object;
    ASSERT_EQ(replica.creates(1000 + object, now += 0.01), std::nullopt) << "one delete makes room for one";
    replica.escrow.cancel(static_cast<RequestId>(1000 + object));
    replica.sees(object, ++revision, now += 0.01);
  }
  EXPECT_LE(replica.swaps - swaps, 6) << "of " << kHard << " deletes";
}

TEST_F(EscrowTest, an_advance_goes_to_another_who_asks) {
  constexpr int kHard = 40;
  CountingReplica first("a", shared_, kHard), second("b", shared_, kHard);
  Revision revision = 50;
  const auto both_see = [&](int object, double now, bool deleted) {
    ++revision;
    for (CountingReplica* const one : {&first, &second}) one->sees(object, revision, now, deleted);
  };
  for (int object = 1; object <= kHard; ++object) {
    ASSERT_EQ(first.creates(object, 0.1), Kind::Allowed) << object;
    both_see(object, 0.1, false);
  }
  first.newest.reset();
  ASSERT_EQ(first.creates(100, 0.2), std::nullopt);
  both_see(1, 0.3, true);
  ASSERT_EQ(first.answer(100), Kind::Allowed);
  both_see(100, 0.3, false);
  ASSERT_LT(shared_.records[kLimit].left()[0], 0) << "it holds an advance";

  second.newest = first.newest = revision + 1;
  both_see(2, 0.4, true);
  second.reads(0.5);
  for (CountingReplica* const one : {&first, &second})
    one->escrow.holder_renewed(one == &first ? second.self : first.self, one->at(0.5));
  ASSERT_EQ(second.creates(101, 0.5), std::nullopt) << "all that is left is the first one's";
  first.reads(0.6);
  first.act(0.6);
  EXPECT_EQ(first.granted(), 0) << "it was asked for it";
  second.reads(0.7);
  second.act(0.7);
  EXPECT_EQ(second.answer(101), Kind::Allowed);
  EXPECT_EQ(first.creates(102, 0.8), std::nullopt) << "it is full";
}

TEST_F(EscrowTest, a_lowered_limit_is_not_exceeded_by_what_was_granted_under_the_former) {
  CountingReplica replica("a", shared_, 10);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  ASSERT_GT(replica.granted(), 2);
  replica.sees(1, 51, 0.1);
  replica.escrow.set_limit(kLimit, {2, "selection", {1 * kOne}, {kType}});
  replica.newest = 51;
  replica.tick(0.2);
  EXPECT_EQ(replica.creates(2, 0.3), Kind::OverLimit);
}

TEST_F(EscrowTest, what_was_granted_under_a_former_bound_is_not_spent_once_another_replica_has_lowered_it) {
  CountingReplica unaware("a", shared_, 10);
  CountingReplica aware("b", shared_, 10);
  ASSERT_EQ(unaware.creates(1, 0), Kind::Allowed);
  ASSERT_GT(unaware.granted(), 2);
  aware.escrow.set_limit(kLimit, {2, "selection", {1 * kOne}, {kType}});
  aware.escrow.ledger_read(kLimit, record(), aware.at(0.1));
  aware.tick(0.1);
  ASSERT_EQ(record().generation, 2);
  unaware.escrow.ledger_read(kLimit, record(), unaware.at(0.2));
  EXPECT_EQ(unaware.creates(2, 0.3), std::nullopt) << "it waits to hear of the new bound itself";
}

TEST_F(EscrowTest, a_reading_from_before_the_record_was_made_does_not_say_that_it_was_deleted) {
  CountingReplica replica("a", shared_, 10);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.escrow.ledger_read(kLimit, LedgerRecord{}, replica.at(1));
  replica.tick(1);
  EXPECT_EQ(replica.creates(2, 2), Kind::Allowed);
}

TEST(EscrowReads, are_asked_for_once_however_long_the_answer_takes_and_again_only_after_a_failure) {
  UsageCache usage;
  Escrow escrow({"self", 1}, {}, usage);
  escrow.set_limit(kLimit, {1, "selection", {kOne}, {kType}});
  const auto asked_at = [&](double seconds) {
    escrow.tick({absl::Seconds(seconds), absl::UnixEpoch()});
    return std::ranges::count_if(escrow.take_actions(),
                                 [](const Action& action) { return std::holds_alternative<ReadLedger>(action); });
  };
  EXPECT_EQ(asked_at(0), 1);
  for (int second = 1; second < 100; ++second) EXPECT_EQ(asked_at(second), 0) << second;
  escrow.ledger_read(kLimit, std::nullopt, {absl::Seconds(100), absl::UnixEpoch()});
  EXPECT_EQ(asked_at(100.9), 0);
  EXPECT_EQ(asked_at(101), 1);
  EXPECT_EQ(asked_at(110), 0);
}

TEST(EscrowReads, are_not_needed_by_another_life_of_what_the_former_one_knew) {
  UsageCache usage;
  Escrow escrow({"self", 1}, {}, usage);
  const Moment now{absl::Seconds(1), absl::UnixEpoch()};
  escrow.set_limit(kLimit, {1, "selection", {kOne}, {kType}});
  escrow.tick(now);
  (void)escrow.take_actions();
  LedgerRecord record;
  record.resource_version = "5";
  record.selection = "selection";
  record.generation = record.epoch = 1;
  record.hard = {kOne};
  escrow.ledger_read(kLimit, record, now);
  escrow.begin_anew({"self", 2}, now);
  ASSERT_NE(escrow.account(kLimit)->record(), nullptr);
  EXPECT_EQ(escrow.account(kLimit)->record()->resource_version, "5");
  escrow.tick(now);
  for (const Action& action : escrow.take_actions()) EXPECT_FALSE(std::holds_alternative<ReadLedger>(action));
}

TEST_F(EscrowTest, a_dry_run_is_judged_by_what_is_stored_and_charges_nothing) {
  CountingReplica replica("a", shared_, 1);
  EXPECT_EQ(replica.escrow.judge({{kLimit, {kOne}}}).kind, Kind::Allowed);
  EXPECT_EQ(replica.escrow.judge({{kLimit, {2 * kOne}}}).kind, Kind::OverLimit);
  EXPECT_EQ(replica.escrow.reserved(), 0U);
}

TEST_F(EscrowTest, a_full_queue_sends_clients_away_to_try_again) {
  UsageCache usage;
  usage.define(kLimit, 1, true, std::array{kType});
  usage.begin_list(kType);
  usage.listed(kType, {{1, 50}, {1, 50}, 50}, std::vector<Membership>{{kLimit, true, {kOne}}});
  (void)usage.commit_list(kType, 50);
  EscrowOptions options;
  options.most_waiting = 2;
  Escrow escrow({"a", 1}, options, usage);
  escrow.set_limit(kLimit, {1, "selection", {kOne}, {kType}});
  escrow.lease_held_until(absl::Seconds(100));
  const auto ask = [&](RequestId id, double now) {
    const Write write{kType, {1, id}, 0, {1, id}};
    const auto verdict = escrow.ask(id, write, {{kLimit, {kOne}}}, InstantReplica::at(now));
    return verdict ? std::optional(verdict->kind) : std::nullopt;
  };
  EXPECT_EQ(ask(1, 1), std::nullopt);
  EXPECT_EQ(ask(2, 1), std::nullopt);
  EXPECT_EQ(ask(3, 1), Kind::Unavailable) << "no record is known";

  escrow.ledger_read(kLimit, LedgerRecord{"100", 1, 1, "selection", {kOne}, {{kType, 50, {kOne}}}, {}, {}},
                     InstantReplica::at(1));
  escrow.consistent_read(kType, 50, InstantReplica::at(1.1));
  ASSERT_EQ(escrow.waiting(), 0U);
  EXPECT_EQ(ask(4, 2), std::nullopt);
  EXPECT_EQ(ask(5, 2), std::nullopt);
  EXPECT_EQ(ask(6, 2), Kind::InFlight) << "that the limit is full is not known of this moment";
}

TEST_F(EscrowTest, of_what_a_limit_has_too_much_a_write_that_needs_none_is_let_through) {
  constexpr LimitId kTwo = 8;
  InstantReplica replica("a", shared_);
  replica.usage.define(kTwo, 2, true, std::array{kType});
  replica.usage.begin_list(kType);
  replica.usage.listed(kType, {{1, 50}, {1, 50}, 50}, std::vector<Membership>{{kTwo, true, {kOne, 80 * kOne}}});
  (void)replica.usage.commit_list(kType, 50);
  replica.escrow.set_limit(kTwo, {1, "selection", {10 * kOne, 50 * kOne}, {kType}});
  replica.escrow.lease_held_until(absl::Seconds(100));
  replica.tick(0);
  const auto ask = [&](int object, Amount bytes) {
    const Write write{kType, InstantReplica::uid(object), 0, InstantReplica::uid(object)};
    return replica.ask(object, write, {{kTwo, {kOne, bytes * kOne}}}, 1);
  };
  EXPECT_EQ(ask(101, 0), Kind::Allowed);
  EXPECT_EQ(ask(102, 1), Kind::OverLimit);
  EXPECT_EQ(replica.answers.at(102).dimension, 1U);
  EXPECT_EQ(replica.escrow.judge({{kTwo, {kOne, 0}}}).kind, Kind::Allowed) << "nor is a dry run refused";
}

// A list may tell of an object that the cache does not take over yet, and a watch that is about to be replaced, too.
TEST_F(EscrowTest, an_advance_is_not_spent_on_what_has_landed_beyond_the_cache) {
  constexpr int kHard = 16;
  CountingReplica replica("a", shared_, kHard);
  std::vector<int> stored;
  for (int object = 1; object < kHard; ++object) stored.push_back(object);
  replica.list(stored, 51);
  replica.newest = 51;
  ASSERT_EQ(replica.creates(101, 1), Kind::Allowed);
  ASSERT_GT(replica.granted(), 1) << "it has taken ahead of deletes";
  replica.escrow.seen(kType, InstantReplica::uid(101), 60, false);
  EXPECT_EQ(replica.creates(102, 1.1), std::nullopt);
  replica.sees(101, 60, 1.2);
  EXPECT_EQ(replica.answer(102), Kind::OverLimit);
}

TEST_F(EscrowTest, a_write_that_waits_for_a_limit_that_is_replaced_is_not_let_through_unasked) {
  CountingReplica replica("a", shared_, 1);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.newest.reset();
  ASSERT_EQ(replica.creates(2, 1), std::nullopt);
  replica.escrow.drop_limit(kLimit);
  replica.escrow.set_limit(kLimit + 1, {2, "another", {kOne}, {kType}});
  replica.tick(1.1);
  EXPECT_EQ(replica.answer(2), Kind::Unavailable);
}

TEST_F(EscrowTest, a_recall_of_its_former_life_is_that_of_another) {
  CountingReplica replica("a", shared_, 4);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.sees(1, 51, 0.1);
  replica.newest = 51;
  replica.tick(6);  // idle: what is unspent goes back
  record().recalls = {{1'000'006'000'000, replica.self, 1}};
  record().resource_version = std::to_string(++shared_.version);
  replica.reads(6);
  replica.escrow.begin_anew({"a", 2}, InstantReplica::at(20));
  replica.escrow.lease_held_until(absl::Seconds(35));
  EXPECT_EQ(replica.creates(2, 20.1), Kind::Allowed) << "that of one who is dead";
  EXPECT_TRUE(record().recalls.empty());
}

}  // namespace
}  // namespace headroom::limits
