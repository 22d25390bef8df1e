// How fast, and how many at once: rates and concurrency on a real API server, three webhooks.
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <thread>

#include "operator/kube/cpprest_transport.h"
#include "operator/net/http_server.h"
#include "tests/e2e/limits_home.h"
#include "tests/kube/test_authority.h"
#include "webhook/review_endpoint.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kReplicas = 3;

std::unique_ptr<kube::Client> impatient_client() {
  kube::ClientLimits impatient;
  impatient.retry_for = milliseconds(0);
  return std::make_unique<kube::Client>(kube::make_transport(limits_home().config()).value(), impatient, 1);
}

json flow_limit(const std::string& ns, const std::string& name, const json& flow) {
  json limit = scale_limit(ns, name, json::object());
  limit["spec"].erase("total");
  limit["spec"].merge_patch(flow);
  return limit;
}

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// A create, by the clock of its client: it was admitted in between.
struct Landed {
  double asked, answered;
};

/// Of writes that were asked for and answered within any time t, no more than burst + rate × t.
::testing::AssertionResult never_more_than(const std::vector<Landed>& writes, double rate, double burst) {
  std::vector<Landed> by_end = writes;
  std::ranges::sort(by_end, {}, &Landed::answered);
  for (const Landed& first : writes) {
    int within = 0;
    for (const Landed& one : by_end) {
      if (one.asked < first.asked) continue;
      ++within;
      const double t = one.answered - first.asked;
      if (within > burst + rate * t) {
        return ::testing::AssertionFailure() << within << " within " << t << " s from " << first.asked << " s on";
      }
    }
  }
  return ::testing::AssertionSuccess();
}

/// What sixteen writers meet that create one object after the other.
struct Rush {
  std::vector<Landed> landed;
  std::vector<Error> refused;

  Rush(const std::string& ns, double seconds) {
    constexpr int kWriters = 16;
    std::mutex mutex;
    const SteadyClock::time_point start = SteadyClock::now();
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer] {
        const auto client = impatient_client();
        for (int i = 0; seconds_since(start) < seconds; ++i) {
          const double asked = seconds_since(start);
          const auto made = client->create(kArtifact, artifact(ns, absl::StrCat("w", writer, "-", i)), {});
          const double answered = seconds_since(start);
          std::lock_guard lock(mutex);
          if (made) {
            landed.push_back({asked, answered});
          } else {
            refused.push_back(made.error());
          }
        }
      });
    }
  }
};

TEST(LimitFlow, a_rate_is_never_exceeded_by_all_replicas_together_and_hardly_wasted) {
  constexpr int kRate = 50, kBurst = 50;
  constexpr double kSeconds = 8, kCalibration = 3;
  limit_namespace("paced", {flow_limit("paced", "pace", {{"rate", {{"writesPerSecond", kRate}, {"burst", kBurst}}}})});
  limit_namespace("unpaced", {});
  Webhooks webhooks(limits_home(), static_cast<int>(kReplicas), limits_arguments());
  ASSERT_TRUE(in_force(webhooks, kReplicas, "paced", {"pace"}));
  const Rush unpaced("unpaced", kCalibration);
  const double possible = static_cast<double>(unpaced.landed.size()) / kCalibration;

  const Rush paced("paced", kSeconds);
  const json ledger = limits_home().get(kLimitLedger, "headroom-system", "flow.sl.paced.pace");
  int swaps = 0;
  for (const json& grant : ledger.at("record").value("grants", json::array())) swaps += grant.value("sequence", 0);
  std::cout << paced.landed.size() << " landed in " << kSeconds << " s, " << paced.refused.size() << " refused, "
            << swaps << " swaps; without the limit " << possible << " a second\n";
  EXPECT_TRUE(never_more_than(paced.landed, kRate, kBurst));
  EXPECT_GE(static_cast<double>(paced.landed.size()), 0.85 * std::min<double>(kRate, 0.7 * possible) * kSeconds);
  for (const Error& error : paced.refused) {
    EXPECT_EQ(error.http_status, 429) << error.message;
    EXPECT_TRUE(absl::StrContains(error.message, "ScaleLimit paced/pace: over rate: ")) << error.message;
    EXPECT_GE(error.retry_after.value_or(milliseconds(0)), milliseconds(1000)) << error.message;
  }
}

