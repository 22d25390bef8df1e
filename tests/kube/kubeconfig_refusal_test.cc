// Every way to refuse a kubeconfig.
#include <gtest/gtest.h>

#include "operator/kube/config.h"
#include "tests/kube/kubeconfig_texts.h"

namespace headroom::kube {
namespace {

using testing::CertificatePair;

struct Bad {
  const char* name;
  std::string yaml;
  std::string field;   // which the message must name
  std::string remedy;  // or reason
};

class BadKubeconfig : public ::testing::TestWithParam<Bad> {};

constexpr char kSecretText[] = "c2VjcmV0LXRleHQ";

TEST_P(BadKubeconfig, is_refused_with_field_and_remedy_and_without_secrets) {
  const auto config = parse_kubeconfig(GetParam().yaml, "", secret_policy());
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().code == ErrorCode::InvalidArgument || config.error().code == ErrorCode::NotFound);
  EXPECT_NE(config.error().message.find(GetParam().field), std::string::npos) << config.error().message;
  EXPECT_NE(config.error().message.find(GetParam().remedy), std::string::npos) << config.error().message;
  EXPECT_EQ(config.error().message.find(kSecretText), std::string::npos) << config.error().message;
  EXPECT_LT(config.error().message.size(), 1000U);
}

std::string pair_of_strangers() {
  const CertificatePair other = authority().issue({.names = "", .client = true});
  return "{client-certificate-data: " + base64(client().certificate_pem) +
         ", client-key-data: " + base64(other.key_pem) + "}";
}

std::string cluster_field(const std::string& field) { return "{server: 'https://h', " + field + "}"; }

INSTANTIATE_TEST_SUITE_P(
    Kubeconfig, BadKubeconfig,
    ::testing::Values(
        // the document
        Bad{"empty", "", "no kubeconfig", "clusters, users, contexts"},
        Bad{"a_list", "[1, 2]", "no kubeconfig", "clusters, users, contexts"},
        Bad{"a_text", "just text", "no kubeconfig", "clusters, users, contexts"},
        Bad{"no_yaml", "a: [1, 2", "no YAML", "line"}, Bad{"control_characters", std::string("a: \x01\x02"), "", ""},
        Bad{"other_kind", "kind: Secret\napiVersion: v1", "kind", "\"Config\""},
        Bad{"other_version", "kind: Config\napiVersion: v9", "apiVersion", "\"v1\""},
        Bad{"larger_than_two_megabytes", "# " + std::string(3 << 20, 'x'), "3145730 bytes", "2 MiB"},
        Bad{"clusters_no_list", "clusters: {a: b}", "clusters", "list"},
        Bad{"cluster_no_map", "clusters: [text]", "clusters[0]", "map"},
        Bad{"cluster_without_name", "clusters: [{cluster: {}}]", "clusters[0].name", "give the entry a name"},
        Bad{"name_a_list", "users: [{name: [a], user: {}}]", "users[0].name", "one text"},
        Bad{"user_no_map", "users: [{name: a, user: text}]", "users[0].user", "map"},
        Bad{"same_name_twice", "users: [{name: a, user: {}}, {name: a, user: {}}]", "users[\"a\"]", "twice"},
        // the context
        Bad{"no_current_context", "contexts: [{name: prod, context: {cluster: c}}]", "current-context", "\"prod\""},
        Bad{"no_contexts", "current-context: x", "contexts has no \"x\"", "there are none"},
        Bad{"unknown_context", "current-context: y\ncontexts: [{name: a, context: {}}, {name: b, context: {}}]",
            "contexts has no \"y\"", "\"a\", \"b\""},
        Bad{"context_without_cluster", kubeconfig(kServer, "{}", "{user: u}"), "contexts[\"x\"].context.cluster",
            "name a cluster: there is \"c\""},
        Bad{"unknown_cluster", kubeconfig(kServer, "{}", "{cluster: z, user: u}"), "clusters has no \"z\"", "\"c\""},
        Bad{"unknown_user", kubeconfig(kServer, "{}", "{cluster: c, user: z}"), "users has no \"z\"", "\"u\""},
        Bad{"namespace_a_map", kubeconfig(kServer, "{}", "{cluster: c, user: u, namespace: {}}"), "namespace", "text"},
        // the cluster
        Bad{"no_server", kubeconfig("{}", "{}"), "clusters[\"c\"].cluster.server", "https://host:port"},
        Bad{"server_without_scheme", kubeconfig("{server: 'host:6443'}", "{}"), "server", "no scheme"},
        Bad{"server_in_the_clear", kubeconfig("{server: 'http://h'}", "{}"), "server", "use https://"},
        Bad{"server_with_password", kubeconfig("{server: 'https://u:c2VjcmV0LXRleHQ@h'}", "{}"), "server",
            "fields of their own"},
        Bad{"insecure", kubeconfig(cluster_field("insecure-skip-tls-verify: true"), "{}"), "insecure-skip-tls-verify",
            "certificate-authority-data"},
        Bad{"insecure_maybe", kubeconfig(cluster_field("insecure-skip-tls-verify: maybe"), "{}"),
            "insecure-skip-tls-verify", "true or false"},
        Bad{"proxy", kubeconfig(cluster_field("proxy-url: 'http://p'"), "{}"), "proxy-url", "directly"},
        Bad{"authority_file", kubeconfig(cluster_field("certificate-authority: /etc/ca.crt"), "{}"),
            "certificate-authority", "another machine"},
        Bad{"authority_no_base64", kubeconfig(cluster_field("certificate-authority-data: '%%%'"), "{}"),
            "certificate-authority-data", "base64"},
        Bad{"authority_no_pem", kubeconfig(cluster_field("certificate-authority-data: aGVsbG8="), "{}"),
            "certificate-authority-data", "BEGIN CERTIFICATE"},
        Bad{"authority_cut_off",
            kubeconfig(cluster_field("certificate-authority-data: " +
                                     base64(authority().pem() + authority().pem().substr(0, 100))),
                       "{}"),
            "certificate-authority-data", "damaged"},
        Bad{"server_name_with_path", kubeconfig(cluster_field("tls-server-name: a/b"), "{}"), "tls-server-name",
            "host name"},
        // the user
        Bad{"username", kubeconfig(kServer, "{username: admin, password: c2VjcmV0LXRleHQ}"), "username", "token"},
        Bad{"password", kubeconfig(kServer, "{password: c2VjcmV0LXRleHQ}"), "password", "token"},
        Bad{"auth_provider", kubeconfig(kServer, "{auth-provider: {name: gcp}}"), "auth-provider", "ServiceAccount"},
        Bad{"impersonation", kubeconfig(kServer, "{token: t, as: root}"), "users[\"u\"].user.as", "impersonation"},
        Bad{"impersonated_groups", kubeconfig(kServer, "{token: t, as-groups: [a]}"), "as-groups", "impersonation"},
        Bad{"token_file", kubeconfig(kServer, "{tokenFile: /etc/shadow}"), "tokenFile", "another machine"},
        Bad{"token_of_two_lines", kubeconfig(kServer, "{token: \"c2VjcmV0LXRleHQ\\nX-Evil: 1\"}"), "token", "one line"},
        Bad{"token_a_list", kubeconfig(kServer, "{token: [c2VjcmV0LXRleHQ]}"), "token", "one text"},
        Bad{"certificate_file", kubeconfig(kServer, "{client-certificate: a, client-key: b}"), "client-certificate",
            "another machine"},
        Bad{"certificate_without_key",
            kubeconfig(kServer, "{client-certificate-data: " + base64(client().certificate_pem) + "}"),
            "client-key-data", "needs its key"},
        Bad{"key_without_certificate", kubeconfig(kServer, "{client-key-data: c2VjcmV0LXRleHQ=}"),
            "client-certificate-data", "needs its certificate"},
        Bad{"certificate_no_pem", kubeconfig(kServer, "{client-certificate-data: aGVsbG8=, client-key-data: aGVsbG8=}"),
            "client-certificate-data", "BEGIN CERTIFICATE"},
        Bad{"key_no_pem",
            kubeconfig(kServer, "{client-certificate-data: " + base64(client().certificate_pem) +
                                    ", client-key-data: c2VjcmV0LXRleHQ=}"),
            "client-key-data", "PRIVATE KEY"},
        Bad{"key_of_another_certificate", kubeconfig(kServer, pair_of_strangers()), "client-key-data", "pair"},
        Bad{"exec", kubeconfig(kServer, "{exec: {command: /bin/evil, apiVersion: client.authentication.k8s.io/v1}}"),
            "users[\"u\"].user.exec.command", "ServiceAccount token"},
        Bad{"exec_without_command", kubeconfig(kServer, "{exec: {}}"), "exec.command", "name the program"},
        Bad{"exec_no_map", kubeconfig(kServer, "{exec: [evil]}"), "exec", "map"}),
    [](const auto& row) { return row.param.name; });

TEST(Kubeconfig, refuses_bad_exec_even_when_the_command_is_allowed) {
  KubeconfigPolicy policy;
  policy.allowed_exec = {"aws"};
  struct Row {
    const char* exec;
    const char* field;
  };
  for (const Row& row : {
           Row{"{command: aws}", "exec.apiVersion"},
           Row{"{command: aws, apiVersion: client.authentication.k8s.io/v1alpha1}", "exec.apiVersion"},
           Row{"{command: aws, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}",
               "exec.interactiveMode"},
           Row{"{command: aws, apiVersion: client.authentication.k8s.io/v1, args: x}", "exec.args"},
           Row{"{command: aws, apiVersion: client.authentication.k8s.io/v1, args: [[x]]}", "exec.args"},
           Row{"{command: aws, apiVersion: client.authentication.k8s.io/v1, env: [{value: x}]}", "exec.env[0].name"},
           Row{"{command: aws, apiVersion: client.authentication.k8s.io/v1, env: [{name: a=b}]}", "exec.env[0].name"},
           Row{"{command: ./aws, apiVersion: client.authentication.k8s.io/v1}", "exec.command"},
       }) {
    const auto config = parse_kubeconfig(kubeconfig(kServer, std::string("{exec: ") + row.exec + "}"), "", policy);
    ASSERT_FALSE(config) << row.exec;
    EXPECT_NE(config.error().message.find(row.field), std::string::npos) << config.error().message;
  }
}

TEST(Kubeconfig, is_parsed_in_bounded_time_whatever_it_is) {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 60; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  EXPECT_FALSE(parse_kubeconfig(bomb + "clusters: *a59\n", "", {}));
  EXPECT_FALSE(parse_kubeconfig(std::string(1 << 20, '['), "", {}));
  EXPECT_FALSE(parse_kubeconfig(std::string(1 << 20, '{'), "", {}));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_FALSE(parse_kubeconfig(deep, "", {}));
  EXPECT_FALSE(parse_kubeconfig("clusters: [" + std::string(100'000, ',') + "]", "", {}));
}

}  // namespace
}  // namespace headroom::kube
