// Several replicas that want more of a limit than there is.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/limits/counting_replica.h"

namespace headroom::limits {
namespace {

using Kind = Verdict::Kind;

constexpr double kTurn = 0.25;

/// Replicas that know of each other, and of each change at once, unless told otherwise.
class EscrowTurnsTest : public testing::Test {
 protected:
  void start(int replicas, int hard) {
    for (int i = 0; i < replicas; ++i) {
      replicas_.push_back(std::make_unique<CountingReplica>(std::string(1, static_cast<char>('a' + i)), shared_, hard));
      replicas_.back()->newest = 50;
    }
    meet(0);
  }
  void meet(double now) {
    for (const auto& one : replicas_) {
      for (const auto& other : replicas_) {
        if (one != other) one->escrow.holder_renewed(other->self, one->at(now));
      }
    }
  }
  CountingReplica& replica(std::size_t number) { return *replicas_.at(number); }
  const LedgerRecord& record() { return shared_.records[kLimit]; }

  void change(int object, double now, bool deleted) {
    ++revision_;
    for (const auto& one : replicas_) one->newest = revision_;
    for (const auto& one : replicas_) one->sees(object, revision_, now, deleted);
    hear(now);
  }
  /// All hear of the record until nobody has anything to say to it.
  void hear(double now) {
    std::string version;
    while (version != record().resource_version) {
      version = record().resource_version;
      for (const auto& one : replicas_) one->reads(now);
    }
  }
  void tick(double now) {
    for (const auto& one : replicas_) one->tick(now);
    hear(now);
  }
  /// With as many objects as there may be; the first replica has made them.
  void start_full(int replicas, int hard) {
    start(replicas, hard);
    for (int object = 1; object <= hard; ++object) {
      ASSERT_EQ(replica(0).creates(object, 0), Kind::Allowed) << object;
      change(object, 0, false);
    }
    tick(6);
    meet(6);
    ASSERT_TRUE(record().grants.empty()) << "what idles is back";
  }
  int swaps() const {
    int sum = 0;
    for (const auto& one : replicas_) sum += one->swaps;
    return sum;
  }

