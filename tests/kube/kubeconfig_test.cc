// Kubeconfigs, their files and the configuration inside a cluster: what is read from them.
#include <gtest/gtest.h>

#include <cstdlib>

#include "operator/kube/config.h"
#include "tests/kube/kubeconfig_texts.h"
#include "tests/kube/temporary_folder.h"

namespace headroom::kube {
namespace {

using testing::TemporaryFolder;

TEST(Kubeconfig, yields_address_trust_and_client_certificate) {
  const auto config =
      parse_kubeconfig(kubeconfig("{server: 'https://api.example.com:6443', tls-server-name: inner.example.com, "
                                  "certificate-authority-data: " +
                                      base64(authority().pem()) + "}",
                                  "{client-certificate-data: " + base64(client().certificate_pem) +
                                      ", client-key-data: " + base64(client().key_pem) + "}",
                                  "{cluster: c, user: u, namespace: shop}"),
                       "", secret_policy());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config.value().server, "https://api.example.com:6443");
  EXPECT_EQ(config.value().ca_pem, authority().pem());
  EXPECT_EQ(config.value().client_certificate_pem, client().certificate_pem);
  EXPECT_EQ(config.value().client_key_pem, client().key_pem);
  EXPECT_EQ(config.value().tls_server_name, "inner.example.com");
  EXPECT_EQ(config.value().default_namespace, "shop");
  EXPECT_EQ(config.value().context, "x");
}

TEST(Kubeconfig, may_be_json_and_have_fields_that_do_not_matter) {
  const auto config = parse_kubeconfig(
      R"({"kind":"Config","preferences":{"colors":true},"extensions":[],"current-context":"x",
          "clusters":[{"name":"c","cluster":{"server":"https://h","disable-compression":true}}],
          "users":[{"name":"u","user":{"token":"t0k"}}],
          "contexts":[{"name":"x","context":{"cluster":"c","user":"u","extensions":[]}}]})",
      "", secret_policy());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config.value().token, "t0k");
  EXPECT_EQ(config.value().default_namespace, "default");
}

TEST(Kubeconfig, with_several_contexts_yields_the_one_asked_for) {
  const std::string yaml = R"(
current-context: a
clusters:
- {name: ca, cluster: {server: "https://a"}}
- {name: cb, cluster: {server: "https://b"}}
users:
- {name: ua, user: {token: ta}}
- {name: ub, user: {token: tb}}
contexts:
- {name: a, context: {cluster: ca, user: ua}}
- {name: b, context: {cluster: cb, user: ub}}
- {name: nobody, context: {cluster: cb}}
)";
  EXPECT_EQ(parse_kubeconfig(yaml, "", {}).value().token, "ta");
  EXPECT_EQ(parse_kubeconfig(yaml, "b", {}).value().server, "https://b");
  EXPECT_EQ(parse_kubeconfig(yaml, "b", {}).value().token, "tb");
  EXPECT_EQ(parse_kubeconfig(yaml, "nobody", {}).value().token, "") << "a context may have no user";
}

TEST(Kubeconfig, is_not_spoilt_by_other_contexts_that_are_bad) {
  const std::string yaml = R"(
current-context: good
clusters: [{name: c, cluster: {server: "https://a"}}, {name: bad, cluster: {insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: t}}, {name: bad, user: {exec: {command: evil}}}]
contexts: [{name: good, context: {cluster: c, user: u}}, {name: bad, context: {cluster: bad, user: bad}}]
)";
  EXPECT_TRUE(parse_kubeconfig(yaml, "", {}));
  EXPECT_FALSE(parse_kubeconfig(yaml, "bad", {}));
}

TEST(Kubeconfig, resolves_relative_paths_against_its_folder) {
  KubeconfigPolicy policy;
  policy.folder = "/etc/kube";
  policy.allowed_exec = {"bin/login"};
  const auto config =
      parse_kubeconfig(kubeconfig("{server: 'https://h', certificate-authority: pki/ca.crt}",
                                  "{client-certificate: ../tls.crt, client-key: /keys/tls.key, tokenFile: token, "
                                  "exec: {command: bin/login, apiVersion: client.authentication.k8s.io/v1}}"),
                       "", policy);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config.value().ca_file, "/etc/kube/pki/ca.crt");
  EXPECT_EQ(config.value().client_certificate_file, "/etc/kube/../tls.crt");
  EXPECT_EQ(config.value().client_key_file, "/keys/tls.key");
  EXPECT_EQ(config.value().token_file, "/etc/kube/token");
  EXPECT_EQ(config.value().exec->command, "/etc/kube/bin/login");
}

