#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "operator/runtime/leader_election.h"
#include "operator/runtime/lease_record.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Describe {
  std::ostream& out;
  void operator()(const ReadLease&) const { out << "read "; }
  void operator()(const CreateLease&) const { out << "create "; }
  void operator()(const AcquireLease& acquire) const { out << "acquire(" << acquire.on.resource_version << ") "; }
  void operator()(const RenewLease& renew) const { out << "renew(" << renew.on.resource_version << ") "; }
  void operator()(const BecameLeader&) const { out << "LEADING "; }
  void operator()(const LostLeadership&) const { out << "LOST "; }
};

LeaseRecord lease(const std::string& holder, const std::string& version, const std::string& renewed,
                  milliseconds duration = seconds(15)) {
  return {holder, version, duration, 0, renewed};
}

class ElectionMachineTest : public testing::Test {
 protected:
  std::string feed(const ElectionInput& input) {
    ElectionStep step = elect(state_, input, now_, options_);
    state_ = std::move(step.state);
    std::ostringstream text;
    for (const ElectionOutput& output : step.outputs) std::visit(Describe{text}, output);
    return text.str();
  }
  std::string read(const LeaseRecord& record) { return feed(ReadResult{record}); }
  void lead() {
    feed(ReadResult{});
    ASSERT_EQ(feed(WriteLanded{lease("me", "v1", "t1"), now_}), "LEADING ");
  }

  ElectionOptions options_{"headroom-system", "headroom", "me", seconds(15), seconds(10), seconds(2)};
  ElectionState state_ = Follower{};
  SteadyTime now_{seconds(1000)};
};

TEST_F(ElectionMachineTest, creates_a_lease_where_there_is_none_and_leads_once_that_landed) {
  EXPECT_EQ(feed(Tick{}), "read ");
  EXPECT_EQ(feed(ReadResult{}), "create ");
  EXPECT_EQ(feed(WriteLanded{lease("me", "v1", "t1"), now_}), "LEADING ");
  now_ += seconds(2);
  EXPECT_EQ(feed(Tick{}), "renew(v1) ");
}

TEST_F(ElectionMachineTest, waits_until_the_holder_was_silent_for_its_lease_before_it_takes_over) {
  EXPECT_EQ(read(lease("other", "v1", "t1")), "");
  now_ += seconds(14);
  EXPECT_EQ(read(lease("other", "v2", "t2")), "") << "a renewal starts the wait anew";
  now_ += seconds(14);
  EXPECT_EQ(read(lease("other", "v2", "t2")), "");
  now_ += seconds(1);
  EXPECT_EQ(read(lease("other", "v2", "t2")), "acquire(v2) ");
}

