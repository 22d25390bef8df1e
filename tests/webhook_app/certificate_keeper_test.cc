// The keeper of the server's certificate, before an API server in memory.
#include "webhook/app/certificate_keeper.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>

#include "operator/certificates/certificate_secret.h"
#include "operator/certificates/issue.h"
#include "tests/kube/temporary_folder.h"
#include "tests/kube/test_authority.h"
#include "tests/support/memory_api_server.h"
#include "tests/support/polling.h"
#include "webhook/app/certificate_files.h"
#include "webhook/app/certificate_secret_source.h"
#include "webhook/app/configuration_bundle.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr char kSecretPath[] = "/api/v1/namespaces/headroom-system/secrets/certs";
constexpr char kConfigurationPath[] = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/headroom";

/// One replica's keeper, with a server that remembers what it was given.
class Replica {
 public:
  Replica(const std::shared_ptr<testing::MemoryApiServer>& server, std::unique_ptr<CertificateSource> source,
          certificates::TrustOptions trust, bool manages_configuration = true) {
    CertificateKeeperOptions options;
    options.trust = trust;
    options.trust.manages_configuration = manages_configuration;
    options.configuration = "headroom";
    options.look_every = 10ms;
    kube::ClientLimits limits;
    limits.retry_for = 0ms;
    keeper = std::make_unique<CertificateKeeper>(
        options, std::move(source), std::make_shared<kube::Client>(server, limits, 1),
        CertificateSurroundings{[] { return absl::Now(); }, [] { return absl::Now() - absl::UnixEpoch(); },
                                [] { return std::vector<certificates::OtherReplica>(); },
                                [this](const certificates::Pair& pair) -> Status {
                                  std::lock_guard lock(mutex_);
                                  if (refuses) return invalid("the server does not like it");
                                  served_ = pair;
                                  return ok();
                                },
                                [this] { ++bundle_changes; }},
        metrics);
  }

  certificates::Pair served() const {
    std::lock_guard lock(mutex_);
    return served_;
  }
  bool says(const std::string& line) const { return absl::StrContains(metrics.serialize(), line); }

  runtime::Metrics metrics;
  std::atomic<int> bundle_changes{0};
  std::atomic<bool> refuses{false};
  std::unique_ptr<CertificateKeeper> keeper;

 private:
  mutable std::mutex mutex_;
  certificates::Pair served_;
};

bool soon(const std::function<bool()>& holds) { return testing_support::poll(holds, 10s, 5ms); }

class TheKeeperOfCertificates : public ::testing::Test {
 protected:
  void write(const testing::CertificatePair& pair, const std::string& authorities) {
    folder_.swap({{"tls.crt", pair.certificate_pem}, {"tls.key", pair.key_pem}, {"ca.crt", authorities}});
  }
  std::unique_ptr<CertificateSource> files() const {
    return std::make_unique<CertificateFiles>(certificate_directory(folder_.path()));
  }
  std::unique_ptr<CertificateSource> secret(std::set<std::string> names = {"webhook.test"}) const {
    kube::ClientLimits limits;
    limits.retry_for = 0ms;
    return std::make_unique<CertificateSecretSource>(
        std::make_shared<kube::Client>(server_, limits, 1),
        CertificateSecretOptions{"headroom-system", "certs", names, {}, trust_, 0},
        std::make_unique<certificates::OpenSslMint>(certificates::Lifetimes()), [] { return absl::Now(); });
  }
  void carry(const std::string& pem) {
    server_->put(
        kConfigurationPath,
        {{"webhooks", json::array({{{"name", "a"}, {"clientConfig", {{"caBundle", absl::Base64Escape(pem)}}}}})}});
  }
  certificates::SelfManaged stored() const {
    return certificates::self_managed_from_secret(server_->get(kSecretPath)).value();
  }

  const std::shared_ptr<testing::MemoryApiServer> server_ = testing::MemoryApiServer::make();
  const certificates::TrustOptions trust_{absl::Milliseconds(200), absl::Milliseconds(100), true, true};
  const testing::TestAuthority one_{"one"}, other_{"other"};
  testing::TemporaryFolder folder_;
};