TEST(Kubeconfig, prefers_data_to_files_as_kubectl_does) {
  const auto config = parse_kubeconfig(
      kubeconfig("{server: 'https://h', certificate-authority: ca.crt, certificate-authority-data: " +
                     base64(authority().pem()) + "}",
                 "{client-certificate: c, client-certificate-data: " + base64(client().certificate_pem) +
                     ", client-key: k, client-key-data: " + base64(client().key_pem) + "}"),
      "", {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config.value().ca_file, "");
  EXPECT_EQ(config.value().client_certificate_file, "");
  EXPECT_EQ(config.value().client_key_file, "");
}

TEST(Kubeconfig, allows_what_the_policy_allows) {
  KubeconfigPolicy policy;
  policy.allow_insecure = true;
  policy.allowed_exec = {"aws"};
  const auto config = parse_kubeconfig(
      kubeconfig("{server: 'http://127.0.0.1:8001', insecure-skip-tls-verify: true}",
                 "{exec: {command: aws, apiVersion: client.authentication.k8s.io/v1beta1, args: [eks, get-token], "
                 "env: [{name: AWS_PROFILE, value: prod}], installHint: get aws, provideClusterInfo: true, "
                 "interactiveMode: IfAvailable}}"),
      "", policy);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config.value().insecure_skip_tls_verify);
  ASSERT_TRUE(config.value().exec);
  EXPECT_EQ(config.value().exec->command, "aws") << "a bare name is for $PATH";
  EXPECT_EQ(config.value().exec->arguments, (std::vector<std::string>{"eks", "get-token"}));
  EXPECT_EQ(config.value().exec->environment.front(), std::make_pair(std::string("AWS_PROFILE"), std::string("prod")));
  EXPECT_EQ(config.value().exec->install_hint, "get aws");
  EXPECT_TRUE(config.value().exec->provide_cluster_info);
  policy.allowed_exec = {"*"};
  EXPECT_TRUE(parse_kubeconfig(
      kubeconfig(kServer, "{exec: {command: anything, apiVersion: client.authentication.k8s.io/v1}}"), "", policy));
}

TEST(Kubeconfig, lets_a_program_ask_only_where_a_person_is_and_it_wants_to) {
  struct Row {
    const char* mode;
    bool person, accepted, asks;
  };
  for (const Row& row :
       {Row{"Never", true, true, false}, Row{"Never", false, true, false}, Row{"IfAvailable", true, true, true},
        Row{"IfAvailable", false, true, false}, Row{"Always", true, true, true}, Row{"Always", false, false, false}}) {
    KubeconfigPolicy policy;
    policy.allowed_exec = {"*"};
    policy.interactive = row.person;
    const auto config = parse_kubeconfig(
        kubeconfig(kServer, std::string("{exec: {command: login, apiVersion: client.authentication.k8s.io/v1, "
                                        "interactiveMode: ") +
                                row.mode + "}}"),
        "", policy);
    ASSERT_EQ(config.has_value(), row.accepted) << row.mode << row.person;
    if (!config) continue;
    EXPECT_EQ(config.value().exec->interactive, row.asks) << row.mode << row.person;
  }
}

// --- files ---

class KubeconfigFiles : public ::testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("KUBECONFIG");            // NOLINT(concurrency-mt-unsafe): one thread
    ::setenv("HOME", home_.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread
  }

  static std::string only(const std::string& name, const std::string& token) {
    return "current-context: " + name + "\nclusters: [{name: " + name + ", cluster: {server: 'https://" + name +
           "', certificate-authority: ca.crt}}]\nusers: [{name: " + name + ", user: {token: " + token +
           "}}]\ncontexts: [{name: " + name + ", context: {cluster: " + name + ", user: " + name + "}}]\n";
  }

  const TemporaryFolder folder;

 private:
  const std::string home_ = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
};

TEST_F(KubeconfigFiles, are_read_from_the_path_given) {
  const std::string path = folder.write("config", only("a", "t"));
  const auto config = load_kubeconfig(path, "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config.value().ca_file, folder.path("ca.crt"));
}

TEST_F(KubeconfigFiles, name_themselves_in_errors) {
  const std::string path = folder.write("config", "current-context: x");
  const auto config = load_kubeconfig(path, "");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(path + ": contexts has no \"x\""), std::string::npos) << config.error().message;
  const auto missing = load_kubeconfig(folder.path("missing"), "");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_NE(missing.error().message.find(folder.path("missing")), std::string::npos) << missing.error().message;
  const auto no_file = load_kubeconfig(folder.path(), "");
  ASSERT_FALSE(no_file);
  EXPECT_NE(no_file.error().message.find("not a regular file"), std::string::npos) << no_file.error().message;
}

