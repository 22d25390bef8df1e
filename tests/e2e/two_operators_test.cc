// Two operators beside each other on one API server, whose audit log tells what each of them wrote: one leads, the
// other takes over when it is killed, stopped, ended or cut off, and whatever the former leader still has under way
// falls to the ground.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/audit_log.h"
#include "tests/e2e/clusters.h"
#include "tests/e2e/harvest_fair.h"
#include "tests/e2e/operators.h"
#include "tests/e2e/tcp_proxy.h"
#include "tests/kube/temporary_folder.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

using fair::all_sizes, fair::kFestival, fair::kNamespace, fair::kTargets;

constexpr char kHome[] = "headroom-system";

/// OperatorProcess's lease, and what its standby adds: it looks every 0.4 s to 0.48 s, so it may see the last renewal
/// one look late and the end of the lease another one.
constexpr absl::Duration kLease = absl::Seconds(3), kLook = absl::Milliseconds(480);
/// What a busy machine adds to what is a matter of milliseconds.
constexpr absl::Duration kLoad = absl::Seconds(1);

/// Writes that need no precondition, and why.
struct Exemption {
  const char *group, *resource, *subresource, *reason;
};
constexpr Exemption kExempt[] = {
    {"events.k8s.io", "events", "", "an Event only tells; a count that lands twice or late misleads no controller"},
    {"headroom.dev", "festivalschedules", "status", "written without one; no size is decided from it"},
};

bool is_exempt(const AuditEntry& entry) {
  return std::ranges::any_of(kExempt, [&](const Exemption& exemption) {
    return entry.group == exemption.group && entry.resource == exemption.resource &&
           entry.subresource == exemption.subresource;
  });
}

bool is_lease(const AuditEntry& entry) { return entry.resource == "leases"; }

/// On anything but the Lease and what is exempt: sizes, records, finalizers, status, switches.
bool is_work(const AuditEntry& entry) { return !is_lease(entry) && !is_exempt(entry); }

/// On what a target sizes.
bool is_size(const AuditEntry& entry) {
  return entry.group == "autoscaling" || entry.group == "apps" || entry.group == kDatabase.group;
}

const testing::TemporaryFolder& folder() {
  static const testing::TemporaryFolder folder;
  return folder;
}

std::string user_of(const std::string& account) { return absl::StrCat("system:serviceaccount:", kHome, ":", account); }

Cluster& home() {
  static const std::string policy = folder().write("policy.json", AuditLog::policy({user_of("east"), user_of("west")}));
  return Cluster::named("two", {"--apiserver-flag=--audit-policy-file=" + policy,
                                "--apiserver-flag=--audit-log-path=" + folder().path("audit.log")});
}

AuditLog& audit() {
  static AuditLog log(folder().path("audit.log"));
  return log;
}

constexpr std::chrono::milliseconds kClosely{1};

json lease_spec() {
  const auto lease = home().client().get(kube::types::kLease, {kHome, "headroom-operator"}, {});
  return lease ? lease.value().value("spec", json::object()) : json::object();
}

/// metadata and spec of everything, without what an HPA has done to its workload: it never lowers what a floor raised.
std::map<std::string, json> everything() {
  std::map<std::string, json> found = home().metadata_and_spec(kNamespace);
  for (auto& [name, one] : found) {
    if (!name.starts_with("Deployment mailer-") && name.starts_with("Deployment ")) one["spec"].erase("replicas");
  }
  return found;
}

// --- the operators ---

/// An operator with a ServiceAccount of its own, by which the audit log knows it.
struct Candidate {
  Candidate(const std::string& account, const std::string& server)
      : user(user_of(account)),
        process(credentials(account, server), folder().path(account + ".log"),
                {"--workers", "2", "--watch-namespace", kNamespace, "--config", folder().path("operator.yaml")}) {}

  static std::string credentials(const std::string& account, const std::string& server) {
    const std::string token(absl::StripAsciiWhitespace(
        home().kubectl(absl::StrCat("-n ", kHome, " create token ", account, " --duration=1h"))));
    const json kubeconfig = {
        {"apiVersion", "v1"},
        {"kind", "Config"},
        {"current-context", "home"},
        {"contexts", {{{"name", "home"}, {"context", {{"cluster", "home"}, {"user", account}}}}}},
        {"clusters",
         {{{"name", "home"}, {"cluster", {{"server", server}, {"certificate-authority", folder().path("ca.crt")}}}}}},
        {"users", {{{"name", account}, {"user", {{"token", token}}}}}}};
    return folder().write(account + ".kubeconfig", kubeconfig.dump());
  }

