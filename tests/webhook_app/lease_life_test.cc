#include "webhook/app/lease_life.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "tests/support/memory_api_server.h"
#include "tests/support/polling.h"
#include "webhook/app/replica_leases.h"
#include "webhook/app/seen_limits.h"

namespace headroom::webhook {
namespace {

using headroom::testing::MemoryApiServer;
using nlohmann::json;
using std::chrono::milliseconds;
using ::testing::ElementsAre;

constexpr char kPath[] = "/apis/coordination.k8s.io/v1/namespaces/headroom-system/leases/headroom-webhook-a";
constexpr char kName[] = "headroom-webhook-a";
constexpr absl::Duration kLife = absl::Milliseconds(90), kTidiedUp = absl::Seconds(1);

/// A replica with a clock that stands still but for what a test moves it by, and all that it heard from its Lease.
class LeaseLifeTest : public ::testing::Test {
 protected:
  std::unique_ptr<LeaseLife> replica(const std::string& identity) {
    kube::ClientLimits limits;
    limits.retry_for = milliseconds(0);
    LeaseOptions options{"headroom-system", kName, identity, kLife, kTidiedUp, [this] {
                           pass(std::exchange(slow_write_, absl::ZeroDuration()));
                           std::lock_guard lock(mutex_);
                           return announced_;
                         }};
    LeaseListener listener{[this](limits::BootTime until) { heard("until", until); },
                           [this](const limits::Holder& holder) { heard("epoch", absl::Nanoseconds(holder.epoch)); },
                           [this] { heard("went back", absl::ZeroDuration()); }};
    return std::make_unique<LeaseLife>(
        std::make_shared<kube::Client>(server_, limits, 1), std::move(options), [this] { return now(); },
        std::move(listener));
  }
  limits::Moment now() const {
    const absl::Duration since_boot = absl::Nanoseconds(now_ns_.load());
    return {since_boot, absl::UnixEpoch() + since_boot};
  }
  void pass(absl::Duration time) { now_ns_ += absl::ToInt64Nanoseconds(time); }
  /// Before start(): so much time passes during the first write.
  void set_slow_write(absl::Duration time) { slow_write_ = time; }
  void announce(Announcements announced) {
    std::lock_guard lock(mutex_);
    announced_ = std::move(announced);
  }
  void heard(const char* what, absl::Duration value) {
    std::lock_guard lock(mutex_);
    heard_.emplace_back(what, value);
  }
  std::vector<std::pair<std::string, absl::Duration>> heard() const {
    std::lock_guard lock(mutex_);
    return heard_;
  }
  /// The epochs of all lives, and where the store went back in between (0).
  std::vector<std::int64_t> epochs() const {
    std::vector<std::int64_t> epochs;
    for (const auto& [what, value] : heard()) {
      if (what != "until") epochs.push_back(absl::ToInt64Nanoseconds(value));
    }
    return epochs;
  }
  bool comes(const std::function<bool()>& holds) {
    return testing_support::poll(holds, milliseconds(10'000), milliseconds(2));
  }
  json annotations() const { return server_->get(kPath).at("metadata").at("annotations"); }
  bool renewed_again() {
    const std::size_t before = server_->writes().size();
    return comes([&] { return server_->writes().size() >= before + 2; });
  }

  std::shared_ptr<MemoryApiServer> server_ = MemoryApiServer::make();
  std::atomic<std::int64_t> now_ns_{absl::ToInt64Nanoseconds(absl::Hours(1))};

 private:
  absl::Duration slow_write_;
  mutable std::mutex mutex_;
  Announcements announced_{{kSeenAnnotation, "scalelimits=7,clusterscalelimits=8"}};
  std::vector<std::pair<std::string, absl::Duration>> heard_;
};

TEST_F(LeaseLifeTest, begins_a_life_before_anything_may_be_admitted_by_it) {
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return heard().size() >= 2; }));
  EXPECT_EQ(heard()[0], std::pair(std::string("epoch"), absl::Nanoseconds(1)));
  EXPECT_EQ(heard()[1], std::pair(std::string("until"), now().boot + kLife));
  const LeaseState lease = lease_state(server_->get(kPath));
  EXPECT_EQ(lease.holder, (limits::Holder{kName, 1}));
  EXPECT_EQ(lease.process, "first");
  EXPECT_EQ(SeenLimits::announced(lease.announced).cluster_scale_limits, 8);
  EXPECT_EQ(server_->get(kPath).at("metadata").at("labels").at(kWebhookLeaseLabel), kWebhookLeaseComponent);
}

TEST_F(LeaseLifeTest, goes_on_in_the_same_life_for_as_long_as_it_renews_in_time) {
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return !epochs().empty(); }));
  for (int i = 0; i < 5; ++i) {
    pass(kLife / 3);
    ASSERT_TRUE(renewed_again());
  }
  EXPECT_THAT(epochs(), ElementsAre(1));
  EXPECT_EQ(heard().back().second, now().boot + kLife);
}

