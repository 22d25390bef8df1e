// Rules of flows in the escrow, one by one; what they are worth together, the simulation tries.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/limits/instant_replica.h"

namespace headroom::limits {
namespace {

using Kind = Verdict::Kind;

constexpr LimitId kCount = 7, kFlow = 8;
constexpr TypeId kType = 3;

struct Bounds {
  int max = 0, resume_below = 0, burst = 0;
  double window = 1;
  int queue = 0;
  double queue_time = 3;
  std::int64_t generation = 1;
};

LimitTerms terms_of(const Bounds& bounds) {
  LimitTerms terms{bounds.generation, "flow", {bounds.max * kOneWrite, bounds.burst * kOneWrite}, {}, FlowTerms{}};
  terms.flow->window = absl::Seconds(bounds.window);
  terms.flow->assume_done_after = absl::Seconds(10);
  terms.flow->resume_below = (bounds.resume_below == 0 ? bounds.max : bounds.resume_below) * kOneWrite;
  terms.flow->queue_length = static_cast<std::size_t>(bounds.queue);
  terms.flow->queue_time = absl::Seconds(bounds.queue_time);
  terms.flow->counted_as = kCount;
  return terms;
}

/// A replica before a flow, and a limit on what is stored where `hard_count` says so.
class TestReplica : public InstantReplica {
 public:
  TestReplica(std::string name, SharedRecords& shared, const Bounds& bounds, int hard_count = 0)
      : InstantReplica(std::move(name), shared), bounds_(bounds), counts_(hard_count > 0) {
    usage.define(kCount, 1, true, std::vector<TypeId>{kType});
    usage.begin_list(kType);
    (void)usage.commit_list(kType, 50);
    if (counts_) escrow.set_limit(kCount, {1, "count", {hard_count * kOneWrite}, {kType}, {}});
    escrow.set_limit(kFlow, terms_of(bounds));
    tick(0);
  }

  std::optional<Kind> creates(int object, double now) { return creates(object, now, object); }
  std::optional<Kind> creates(int object, double now, int named) {
    Charges charges{{kFlow, {bounds_.max > 0 ? kOneWrite : 0, bounds_.burst > 0 ? kOneWrite : 0}}};
    if (counts_) charges.push_back({kCount, {kOneWrite}});
    return ask(object, {kType, uid(object), 0, name(named)}, charges, now);
  }
  /// How many of so many creates pass at once.
  int passes(int first, int writes, double now) {
    int passed = 0;
    for (int i = 0; i < writes; ++i) passed += creates(first + i, now) == Kind::Allowed ? 1 : 0;
    return passed;
  }
  void sees(int object, double now) {
    newest = *newest + 1;
    usage.applied(kType, {uid(object), name(object), *newest}, std::vector<Membership>{{kCount, true, {kOneWrite}}});
    escrow.seen(kType, uid(object), *newest, false);
    escrow.cache_moved(kType, at(now));
    act(now);
  }
  void tick(double now) {
    escrow.lease_held_until(absl::Seconds(now + 15));
    InstantReplica::tick(now);
  }
  Amount granted(std::size_t dimension) const { return InstantReplica::granted(kFlow, dimension); }

 private:
  static Uid name(int number) { return {2, static_cast<std::uint64_t>(number)}; }

  const Bounds bounds_;
  const bool counts_;
};

/// Two or more that know of each other, and hear of each other's swaps at once.
class Cluster {
 public:
  Cluster(int replicas, const Bounds& bounds) {
    for (int i = 0; i < replicas; ++i) {
      all.push_back(std::make_unique<TestReplica>(std::string(1, static_cast<char>('a' + i)), shared, bounds));
    }
    step(0);
  }
  TestReplica& operator[](std::size_t number) { return *all[number]; }
  void step(double now) {
    for (const auto& one : all) {
      for (const auto& other : all) {
        if (one != other) one->escrow.holder_renewed(other->self, TestReplica::at(now));
      }
    }
    for (int rounds = 0; rounds < 4; ++rounds) {
      for (const auto& one : all) one->reads(now);
      for (const auto& one : all) one->tick(now);
    }
  }