  std::string user;
  OperatorProcess process;
};

class TwoOperators : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    home().add_databases();
    folder().write("ca.crt", home().config().ca_pem);
    folder().write("operator.yaml", absl::StrCat("allowedFields: [{group: ", kDatabase.group,
                                                 ", resource: ", kDatabase.plural, ", path: .spec.instances}]\n"));
    home().rights().allow(scale_kind(kDatabase));
    home().rights().allow(allowed_field(kDatabase, ".spec.instances"));
    home().kubectl(absl::StrCat("create namespace ", kNamespace));
    for (const char* account : {"east", "west"}) {
      home().kubectl(absl::StrCat("-n ", kHome, " create serviceaccount ", account));
      const std::string bound = absl::StrCat(" --serviceaccount=", kHome, ":", account);
      for (const char* part : {"", "-writes", "-region", "-region-writes"}) {
        home().kubectl(
            absl::StrCat("create clusterrolebinding ", account, part, " --clusterrole=headroom-operator", part, bound));
      }
      home().kubectl(absl::StrCat("create rolebinding ", account, " -n ", kHome, " --role=headroom-operator", bound));
    }
    const json list = {{"apiVersion", "v1"}, {"kind", "List"}, {"items", fair::world()}};
    home().kubectl("apply --server-side -f " + folder().write("world.json", list.dump()));
  }

  void SetUp() override { first_entry_ = audit().entries().size(); }

  /// The festival ends, everything is as before, and who still runs ends in order.
  void TearDown() override {
    if (started_festival_) {
      home().kubectl(absl::StrCat("-n ", kNamespace, " delete festivalschedule ", kFestival, " --timeout=60s"));
      EXPECT_TRUE(eventually(30, [] { return fair::sizes_now(home()) == all_sizes(1, 2); }))
          << json(fair::sizes_now(home()));
      EXPECT_TRUE(eventually(20, [this] { return everything() == before_; }))
          << json::diff(json(before_), json(everything()));
    }
    for (Candidate* one : {leader_, standby_}) {
      if (one == nullptr || !one->process.running()) continue;
      one->process.signal(SIGTERM);
      EXPECT_EQ(one->process.wait(20), 0);
    }
    expect_preconditions();
    if (!HasFailure()) return;
    for (const auto& one : candidates_) {
      std::cerr << "--- " << one->user << "\n" << one->process.log();
    }
    for (const AuditEntry& entry : entries([](const AuditEntry& any) { return !is_exempt(any); })) {
      std::cerr << entry << "\n";
    }
  }

  /// Starts both and returns when one leads, both are ready, and everything of the world is known and at rest.
  /// `east` goes to the API server by way of `server`.
  void start_two(const std::string& server = home().config().server) {
    candidates_.push_back(std::make_unique<Candidate>("east", server));
    if (server == home().config().server) add_west();
    ASSERT_TRUE(eventually(30, [&] { return ready(*candidates_.front()) && holder().has_value(); }));
    if (candidates_.size() == 1) add_west();
    ASSERT_TRUE(eventually(30, [&] { return ready(*candidates_.back()); }));
    ASSERT_TRUE(eventually(30, [] {
      const auto targets = home().client().list(kube::types::kScaleTarget, kNamespace, {}, {});
      return targets && std::ranges::count_if(targets.value().items, [](const json& one) {
                          return one.contains("status") && one["status"].contains("originals");
                        }) == kTargets;
    })) << home().kubectl(absl::StrCat("-n ", kNamespace, " get scaletargets -o yaml"));
    ASSERT_TRUE(eventually(30, [] { return fair::sizes_now(home()) == all_sizes(1, 2); }))
        << json(fair::sizes_now(home()));
    before_ = everything();
    ASSERT_EQ(before_.size(), static_cast<std::size_t>(fair::kObjects));
    leader_ = candidates_.front()->user == holder() ? candidates_.front().get() : candidates_.back().get();
    standby_ = leader_ == candidates_.front().get() ? candidates_.back().get() : candidates_.front().get();
  }

  void start_festival(absl::Time at = absl::Now() - absl::Seconds(1)) {
    home().kubectl("apply --server-side -f " + folder().write("festival.json", fair::festival(at).dump()));
    started_festival_ = true;
  }

  /// Returns right after the leader has written some sizes and before it has written all of them.
  void wait_for_the_middle() {
    ASSERT_TRUE(eventually(
        20, [this] { return work_of(*leader_, is_size).size() - sizes_at_start_ >= 5; }, kClosely));
  }
  void remember_sizes_at_start() { sizes_at_start_ = work_of(*leader_, is_size).size(); }

  void expect_festival_sizes() const {
    EXPECT_TRUE(eventually(30, [] { return fair::sizes_now(home()) == all_sizes(2, 4); }))
        << json(fair::sizes_now(home()));
  }

  std::vector<AuditEntry> entries(const std::function<bool(const AuditEntry&)>& wanted) const {
    return audit().select(first_entry_, wanted);
  }
  std::vector<AuditEntry> work_of(const Candidate& one, bool (*which)(const AuditEntry&) = is_work) const {
    return entries([&](const AuditEntry& entry) { return entry.user == one.user && which(entry); });
  }
  std::vector<AuditEntry> leases_of(const Candidate& one) const {
    return entries(
        [&](const AuditEntry& entry) { return entry.user == one.user && is_lease(entry) && entry.landed(); });
  }
  /// Who wrote the Lease last.
  std::optional<std::string> holder() const {
    const auto written = entries([](const AuditEntry& entry) { return is_lease(entry) && entry.landed(); });
    return written.empty() ? std::nullopt : std::optional(written.back().user);
  }

  static bool ready(const Candidate& one) { return one.process.port() != 0 && one.process.ask("/readyz").has_value(); }

  /// From the last renewal to the standby's first: never before the lease is over, and as soon as it can be seen.
  void expect_takeover_after_the_lease() {
    const auto former = leases_of(*leader_), next = leases_of(*standby_);
    ASSERT_FALSE(former.empty());
    ASSERT_FALSE(next.empty());
    const absl::Duration gap = next.front().received - former.back().received;
    EXPECT_GE(gap, kLease);
    EXPECT_LE(gap, kLease + 2 * kLook + kLoad);
    EXPECT_LT(former.back().revision(), next.front().revision());
  }

  /// What the former leader's writes that came after the next leader's first one have met.
  std::vector<AuditEntry> late_writes() const {
    auto next = work_of(*standby_);
    std::erase_if(next, [](const AuditEntry& entry) { return !entry.landed(); });
    if (next.empty()) return {};
    return entries([&, first = next.front()](const AuditEntry& entry) {
      return entry.user == leader_->user && !is_exempt(entry) &&
             (entry.answered > first.answered || entry.revision() > first.revision());
    });
  }
  void expect_the_former_is_fenced() const {
    for (const AuditEntry& entry : late_writes()) EXPECT_FALSE(entry.landed()) << entry;
  }

  void expect_preconditions() const {
    std::size_t held = 0;
    for (const AuditEntry& entry : entries([](const AuditEntry& any) { return any.verb != "create"; })) {
      // Of a process that was stopped or killed in between, the server has seen a request without its body.
      const bool cut_short = entry.request.is_null() && !entry.landed();
      if (is_exempt(entry) || cut_short) continue;
      ++held;
      EXPECT_TRUE(entry.carries_precondition()) << entry;
    }
    EXPECT_GT(held, static_cast<std::size_t>(kTargets));
  }

  std::vector<std::unique_ptr<Candidate>> candidates_;
  Candidate *leader_ = nullptr, *standby_ = nullptr;

 private:
  void add_west() { candidates_.push_back(std::make_unique<Candidate>("west", home().config().server)); }

  std::size_t first_entry_ = 0, sizes_at_start_ = 0;
  std::map<std::string, json> before_;
  bool started_festival_ = false;
};