TEST_F(LeaseLifeTest, comes_back_under_another_epoch_after_it_was_stopped_for_longer_than_its_lease) {
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return !epochs().empty(); }));
  pass(kLife);
  ASSERT_TRUE(comes([&] { return epochs().size() == 2; }));
  EXPECT_THAT(epochs(), ElementsAre(1, 2));
  ASSERT_TRUE(comes([&] { return heard().back().first == "until"; }));
  EXPECT_EQ(heard().back().second, now().boot + kLife);
}

TEST_F(LeaseLifeTest, of_another_process_of_the_name_begins_under_another_epoch) {
  const auto former = replica("first");
  former->start();
  ASSERT_TRUE(comes([&] { return !epochs().empty(); }));
  former->stop();
  const auto next = replica("second");
  next->start();
  ASSERT_TRUE(comes([&] { return epochs().size() == 2; }));
  EXPECT_THAT(epochs(), ElementsAre(1, 2));
  EXPECT_EQ(lease_state(server_->get(kPath)).process, "second");
}

TEST_F(LeaseLifeTest, begins_anew_after_another_process_had_a_hand_on_it) {
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return !epochs().empty(); }));
  server_->edit(kPath, {{"spec", {{"holderIdentity", "second"}}}});
  ASSERT_TRUE(comes([&] { return epochs().size() == 2; })) << "what it was lent may have been settled by the other";
  EXPECT_THAT(epochs(), ElementsAre(1, 2));
}

TEST_F(LeaseLifeTest, is_not_prolonged_by_a_renewal_that_failed) {
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return heard().size() >= 2; }));
  std::atomic<int> refused{0};
  server_->refuse([&](const kube::Request& request) { return request.method == kube::Method::Patch && ++refused > 0; },
                  500);
  const absl::Duration held = now().boot + kLife;
  pass(kLife / 2);
  ASSERT_TRUE(comes([&] { return refused >= 2; }));
  EXPECT_EQ(heard().back().second, held);
  server_->refuse_nothing();
  ASSERT_TRUE(comes([&] { return heard().back().second == now().boot + kLife; }));
  EXPECT_THAT(epochs(), ElementsAre(1)) << "it has not lapsed";
  one->stop();
}

TEST_F(LeaseLifeTest, is_held_from_before_the_request_that_renewed_it) {
  const absl::Duration underway = kLife / 2;
  set_slow_write(underway);
  const absl::Duration begun = now().boot;
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return heard().size() >= 2; }));
  EXPECT_EQ(heard()[1].second, begun + kLife) << "the others may count from then";
}

TEST_F(LeaseLifeTest, tells_when_the_store_was_restored_to_before_it) {
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return !epochs().empty(); }));
  server_->erase(kPath);
  ASSERT_TRUE(comes([&] { return epochs().size() >= 3; }));
  const std::vector<std::int64_t> seen = epochs();
  EXPECT_EQ(seen[1], 0) << "what was seen before does not hold";
  EXPECT_EQ(seen[2], 2) << "and what was lent before is not its own";
}

TEST_F(LeaseLifeTest, that_others_removed_its_lease_long_after_a_lapse_says_nothing_of_the_store) {
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return !epochs().empty(); }));
  server_->refuse([](const kube::Request& request) { return request.method == kube::Method::Patch; }, 503);
  pass(kLife + kTidiedUp);
  server_->erase(kPath);
  server_->refuse_nothing();
  ASSERT_TRUE(comes([&] { return epochs().size() >= 2; }));
  EXPECT_EQ(epochs()[1], 2) << "another life, and the store did not go back";
}

TEST_F(LeaseLifeTest, announces_what_is_so_now_and_nothing_that_is_over) {
  announce({{kSeenAnnotation, "scalelimits=7,clusterscalelimits=8"}, {"headroom.dev/flow", "busy"}});
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return server_->get(kPath).is_object(); }));
  EXPECT_EQ(annotations().at("headroom.dev/flow"), "busy");
  server_->edit(kPath, {{"metadata", {{"annotations", {{"example.com/owner", "somebody"}}}}}});
  announce({{kSeenAnnotation, "scalelimits=9,clusterscalelimits=8"}});
  EXPECT_TRUE(comes([&] { return !annotations().contains("headroom.dev/flow"); })) << annotations();
  EXPECT_EQ(annotations().at(kSeenAnnotation), "scalelimits=9,clusterscalelimits=8");
  EXPECT_EQ(annotations().at("example.com/owner"), "somebody");
}

