// The ValidatingWebhookConfiguration that a set of limits needs. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/limits/limit_set.h"

namespace headroom::webhook {

/// Where limits' reviews go.
inline constexpr char kReviewPath[] = "/validate";

/// How the API server reaches the webhook, and what it must not send there.
struct WebhookAddress {
  std::string url;                               ///< "https://…/validate"; empty: the Service
  std::string service_ns, service;               ///< port 443, path /validate
  std::string ca_pem;                            ///< certificate authorities, PEM; empty: somebody else sets them
  std::string inject_ca_from;                    ///< NAMESPACE/NAME of a cert-manager Certificate whose cainjector does
  std::vector<std::string> excluded_namespaces;  ///< neither gated nor counted
  bool own_kinds_fail = false;                   ///< writes of Headroom's own kinds wait for a webhook
};

/// How the API server reaches `path` of this server: an entry's clientConfig.
nlohmann::json client_config(const WebhookAddress& address, const std::string& path);

/// For server-side apply under `name`. Two entries: what cannot be judged fails, or is let through; a resource that
/// limits of both kinds match is in the first. Rules are the union of the limits' matches, without their selectors.
/// Whatever happens to the webhook, scaling down, and all that the end of an object needs, goes on: match conditions
/// leave it out where nothing that a limit counts can grow by it.
nlohmann::json webhook_configuration(const std::string& name, const limits::LimitSet& limits,
                                     const WebhookAddress& address);

}  // namespace headroom::webhook
