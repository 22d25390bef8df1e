#include "operator/runtime/leader_election.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/runtime/eventually.h"
#include "tests/runtime/lease_server.h"
#include "tests/runtime/stopwatch.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Mood = LeaseServer::Mood;

/// Short terms, in the proportions of the real ones.
ElectionOptions options(const std::string& identity) {
  return {"headroom-system", "headroom", identity, milliseconds(1000), milliseconds(600), milliseconds(40)};
}

/// A term that no test waits out.
ElectionOptions patient(const std::string& identity) {
  return {"headroom-system", "headroom", identity, seconds(6), seconds(5), milliseconds(40)};
}

class Candidate {
 public:
  Candidate(std::shared_ptr<LeaseServer> server, const std::string& identity, const Clock& clock,
            ElectionOptions election)
      : elector_(std::make_unique<LeaderElector>(
            std::make_shared<kube::Client>(std::move(server), limits(), 1), std::move(election), clock,
            [this] { ++leading; }, [this] { ++lost; }, std::hash<std::string>{}(identity))) {
    elector_->start();
  }
  Candidate(std::shared_ptr<LeaseServer> server, const std::string& identity, const Clock& clock)
      : Candidate(std::move(server), identity, clock, options(identity)) {}

  LeaderElector& operator*() { return *elector_; }
  LeaderElector* operator->() { return elector_.get(); }

  std::atomic<int> leading{0}, lost{0};

 private:
  static kube::ClientLimits limits() {
    kube::ClientLimits limits;
    limits.retry_for = milliseconds(0);
    return limits;
  }
  std::unique_ptr<LeaderElector> elector_;  ///< last: its threads use the counters
};

class LeaderElectionTest : public testing::Test {
 protected:
  std::string holder() const {
    const auto lease = server_->lease();
    return lease ? (*lease)["spec"]["holderIdentity"].get<std::string>() : "";
  }
  SystemClock clock_;
  std::shared_ptr<LeaseServer> server_ = std::make_shared<LeaseServer>();
};

TEST_F(LeaderElectionTest, creates_the_lease_and_leads_once) {
  Candidate a(server_, "a", clock_);
  ASSERT_TRUE(eventually([&] { return a.leading == 1; }));
  EXPECT_TRUE(a->holds_lease());
  EXPECT_TRUE(a->healthy());
  EXPECT_EQ(a->leader(), "a");
  const auto lease = server_->lease();
  EXPECT_EQ((*lease)["spec"]["leaseDurationSeconds"], 1);
  EXPECT_EQ((*lease)["spec"]["leaseTransitions"], 0);
  const std::string renewed = (*lease)["spec"]["renewTime"];
  ASSERT_TRUE(eventually([&] { return (*server_->lease())["spec"]["renewTime"] != renewed; }));
  EXPECT_EQ((*server_->lease())["spec"]["acquireTime"], (*lease)["spec"]["acquireTime"]);
  EXPECT_EQ(a.leading, 1);
}

TEST_F(LeaderElectionTest, stands_by_behind_a_leader_and_takes_over_what_it_gives_back) {
  Candidate a(server_, "a", clock_, patient("a"));
  ASSERT_TRUE(eventually([&] { return a->holds_lease(); }));
  Candidate b(server_, "b", clock_, patient("b"));
  ASSERT_TRUE(eventually([&] { return b->leader() == "a"; }));
  EXPECT_FALSE(b->holds_lease());
  EXPECT_TRUE(b->healthy());

  a->stop(/*release=*/true);
  EXPECT_FALSE(a->holds_lease());
  EXPECT_EQ(a.lost, 0) << "giving back is no loss";
  EXPECT_TRUE(eventually([&] { return b->holds_lease(); }, seconds(5))) << "without waiting the lease out";
  EXPECT_EQ((*server_->lease())["spec"]["leaseTransitions"], 1);
}

TEST_F(LeaderElectionTest, takes_over_from_a_leader_that_died_only_after_its_lease) {
  auto a = std::make_unique<Candidate>(server_, "a", clock_);
  ASSERT_TRUE(eventually([&] { return (*a)->holds_lease(); }));
  Candidate b(server_, "b", clock_);
  ASSERT_TRUE(eventually([&] { return b->leader() == "a"; }));
  (*a)->stop(/*release=*/false);
  EXPECT_EQ(holder(), "a");
  EXPECT_FALSE((*a)->holds_lease());
  const auto died = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually([&] { return b->holds_lease(); }));
  EXPECT_GT(std::chrono::steady_clock::now() - died, milliseconds(800));
}

TEST_F(LeaderElectionTest, loses_at_the_renew_deadline_while_the_server_refuses) {
  Candidate a(server_, "a", clock_);
  ASSERT_TRUE(eventually([&] { return a->holds_lease(); }));
  server_->set_mood(Mood::Refusing);
  ASSERT_TRUE(eventually([&] { return a.lost == 1; }));
  EXPECT_FALSE(a->holds_lease());
  EXPECT_FALSE(a->healthy());
  server_->set_mood(Mood::Fine);
  const int requests = server_->requests();
  EXPECT_FALSE(eventually([&] { return a->holds_lease() || a.lost > 1 || server_->requests() > requests + 1; },
                          milliseconds(200)))
      << "what lost once is over";
}