TEST_F(TheKeeperOfCertificates, serves_a_new_pair_of_the_same_authority_and_keeps_the_last_good_one) {
  const testing::CertificatePair first = one_.issue({}), second = one_.issue({});
  write(first, one_.pem());
  carry(one_.pem());
  Replica replica(server_, files(), trust_);
  EXPECT_EQ(replica.keeper->first({}).value().certificate_pem, first.certificate_pem);
  replica.keeper->start();
  write({first.certificate_pem, "garbage"}, one_.pem());
  EXPECT_TRUE(soon([&] { return replica.says("headroom_webhook_certificate_reload_failures_total 1\n"); }));
  write({second.certificate_pem, "garbage"}, one_.pem());
  EXPECT_TRUE(soon([&] { return replica.says("headroom_webhook_certificate_reload_failures_total 2\n"); }));
  EXPECT_EQ(replica.served().certificate_pem, "") << "the server still has what it began with";
  EXPECT_EQ(replica.keeper->problem(), "");
  write(second, one_.pem());
  EXPECT_TRUE(soon([&] { return replica.served().certificate_pem == second.certificate_pem; }));
  EXPECT_TRUE(replica.says("headroom_webhook_certificate_reload_failures_total 2\n")) << "one for each change";
  EXPECT_TRUE(soon([&] { return replica.says("headroom_webhook_certificate_changes_total 1\n"); }))
      << "counted once it is served";
  EXPECT_TRUE(replica.says("headroom_webhook_certificate_expiry_timestamp_seconds "));
}

TEST_F(TheKeeperOfCertificates, waits_with_a_certificate_of_another_authority_until_api_servers_know_it) {
  const testing::CertificatePair first = one_.issue({}), second = other_.issue({});
  write(first, one_.pem());
  carry(one_.pem());
  Replica replica(server_, files(), trust_);
  ASSERT_TRUE(replica.keeper->first({}));
  replica.keeper->start();
  write(second, other_.pem());
  EXPECT_TRUE(soon([&] { return replica.bundle_changes > 0; }));
  EXPECT_EQ(replica.served().certificate_pem, "");
  const auto bundle = replica.keeper->bundle_for(server_->get(kConfigurationPath));
  ASSERT_TRUE(bundle && bundle.value());
  EXPECT_TRUE(absl::StrContains(*bundle.value(), one_.pem()) && absl::StrContains(*bundle.value(), other_.pem()));
  carry(*bundle.value());
  EXPECT_TRUE(soon([&] { return replica.served().certificate_pem == second.certificate_pem; }));
  EXPECT_TRUE(soon([&] {
    return *replica.keeper->bundle_for(server_->get(kConfigurationPath)).value() == other_.pem();
  })) << "nobody needs the first authority any more";
}

TEST_F(TheKeeperOfCertificates, stays_with_the_pair_before_when_the_server_refuses_the_new_one) {
  const testing::CertificatePair first = one_.issue({}), second = one_.issue({});
  write(first, one_.pem());
  carry(one_.pem());
  Replica replica(server_, files(), trust_);
  ASSERT_TRUE(replica.keeper->first({}));
  replica.refuses = true;
  replica.keeper->start();
  write(second, one_.pem());
  EXPECT_TRUE(soon([&] { return replica.says("headroom_webhook_certificate_reload_failures_total 1\n"); }));
  EXPECT_EQ(replica.keeper->problem(), "");
  replica.refuses = false;
  EXPECT_TRUE(soon([&] { return replica.served().certificate_pem == second.certificate_pem; }));
}

TEST_F(TheKeeperOfCertificates, says_at_the_start_what_is_wrong_with_what_it_is_given) {
  write({"garbage", "garbage"}, one_.pem());
  Replica files_replica(server_, files(), trust_);
  const auto damaged = files_replica.keeper->first({});
  ASSERT_FALSE(damaged);
  EXPECT_TRUE(absl::StrContains(damaged.error().message, "tls.crt"));
  server_->put(kSecretPath, {{"data", {{"password", "c2VjcmV0"}}}});
  Replica secret_replica(server_, secret(), trust_);
  const auto foreign = secret_replica.keeper->first({});
  ASSERT_FALSE(foreign);
  EXPECT_TRUE(absl::StrContains(foreign.error().message, "Secret headroom-system/certs cannot be used"));
  EXPECT_TRUE(absl::StrContains(foreign.error().message, "somebody else's"));
  EXPECT_EQ(server_->get(kSecretPath)["data"]["password"], "c2VjcmV0") << "what is not ours is left alone";
}