TEST_F(TwoOperators, one_leads_and_the_other_stands_by_ready_and_silent) {
  ASSERT_NO_FATAL_FAILURE(start_two());
  start_festival();
  expect_festival_sizes();
  EXPECT_TRUE(ready(*leader_) && ready(*standby_));
  EXPECT_GE(work_of(*leader_, is_size).size(), static_cast<std::size_t>(kTargets));
  EXPECT_GE(leases_of(*leader_).size(), 2U);
  const auto written = entries([&](const AuditEntry& entry) { return entry.user == standby_->user; });
  for (const AuditEntry& entry : written) EXPECT_TRUE(is_lease(entry) && !entry.landed()) << entry;
}

TEST_F(TwoOperators, a_leader_killed_in_the_middle_of_a_phase_is_succeeded_to_the_same_end) {
  ASSERT_NO_FATAL_FAILURE(start_two());
  remember_sizes_at_start();
  start_festival();
  ASSERT_NO_FATAL_FAILURE(wait_for_the_middle());
  leader_->process.kill_now();
  EXPECT_NE(fair::sizes_now(home()), all_sizes(2, 4)) << "nothing was left to do";
  expect_festival_sizes();
  expect_takeover_after_the_lease();
  expect_the_former_is_fenced();
}

TEST_F(TwoOperators, a_leader_stopped_for_longer_than_its_lease_ends_itself_and_writes_nothing_more) {
  ASSERT_NO_FATAL_FAILURE(start_two());
  remember_sizes_at_start();
  start_festival();
  ASSERT_NO_FATAL_FAILURE(wait_for_the_middle());
  leader_->process.signal(SIGSTOP);
  EXPECT_NE(fair::sizes_now(home()), all_sizes(2, 4)) << "nothing was left to do";
  expect_festival_sizes();
  const json held = lease_spec();

  leader_->process.signal(SIGCONT);
  EXPECT_EQ(leader_->process.wait(10), 1);
  EXPECT_TRUE(absl::StrContains(leader_->process.log(), "the lease is lost; ending at once"));
  EXPECT_EQ(lease_spec().value("holderIdentity", ""), held.value("holderIdentity", "nobody"));
  expect_takeover_after_the_lease();
  expect_the_former_is_fenced();
}

