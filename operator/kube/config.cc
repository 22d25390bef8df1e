#include "operator/kube/config.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "operator/kube/kubeconfig_document.h"
#include "operator/kube/text_file.h"
#include "operator/kube/tls_material.h"
#include "operator/kube/url.h"

namespace headroom::kube {

namespace {

constexpr std::size_t kLongestFile = std::size_t{2} << 20U;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
  return value == nullptr ? "" : value;
}

Result<std::string> decode_base64(const YamlMap& map, const char* field) {
  BOOST_OUTCOME_TRY(text, map.text(field));
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
  std::string decoded(text.size() / 4 * 3 + 1, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0 || text.size() % 4 != 0) {
    return field_error(map.path(field), "is not base64; encode the PEM text with \"base64 -w0\"");
  }
  // EVP_DecodeBlock counts the padding as zero bytes.
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  decoded.resize(static_cast<std::size_t>(size) - padding);
  return decoded;
}

// The path of a file that a field names; empty when it names none.
Result<std::string> file_of(const KubeconfigEntry& entry, const char* field, const KubeconfigPolicy& policy) {
  BOOST_OUTCOME_TRY(name, entry.body.text(field));
  if (name.empty()) return name;
  if (!policy.allow_files) {
    return field_error(entry.body.path(field), "names the file " + in_quotes(name) +
                                                   ", which is on another machine; put the content into " + field +
                                                   (std::string_view(field) == "tokenFile" ? " as token" : "-data"));
  }
  return (std::filesystem::path(entry.folder) / name).string();
}

Status read_server(const YamlMap& cluster, const KubeconfigPolicy& policy, ClusterConfig& config) {
  BOOST_OUTCOME_TRY(server, cluster.text("server"));
  if (server.empty()) return field_error(cluster.path("server"), "is missing; write it as https://host:port");
  Result<ServerUrl> url = parse_server_url(server);
  if (!url) return with_context(std::move(url).error(), cluster.path("server"));
  if (!url.value().tls && !policy.allow_insecure) {
    return field_error(cluster.path("server"),
                       in_quotes(server) + " would send credentials in the clear; use https://");
  }
  config.server = std::move(server);
  return ok();
}

Status read_trust(const KubeconfigEntry& entry, const KubeconfigPolicy& policy, ClusterConfig& config) {
  const YamlMap& cluster = entry.body;
  BOOST_OUTCOME_TRY(insecure, cluster.flag("insecure-skip-tls-verify"));
  if (insecure && !policy.allow_insecure) {
    return field_error(cluster.path("insecure-skip-tls-verify"),
                       "is true, so anybody could pose as the server; give certificate-authority-data instead");
  }
  config.insecure_skip_tls_verify = insecure;
  if (cluster.has("certificate-authority-data")) {
    BOOST_OUTCOME_TRY(pem, decode_base64(cluster, "certificate-authority-data"));
    if (const auto certificates = read_certificates(pem); !certificates) {
      return field_error(cluster.path("certificate-authority-data"), certificates.error().message);
    }
    config.ca_pem = std::move(pem);
  } else {
    BOOST_OUTCOME_TRY(file, file_of(entry, "certificate-authority", policy));
    config.ca_file = std::move(file);
  }
  BOOST_OUTCOME_TRY(name, cluster.text("tls-server-name"));
  config.tls_server_name = std::move(name);
  if (!config.tls_server_name.empty()) {
    const bool is_ipv6 = config.tls_server_name.find(':') != std::string::npos;
    const std::string as_url = "https://" + (is_ipv6 ? "[" + config.tls_server_name + "]" : config.tls_server_name);
    if (const auto url = parse_server_url(as_url); !url || !url.value().prefix.empty()) {
      return field_error(cluster.path("tls-server-name"),
                         in_quotes(config.tls_server_name) + " is neither a host name nor an address");
    }
  }
  return ok();
}

Status read_cluster(const KubeconfigEntry& entry, const KubeconfigPolicy& policy, ClusterConfig& config) {
  BOOST_OUTCOME_TRYV(read_server(entry.body, policy, config));
  BOOST_OUTCOME_TRY(proxy, entry.body.text("proxy-url"));
  if (!proxy.empty()) {
    return field_error(entry.body.path("proxy-url"),
                       "is set, but proxies are not supported; give an address that can be reached directly");
  }
  return read_trust(entry, policy, config);
}

Status refuse_unsupported(const YamlMap& user) {
  if (user.has("username") || user.has("password")) {
    return field_error(user.path(user.has("username") ? "username" : "password"),
                       "is set, but Kubernetes has had no password login since 1.19; use a token or a client "
                       "certificate");
  }
  if (user.has("auth-provider")) {
    return field_error(user.path("auth-provider"),
                       "is set, but Kubernetes has had no auth providers since 1.26; use a ServiceAccount token");
  }
  for (const char* field : {"as", "as-uid", "as-groups", "as-user-extra"}) {
    if (user.has(field)) {
      return field_error(user.path(field), "is set, but impersonation is not supported; use credentials of that user");
    }
  }
  return ok();
}

Status read_client_certificate(const KubeconfigEntry& entry, const KubeconfigPolicy& policy, ClusterConfig& config) {
  const YamlMap& user = entry.body;
  const bool certificate = user.has("client-certificate-data") || user.has("client-certificate");
  const bool key = user.has("client-key-data") || user.has("client-key");
  if (certificate != key) {
    return field_error(user.path(certificate ? "client-key-data" : "client-certificate-data"),
                       certificate ? "is missing; a client certificate needs its key"
                                   : "is missing; a client key needs its certificate");
  }
  if (user.has("client-certificate-data")) {
    BOOST_OUTCOME_TRY(pem, decode_base64(user, "client-certificate-data"));
    if (const auto certificates = read_certificates(pem); !certificates) {
      return field_error(user.path("client-certificate-data"), certificates.error().message);
    }
    config.client_certificate_pem = std::move(pem);
  } else {
    BOOST_OUTCOME_TRY(file, file_of(entry, "client-certificate", policy));
    config.client_certificate_file = std::move(file);
  }
  if (user.has("client-key-data")) {
    BOOST_OUTCOME_TRY(pem, decode_base64(user, "client-key-data"));
    config.client_key_pem = std::move(pem);
  } else {
    BOOST_OUTCOME_TRY(file, file_of(entry, "client-key", policy));
    config.client_key_file = std::move(file);
  }
  if (!config.client_certificate_pem.empty() && !config.client_key_pem.empty()) {
    const auto identity = client_identity(config.client_certificate_pem, config.client_key_pem);
    if (!identity) return field_error(user.path("client-key-data"), "does not do: " + identity.error().message);
  }
  return ok();
}

Status read_token(const KubeconfigEntry& entry, const KubeconfigPolicy& policy, ClusterConfig& config) {
  BOOST_OUTCOME_TRY(token, entry.body.text("token"));
  const auto fits_header = [](char c) { return c > ' ' && c < 0x7f; };
  if (!std::all_of(token.begin(), token.end(), fits_header)) {
    return field_error(entry.body.path("token"),
                       "holds a blank, a line end or another character that no token has; write it on one line");
  }
  config.token = std::move(token);
  BOOST_OUTCOME_TRY(file, file_of(entry, "tokenFile", policy));
  config.token_file = std::move(file);
  return ok();
}

Status read_exec(const KubeconfigEntry& entry, const KubeconfigPolicy& policy, ClusterConfig& config) {
  if (!entry.body.has("exec")) return ok();
  BOOST_OUTCOME_TRY(exec, entry.body.map("exec"));
  ExecCommand command;
  BOOST_OUTCOME_TRY(name, exec.text("command"));
  if (name.empty()) return field_error(exec.path("command"), "is missing; name the program that gives credentials");
  const bool allowed = std::any_of(policy.allowed_exec.begin(), policy.allowed_exec.end(),
                                   [&name = name](const std::string& one) { return one == "*" || one == name; });
  if (!allowed) {
    return field_error(exec.path("command"),
                       in_quotes(name) +
                           " would be run here, which is not allowed; use a ServiceAccount token, or put "
                           "the command on the list of allowed ones");
  }
  BOOST_OUTCOME_TRY(version, exec.text("apiVersion"));
  if (version != "client.authentication.k8s.io/v1" && version != "client.authentication.k8s.io/v1beta1") {
    return field_error(exec.path("apiVersion"),
                       "is " + in_quotes(version) + "; write client.authentication.k8s.io/v1 (or v1beta1)");
  }
  BOOST_OUTCOME_TRY(mode, exec.text("interactiveMode"));
  if (mode == "Always" && !policy.interactive) {
    return field_error(exec.path("interactiveMode"),
                       "is \"Always\", but nobody is at a terminal here; use a "
                       "ServiceAccount token");
  }
  command.interactive = policy.interactive && mode != "Never";
  BOOST_OUTCOME_TRY(arguments, exec.texts("args"));
  BOOST_OUTCOME_TRY(variables, exec.maps("env"));
  for (const YamlMap& variable : variables) {
    BOOST_OUTCOME_TRY(key, variable.text("name"));
    BOOST_OUTCOME_TRY(value, variable.text("value"));
    if (key.empty() || key.find('=') != std::string::npos) {
      return field_error(variable.path("name"), in_quotes(key) + " is no name of a variable");
    }
    command.environment.emplace_back(std::move(key), std::move(value));
  }
  BOOST_OUTCOME_TRY(hint, exec.text("installHint"));
  BOOST_OUTCOME_TRY(cluster_info, exec.flag("provideClusterInfo"));
  // As kubectl: a bare name is looked up in $PATH, a relative path starts from the kubeconfig's folder.
  const bool relative = name.find('/') != std::string::npos && name.front() != '/';
  command.command = relative ? (std::filesystem::path(entry.folder) / name).string() : std::move(name);
  command.arguments = std::move(arguments);
  command.api_version = std::move(version);
  command.install_hint = std::move(hint);
  command.provide_cluster_info = cluster_info;
  config.exec = std::move(command);
  return ok();
}

Status read_user(const KubeconfigEntry& entry, const KubeconfigPolicy& policy, ClusterConfig& config) {
  BOOST_OUTCOME_TRYV(refuse_unsupported(entry.body));
  BOOST_OUTCOME_TRYV(read_client_certificate(entry, policy, config));
  BOOST_OUTCOME_TRYV(read_token(entry, policy, config));
  return read_exec(entry, policy, config);
}

Result<const KubeconfigEntry*> entry_of(const std::map<std::string, KubeconfigEntry>& entries, const char* list,
                                        const std::string& name) {
  const auto it = entries.find(name);
  if (it != entries.end()) return &it->second;
  return Error{ErrorCode::NotFound, std::string(list) + " has no " + in_quotes(name) + "; " + names_of(entries), 0, {}};
}

Result<ClusterConfig> resolve(const KubeconfigDocument& document, const std::string& context,
                              const KubeconfigPolicy& policy) {
  ClusterConfig config;
  config.context = context.empty() ? document.current_context : context;
  if (config.context.empty()) {
    return field_error("current-context", "is empty; set it, or name a context: " + names_of(document.contexts));
  }
  BOOST_OUTCOME_TRY(chosen, entry_of(document.contexts, "contexts", config.context));
  BOOST_OUTCOME_TRY(cluster_name, chosen->body.text("cluster"));
  if (cluster_name.empty()) {
    return field_error(chosen->body.path("cluster"), "is missing; name a cluster: " + names_of(document.clusters));
  }
  Result<const KubeconfigEntry*> cluster = entry_of(document.clusters, "clusters", cluster_name);
  if (!cluster) return with_context(std::move(cluster).error(), chosen->body.path("cluster"));
  BOOST_OUTCOME_TRYV(read_cluster(*cluster.value(), policy, config));

  BOOST_OUTCOME_TRY(user_name, chosen->body.text("user"));
  if (!user_name.empty()) {
    Result<const KubeconfigEntry*> user = entry_of(document.users, "users", user_name);
    if (!user) return with_context(std::move(user).error(), chosen->body.path("user"));
    BOOST_OUTCOME_TRYV(read_user(*user.value(), policy, config));
  }
  BOOST_OUTCOME_TRY(ns, chosen->body.text("namespace"));
  if (!ns.empty()) config.default_namespace = std::move(ns);
  return config;
}

std::vector<std::string> kubeconfig_paths() {
  std::vector<std::string> paths;
  const std::string listed = environment("KUBECONFIG");
  for (std::size_t start = 0; start <= listed.size();) {
    const std::size_t end = std::min(listed.find(':', start), listed.size());
    if (end > start) paths.push_back(listed.substr(start, end - start));
    start = end + 1;
  }
  if (paths.empty()) paths.push_back(environment("HOME") + "/.kube/config");
  return paths;
}

}  // namespace

