// Where a cluster is and how to prove who we are: kubeconfig files and Secrets, in-cluster configuration. Parsing is
// pure; only the load_ functions read files. A bad kubeconfig is refused with the field and the remedy.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace headroom::kube {

/// One cluster's address and credentials. Secrets stay in memory; never logged.
struct ClusterConfig {
  std::string server;   ///< "https://host:port[/prefix]"
  std::string ca_pem;   ///< certificate authorities; empty: the system's
  std::string ca_file;  ///< re-read when it changes
  std::string client_certificate_pem, client_key_pem;
  std::string token;
  std::string token_file;       ///< re-read at least every minute: bound tokens live an hour
  std::string tls_server_name;  ///< overrides the name that is verified
  std::string default_namespace = "default";
  std::string context;  ///< for messages
};

struct KubeconfigPolicy {
  bool allow_files = true;                ///< false for Secrets: paths of another machine must not be read
  bool allow_insecure = false;            ///< insecure-skip-tls-verify
  std::vector<std::string> allowed_exec;  ///< commands that `exec` may name; empty refuses exec
};

/// `context` empty: current-context. Errors name file or Secret, the field and the remedy.
Result<ClusterConfig> parse_kubeconfig(std::string_view yaml, const std::string& context,
                                       const KubeconfigPolicy& policy);
/// `path` empty: $KUBECONFIG (first existing entry), then ~/.kube/config.
Result<ClusterConfig> load_kubeconfig(const std::string& path, const std::string& context);
/// ServiceAccount token, CA and KUBERNETES_SERVICE_{HOST,PORT}. `root` is the mount folder, for tests.
Result<ClusterConfig> in_cluster_config(const std::string& root = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace headroom::kube
