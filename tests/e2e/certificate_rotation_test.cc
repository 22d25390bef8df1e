// Certificates that the replicas keep themselves, replaced under load: no write may notice.
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "operator/certificates/certificate_secret.h"
#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/limits_home.h"
#include "tests/e2e/steady_writers.h"
#include "tests/kube/temporary_folder.h"
#include "tests/kube/test_authority.h"
#include "webhook/app/configuration_bundle.h"
#include "webhook/app/configuration_check.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr int kRotations = 50, kReplicas = 3, kWritesPerSecond = 200;
constexpr char kSecret[] = "headroom-webhook-certificate";

/// Connections are given up all the time, so that at every moment somebody shakes hands.
std::vector<std::string> self_managed() {
  std::vector<std::string> arguments;
  for (const char* one : {"--lease-seconds", "10", "--request-deadline-seconds", "12", "--certificate-secret", kSecret,
                          "--propagation-seconds", "1", "--connection-seconds", "0.5"}) {
    arguments.emplace_back(one);
  }
  return arguments;
}

/// Judged without a ledger: what fails here is a connection.
json cap(const std::string& ns) {
  json limit = scale_limit(ns, "cap", json::object());
  limit["spec"].erase("total");
  limit["spec"]["object"] = {{"maxBytes", 100'000}};
  return limit;
}

class CertificateRotation : public ::testing::Test {
 protected:
  certificates::SelfManaged stored() const {
    const auto read =
        certificates::self_managed_from_secret(home_.get(kube::types::kSecret, "headroom-system", kSecret));
    EXPECT_TRUE(read) << read.error().message;
    return read ? read.value() : certificates::SelfManaged();
  }
  certificates::Carried carried() const {
    return webhook::carried_by(home_.get(kube::types::kValidatingWebhookConfiguration, "", "headroom"));
  }
  void ask_for_rotation(const std::string& request) const {
    ASSERT_TRUE(home_.client().patch(kube::types::kSecret, {"headroom-system", kSecret}, kube::PatchType::Merge,
                                     {{"metadata", {{"annotations", {{certificates::kRotateAnnotation, request}}}}}},
                                     {}));
  }
  static double metric(const WebhookProcess& replica, const std::string& name) {
    const std::string text = replica.ask("/metrics");
    const std::size_t at = text.find(absl::StrCat("\n", name, " "));
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  Cluster& home_ = limits_home();
};

TEST_F(CertificateRotation, replaces_the_authority_fifty_times_and_no_write_fails) {
  limit_namespace("rotated", {cap("rotated")});
  Webhooks webhooks(home_, kReplicas, self_managed());
  ASSERT_TRUE(in_force(webhooks, kReplicas, "nothing", {"nothing"}));
  SteadyWriters writers(home_.config(), "rotated", kWritesPerSecond);
  const auto begun = std::chrono::steady_clock::now();
  int rotations = 0;
  std::string current = stored().current.authority.id;
  for (; rotations < kRotations && writers.failures() == 0; ++rotations) {
    ask_for_rotation(absl::StrCat(rotations));
    ASSERT_TRUE(eventually(30, [&] { return stored().current.authority.id != current; })) << "rotation " << rotations;
    current = stored().current.authority.id;
  }
  EXPECT_TRUE(eventually(30, [&] {
    const auto now = carried();
    return now.by_any.size() == 1 && now.by_all == certificates::AuthorityIds{current};
  })) << "authorities stay behind";
  const auto seconds =
      std::chrono::duration_cast<std::chrono::duration<double>>(std::chrono::steady_clock::now() - begun).count();
  writers.stop();
  std::printf("%d rotations in %.0f s, %d writes (%.0f/s), %d failures, the slowest write took %d ms\n", rotations,
              seconds, writers.writes(), writers.writes() / seconds, writers.failures(), writers.slowest_ms());
  EXPECT_EQ(writers.failures(), 0) << writers.what_failed();
  EXPECT_EQ(rotations, kRotations);
  EXPECT_GT(writers.writes(), 20 * kRotations) << "too few to say anything";
  for (std::size_t i = 0; i < kReplicas; ++i) {
    EXPECT_GE(metric(webhooks.replica(i), "headroom_webhook_certificate_changes_total"), kRotations);
    EXPECT_EQ(metric(webhooks.replica(i), "headroom_webhook_certificate_reload_failures_total"), 0);
    EXPECT_NEAR(metric(webhooks.replica(i), "headroom_webhook_certificate_expiry_timestamp_seconds"),
                static_cast<double>(absl::ToUnixSeconds(stored().leaf.not_after)), 1);
    EXPECT_FALSE(absl::StrContains(webhooks.replica(i).log(), "PRIVATE KEY"));
  }
}

TEST_F(CertificateRotation, outlives_a_secret_that_is_deleted_damaged_or_put_back) {
  limit_namespace("mishandled", {cap("mishandled")});
  Webhooks webhooks(home_, kReplicas, self_managed());
  ASSERT_TRUE(in_force(webhooks, kReplicas, "nothing", {"nothing"}));
  SteadyWriters writers(home_.config(), "mishandled", 100);
  const json before = home_.get(kube::types::kSecret, "headroom-system", kSecret);
  const auto same_authority = [&] { return stored().current.authority.id; };
  const std::string first = same_authority();

  ASSERT_TRUE(home_.client().remove(kube::types::kSecret, {"headroom-system", kSecret}, {}, {}));
  ASSERT_TRUE(eventually(10, [&] {
    return home_.client().get(kube::types::kSecret, {"headroom-system", kSecret}, {}).has_value();
  }));
  EXPECT_EQ(same_authority(), first) << "who still knows it stores it again";

  ask_for_rotation("away");
  ASSERT_TRUE(eventually(30, [&] { return same_authority() != first; }));
  ASSERT_TRUE(eventually(30, [&] { return carried().by_any.size() == 1; }));
  json damaged = home_.get(kube::types::kSecret, "headroom-system", kSecret);
  damaged["data"]["tls.key"] = absl::Base64Escape("garbage");
  ASSERT_TRUE(home_.client().update(kube::types::kSecret, damaged, {}));
  for (std::size_t i = 0; i < kReplicas; ++i) {
    EXPECT_TRUE(eventually(
        20, [&] { return metric(webhooks.replica(i), "headroom_webhook_certificate_reload_failures_total") == 1; }));
    EXPECT_TRUE(absl::StrContains(webhooks.replica(i).log(),
                                  absl::StrCat("Secret headroom-system/", kSecret, " cannot be used")));
    EXPECT_TRUE(webhooks.replica(i).ready());
  }
  // An old backup: its authority has left the configuration.
  json old = before;
  old["metadata"].erase("resourceVersion");
  old["metadata"].erase("uid");
  ASSERT_TRUE(home_.client().remove(kube::types::kSecret, {"headroom-system", kSecret}, {}, {}));
  if (!home_.client().create(kube::types::kSecret, old, {})) {
    json there = home_.get(kube::types::kSecret, "headroom-system", kSecret);
    there["data"] = old["data"];
    ASSERT_TRUE(home_.client().update(kube::types::kSecret, there, {}));
  }
  EXPECT_TRUE(eventually(30, [&] { return carried().by_all == certificates::AuthorityIds{first}; }));
  writers.stop();
  EXPECT_EQ(writers.failures(), 0) << writers.what_failed();
  EXPECT_GT(writers.writes(), 300);
}

TEST_F(CertificateRotation, leaves_the_bundle_to_cert_managers_injector_where_it_is_told_to) {
  const testing::TestAuthority one("one"), other("other");
  testing::TemporaryFolder folder;
  const auto mount = [&](const testing::TestAuthority& authority) {
    const testing::CertificatePair pair = authority.issue({});
    folder.write("tls.crt", pair.certificate_pem);
    folder.write("tls.key", pair.key_pem);
    folder.write("ca.crt", authority.pem());
  };
  // As the injector does: into every entry of a configuration that asks for it, under a name of its own.
  const auto inject = [&](const testing::TestAuthority& authority) {
    const json there = home_.get(kube::types::kValidatingWebhookConfiguration, "", "headroom");
    std::string patch = "[";
    for (std::size_t i = 0; i < there["webhooks"].size(); ++i) {
      absl::StrAppend(&patch, i == 0 ? "" : ",", "{\"op\":\"add\",\"path\":\"/webhooks/", i,
                      "/clientConfig/caBundle\",\"value\":\"", absl::Base64Escape(authority.pem()), "\"}");
    }
    home_.kubectl(absl::StrCat("patch validatingwebhookconfiguration headroom --type json -p '", patch, "]'"));
  };
  mount(one);
  // The one of other webhooks has a bundle of theirs.
  home_.kubectl("delete validatingwebhookconfiguration headroom --ignore-not-found");
  std::vector<std::string> arguments = limits_arguments();
  for (const std::string& more : {std::string("--certificate-directory"), folder.path(),
                                  std::string("--inject-ca-from"), std::string("headroom-system/webhook")}) {
    arguments.push_back(more);
  }
  limit_namespace("injected", {scale_limit("injected", "plenty", {{"count", 1000}})});
  Webhooks webhooks(home_, 2, arguments);
  json configuration;
  ASSERT_TRUE(eventually(30, [&] {
    const auto read = home_.client().get(kube::types::kValidatingWebhookConfiguration, {"", "headroom"}, {});
    if (read) configuration = read.value();
    return read.has_value() && !configuration["webhooks"].empty();
  }));
  EXPECT_EQ(configuration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"], "headroom-system/webhook");
  EXPECT_TRUE(carried().by_any.empty());
  inject(one);
  ASSERT_TRUE(in_force(webhooks, 2, "injected", {"plenty"}));
  const auto lands = [&](const std::string& name) {
    const auto created = home_.client().create(kArtifact, artifact("injected", name), {});
    return created ? std::string() : created.error().message;
  };
  EXPECT_EQ(lands("first"), "");
  // Another limit makes us write the configuration again.
  ASSERT_TRUE(home_.client().create(kScaleLimit, scale_limit("injected", "more", {{"sums", {sum(1000)}}}), {}));
  ASSERT_TRUE(in_force(webhooks, 2, "injected", {"plenty", "more"}));
  EXPECT_EQ(carried().by_all.size(), 1u) << "it is still there";
  EXPECT_EQ(lands("second"), "");
  // Nor does the injector's hold on an entry keep it there when no limit needs it any more.
  json ignored = scale_limit("injected", "ignored", {{"count", 1000}});
  ignored["spec"]["unavailable"] = "Ignore";
  ignored["spec"]["match"]["resources"][0] = {{"group", ""}, {"version", "v1"}, {"resource", "configmaps"}};
  const auto entries = [&] {
    const auto read = home_.client().get(kube::types::kValidatingWebhookConfiguration, {"", "headroom"}, {});
    return read ? read.value()["webhooks"].size() : 0;
  };
  const std::size_t before = entries();
  ASSERT_TRUE(home_.client().create(kScaleLimit, ignored, {}));
  ASSERT_TRUE(eventually(20, [&] { return entries() == before + 2; })) << "one for creates, one for all else";
  inject(one);
  ASSERT_TRUE(home_.client().remove(kScaleLimit, {"injected", "ignored"}, {}, {}));
  EXPECT_TRUE(eventually(20, [&] { return entries() == before; }));
  EXPECT_EQ(carried().by_all.size(), 1u);
  mount(other);
  inject(other);
  EXPECT_TRUE(eventually(20, [&] { return lands("third").empty(); }));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(
        eventually(20, [&] { return metric(webhooks.replica(i), "headroom_webhook_certificate_changes_total") == 1; }));
    EXPECT_TRUE(webhooks.replica(i).ready());
  }
}

TEST_F(CertificateRotation, waits_much_longer_than_an_api_server_takes_to_use_a_configuration) {
  constexpr int kTries = 20;
  limit_namespace("probed", {});
  home_.kubectl("label namespace probed probed=yes");
  const json entry = {{"name", "probe.example.com"},
                      {"admissionReviewVersions", {"v1"}},
                      {"clientConfig", {{"url", "https://127.0.0.1:9/none"}}},
                      {"failurePolicy", "Fail"},
                      {"sideEffects", "None"},
                      {"timeoutSeconds", 1},
                      {"namespaceSelector", {{"matchLabels", {{"probed", "yes"}}}}},
                      {"rules", json::array({{{"apiGroups", {""}},
                                              {"apiVersions", {"v1"}},
                                              {"resources", {"configmaps"}},
                                              {"operations", {"CREATE"}}}})}};
  const json probe = {{"apiVersion", "admissionregistration.k8s.io/v1"},
                      {"kind", "ValidatingWebhookConfiguration"},
                      {"metadata", {{"name", "probe"}}},
                      {"webhooks", json::array({entry})}};
  const json asked = {
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"namespace", "probed"}, {"name", "x"}}}};
  kube::ClientLimits impatient;
  impatient.retry_for = std::chrono::milliseconds(0);
  kube::Client client(kube::make_transport(home_.config()).value(), impatient, 1);
  kube::WriteOptions dry;
  dry.dry_run = true;
  const auto let_through = [&] { return client.create(kube::types::kConfigMap, asked, {}, dry).has_value(); };
  double longest_ms = 0;
  for (int i = 0; i < kTries; ++i) {
    ASSERT_TRUE(client.create(kube::types::kValidatingWebhookConfiguration, probe, {}));
    const auto stored_at = std::chrono::steady_clock::now();
    ASSERT_TRUE(eventually(
        60, [&] { return !let_through(); }, std::chrono::milliseconds(1)));
    longest_ms = std::max(
        longest_ms, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - stored_at).count());
    ASSERT_TRUE(client.remove(kube::types::kValidatingWebhookConfiguration, {"", "probe"}, {}, {}));
    ASSERT_TRUE(eventually(60, let_through, std::chrono::milliseconds(1)));
  }
  std::printf("a stored webhook configuration was used after %.0f ms at most, in %d tries\n", longest_ms, kTries);
  EXPECT_LT(absl::Milliseconds(longest_ms) * 10, certificates::TrustOptions().propagation);
}

}  // namespace
}  // namespace headroom::e2e