TEST_F(LeaseLifeTest, is_given_up_by_its_own_life_alone) {
  const auto one = replica("first");
  one->start();
  ASSERT_TRUE(comes([&] { return !epochs().empty(); }));
  one->stop();
  server_->edit(kPath, {{"spec", {{"holderIdentity", "second"}}}});
  one->give_up();
  EXPECT_TRUE(server_->get(kPath).is_object()) << "another process has it";
  const auto next = replica("third");
  next->start();
  ASSERT_TRUE(comes([&] { return epochs().size() == 2; }));
  next->stop();
  next->give_up();
  EXPECT_TRUE(server_->get(kPath).is_null());
}

// --- the Leases of all replicas ---

json a_lease(const std::string& name, const std::string& renewed, int version) {
  return {{"metadata",
           {{"name", name},
            {"resourceVersion", std::to_string(version)},
            {"annotations", {{kEpochAnnotation, "3"}, {kSeenAnnotation, "scalelimits=5,clusterscalelimits=6"}}}}},
          {"spec", {{"holderIdentity", "p"}, {"renewTime", renewed}}}};
}

TEST(ReplicaLeases, counts_a_replica_as_alive_since_a_renewal_was_seen_not_since_it_claims) {
  limits::BootTime now = absl::Minutes(1);
  std::vector<limits::Holder> renewals;
  ReplicaLeases leases([&] { return now; }, [&](const limits::Holder& holder) { renewals.push_back(holder); });
  EXPECT_TRUE(leases.saw(a_lease("a", "2031-01-01T00:00:00Z", 10)));
  EXPECT_FALSE(leases.saw(a_lease("a", "2031-01-01T00:00:00Z", 11))) << "no renewal: somebody else changed it";
  EXPECT_THAT(renewals, ElementsAre(limits::Holder{"a", 3}));
  ASSERT_EQ(leases.live(absl::Seconds(15)).size(), 1u);
  EXPECT_EQ(SeenLimits::announced(leases.live(absl::Seconds(15))[0].announced).scale_limits, 5);
  now += absl::Seconds(15);
  EXPECT_TRUE(leases.live(absl::Seconds(15)).empty());
  EXPECT_TRUE(leases.saw(a_lease("a", "2001-01-01T00:00:00Z", 12))) << "whatever its clock says";
  EXPECT_EQ(leases.live(absl::Seconds(15)).size(), 1u);
}

TEST(ReplicaLeases, tells_the_silent_with_the_version_at_which_they_fell_silent) {
  limits::BootTime now = absl::Minutes(1);
  ReplicaLeases leases([&] { return now; }, [](const limits::Holder&) {});
  for (const char* const name : {"a", "b", "c"}) leases.saw(a_lease(name, "2031-01-01T00:00:00Z", 10));
  now += absl::Seconds(30);
  leases.saw(a_lease("b", "2031-01-01T00:00:30Z", 20));
  leases.saw(a_lease("c", "2031-01-01T00:00:00Z", 21));
  const auto silent = leases.silent_for(absl::Seconds(30), 10);
  ASSERT_EQ(silent.size(), 2u);
  EXPECT_EQ(silent[0].name, "a");
  EXPECT_EQ(silent[0].resource_version, "10");
  EXPECT_EQ(silent[1].resource_version, "21");
  EXPECT_EQ(leases.silent_for(absl::Seconds(30), 1).size(), 1u);
}

TEST(ReplicaLeases, forgets_those_that_a_list_does_not_show) {
  ReplicaLeases leases([] { return absl::Minutes(1); }, [](const limits::Holder&) {});
  leases.saw(a_lease("a", "2031-01-01T00:00:00Z", 10));
  const auto sink = leases.sink();
  sink->list_begins();
  sink->listed(a_lease("b", "2031-01-01T00:00:00Z", 12));
  sink->commit_listed();
  ASSERT_EQ(leases.live(absl::Seconds(15)).size(), 1u);
  EXPECT_EQ(leases.live(absl::Seconds(15))[0].name, "b");
  sink->deleted(a_lease("b", "2031-01-01T00:00:00Z", 13));
  EXPECT_TRUE(leases.live(absl::Seconds(15)).empty());
}

}  // namespace
}  // namespace headroom::webhook
