#include "operator/cli/cluster.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "operator/base/duration.h"
#include "operator/base/random_seed.h"
#include "operator/kube/client.h"
#include "operator/kube/cpprest_transport.h"

namespace headroom::cli {
namespace {

bool is_set(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody writes the environment
  return value != nullptr && *value != '\0';
}

Result<kube::ClusterConfig> configuration(const Context& context) {
  // A person's own kubeconfig may name programs, files and test clusters, as it may for kubectl.
  kube::KubeconfigPolicy policy;
  policy.allow_insecure = true;
  policy.allowed_exec = {"*"};
  policy.interactive = context.console.interactive;
  const GlobalFlags& flags = context.flags;
  Result<kube::ClusterConfig> config = kube::load_kubeconfig(flags.kubeconfig, flags.context, policy);
  if (config) return config;
  const bool nothing_named = flags.kubeconfig.empty() && flags.context.empty() && !is_set("KUBECONFIG");
  if (nothing_named && config.error().code == ErrorCode::NotFound && is_set("KUBERNETES_SERVICE_HOST")) {
    return kube::in_cluster_config();
  }
  return config;
}

}  // namespace

Result<Connection> connect(const Context& context) {
  BOOST_OUTCOME_TRY(timeout, parse_duration(context.flags.request_timeout));
  if (timeout <= absl::ZeroDuration()) return invalid("--request-timeout: must be more than 0, for example 15s");
  BOOST_OUTCOME_TRY(config, configuration(context));
  BOOST_OUTCOME_TRY(transport, kube::make_transport(config));
  kube::ClientLimits limits;
  limits.request_timeout = absl::ToChronoMilliseconds(timeout);
  limits.retry_for = limits.request_timeout;
  Connection connection;
  connection.client = std::make_shared<kube::Client>(transport, limits, random_seed());
  if (!context.flags.all_namespaces) {
    connection.ns = context.flags.ns.empty() ? config.default_namespace : context.flags.ns;
  }
  connection.config = std::move(config);
  return connection;
}

Result<std::vector<nlohmann::json>> list_all(kube::Client& client, const kube::ResourceType& type,
                                             const std::string& ns) {
  std::vector<nlohmann::json> all;
  kube::ListOptions options;
  do {
    Result<kube::ListPage> page = client.list(type, ns, options, {});
    if (!page) return with_context(std::move(page).error(), type.to_string());
    for (nlohmann::json& item : page.value().items) all.push_back(std::move(item));
    options.continue_token = page.value().continue_token;
  } while (!options.continue_token.empty());
  return all;
}

Result<std::vector<nlohmann::json>> list_if_served(kube::Client& client, const kube::ResourceType& type,
                                                   const std::string& ns) {
  Result<std::vector<nlohmann::json>> all = list_all(client, type, ns);
  if (!all && all.error().code == ErrorCode::NotFound) return std::vector<nlohmann::json>();
  return all;
}

}  // namespace headroom::cli
