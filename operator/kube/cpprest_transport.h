// Transport over cpprestsdk. The library's headers stay in cpprest_connection.cc.
#pragma once

#include <cstddef>
#include <memory>

#include "operator/base/result.h"
#include "operator/kube/config.h"
#include "operator/kube/transport.h"

namespace headroom::kube {

/// Once, first thing in main, before there are threads: starts cpprestsdk's thread pool small (its default is 40) and
/// keeps OpenSSL from loading the system's CA bundle anew for each connection (25-50 ms of CPU each, measured). One
/// thread is enough for thousands of requests a second, wakes no other at each step of a request, and is the only
/// number for which closing a connection on cancellation cannot race with the library's own use of it.
void initialise_http();

/// A transport to `config.server`. Token and CA files are re-read when they change, at least every minute. The trust
/// store is built once and shared by all connections. Connections are kept and shared by all threads; the connection
/// of a request is checked before it is used, and replaced when the server has closed it in the meantime.
Result<std::shared_ptr<Transport>> make_transport(const ClusterConfig& config);

}  // namespace headroom::kube
