// Serves /metrics on a port of its own: over HTTPS, to those whom MetricsAccess lets; or in plain HTTP to everybody.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"
#include "operator/runtime/metrics_serving.h"
#include "operator/status/health_endpoints.h"
#include "operator/status/metrics_access.h"
#include "operator/status/serving_certificate.h"

namespace headroom::status {

/// For the client that asks for reviews: each of the two that a request may need has ended after half of the time that
/// a server gives to an answer.
kube::ClientLimits review_limits();

class MetricsServer {
 public:
  /// Listens before it returns. `reviewer`, whose requests end in time (review_limits()), is not needed where
  /// `serving.secure` is false. `metrics` and `clock` outlive the server.
  static Result<std::unique_ptr<MetricsServer>> start(const runtime::MetricsServing& serving,
                                                      std::shared_ptr<kube::Writer> reviewer,
                                                      const runtime::Metrics& metrics, Expose expose,
                                                      const Clock& clock, AccessMemory memory = {});
  ~MetricsServer();

  std::uint16_t port() const { return server_->port(); }
  /// As net::HttpServer::stop().
  void stop(std::chrono::milliseconds drain);

 private:
  struct Waiting {
    std::string authorization;
    net::HttpRequest request;
    net::Responder responder;
  };

  MetricsServer(const runtime::Metrics& metrics, Expose expose, const Clock& clock);
  void answer(const net::HttpRequest& request, net::Responder responder);
  void respond(const Verdict& verdict, const net::HttpRequest& request, net::Responder responder) const;
  void ask_in_turn(const std::stop_token& stop);
  void follow_certificate(const std::stop_token& stop);

  const Clock& clock_;
  const net::HttpHandler exposition_;
  std::unique_ptr<MetricsAccess> access_;
  std::unique_ptr<ServingCertificate> certificate_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Waiting> waiting_;
  std::unique_ptr<net::HttpServer> server_;
  std::jthread asking_, following_;
};

}  // namespace headroom::status