Result<ClusterConfig> parse_kubeconfig(std::string_view yaml, const std::string& context,
                                       const KubeconfigPolicy& policy) {
  BOOST_OUTCOME_TRY(document, parse_kubeconfig_document(yaml, policy.folder));
  return resolve(document, context, policy);
}

Result<ClusterConfig> load_kubeconfig(const std::string& path, const std::string& context,
                                      const KubeconfigPolicy& policy) {
  const bool named = !path.empty();
  const std::vector<std::string> paths = named ? std::vector{path} : kubeconfig_paths();
  KubeconfigDocument merged;
  std::string read;
  for (const std::string& one : paths) {
    Result<std::string> yaml = read_text_file(one, kLongestFile);
    // As kubectl: a file of the list that does not exist is passed over.
    if (!yaml && yaml.error().code == ErrorCode::NotFound && !named) continue;
    if (!yaml) return std::move(yaml).error();
    const std::string folder = std::filesystem::absolute(one).parent_path().string();
    Result<KubeconfigDocument> document = parse_kubeconfig_document(yaml.value(), folder);
    if (!document) return with_context(std::move(document).error(), one);
    merge_kubeconfig(merged, std::move(document).value());
    read += (read.empty() ? "" : ", ") + one;
  }
  if (read.empty()) {
    return Error{ErrorCode::NotFound,
                 "no kubeconfig: " + paths.front() +
                     (paths.size() > 1 ? " and the others of $KUBECONFIG do" : " does") +
                     " not exist; give --kubeconfig or set KUBECONFIG",
                 0,
                 {}};
  }
  Result<ClusterConfig> config = resolve(merged, context, policy);
  if (!config) return with_context(std::move(config).error(), read);
  return config;
}

Result<ClusterConfig> in_cluster_config(const std::string& root) {
  const std::string host = environment("KUBERNETES_SERVICE_HOST"), port = environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return Error{ErrorCode::NotFound,
                 "not inside a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set; give "
                 "--kubeconfig",
                 0,
                 {}};
  }
  ClusterConfig config;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  config.server = "https://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
  if (auto url = parse_server_url(config.server); !url) {
    return with_context(std::move(url).error(), "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT");
  }
  config.context = "in-cluster";
  config.ca_file = root + "/ca.crt";
  config.token_file = root + "/token";
  for (const std::string& file : {config.ca_file, config.token_file}) {
    if (auto content = read_text_file(file, kLongestFile); !content) {
      return with_context(std::move(content).error(),
                          "the ServiceAccount's mount is not whole (is automountServiceAccountToken off?)");
    }
  }
  if (const auto ns = read_text_file(root + "/namespace", kLongestFile); ns && !ns.value().empty()) {
    config.default_namespace = ns.value().substr(0, ns.value().find('\n'));
  }
  return config;
}

}  // namespace headroom::kube
