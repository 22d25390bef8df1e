// How the controllers reach servers other than API servers: Prometheus, Alertmanager, webhooks, probed endpoints.
// Injected, so that tests script the wire.
#pragma once

#include <functional>
#include <memory>

#include "operator/kube/config.h"
#include "operator/kube/transport.h"

namespace headroom::monitoring {

/// Opens a transport to `config.server`; kube::make_transport in production. Connects lazily: no IO in the call.
using TransportFactory = std::function<Result<std::shared_ptr<kube::Transport>>(const kube::ClusterConfig& config)>;

}  // namespace headroom::monitoring