TEST(LimitFlow, a_write_over_the_rate_is_told_when_to_come_back_unless_the_limit_only_warns) {
  json warns = flow_limit("slow", "warns", {{"rate", {{"writesPerSecond", 1}, {"burst", 2}}}, {"mode", "Warn"}});
  limit_namespace("slow", {flow_limit("slow", "refuses", {{"rate", {{"writesPerSecond", 1}, {"burst", 5}}}}), warns});
  Webhooks webhooks(limits_home(), 1, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 1, "slow", {"refuses", "warns"}));
  const auto client = impatient_client();
  const SteadyClock::time_point start = SteadyClock::now();
  for (int i = 0; i < 5; ++i) {
    const auto made = client->create(kArtifact, artifact("slow", absl::StrCat("a", i)), {});
    EXPECT_TRUE(made) << made.error().message;
  }
  const auto sixth = client->create(kArtifact, artifact("slow", "a6"), {});
  ASSERT_LT(seconds_since(start), 4.5) << "the machine is too slow to tell";
  ASSERT_FALSE(sixth);
  EXPECT_EQ(sixth.error().http_status, 429);
  EXPECT_TRUE(absl::StrContains(sixth.error().message,
                                "ScaleLimit slow/refuses: over rate: 5 writes within 5s, asked 1, hard 5 (1 a second)"))
      << sixth.error().message;
  EXPECT_GE(sixth.error().retry_after.value_or(milliseconds(0)), milliseconds(1000));
  EXPECT_LE(sixth.error().retry_after.value_or(milliseconds(0)), milliseconds(5000));
  kube::WriteOptions dry;
  dry.dry_run = true;
  EXPECT_TRUE(client->create(kArtifact, artifact("slow", "a7"), {}, dry)) << "that is not held against it";
  const std::string metrics = webhooks.replica(0).ask("/metrics");
  EXPECT_TRUE(absl::StrContains(metrics,
                                "headroom_limit_denials_total{dimension=\"rate\",kind=\"ScaleLimit\",limit=\"warns\","
                                "namespace=\"slow\",reason=\"OverRate\"}"))
      << "it has counted what passed";
}

/// A second webhook, beside Headroom's: keeps writes of one namespace in progress, whose names begin with "held", until
/// it is told to let them go.
class Gate {
 public:
  explicit Gate(const std::string& ns) : name_("gate-" + ns) {
    const testing::TestAuthority authority;
    const testing::CertificatePair pair = authority.issue({});
    net::ServerOptions options;
    options.address = "127.0.0.1";
    options.certificate_pem = pair.certificate_pem;
    options.key_pem = pair.key_pem;
    server_ = net::HttpServer::start(options, webhook::review_endpoint([this](const auto& review, auto responder) {
                                       judge(review, std::move(responder));
                                     }))
                  .value();
    const json rule = {{"apiGroups", json::array({"example.com"})},
                       {"apiVersions", json::array({"v1"})},
                       {"operations", json::array({"CREATE"})},
                       {"resources", json::array({"artifacts"})}};
    const json webhook = {{"name", "gate.example.com"},
                          {"rules", json::array({rule})},
                          {"namespaceSelector", {{"matchLabels", {{"kubernetes.io/metadata.name", ns}}}}},
                          {"clientConfig",
                           {{"url", absl::StrCat("https://127.0.0.1:", server_->port(), "/gate")},
                            {"caBundle", absl::Base64Escape(authority.pem())}}},
                          {"failurePolicy", "Fail"},
                          {"sideEffects", "None"},
                          {"timeoutSeconds", 9},
                          {"admissionReviewVersions", json::array({"v1"})}};
    const auto made =
        limits_home().client().create(kube::types::kValidatingWebhookConfiguration,
                                      {{"apiVersion", kube::types::kValidatingWebhookConfiguration.api_version()},
                                       {"kind", kube::types::kValidatingWebhookConfiguration.kind},
                                       {"metadata", {{"name", name_}}},
                                       {"webhooks", json::array({webhook})}},
                                      {});
    EXPECT_TRUE(made) << made.error().message;
  }
  ~Gate() {
    EXPECT_TRUE(limits_home().client().remove(kube::types::kValidatingWebhookConfiguration, {"", name_}, {}, {}));
    let_go(1000);
    server_->stop(milliseconds(1000));
  }

