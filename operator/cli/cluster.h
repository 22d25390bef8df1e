// The cluster that the person at the keyboard means: kubeconfigs as kubectl reads them, credentials of plugins, and
// the configuration of a pod where there is none.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/cli/command.h"
#include "operator/kube/config.h"

namespace headroom::kube {
class Client;
struct ResourceType;
}  // namespace headroom::kube

namespace headroom::cli {

struct Connection {
  std::shared_ptr<kube::Client> client;
  kube::ClusterConfig config;

  /// The namespace to look in; empty: all.
  std::string ns;
};

/// Reads the configuration and makes a client; no request is made yet.
Result<Connection> connect(const Context& context);

/// Every object of a type, page by page. `ns` empty: of all namespaces.
Result<std::vector<nlohmann::json>> list_all(kube::Client& client, const kube::ResourceType& type,
                                             const std::string& ns);

/// The same where a kind that the cluster does not serve has no objects.
Result<std::vector<nlohmann::json>> list_if_served(kube::Client& client, const kube::ResourceType& type,
                                                   const std::string& ns);

}  // namespace headroom::cli