  SharedRecords shared_;
  std::vector<std::unique_ptr<CountingReplica>> replicas_;
  Revision revision_ = 50;
};

TEST_F(EscrowTurnsTest, replicas_that_want_what_deletes_free_take_many_at_a_time) {
  constexpr int kHard = 80, kReplicas = 3;
  start_full(kReplicas, kHard);
  const int before = swaps();
  // A delete each 5 ms, which makes room for a create at one replica or another; each has some that wait.
  double now = 6;
  int asked = 1000, answered = 0;
  std::vector<int> waiting;
  for (int deleted = 1; deleted <= kHard; ++deleted) {
    change(deleted, now += 0.0025, true);
    for (std::size_t i = 0; i < kReplicas; ++i) {
      const int object = ++asked;
      if (replica(i).creates(object, now) == std::nullopt) waiting.push_back(object);
    }
    tick(now += 0.0025);
    std::erase_if(waiting, [&](int object) {
      for (const auto& one : replicas_) {
        if (one->answer(object) != Kind::Allowed) continue;
        ++answered;
        change(object, now, false);
        return true;
      }
      return false;
    });
  }
  EXPECT_GT(answered, kHard / 2);
  EXPECT_LT(2 * (swaps() - before), answered) << "more than one swap for every two writes";
}

TEST_F(EscrowTurnsTest, room_for_a_part_of_what_waits_is_taken_in_turn) {
  start_full(2, 10);
  CountingReplica& first = replica(0);
  first.newest.reset();
  ASSERT_EQ(first.creates(101, 6.1), std::nullopt);
  ASSERT_EQ(first.creates(102, 6.1), std::nullopt);
  ASSERT_TRUE(record().recalls.empty());
  change(1, 6.2, true);
  EXPECT_EQ(first.answer(101), Kind::Allowed);
  ASSERT_EQ(record().recalls.size(), 1U) << "the other takes no crumbs while this one waits";
  EXPECT_EQ(record().recalls[0].holder, first.self);
}

TEST_F(EscrowTurnsTest, a_write_under_two_limits_has_one_place_in_both_lines) {
  constexpr LimitId kSecond = 8;
  InstantReplica first("first", shared_);
  const Holder other{"other", 1};
  for (const LimitId limit : {kLimit, kSecond}) {
    first.usage.define(limit, 1, true, std::array{kType});
    shared_.records[limit] = {"100", 1, 1, "selection", {4 * kOne}, {{kType, 50, {}}}, {{other, {4 * kOne}, 1, 1}}, {}};
  }
  first.usage.begin_list(kType);
  (void)first.usage.commit_list(kType, 50);
  for (const LimitId limit : {kLimit, kSecond}) first.escrow.set_limit(limit, {1, "selection", {4 * kOne}, {kType}});
  first.escrow.lease_held_until(absl::Seconds(15));
  first.escrow.holder_renewed(other, first.at(0));
  first.tick(0);
  const Charges charges{{kLimit, {kOne}}, {kSecond, {kOne}}};
  ASSERT_EQ(first.ask(1, {kType, first.uid(1), 0, first.uid(1)}, charges, 1), std::nullopt);
  ASSERT_EQ(shared_.records[kLimit].recalls.size(), 1U);
  EXPECT_EQ(shared_.records[kLimit].recalls, shared_.records[kSecond].recalls);
  EXPECT_EQ(first.swaps, 2);
}

TEST_F(EscrowTurnsTest, who_was_refused_a_swap_hears_why_from_its_watch_and_reads_only_where_that_is_silent) {
  start(2, 10);
  CountingReplica &first = replica(0), &second = replica(1);
  ASSERT_EQ(first.creates(1, 0.1), Kind::Allowed);
  second.hears = false;
  const int reads = second.ledger_reads;
  ASSERT_EQ(second.creates(2, 0.1), std::nullopt);
  ASSERT_EQ(second.refused_swaps, 1);
  EXPECT_EQ(second.ledger_reads, reads) << "the watch is about to tell";
  second.reads(0.11);
  EXPECT_EQ(second.answer(2), Kind::Allowed);
  EXPECT_EQ(second.ledger_reads, reads);

  ASSERT_EQ(first.creates(3, 0.2), Kind::Allowed);
  for (int object = 4; object <= 6; ++object) ASSERT_EQ(first.creates(object, 0.3), Kind::Allowed);
  int object = 10;
  while (second.creates(object, 0.4) == Kind::Allowed) ++object;
  ASSERT_EQ(second.refused_swaps, 2);
  second.tick(0.45);
  EXPECT_EQ(second.ledger_reads, reads) << "it may still tell";
  second.tick(0.55);
  EXPECT_EQ(second.ledger_reads, reads + 1);
}

TEST_F(EscrowTurnsTest, a_turn_ends_after_a_while_when_another_waits_and_not_before) {
  constexpr int kHard = 40;
  start_full(2, kHard);
  CountingReplica &first = replica(0), &second = replica(1);
  for (int object = 1; object <= 4; ++object) change(object, 6, true);
  for (int object = 101; object <= 106; ++object) first.creates(object, 6);
  hear(6);
  EXPECT_EQ(first.answer(104), Kind::Allowed);
  ASSERT_EQ(first.answer(105), std::nullopt) << "those before it have not landed";
  ASSERT_EQ(record().recalls.size(), 1U);
  ASSERT_LT(record().left()[0], 0) << "it has taken ahead";

  ASSERT_EQ(second.creates(201, 6.1), std::nullopt);
  tick(6.16);
  ASSERT_EQ(record().recalls.size(), 2U) << "the second stands in line";
  const int swaps = this->swaps();
  for (int object = 107; object <= 109; ++object) first.creates(object, 6.17);
  change(5, 6.2, true);
  change(6, 6.2, true);
  EXPECT_EQ(first.answer(106), Kind::Allowed) << "of what it has taken ahead";
  ASSERT_EQ(first.answer(107), std::nullopt);
  tick(6 + kTurn - 0.01);
  EXPECT_EQ(record().oldest_recall()->holder, first.self);
  EXPECT_EQ(this->swaps(), swaps);

  tick(6 + kTurn + 0.06);
  ASSERT_EQ(record().recalls.size(), 2U);
  EXPECT_EQ(record().oldest_recall()->holder, second.self);
  EXPECT_EQ(first.granted(), 6) << "what is in flight";
  change(7, 6.4, true);
  EXPECT_EQ(second.answer(201), Kind::Allowed);
}

TEST_F(EscrowTurnsTest, whoever_comes_stands_behind_those_who_stand_in_line_whatever_its_clock_says) {
  constexpr int kHard = 40;
  start_full(2, kHard);
  CountingReplica &first = replica(0), &second = replica(1);
  change(1, 6, true);
  second.hears = false;
  // Both want to stand in line; the first is there when the swap of the second, whose recall is older, comes.
  for (int object = 101; object <= 103; ++object) first.creates(object, 6.02);
  ASSERT_EQ(record().recalls.size(), 1U);
  for (int object = 201; object <= 203; ++object) second.creates(object, 6.01);
  ASSERT_GT(second.refused_swaps, 0);
  second.hears = true;
  hear(6.1);
  tick(6.1);
  ASSERT_EQ(record().recalls.size(), 2U);
  EXPECT_EQ(record().oldest_recall()->holder, first.self);
}

TEST_F(EscrowTurnsTest, a_place_in_line_that_nobody_needs_any_more_costs_nothing_until_it_is_its_turn) {
  constexpr int kHard = 40;
  start_full(2, kHard);
  CountingReplica &first = replica(0), &second = replica(1);
  change(1, 6, true);
  for (int object = 101; object <= 103; ++object) first.creates(object, 6);
  hear(6);
  ASSERT_EQ(second.creates(201, 6.01), std::nullopt);
  tick(6.07);
  ASSERT_EQ(record().recalls.size(), 2U);
  const int swaps = second.swaps;
  second.escrow.cancel(201);
  tick(6.08);
  EXPECT_EQ(second.swaps, swaps);
  for (int object = 101; object <= 103; ++object) first.escrow.cancel(static_cast<RequestId>(object));
  tick(6.09);
  EXPECT_LE(record().recalls.size(), 1U) << "at most that of the last to leave";
  EXPECT_LE(second.swaps, swaps + 1);
  const int all = this->swaps();
  for (int step = 1; step < 10; ++step) tick(6.1 + 0.1 * step);
  EXPECT_EQ(this->swaps(), all) << "nobody waits";
}

TEST_F(EscrowTurnsTest, a_turn_that_nobody_needs_any_more_gives_way_to_whoever_comes) {
  constexpr int kHard = 40;
  start_full(2, kHard);
  CountingReplica &first = replica(0), &second = replica(1);
  for (int object = 1; object <= 20; ++object) change(object, 6, true);
  for (int object = 101; object <= 130; ++object) first.creates(object, 6);
  hear(6);
  for (int object = 101; object <= 120; ++object) ASSERT_EQ(first.answer(object), Kind::Allowed);
  for (int object = 121; object <= 130; ++object) first.escrow.cancel(static_cast<RequestId>(object));
  tick(6.1);
  ASSERT_EQ(record().recalls.size(), 1U) << "it was the first one's turn";
  for (int object = 21; object <= 40; ++object) change(object, 6.2, true);
  second.creates(201, 6.3);
  hear(6.3);
  EXPECT_EQ(second.answer(201), Kind::Allowed);
}

TEST_F(EscrowTurnsTest, the_more_stand_in_line_the_shorter_is_a_turn) {
  constexpr int kHard = 200;
  constexpr std::size_t kReplicas = 10;
  constexpr double kPatience = 2;
  start_full(kReplicas, kHard);
  int object = 1000, deleted = 0;
  double now = 6;
  std::set<Holder> had_a_turn;
  while (now < 6 + 0.75 * kPatience) {
    now += 0.01;
    change(++deleted, now, true);
    // More than can be served in a turn of full length.
    for (std::size_t i = 0; i < kReplicas; ++i) {
      for (std::size_t waiting = replica(i).escrow.waiting(); waiting < 6; ++waiting) replica(i).creates(++object, now);
    }
    tick(now);
    if (!record().recalls.empty()) had_a_turn.insert(record().oldest_recall()->holder);
  }
  EXPECT_EQ(had_a_turn.size(), kReplicas) << "nobody's writes wait longer than they can";
}

TEST_F(EscrowTurnsTest, a_limit_becomes_exact_although_another_replica_holds_an_advance_all_the_time) {
  constexpr int kHard = 40;
  start_full(2, kHard);
  CountingReplica &busy = replica(0), &leader = replica(1);
  int object = 100, deleted = 0;
  std::vector<int> waiting;
  double now = 6;
  bool secured = false;
  for (int step = 0; step < kHard - 1 && !secured; ++step) {
    change(++deleted, now += 0.01, true);
    for (int each = 0; each < 3; ++each) {
      if (busy.creates(++object, now) == std::nullopt) waiting.push_back(object);
    }
    tick(now);
    std::erase_if(waiting, [&](int made) {
      if (busy.answer(made) == Kind::Allowed) change(made, now, false);
      return busy.answer(made).has_value();
    });
    if (step < 20) {
      if (step > 2) {
        ASSERT_LT(record().left()[0], 0) << "an advance";
      }
    } else if (step % 5 == 0) {
      secured = leader.escrow.secured(kLimit, absl::Seconds(6.05));
    }
  }
  EXPECT_TRUE(secured);
}

}  // namespace
}  // namespace headroom::limits
