// One origin as cpprestsdk sees it: its connections, their TLS, and single exchanges on them. With
// cpprest_connection.cc the only place that knows the library.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "operator/kube/credentials.h"
#include "operator/kube/response_inbox.h"
#include "operator/kube/transport.h"
#include "operator/kube/url.h"

namespace headroom::kube {

/// Kept connections to one address of an origin with one set of TLS credentials. Thread-safe; lives for as long as any
/// exchange does.
class CpprestConnections {
 public:
  virtual ~CpprestConnections() = default;

  /// A request under way.
  class Exchange {
   public:
    virtual ~Exchange() = default;
    /// Closes the connection under it. Returns at once; the inbox ends soon after.
    virtual void cancel() = 0;
  };

  /// Sends `request` with `token` (empty: none) as bearer token; the response goes to `inbox`. Does not wait.
  virtual std::unique_ptr<Exchange> start(const Request& request, const std::string& token,
                                          std::shared_ptr<ResponseInbox> inbox) = 0;
  /// What the last check of the server's certificate found wrong; empty when it was good.
  virtual std::string certificate_problem() const = 0;
};

/// `address` is an IP address of `server.host`, `server_name` what the server's certificate must be for; `insecure`
/// skips that check.
std::shared_ptr<CpprestConnections> make_connections(const ServerUrl& server, const std::string& address,
                                                     const std::string& server_name, bool insecure,
                                                     std::shared_ptr<const TlsCredentials> tls);

/// Starts cpprestsdk's thread pool with its one thread, unless it runs already.
void start_cpprest_thread();

}  // namespace headroom::kube
