// Where a cluster is and how to prove who we are: kubeconfig files and Secrets, in-cluster configuration. Parsing is
// pure; only the load_ functions and in_cluster_config read files. A bad kubeconfig is refused with the field and the
// remedy; no message holds a secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/result.h"

namespace headroom::kube {

/// A program that a kubeconfig names as the source of credentials (client.authentication.k8s.io). Run by
/// exec_credential.h.
struct ExecCommand {
  std::string command;  ///< a name for $PATH, or a path
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  ///< on top of our own
  std::string api_version;                                       ///< "client.authentication.k8s.io/v1" or v1beta1
  std::string install_hint;                                      ///< shown when the program is missing
  bool provide_cluster_info = false;
  bool interactive = false;  ///< it may ask the person at our terminal: standard input and errors are ours
};

/// One cluster's address and credentials. Secrets stay in memory; never logged.
struct ClusterConfig {
  std::string server;   ///< "https://host:port[/prefix]"
  std::string ca_pem;   ///< certificate authorities; with ca_file empty as well: the system's
  std::string ca_file;  ///< re-read when it changes
  std::string client_certificate_pem, client_key_pem;
  std::string client_certificate_file, client_key_file;  ///< instead of the PEM texts; re-read when they change
  std::string token;
  std::string token_file;           ///< re-read at least every minute: bound tokens live an hour. Wins over `token`
  std::optional<ExecCommand> exec;  ///< asked for a token or a certificate where neither is given above
  std::string tls_server_name;      ///< the name in the server's certificate, where it is not the host of `server`
  bool insecure_skip_tls_verify = false;
  std::string default_namespace = "default";
  std::string context;  ///< for messages
};

/// What a kubeconfig may ask of this machine.
struct KubeconfigPolicy {
  bool allow_files = true;      ///< false for Secrets: paths of another machine must not be read
  bool allow_insecure = false;  ///< insecure-skip-tls-verify, and http:// servers
  /// Commands that `exec` may name, compared with the field as it is written; "*" stands for all (a person's own
  /// kubeconfig, as kubectl treats it). Empty refuses exec.
  std::vector<std::string> allowed_exec;
  /// A person is at our terminal, for programs that ask (interactiveMode IfAvailable and Always).
  bool interactive = false;
  std::string folder;  ///< what relative paths start from; empty: our own working folder
};

/// `context` empty: current-context. Errors name the field, its value where that is no secret, and the remedy; the
/// caller puts the Secret's or file's name in front. At most 2 MiB.
Result<ClusterConfig> parse_kubeconfig(std::string_view yaml, const std::string& context,
                                       const KubeconfigPolicy& policy);
/// `path` empty: all files of $KUBECONFIG merged as kubectl does (the first one that names something wins), else
/// ~/.kube/config. Relative paths start from the folder of the file they stand in; `policy.folder` is not used.
Result<ClusterConfig> load_kubeconfig(const std::string& path, const std::string& context,
                                      const KubeconfigPolicy& policy = {});
/// ServiceAccount token, CA and KUBERNETES_SERVICE_{HOST,PORT}. `root` is the mount folder, for tests.
Result<ClusterConfig> in_cluster_config(const std::string& root = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace headroom::kube
