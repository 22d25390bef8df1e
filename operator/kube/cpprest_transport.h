// Transport over cpprestsdk. The library's headers stay in the .cc.
#pragma once

#include <cstddef>
#include <memory>

#include "operator/base/result.h"
#include "operator/kube/config.h"
#include "operator/kube/transport.h"

namespace headroom::kube {

/// Once, first thing in main: starts cpprestsdk's thread pool small (its default is 40) and keeps OpenSSL from loading
/// the system's CA bundle anew for each connection (25-50 ms of CPU each, measured).
void initialise_http(std::size_t threads);

/// A transport to `config.server`. Token and CA files are re-read when they change, at least every minute. The trust
/// store is built once and shared by all connections.
Result<std::shared_ptr<Transport>> make_transport(const ClusterConfig& config);

}  // namespace headroom::kube