TEST_F(TheKeeperOfCertificates, makes_one_secret_for_all_replicas) {
  Replica one(server_, secret(), trust_), other(server_, secret(), trust_);
  const auto first = one.keeper->first({}), second = other.keeper->first({});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first.value(), second.value());
  EXPECT_EQ(server_->writes(), std::vector<std::string>{"POST /api/v1/namespaces/headroom-system/secrets"});
}

TEST_F(TheKeeperOfCertificates, takes_a_secret_through_a_whole_rotation) {
  Replica replica(server_, secret(), trust_);
  ASSERT_TRUE(replica.keeper->first({}));
  const auto apply = [&] {
    const auto bundle = replica.keeper->bundle_for(server_->get(kConfigurationPath));
    if (bundle && bundle.value()) carry(*bundle.value());
  };
  apply();
  replica.keeper->start();
  const certificates::SelfManaged before = stored();
  server_->edit(kSecretPath, {{"metadata", {{"annotations", {{certificates::kRotateAnnotation, "now"}}}}}});
  EXPECT_TRUE(soon([&] { return stored().next.has_value(); }));
  EXPECT_TRUE(soon([&] { return replica.bundle_changes > 0; }));
  EXPECT_EQ(stored().current, before.current) << "before API servers know the next";
  apply();
  EXPECT_TRUE(soon([&] { return stored().current.authority.id != before.current.authority.id; }));
  EXPECT_TRUE(soon([&] { return replica.served() == stored().leaf.pair; }));
  EXPECT_TRUE(soon([&] {
    apply();
    return carried_by(server_->get(kConfigurationPath)).by_any.size() == 1;
  }));
  EXPECT_EQ(stored().rotation_done, "now");
  EXPECT_TRUE(server_->unconditional_writes().empty());
}

TEST_F(TheKeeperOfCertificates, stores_again_what_somebody_deleted_and_rides_out_an_api_server_that_is_away) {
  Replica replica(server_, secret(), trust_);
  ASSERT_TRUE(replica.keeper->first({}));
  replica.keeper->start();
  const certificates::SelfManaged before = stored();
  server_->set_down(true);
  EXPECT_TRUE(soon([&] { return replica.says("headroom_webhook_certificate_reload_failures_total 1\n"); }));
  EXPECT_EQ(replica.keeper->problem(), "");
  replica.keeper->look_again();
  EXPECT_NE(replica.keeper->problem(), "") << "others may have given up what is served here";
  server_->set_down(false);
  EXPECT_TRUE(soon([&] { return replica.keeper->problem().empty(); }));
  server_->erase(kSecretPath);
  EXPECT_TRUE(soon([&] { return server_->get(kSecretPath).is_object(); }));
  EXPECT_EQ(stored().current, before.current);
}

TEST_F(TheKeeperOfCertificates, reads_what_entries_of_a_configuration_carry_whatever_stands_there) {
  const auto entry = [](const json& bundle) { return json{{"clientConfig", {{"caBundle", bundle}}}}; };
  const std::string one = absl::Base64Escape(one_.pem()), both = absl::Base64Escape(one_.pem() + other_.pem());
  struct Row {
    json webhooks;
    bool asks;
    std::size_t any, all;
  };
  const Row rows[] = {
      {json::array(), false, 0, 0},
      {nullptr, false, 0, 0},
      {json::array({entry(one)}), true, 1, 1},
      {json::array({entry(one), entry(both)}), true, 2, 1},
      {json::array({entry(both), entry("!")}), true, 2, 0},
      {json::array({entry(absl::Base64Escape("garbage"))}), true, 0, 0},
      {json::array({entry(7), "no entry", json::object()}), true, 0, 0},
  };
  for (const Row& row : rows) {
    const certificates::Carried carried = carried_by({{"webhooks", row.webhooks}});
    EXPECT_EQ(carried.asks, row.asks) << row.webhooks;
    EXPECT_EQ(carried.by_any.size(), row.any) << row.webhooks;
    EXPECT_EQ(carried.by_all.size(), row.all) << row.webhooks;
  }
  EXPECT_FALSE(carried_by(nullptr).asks);
}

}  // namespace
}  // namespace headroom::webhook