  SharedRecords shared;
  std::vector<std::unique_ptr<TestReplica>> all;
};

TEST(EscrowFlow, lets_as_many_writes_through_within_a_window_as_the_burst_says) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.burst = 5, .queue_time = 0.5});
  EXPECT_EQ(replica.passes(1, 5, 0.1), 5);
  EXPECT_EQ(replica.creates(6, 0.2), Kind::OverRate) << "nobody else has any, and no queue";
  EXPECT_EQ(replica.passes(11, 6, 1.2), 5) << "the window has moved on";
  const Verdict& refusal = replica.answers.at(6);
  EXPECT_EQ(refusal.used, 5 * kOneWrite);
  EXPECT_EQ(refusal.hard, 5 * kOneWrite);
  EXPECT_EQ(refusal.limit, kFlow);
  EXPECT_GT(refusal.retry_after, absl::Seconds(0.85));
  EXPECT_LE(refusal.retry_after, absl::Seconds(0.95));
}

TEST(EscrowFlow, a_write_in_progress_gives_its_place_to_the_next_when_it_is_seen) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 2, .queue = 5});
  EXPECT_EQ(replica.passes(1, 4, 0), 2);
  replica.sees(1, 0.5);
  EXPECT_EQ(replica.answer(3), Kind::Allowed);
  EXPECT_EQ(replica.answer(4), std::nullopt);
  replica.sees(3, 0.6);
  EXPECT_EQ(replica.answer(4), Kind::Allowed);
}

TEST(EscrowFlow, a_create_waits_to_see_what_becomes_of_another_of_its_name) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 2});
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  EXPECT_EQ(replica.creates(2, 0.1, 1), std::nullopt);
  replica.sees(1, 0.2);
  EXPECT_EQ(replica.answer(2), Kind::NameTaken);
  EXPECT_EQ(replica.escrow.pending(kFlow)[kConcurrency], 0) << "loops of create-or-get would eat the flow";
}

TEST(EscrowFlow, writes_wait_in_order_and_none_overtakes) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 1, .queue = 5});
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  for (const int object : {2, 3, 4}) ASSERT_EQ(replica.creates(object, 0.1), std::nullopt);
  for (const int object : {1, 2}) {
    replica.sees(object, 0.2 * object);
    EXPECT_EQ(replica.answer(object + 1), Kind::Allowed);
    EXPECT_EQ(replica.answer(object + 2), std::nullopt);
  }
}

TEST(EscrowFlow, whoever_waits_comes_before_one_that_asks_when_time_has_made_room) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.burst = 1, .queue = 5, .queue_time = 4});
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  ASSERT_EQ(replica.creates(2, 0.5), std::nullopt);
  EXPECT_EQ(replica.creates(3, 1.1), std::nullopt);
  EXPECT_EQ(replica.answer(2), Kind::Allowed);
  replica.tick(2.2);
  EXPECT_EQ(replica.answer(3), Kind::Allowed);
}

TEST(EscrowFlow, a_full_queue_refuses_at_once_and_a_queue_only_for_so_long) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 1, .queue = 2, .queue_time = 3});
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  EXPECT_EQ(replica.creates(2, 0.1), std::nullopt);
  EXPECT_EQ(replica.creates(3, 0.1), std::nullopt);
  EXPECT_EQ(replica.creates(4, 0.2), Kind::OverConcurrency);
  replica.tick(3);
  EXPECT_EQ(replica.answer(2), std::nullopt);
  replica.tick(3.2);
  EXPECT_EQ(replica.answer(2), Kind::OverConcurrency);
  EXPECT_EQ(replica.escrow.waiting(), 0U);
}

TEST(EscrowFlow, once_full_nothing_starts_before_as_many_have_ended_as_the_limit_asks) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 4, .resume_below = 3, .queue = 10});
  ASSERT_EQ(replica.passes(1, 7, 0), 4);
  replica.sees(1, 0.1);
  EXPECT_EQ(replica.answer(5), std::nullopt) << "three are in progress";
  replica.sees(2, 0.2);
  EXPECT_EQ(replica.answer(5), Kind::Allowed) << "fewer than three were";
  EXPECT_EQ(replica.answer(6), Kind::Allowed);
  EXPECT_EQ(replica.answer(7), std::nullopt);
}