  bool asked() const { return asked_; }
  std::size_t held() {
    std::lock_guard lock(mutex_);
    return held_.size();
  }
  void let_go(std::size_t writes) {
    for (; writes > 0; --writes) {
      std::unique_lock lock(mutex_);
      if (held_.empty()) return;
      webhook::ReviewResponder responder = std::move(held_.front());
      held_.pop_front();
      lock.unlock();
      responder.answer({});
    }
  }

 private:
  void judge(const webhook::Review& review, webhook::ReviewResponder responder) {
    asked_ = true;
    if (!review.name.starts_with("held")) return responder.answer({});
    std::lock_guard lock(mutex_);
    held_.push_back(std::move(responder));
  }

  const std::string name_;
  std::atomic<bool> asked_{false};
  std::mutex mutex_;
  std::deque<webhook::ReviewResponder> held_;
  std::unique_ptr<net::HttpServer> server_;
};

/// Creates, each on a thread of its own.
class Writers {
 public:
  explicit Writers(std::string ns) : ns_(std::move(ns)) {}

  void start(const std::string& kind, int writes) {
    for (; writes > 0; --writes) {
      all_.push_back(std::make_unique<Writer>());
      Writer& writer = *all_.back();
      const std::string name = absl::StrCat(kind, "-", all_.size());
      writer.thread = std::jthread([&writer, ns = ns_, name] {
        writer.result = impatient_client()->create(kArtifact, artifact(ns, name), {});
        writer.done = true;
      });
    }
  }
  int landed() const {
    return count([](const Result<json>& result) { return result.has_value(); });
  }
  int refused() const {
    return count([](const Result<json>& result) { return !result && result.error().http_status == 429; });
  }
  bool done() const {
    return std::ranges::all_of(all_, [](const auto& one) { return one->done.load(); });
  }
  /// All refusals are of this limit's concurrency and say when to try again.
  void expect_refusals_by(const std::string& limit) const {
    for (const auto& one : all_) {
      if (!one->done || one->result) continue;
      const Error& error = one->result.error();
      EXPECT_EQ(error.http_status, 429) << error.message;
      EXPECT_TRUE(absl::StrContains(error.message, absl::StrCat(limit, ": over concurrency: in progress ")))
          << error.message;
      EXPECT_GE(error.retry_after.value_or(milliseconds(0)), milliseconds(1000)) << error.message;
    }
  }

 private:
  struct Writer {
    Result<json> result = json();
    std::atomic<bool> done{false};
    std::jthread thread;
  };

  template <class Predicate>
  int count(Predicate predicate) const {
    return static_cast<int>(
        std::ranges::count_if(all_, [&](const auto& one) { return one->done.load() && predicate(one->result); }));
  }

  const std::string ns_;
  std::vector<std::unique_ptr<Writer>> all_;
};

