// A limit over several types: their caches are of different moments.
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "tests/limits/instant_replica.h"

namespace headroom::limits {
namespace {

using Kind = Verdict::Kind;

constexpr LimitId kLimit = 7;
constexpr Amount kOne = Quantity::kNano;
constexpr TypeId kFirst = 1, kSecond = 2;
constexpr std::array<TypeId, 2> kBoth{kFirst, kSecond};

/// A replica without room of its own, before a limit over two types: another one holds what is left of `hard`.
class TwoTypes {
 public:
  TwoTypes(int hard, int stored_of_second) {
    replica_.usage.define(kLimit, 1, true, kBoth);
    LedgerRecord& record = shared_.records[kLimit];
    record.resource_version = "100";
    record.generation = 1;
    record.epoch = 1;
    record.selection = "selection";
    record.hard = {hard * kOne};
    record.bases = {{kFirst, 50, {kOne}}, {kSecond, 50, {stored_of_second * kOne}}};
    record.grants = {{{"other", 1}, {(hard - 1 - stored_of_second) * kOne}, 1, 1}};
    list(kFirst, 1, 50);
    list(kSecond, stored_of_second, 50);
    replica_.escrow.set_limit(kLimit, {1, "selection", {hard * kOne}, {kFirst, kSecond}});
    replica_.escrow.lease_held_until(absl::Seconds(100));
    tick(0);
  }

  void list(TypeId type, int objects, Revision revision) {
    replica_.usage.begin_list(type);
    for (int i = 0; i < objects; ++i) {
      replica_.usage.listed(type, object(type, i, 50), std::vector<Membership>{{kLimit, true, {kOne}}});
    }
    (void)replica_.usage.commit_list(type, revision);
  }
  void sees_create(TypeId type, int number, Revision revision) {
    replica_.usage.applied(type, object(type, number, revision), std::vector<Membership>{{kLimit, true, {kOne}}});
  }
  void reads(TypeId type, Revision revision) { replica_.newest_of_type[type] = revision; }
  void sees_up_to(TypeId type, Revision revision, double now) { replica_.sees_up_to(type, revision, now); }
  void ask(double now) { replica_.ask(kRequest, {kFirst, {1, 99}, 0, {7, 99}}, {{kLimit, {kOne}}}, now); }
  void tick(double now) { replica_.tick(now); }
  std::optional<Verdict> answer() const {
    const auto it = replica_.answers.find(kRequest);
    return it == replica_.answers.end() ? std::nullopt : std::optional(it->second);
  }

 private:
  static constexpr int kRequest = 1;

  static ListedObject object(TypeId type, int number, Revision revision) {
    const Uid uid{type, static_cast<std::uint64_t>(number)};
    return {uid, uid, revision};
  }

  SharedRecords shared_;
  InstantReplica replica_{"self", shared_};
};

TEST(EscrowOfTwoTypes, does_not_count_twice_what_went_from_one_to_the_other_between_two_readings) {
  TwoTypes replica(2, 0);
  // The first type's object is deleted at 60, and one of the second is made at 70: there is never more than one.
  replica.reads(kFirst, 55);
  replica.reads(kSecond, 75);
  replica.ask(1);
  replica.sees_create(kSecond, 1, 70);
  replica.sees_up_to(kSecond, 75, 1.1);
  replica.sees_up_to(kFirst, 55, 1.2);
  EXPECT_FALSE(replica.answer()) << "one fitted all the time";
  replica.tick(3.1);
  ASSERT_TRUE(replica.answer());
  EXPECT_EQ(replica.answer()->kind, Kind::InFlight);
}

TEST(EscrowOfTwoTypes, refuses_what_no_moment_had_room_for) {
  TwoTypes replica(2, 1);
  replica.reads(kFirst, 55);
  replica.reads(kSecond, 75);
  replica.ask(1);
  replica.sees_up_to(kSecond, 75, 1.1);
  EXPECT_FALSE(replica.answer()) << "one type has not caught up";
  replica.list(kFirst, 1, 55);
  replica.sees_up_to(kFirst, 55, 1.2);
  ASSERT_TRUE(replica.answer());
  EXPECT_EQ(replica.answer()->kind, Kind::OverLimit);
  EXPECT_EQ(replica.answer()->used, 2 * kOne);
}

}  // namespace
}  // namespace headroom::limits