TEST(EscrowFlow, a_limit_that_was_not_full_knows_no_pause) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 4, .resume_below = 1});
  ASSERT_EQ(replica.passes(1, 4, 0), 4) << "full, but nobody has noticed";
  replica.sees(1, 0.1);
  EXPECT_EQ(replica.creates(5, 0.2), Kind::Allowed);
}

TEST(EscrowFlow, what_waits_for_one_limit_holds_nothing_of_another) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 1, .queue = 5}, 10);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  ASSERT_EQ(replica.creates(2, 0.1), std::nullopt);
  EXPECT_EQ(replica.escrow.pending(kCount)[0], kOneWrite) << "of the first";
  EXPECT_EQ(replica.escrow.pending(kFlow)[kConcurrency], kOneWrite);
  replica.sees(1, 0.2);
  EXPECT_EQ(replica.answer(2), Kind::Allowed);
  EXPECT_EQ(replica.escrow.pending(kCount)[0], kOneWrite) << "of the second";
}

TEST(EscrowFlow, a_write_over_the_stored_limit_holds_no_flow) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 5}, 1);
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.sees(1, 0.1);
  EXPECT_EQ(replica.creates(2, 0.2), Kind::OverLimit);
  EXPECT_TRUE(replica.escrow.pending(kFlow).is_zero());
}

TEST(EscrowFlow, a_dry_run_is_not_held_against_it) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 1});
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  EXPECT_EQ(replica.escrow.judge({{kFlow, {kOneWrite, 0}}}).kind, Kind::Allowed);
}

TEST(EscrowFlow, replicas_together_let_no_more_through_than_one) {
  for (const int replicas : {2, 3, 5}) {
    Cluster cluster(replicas, {.burst = 20, .queue_time = 0.5});
    for (int i = 0; i < 200; ++i) {
      cluster[static_cast<std::size_t>(i % replicas)].creates(i, 0.001 * i);
      cluster.step(0.001 * i);
    }
    int in_use = 0;
    for (const auto& one : cluster.all) {
      in_use += static_cast<int>(one->escrow.pending(kFlow)[kRate] / kOneWrite);
    }
    EXPECT_EQ(in_use, 20) << replicas << " replicas: all of it, and not more";
    EXPECT_LE(cluster.shared.granted(kFlow, kRate), 20);
  }
}

TEST(EscrowFlow, what_one_replica_does_not_use_comes_to_the_one_that_lacks_it) {
  Cluster cluster(2, {.max = 8});
  ASSERT_EQ(cluster[0].passes(1, 3, 0), 3);
  cluster.step(0.1);
  const int at_once = cluster[1].passes(101, 5, 0.2);
  cluster.step(0.3);
  cluster.step(0.4);
  int passed = 0;
  for (int i = 101; i <= 105; ++i) passed += cluster[1].answer(i) == Kind::Allowed ? 1 : 0;
  EXPECT_EQ(passed, 5) << at_once << " of them at once";
  EXPECT_EQ(cluster.shared.granted(kFlow, kConcurrency), 8);
}

TEST(EscrowFlow, without_a_queue_a_write_is_refused_as_soon_as_it_is_known_that_no_replica_has_room) {
  Cluster cluster(2, {.max = 4});
  ASSERT_EQ(cluster[0].passes(1, 4, 0), 4);
  cluster.step(0.1);
  EXPECT_EQ(cluster[1].creates(101, 0.2), std::nullopt) << "it is not known yet";
  cluster.step(0.3);
  EXPECT_EQ(cluster[1].answer(101), Kind::OverConcurrency);
  EXPECT_EQ(cluster[1].answers.at(101).used, 4 * kOneWrite);
}