TEST_F(KubeconfigFiles, of_the_environment_are_merged_and_the_first_wins) {
  const std::string first = folder.write("first", only("a", "first-a"));
  std::filesystem::create_directory(folder.path("sub"));
  const std::string second = folder.write("sub/second", only("b", "second-b") + "\n");
  const std::string third = folder.write("third", only("a", "third-a"));
  const std::string list = folder.path("missing") + "::" + first + ":" + second + ":" + third;
  ::setenv("KUBECONFIG", list.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread
  const auto current = load_kubeconfig("", "");
  ASSERT_TRUE(current) << current.error().message;
  EXPECT_EQ(current.value().context, "a");
  EXPECT_EQ(current.value().token, "first-a");
  const auto other = load_kubeconfig("", "b");
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(other.value().token, "second-b");
  EXPECT_EQ(other.value().ca_file, folder.path("sub/ca.crt")) << "relative to the file it stands in";
}

TEST_F(KubeconfigFiles, of_the_environment_that_are_broken_are_not_passed_over) {
  const std::string good = folder.write("good", only("a", "t")), broken = folder.write("broken", "a: [");
  ::setenv("KUBECONFIG", (good + ":" + broken).c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread
  const auto config = load_kubeconfig("", "");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(broken), std::string::npos) << config.error().message;
}

TEST_F(KubeconfigFiles, default_to_the_home_folder) {
  ::unsetenv("KUBECONFIG");                    // NOLINT(concurrency-mt-unsafe): one thread
  ::setenv("HOME", folder.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread
  const auto missing = load_kubeconfig("", "");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("give --kubeconfig or set KUBECONFIG"), std::string::npos)
      << missing.error().message;
  std::filesystem::create_directory(folder.path(".kube"));
  folder.write(".kube/config", only("home", "t"));
  const auto config = load_kubeconfig("", "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config.value().context, "home");
}

// --- inside a cluster ---

class InCluster : public ::testing::Test {
 protected:
  void SetUp() override {
    set("10.96.0.1", "443");
    folder.write("token", "t");
    folder.write("ca.crt", authority().pem());
    folder.write("namespace", "headroom-system\n");
  }
  void TearDown() override {
    ::unsetenv("KUBERNETES_SERVICE_HOST");  // NOLINT(concurrency-mt-unsafe): one thread
    ::unsetenv("KUBERNETES_SERVICE_PORT");  // NOLINT(concurrency-mt-unsafe): one thread
  }
  static void set(const char* host, const char* port) {
    ::setenv("KUBERNETES_SERVICE_HOST", host, 1);  // NOLINT(concurrency-mt-unsafe): one thread
    ::setenv("KUBERNETES_SERVICE_PORT", port, 1);  // NOLINT(concurrency-mt-unsafe): one thread
  }
  const TemporaryFolder folder;
};

TEST_F(InCluster, uses_the_service_accounts_files) {
  const auto config = in_cluster_config(folder.path());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config.value().server, "https://10.96.0.1:443");
  EXPECT_EQ(config.value().token_file, folder.path() + "/token");
  EXPECT_EQ(config.value().default_namespace, "headroom-system");
}

TEST_F(InCluster, puts_an_ipv6_address_into_brackets) {
  set("fd00:10:96::1", "443");
  EXPECT_EQ(in_cluster_config(folder.path()).value().server, "https://[fd00:10:96::1]:443");
}

TEST_F(InCluster, says_what_is_missing) {
  std::filesystem::remove(folder.path("token"));
  const auto without_token = in_cluster_config(folder.path());
  ASSERT_FALSE(without_token);
  EXPECT_NE(without_token.error().message.find("automountServiceAccountToken"), std::string::npos)
      << without_token.error().message;
  EXPECT_NE(without_token.error().message.find("token"), std::string::npos);
  set("", "443");
  const auto outside = in_cluster_config(folder.path());
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().code, ErrorCode::NotFound);
  EXPECT_NE(outside.error().message.find("KUBERNETES_SERVICE_HOST"), std::string::npos) << outside.error().message;
  set("10.96.0.1", "tcp://10.96.0.1:443");
  EXPECT_FALSE(in_cluster_config(folder.path())) << "a Service named kubernetes-service sets the variable like this";
}

}  // namespace
}  // namespace headroom::kube