class Concurrency : public ::testing::Test {
 protected:
  /// In force, with the gate in place.
  void limit(const std::string& ns, int replicas, const json& concurrency, const json& thresholds = json::array()) {
    ns_ = ns;
    json flow = {{"concurrency", concurrency}};
    if (!thresholds.empty()) flow["thresholds"] = thresholds;
    limit_namespace(ns, {flow_limit(ns, "gateway", flow)});
    webhooks_ = std::make_unique<Webhooks>(limits_home(), replicas, limits_arguments());
    replicas_ = static_cast<std::size_t>(replicas);
    ASSERT_TRUE(in_force(*webhooks_, replicas_, ns, {"gateway"}));
    gate_ = std::make_unique<Gate>(ns);
    writers_ = std::make_unique<Writers>(ns);
    const auto client = impatient_client();
    int probes = 0;
    ASSERT_TRUE(eventually(20, [&] {
      (void)client->create(kArtifact, artifact(ns, absl::StrCat("probe-", ++probes)), {});
      return gate_->asked() && in_progress() == 0;
    }));
  }

  /// A gauge of the limit, added up over all replicas.
  int added_up(const std::string& metric, const std::string& labels = "") const {
    int sum = 0;
    for (std::size_t i = 0; i < replicas_; ++i) {
      const std::string metrics = webhooks_->replica(i).ask("/metrics");
      const std::string line =
          absl::StrCat(metric, "{", labels, "kind=\"ScaleLimit\",limit=\"gateway\",namespace=\"", ns_, "\"} ");
      const std::size_t at = metrics.find(line);
      if (at != std::string::npos) sum += std::atoi(metrics.c_str() + at + line.size());
    }
    return sum;
  }
  int in_progress() const { return added_up("headroom_limit_flow_in_use", "dimension=\"concurrency\","); }
  int waiting() const { return added_up("headroom_limit_flow_waiting"); }

  std::string ns_;
  std::size_t replicas_ = 0;
  std::unique_ptr<Webhooks> webhooks_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<Writers> writers_;
};

TEST_F(Concurrency, is_never_exceeded_by_all_replicas_together_and_the_next_wait_in_a_queue) {
  constexpr int kMost = 4, kQueue = 6, kOthers = 14;
  limit("narrow", static_cast<int>(kReplicas), {{"max", kMost}, {"queue", {{"length", kQueue}, {"timeout", "4s"}}}});
  writers_->start("held", kMost);
  ASSERT_TRUE(eventually(5, [&] { return gate_->held() == kMost && in_progress() == kMost; })) << in_progress();
  writers_->start("next", kOthers);
  ASSERT_TRUE(eventually(5, [&] { return writers_->refused() >= kOthers - kQueue; })) << "their queue is full";
  EXPECT_EQ(in_progress(), kMost);
  EXPECT_GT(waiting(), 0);
  EXPECT_EQ(writers_->landed(), 0);
  gate_->let_go(kMost);
  EXPECT_TRUE(eventually(10, [&] {
    EXPECT_LE(in_progress(), kMost);
    return writers_->done();
  }));
  EXPECT_GT(writers_->landed(), kMost) << "those that waited came next";
  writers_->expect_refusals_by("ScaleLimit narrow/gateway");
}

TEST_F(Concurrency, once_full_lets_nothing_start_before_as_many_writes_have_ended_as_the_limit_asks) {
  limit("pausing", 1, {{"max", 4}, {"resumeBelow", 2}, {"queue", {{"length", 4}, {"timeout", "4s"}}}});
  writers_->start("held", 4);
  ASSERT_TRUE(eventually(5, [&] { return in_progress() == 4; }));
  writers_->start("next", 1);
  ASSERT_TRUE(eventually(3, [&] { return waiting() == 1; }));
  gate_->let_go(2);
  ASSERT_TRUE(eventually(3, [&] { return in_progress() == 2; }));
  EXPECT_EQ(waiting(), 1) << "two are not fewer than two";
  gate_->let_go(1);
  EXPECT_TRUE(eventually(3, [&] { return writers_->landed() == 4; })) << "three of those that were held, and the next";
  EXPECT_EQ(writers_->refused(), 0);
}