TEST(EscrowFlow, a_replica_that_is_busy_all_the_time_leaves_its_part_to_the_others) {
  Cluster cluster(2, {.max = 10, .queue = 100, .queue_time = 4});
  int next = 0;
  std::vector<int> started;
  const auto keep_busy = [&](double now) {
    while (cluster[0].escrow.queued(kFlow) < 3) cluster[0].creates(++next, now);
  };
  keep_busy(0);
  cluster.step(0);
  ASSERT_EQ(cluster[0].granted(kConcurrency), 10);
  for (int i = 1001; i <= 1005; ++i) cluster[1].creates(i, 0.1);
  int ended = 0;
  for (double now = 0.15; now < 1.5; now += 0.05) {
    cluster.step(now);
    cluster[0].sees(++ended, now);
    keep_busy(now);
  }
  cluster.step(1.6);
  for (int i = 1001; i <= 1005; ++i) EXPECT_EQ(cluster[1].answer(i), Kind::Allowed) << i;
}

TEST(EscrowFlow, an_idle_flow_holds_nothing_and_causes_no_traffic) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 5, .burst = 10});
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.sees(1, 0.1);
  replica.tick(6);
  EXPECT_TRUE(shared.records[kFlow].grants.empty());
  const int swaps = replica.swaps;
  for (int i = 7; i < 100; ++i) replica.tick(i);
  EXPECT_EQ(replica.swaps, swaps);
}

TEST(EscrowFlow, what_is_in_use_stays_granted_until_it_ends_however_idle_the_replica_is) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.burst = 10, .window = 60});
  ASSERT_EQ(replica.passes(1, 3, 0), 3);
  replica.tick(30);
  EXPECT_EQ(replica.granted(kRate), 3);
  replica.tick(62);
  EXPECT_EQ(replica.granted(kRate), 0);
}

TEST(EscrowFlow, a_lowered_bound_holds_for_what_starts_from_then_on) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 4, .queue = 5});
  ASSERT_EQ(replica.passes(1, 4, 0), 4);
  replica.escrow.set_limit(kFlow, terms_of({.max = 2, .queue = 5, .generation = 2}));
  replica.tick(0.1);
  EXPECT_EQ(replica.creates(5, 0.2), std::nullopt);
  replica.sees(1, 0.3);
  replica.sees(2, 0.4);
  EXPECT_EQ(replica.answer(5), std::nullopt) << "two are in progress";
  replica.sees(3, 0.5);
  EXPECT_EQ(replica.answer(5), Kind::Allowed);
}

TEST(EscrowFlow, units_of_a_dead_replica_come_back_when_its_uses_must_have_ended) {
  for (const double window : {1.0, 100.0}) {
    SharedRecords shared;
    const Bounds bounds{.burst = 4, .window = window, .queue_time = 0.5};
    TestReplica dead("a", shared, bounds);
    TestReplica other("b", shared, bounds);
    other.escrow.holder_renewed(dead.self, TestReplica::at(0));
    ASSERT_EQ(dead.passes(1, 4, 0), 4);
    const double over = 15 + std::max(window, 64.0);
    for (double now = 1; now < over - 1; now += 5) {
      other.reads(now);
      other.tick(now);
    }
    EXPECT_EQ(dead.granted(kRate), 4) << window;
    for (const double later : {1.0, 2.0, 3.0}) {
      other.reads(over + later);
      other.tick(over + later);
    }
    EXPECT_EQ(dead.granted(kRate), 0) << window;
  }
}

TEST(EscrowFlow, after_the_store_went_back_nothing_is_let_through_until_all_that_was_in_use_has_ended) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 4});
  ASSERT_EQ(replica.creates(1, 0), Kind::Allowed);
  replica.escrow.store_went_back(TestReplica::at(1));
  EXPECT_EQ(replica.creates(2, 2), std::nullopt);
  replica.tick(5);
  EXPECT_EQ(replica.answer(2), Kind::Unavailable);
  replica.tick(1 + 15 + 10 + 1);
  replica.tick(1 + 15 + 10 + 2);
  EXPECT_EQ(replica.creates(3, 1 + 15 + 10 + 3), Kind::Allowed);
}

// It counts nothing that is stored, so there is nothing to catch up with.
TEST(FlowIsExact, once_its_record_is_of_this_generation) {
  SharedRecords shared;
  TestReplica replica("a", shared, {.max = 2});
  ASSERT_EQ(replica.passes(1, 3, 0.1), 2);
  EXPECT_TRUE(replica.escrow.secured(kFlow, absl::Seconds(0.2)));
}

}  // namespace
}  // namespace headroom::limits
