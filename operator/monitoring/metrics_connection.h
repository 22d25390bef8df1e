// The way to one region's Prometheus: address, credentials and certificates as the Region names them, kept until they
// change. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/api/region.h"
#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "operator/monitoring/transport_factory.h"

namespace headroom::monitoring {

class MetricsConnection {
 public:
  /// Secrets are read through `home`.
  MetricsConnection(kube::Reader& home, const TransportFactory& connect) : home_(home), connect_(connect) {}

  /// A transport for these settings; reads the Secrets when they are unknown, a minute old or refused. A home cluster
  /// that is away leaves the last known credentials in use.
  Result<std::shared_ptr<kube::Transport>> transport(const api::RegionMetrics& metrics, SteadyTime now,
                                                     const std::stop_token& stop);
  /// The server refused the credentials: the next call reads them anew.
  void credentials_refused();

 private:
  Result<std::string> read_secret(const api::SecretKeyRef& ref, const char* field, const std::stop_token& stop);
  Status read_secrets(const api::RegionMetrics& metrics, const std::stop_token& stop);

  kube::Reader& home_;
  const TransportFactory& connect_;

  std::mutex mutex_;
  std::string url_, token_, ca_;  // guarded by mutex_, as all below
  std::optional<api::SecretKeyRef> auth_secret_, ca_secret_;
  std::optional<SteadyTime> read_;
  std::shared_ptr<kube::Transport> transport_;
};

}  // namespace headroom::monitoring