TEST_F(Concurrency, of_a_write_that_hangs_ends_when_it_is_assumed_to_be_done) {
  limit("stuck", 2, {{"max", 1}, {"assumeDoneAfter", "3s"}});
  const SteadyClock::time_point start = SteadyClock::now();
  writers_->start("held", 1);
  ASSERT_TRUE(eventually(3, [&] { return in_progress() == 1; }));
  writers_->start("next", 2);
  EXPECT_TRUE(eventually(3, [&] { return writers_->refused() == 2; })) << "nobody has another place, and no queue";
  EXPECT_TRUE(eventually(8, [&] {
    writers_->start("next", 1);
    return eventually(2, [&] { return writers_->landed() == 1; });
  }));
  EXPECT_GE(seconds_since(start), 3);
  EXPECT_EQ(gate_->held(), 1U) << "it hangs on";
  writers_->expect_refusals_by("ScaleLimit stuck/gateway");
}

TEST_F(Concurrency, of_a_replica_that_died_comes_back_once_none_of_its_writes_can_be_in_progress) {
  limit("bereaved", 2, {{"max", 4}});
  writers_->start("held", 4);
  ASSERT_TRUE(eventually(10, [&] { return gate_->held() == 4 && in_progress() == 4; })) << in_progress();
  const auto holds = [&](std::size_t replica) {
    const json record = limits_home().get(kLimitLedger, "headroom-system", "flow.sl.bereaved.gateway").at("record");
    return std::ranges::any_of(record.value("grants", json::array()),
                               [&](const json& grant) { return grant.at("holder") == webhooks_->lease(replica); });
  };
  const std::size_t dead = holds(0) ? 0 : 1;
  ASSERT_TRUE(holds(dead));
  webhooks_->replica(dead).kill_now();
  const SteadyClock::time_point killed = SteadyClock::now();
  gate_->let_go(4);
  ASSERT_TRUE(eventually(10, [&] { return writers_->landed() == 4; })) << "they had been let through";
  ASSERT_TRUE(eventually(60, [&] { return !holds(dead); }));
  // Its Lease of three seconds, which it had renewed a second ago at most, and the request deadline of twelve.
  EXPECT_GE(seconds_since(killed), 12);
  EXPECT_LE(seconds_since(killed), 3 + 12 + 10) << "ten for a busy machine";
  ASSERT_TRUE(webhooks_->wait_ready(10));
  writers_->start("held-later", 4);
  EXPECT_TRUE(eventually(10, [&] { return in_progress() == 4; })) << in_progress();
  gate_->let_go(4);
  EXPECT_TRUE(eventually(10, [&] { return writers_->landed() == 8; }));
}

TEST_F(Concurrency, is_shown_by_the_status_as_full_as_it_was_since_the_last_look) {
  limit("shown", 2, {{"max", 4}},
        json::array({{{"name", "full"}, {"dimension", "concurrency"}, {"percent", 100}, {"level", "Red"}}}));
  const auto shows = [&](const std::string& used, const std::string& level) {
    const json status = limits_home().get(kScaleLimit, "shown", "gateway").value("status", json::object());
    const json dimensions = status.value("dimensions", json::array());
    return status.value("level", "") == level && dimensions.size() == 1 && dimensions[0].at("name") == "concurrency" &&
           dimensions[0].value("used", "") == used;
  };
  EXPECT_TRUE(eventually(15, [&] { return shows("0", "Green"); }));
  writers_->start("held", 4);
  EXPECT_TRUE(eventually(8, [&] { return shows("4", "Red"); })) << "by replicas that have some of them each";
  gate_->let_go(4);
  EXPECT_TRUE(eventually(15, [&] { return shows("0", "Green"); }));
  EXPECT_EQ(writers_->landed(), 4);
}

}  // namespace
}  // namespace headroom::e2e