TEST_F(TwoOperators, a_leader_that_ends_in_order_gives_the_lease_back_and_is_succeeded_at_once) {
  ASSERT_NO_FATAL_FAILURE(start_two());
  remember_sizes_at_start();
  start_festival();
  ASSERT_NO_FATAL_FAILURE(wait_for_the_middle());
  leader_->process.signal(SIGTERM);
  EXPECT_EQ(leader_->process.wait(10), 0);
  expect_festival_sizes();

  const auto former = leases_of(*leader_), next = leases_of(*standby_);
  ASSERT_FALSE(former.empty() || next.empty());
  const AuditEntry& given_back = former.back();
  EXPECT_EQ(given_back.request["spec"].value("holderIdentity", "nobody"), "") << given_back;
  EXPECT_LE(next.front().received - given_back.received, kLook + kLoad) << next.front();
  for (const AuditEntry& entry : work_of(*leader_)) {
    EXPECT_LT(entry.received, given_back.received) << "the former leader's work was not at its end\n  " << entry;
  }
  expect_the_former_is_fenced();
}

TEST_F(TwoOperators, a_leader_cut_off_from_the_api_server_ends_before_another_leads_and_its_late_writes_fail) {
  const std::string server = home().config().server;
  TcpProxy proxy(static_cast<std::uint16_t>(std::stoi(server.substr(server.rfind(':') + 1))));
  ASSERT_NO_FATAL_FAILURE(start_two(absl::StrCat("https://127.0.0.1:", proxy.port())));
  ASSERT_EQ(leader_->user, user_of("east"));
  // The leader knows of the festival and still has its lease when it begins, but nothing reaches the API server.
  const absl::Time begin = absl::Now() + absl::Seconds(3);
  start_festival(begin);
  ASSERT_TRUE(eventually(
      5, [&] { return absl::Now() > begin - absl::Milliseconds(200); }, kClosely));
  proxy.hold();
  EXPECT_EQ(leader_->process.wait(10), 1);
  const absl::Time ended = absl::Now();
  EXPECT_TRUE(absl::StrContains(leader_->process.log(), "the lease is lost; ending at once"));
  EXPECT_GT(proxy.held_bytes(), 1000U);

  expect_festival_sizes();
  expect_takeover_after_the_lease();
  const auto next = leases_of(*standby_);
  ASSERT_FALSE(next.empty());
  EXPECT_LT(ended, next.front().received);

  proxy.release();
  EXPECT_TRUE(eventually(10, [&] {
    return proxy.held_bytes() == 0 &&
           std::ranges::any_of(late_writes(), [](const AuditEntry& entry) { return entry.status == 409; });
  }));
  expect_the_former_is_fenced();
}

}  // namespace
}  // namespace headroom::e2e
