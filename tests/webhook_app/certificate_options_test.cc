// The webhook's flags about certificates.
#include <absl/strings/match.h>
#include <gtest/gtest.h>

#include "tests/kube/temporary_folder.h"
#include "webhook/app/options.h"

namespace headroom::webhook {
namespace {

constexpr char kKubeconfig[] = R"(
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: test, user: {}}]
)";

class CertificateFlags : public ::testing::Test {
 protected:
  Result<CommandLine> parse(const std::vector<std::string>& flags) {
    std::vector<const char*> all{"headroom-webhook", "--kubeconfig", kubeconfig_.c_str()};
    for (const std::string& flag : flags) all.push_back(flag.c_str());
    return parse_command_line(static_cast<int>(all.size()), all.data());
  }

  testing::TemporaryFolder folder_;
  const std::string kubeconfig_ = folder_.write("kubeconfig", kKubeconfig);
};

TEST_F(CertificateFlags, name_one_of_three_sources) {
  const auto kept = parse({"--certificate-secret", "certs", "--webhook-configuration", "headroom", "--webhook-service",
                           "headroom-system/webhook"});
  ASSERT_TRUE(kept) << kept.error().message;
  const WebhookOptions& options = kept.value().options;
  EXPECT_EQ(options.certificates.secret, "certs");
  EXPECT_EQ(options.certificates.lifetimes.authority, absl::Hours(24 * 365));
  EXPECT_EQ(options.certificates.lifetimes.leaf, absl::Hours(24 * 90));
  EXPECT_EQ(names_of_address(options.reached_at).value(), (std::set<std::string>{"webhook.headroom-system.svc"}));

  const auto mounted = parse({"--certificate-directory", "/certs", "--webhook-configuration", "headroom",
                              "--webhook-url", "https://[::1]:8443/validate", "--inject-ca-from", "shop/webhook"});
  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(mounted.value().options.reached_at.inject_ca_from, "shop/webhook");
  EXPECT_EQ(names_of_address(mounted.value().options.reached_at).value(), (std::set<std::string>{"::1"}));
  EXPECT_EQ(certificate_directory("/certs").authorities, "/certs/ca.crt");

  const auto given = parse({"--tls-certificate", "a", "--tls-key", "b"});
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given.value().options.certificates.files, (CertificatePaths{"a", "b", ""}));
}

TEST_F(CertificateFlags, that_contradict_each_other_are_refused_with_what_to_do) {
  const std::vector<std::string> served{"--webhook-configuration", "headroom", "--webhook-service", "a/b"};
  struct Row {
    std::vector<std::string> flags;
    const char* problem;
    bool configured = true;
  };
  const Row rows[] = {
      {{}, "needs exactly one of --tls-certificate with --tls-key, --certificate-directory and --certificate-secret"},
      {{"--certificate-secret", "a", "--certificate-directory", "b"}, "needs exactly one of"},
      {{"--tls-certificate", "a"}, "one needs the other"},
      {{"--certificate-secret", "a", "--webhook-ca", "b"}, "--webhook-ca: is for --tls-certificate"},
      {{"--tls-certificate", "a", "--tls-key", "b"}, "needs --webhook-ca where --tls-certificate is given"},
      {{"--certificate-secret", "a", "--inject-ca-from", "b/c"}, "--inject-ca-from: needs --certificate-directory"},
      {{"--certificate-secret", "a"}, "--certificate-secret: needs --webhook-configuration", false},
      {{"--certificate-secret", "a", "--authority-seconds", "90", "--certificate-seconds", "31"},
       "--certificate-seconds: 31 is more than a third of --authority-seconds, 90"},
      {{"--certificate-secret", "a", "--authority-seconds", "90", "--certificate-seconds", "30"},
       "--propagation-seconds: 120 is more than a sixth of --authority-seconds, 90"},
      {{"--certificate-secret", "a", "--certificate-seconds", "1"}, "--certificate-seconds"},
      {{"--certificate-secret", "a", "--drain-delay-seconds", "60"},
       "--drain-delay-seconds: 60 is more than half of --drain-seconds, 100"},
      {{"--certificate-secret", "a", "--connection-seconds", "0"}, "--connection-seconds"},
  };
  for (const Row& row : rows) {
    std::vector<std::string> flags = row.flags;
    if (row.configured) flags.insert(flags.end(), served.begin(), served.end());
    const auto parsed = parse(flags);
    ASSERT_FALSE(parsed) << row.problem;
    EXPECT_TRUE(absl::StrContains(parsed.error().message, row.problem)) << parsed.error().message;
  }
  const auto name =
      parse({"--certificate-secret", "a", "--webhook-configuration", "headroom", "--webhook-service", "a/b,DNS:evil"});
  ASSERT_FALSE(name);
  EXPECT_TRUE(absl::StrContains(name.error().message, "is no host name that a certificate can be for"));
}

}  // namespace
}  // namespace headroom::webhook