TEST_F(ElectionMachineTest, waits_in_full_even_if_the_lease_is_old_by_the_wall_clock_when_it_first_looks) {
  EXPECT_EQ(read(lease("other", "v1", "1999-01-01T00:00:00.000000Z")), "");
  now_ += milliseconds(14'999);
  EXPECT_EQ(read(lease("other", "v1", "1999-01-01T00:00:00.000000Z")), "");
  now_ += milliseconds(1);
  EXPECT_EQ(read(lease("other", "v1", "1999-01-01T00:00:00.000000Z")), "acquire(v1) ");
}

TEST_F(ElectionMachineTest, trusts_the_duration_in_the_record_over_its_own) {
  read(lease("other", "v1", "t1", seconds(60)));
  now_ += seconds(59);
  EXPECT_EQ(read(lease("other", "v1", "t1", seconds(60))), "");
  now_ += seconds(1);
  EXPECT_EQ(read(lease("other", "v1", "t1", seconds(60))), "acquire(v1) ");
}

TEST_F(ElectionMachineTest, uses_its_own_duration_for_a_record_that_has_none) {
  read(lease("other", "v1", "t1", seconds(0)));
  now_ += seconds(14);
  EXPECT_EQ(read(lease("other", "v1", "t1", seconds(0))), "");
  now_ += seconds(1);
  EXPECT_EQ(read(lease("other", "v1", "t1", seconds(0))), "acquire(v1) ");
}

TEST_F(ElectionMachineTest, takes_nobody_elses_edits_for_a_sign_of_life) {
  read(lease("other", "v1", "t1"));
  now_ += seconds(15);
  EXPECT_EQ(read(lease("other", "v9", "t1")), "acquire(v9) ") << "an annotation changed, the claim did not";
}

TEST_F(ElectionMachineTest, counts_no_silence_that_it_did_not_hear) {
  read(lease("other", "v1", "t1"));
  for (int i = 0; i < 10; ++i) {
    now_ += seconds(2);
    EXPECT_EQ(feed(Tick{}), "read ");
    EXPECT_EQ(feed(ReadFailed{}), "");
  }
  EXPECT_EQ(read(lease("other", "v2", "t2")), "") << "it was renewed while we could not read";
}

TEST_F(ElectionMachineTest, takes_a_lease_that_was_given_back_at_once) {
  EXPECT_EQ(read(lease("", "v3", "t3", seconds(1))), "acquire(v3) ");
}

TEST_F(ElectionMachineTest, takes_a_lease_that_bears_its_own_name_at_once) {
  EXPECT_EQ(read(lease("me", "v3", "t3")), "acquire(v3) ") << "a write whose answer was lost had landed";
}

TEST_F(ElectionMachineTest, waits_for_the_holder_of_a_lease_that_vanished) {
  read(lease("other", "v1", "t1"));
  now_ += seconds(14);
  EXPECT_EQ(feed(ReadResult{}), "") << "who held it may still believe in it";
  now_ += seconds(1);
  EXPECT_EQ(feed(ReadResult{}), "create ");
}

TEST_F(ElectionMachineTest, stands_by_when_a_rival_was_faster_or_nothing_is_known_of_the_write) {
  for (const ElectionInput& outcome : {ElectionInput(WriteConflicted{}), ElectionInput(WriteFailed{})}) {
    state_ = Follower{};
    read(lease("", "v1", "t1"));
    EXPECT_EQ(feed(outcome), "");
    EXPECT_EQ(feed(Tick{}), "read ");
  }
}

TEST_F(ElectionMachineTest, does_not_lead_by_an_answer_that_took_longer_than_the_renew_deadline) {
  read(lease("", "v1", "t1"));
  const SteadyTime sent = now_;
  now_ += seconds(10);
  EXPECT_EQ(feed(WriteLanded{lease("me", "v2", "t2"), sent}), "");
  EXPECT_EQ(feed(Tick{}), "read ");
  EXPECT_EQ(read(lease("me", "v2", "t2")), "acquire(v2) ");
}

TEST_F(ElectionMachineTest, counts_its_lease_from_before_the_request) {
  lead();
  now_ += seconds(4);
  const SteadyTime sent = now_;
  now_ += seconds(5);
  EXPECT_EQ(feed(WriteLanded{lease("me", "v2", "t2"), sent}), "");
  now_ = sent + milliseconds(9'999);
  EXPECT_EQ(feed(Tick{}), "renew(v2) ");
  now_ = sent + seconds(10);
  EXPECT_EQ(feed(Tick{}), "LOST ");
}

TEST_F(ElectionMachineTest, is_lost_at_the_renew_deadline_whatever_arrives_then_and_for_ever) {
  for (const ElectionInput& input :
       {ElectionInput(Tick{}), ElectionInput(ReadFailed{}), ElectionInput(WriteFailed{}),
        ElectionInput(WriteConflicted{}), ElectionInput(ReadResult{lease("me", "v1", "t1")}),
        ElectionInput(WriteLanded{lease("me", "v2", "t2"), now_ + seconds(9)})}) {
    state_ = Follower{};
    now_ = SteadyTime(seconds(1000));
    lead();
    now_ += seconds(10);
    EXPECT_EQ(feed(input), "LOST ");
    EXPECT_EQ(feed(Tick{}), "");
    EXPECT_EQ(feed(WriteLanded{lease("me", "v9", "t9"), now_}), "");
  }
}

TEST_F(ElectionMachineTest, rides_out_failing_renewals_until_the_deadline) {
  lead();
  for (int i = 0; i < 4; ++i) {
    now_ += seconds(2);
    EXPECT_EQ(feed(Tick{}), "renew(v1) ");
    EXPECT_EQ(feed(WriteFailed{}), "");
  }
  EXPECT_EQ(feed(WriteLanded{lease("me", "v2", "t2"), now_}), "");
  now_ += seconds(9);
  EXPECT_EQ(feed(Tick{}), "renew(v2) ");
}

TEST_F(ElectionMachineTest, looks_who_wrote_when_a_renewal_conflicts) {
  lead();
  now_ += seconds(2);
  EXPECT_EQ(feed(WriteConflicted{}), "read ");
  EXPECT_EQ(read(lease("me", "v5", "t5")), "renew(v5) ") << "an earlier renewal whose answer was lost";
  EXPECT_EQ(feed(WriteConflicted{}), "read ");
  EXPECT_EQ(read(lease("other", "v6", "t6")), "LOST ");
}

TEST_F(ElectionMachineTest, puts_back_a_lease_that_was_deleted_under_it_and_yields_if_a_rival_did_so_first) {
  lead();
  EXPECT_EQ(feed(WriteConflicted{}), "read ");
  EXPECT_EQ(feed(ReadResult{}), "create ");
  EXPECT_EQ(feed(WriteConflicted{}), "read ");
  EXPECT_EQ(read(lease("other", "v1", "t1")), "LOST ");
}

TEST(ElectionOptions, are_refused_unless_the_lease_outlives_the_deadline_and_the_deadline_some_retries) {
  const auto with = [](int lease_ms, int deadline_ms, int retry_ms) {
    return check_election_options(
        {"ns", "name", "id", milliseconds(lease_ms), milliseconds(deadline_ms), milliseconds(retry_ms)});
  };
  EXPECT_TRUE(with(15'000, 10'000, 2'000));
  EXPECT_TRUE(with(15'000, 10'000, 8'333));
  EXPECT_FALSE(with(10'000, 10'000, 2'000));
  EXPECT_FALSE(with(15'000, 10'000, 8'334));
  EXPECT_FALSE(with(15'000, 10'000, 0));
  EXPECT_FALSE(check_election_options({"ns", "name", ""}));
  EXPECT_FALSE(check_election_options({"", "name", "id"}));
  EXPECT_THAT(with(10'000, 10'000, 2'000).error().message, testing::HasSubstr("10000 ms"));
}

TEST(ElectionOptions, give_two_lives_of_one_host_two_identities) {
  EXPECT_EQ(make_identity("pod-1", 0xabc), "pod-1_0000000000000abc");
  EXPECT_NE(make_identity("pod-1", 1), make_identity("pod-1", 2));
}

TEST(LeaseRecord, counts_a_transition_only_when_the_holder_changes) {
  const ElectionOptions options{"ns", "name", "me", milliseconds(1500), seconds(1), milliseconds(200)};
  LeaseRecord seen = lease("other", "v7", "t1");
  seen.transitions = 4;
  const nlohmann::json taken = acquire_patch(seen, options, absl::FromUnixSeconds(1'700'000'000));
  EXPECT_EQ(taken["spec"]["leaseTransitions"], 5);
  EXPECT_EQ(taken["spec"]["holderIdentity"], "me");
  EXPECT_EQ(taken["spec"]["leaseDurationSeconds"], 2) << "whole seconds, rounded up";
  EXPECT_EQ(taken["spec"]["acquireTime"], "2023-11-14T22:13:20.000000Z");
  EXPECT_EQ(taken["metadata"]["resourceVersion"], "v7");
  seen.holder = "me";
  EXPECT_EQ(acquire_patch(seen, options, absl::UnixEpoch())["spec"]["leaseTransitions"], 4);
  const nlohmann::json renewed = renew_patch(seen, options, absl::UnixEpoch());
  EXPECT_FALSE(renewed["spec"].contains("acquireTime"));
  EXPECT_FALSE(renewed["spec"].contains("leaseTransitions"));
  EXPECT_EQ(release_patch(seen, absl::UnixEpoch())["spec"]["holderIdentity"], "");
}

TEST(LeaseRecord, reads_whatever_is_in_a_lease_without_failing) {
  const LeaseRecord record = lease_from_json(nlohmann::json::parse(
      R"({"metadata":{"resourceVersion":"8"},"spec":{"holderIdentity":"a","leaseDurationSeconds":15,
          "renewTime":"x","leaseTransitions":3}})"));
  EXPECT_EQ(record.holder, "a");
  EXPECT_EQ(record.resource_version, "8");
  EXPECT_EQ(record.duration, seconds(15));
  EXPECT_EQ(record.transitions, 3);
  for (const char* text : {"{}", "[]", "null", R"({"metadata":1,"spec":[]})",
                           R"({"spec":{"holderIdentity":null,"leaseDurationSeconds":"x","leaseTransitions":-5}})"}) {
    const LeaseRecord odd = lease_from_json(nlohmann::json::parse(text));
    EXPECT_EQ(odd.holder, "") << text;
    EXPECT_EQ(odd.duration, seconds(0)) << text;
    EXPECT_EQ(odd.transitions, 0) << text;
  }
}

}  // namespace
}  // namespace headroom::runtime