TEST_F(LeaderElectionTest, loses_at_the_renew_deadline_even_while_a_request_hangs) {
  Candidate a(server_, "a", clock_);  // whose requests may hang for a second, longer than its deadline
  ASSERT_TRUE(eventually([&] { return a->holds_lease(); }));
  server_->set_mood(Mood::Hanging);
  ASSERT_TRUE(eventually([&] { return server_->hanging() == 1; }));
  ASSERT_TRUE(eventually([&] { return a.lost == 1; }));
  EXPECT_EQ(server_->hanging(), 1) << "nobody waited for the request";
  EXPECT_FALSE(a->holds_lease());
}

TEST_F(LeaderElectionTest, gives_up_a_hanging_request_in_time_to_try_again) {
  Candidate a(server_, "a", clock_, patient("a"));
  ASSERT_TRUE(eventually([&] { return a->holds_lease(); }));
  server_->set_mood(Mood::Hanging);
  ASSERT_TRUE(eventually([&] { return server_->hanging() == 1; }));
  const int requests = server_->requests();
  ASSERT_TRUE(eventually([&] { return server_->requests() > requests; })) << "after half the deadline";
  EXPECT_TRUE(a->holds_lease());
  EXPECT_EQ(a.lost, 0);
}

TEST_F(LeaderElectionTest, goes_on_after_renewals_that_landed_without_an_answer) {
  Candidate a(server_, "a", clock_, patient("a"));
  ASSERT_TRUE(eventually([&] { return a->holds_lease(); }));
  server_->set_mood(Mood::LosingAnswers);
  ASSERT_TRUE(eventually([&] { return server_->hanging() == 1; }));
  server_->set_mood(Mood::Fine);
  const std::string renewed = (*server_->lease())["spec"]["renewTime"];
  ASSERT_TRUE(eventually([&] { return (*server_->lease())["spec"]["renewTime"] != renewed; }));
  EXPECT_TRUE(a->holds_lease());
  EXPECT_EQ(a.lost, 0);
}

TEST_F(LeaderElectionTest, yields_at_once_to_whoever_else_stands_in_the_lease) {
  Candidate a(server_, "a", clock_);
  ASSERT_TRUE(eventually([&] { return a->holds_lease(); }));
  nlohmann::json lease = *server_->lease();
  lease["spec"]["holderIdentity"] = "z";
  server_->set_lease(lease);
  ASSERT_TRUE(eventually([&] { return a.lost == 1; }));
  EXPECT_FALSE(a->holds_lease());
  EXPECT_EQ(holder(), "z");
}

TEST_F(LeaderElectionTest, writes_a_new_renew_time_with_every_renewal_even_while_the_wall_clock_stands) {
  const FakeClock stopped(absl::FromUnixSeconds(1'700'000'000));
  Candidate a(server_, "a", stopped);
  ASSERT_TRUE(eventually([&] { return a->holds_lease(); }));
  Candidate b(server_, "b", stopped);
  std::set<std::string> times;
  ASSERT_TRUE(eventually([&] {
    times.insert((*server_->lease())["spec"]["renewTime"].get<std::string>());
    return times.size() > 3;
  }));
  EXPECT_FALSE(b->holds_lease()) << "an unchanged record would look like a dead leader";
}

TEST_F(LeaderElectionTest, stops_at_once_while_a_request_hangs) {
  server_->set_mood(Mood::Hanging);
  EXPECT_TRUE(within_100_ms([&](const Stopwatch& time) {
    Candidate a(server_, "a", clock_);
    EXPECT_TRUE(eventually([&] { return server_->hanging() == 1; }));
    time.start();
    a->stop(/*release=*/true);
    time.stop();
    EXPECT_FALSE(a->holds_lease());
  }));
}

TEST_F(LeaderElectionTest, gives_back_only_what_it_holds) {
  Candidate a(server_, "a", clock_);
  ASSERT_TRUE(eventually([&] { return a->holds_lease(); }));
  Candidate b(server_, "b", clock_);
  ASSERT_TRUE(eventually([&] { return b->leader() == "a"; }));
  b->stop(/*release=*/true);
  EXPECT_EQ(holder(), "a");
  EXPECT_TRUE(a->holds_lease());
}

TEST_F(LeaderElectionTest, lets_exactly_one_of_three_lead) {
  Candidate a(server_, "a", clock_), b(server_, "b", clock_), c(server_, "c", clock_);
  ASSERT_TRUE(
      eventually([&] { return a->leader() != "" && a->leader() == b->leader() && b->leader() == c->leader(); }));
  EXPECT_EQ(a->holds_lease() + b->holds_lease() + c->holds_lease(), 1);
}

}  // namespace
}  // namespace headroom::runtime
