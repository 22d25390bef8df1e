// Whether API servers can reach the Service by which they ask the webhook.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/kube/client.h"
#include "operator/limits/escrow.h"

namespace headroom::webhook {

/// Whether traffic is sent to an endpoint of this EndpointSlice: one that is ready, or that says nothing of it
/// (discovery.k8s.io/v1: "unknown", to be taken for ready).
bool has_ready_endpoint(const nlohmann::json& slice);

/// An API server refuses every write that a configuration with failurePolicy Fail selects while the Service has no
/// ready endpoint. So none is made before one is, and has been for long enough that API servers and proxies know of it.
/// One thread.
class ServiceEndpoints {
 public:
  /// `service` empty: the webhook is reached in another way, about which nothing can be known here.
  ServiceEndpoints(std::shared_ptr<kube::Reader> reader, std::string ns, std::string service);

  /// Looks now; ok() when API servers can reach the Service, or when nobody may say. Else what is awaited: Unavailable,
  /// or the reader's error.
  Status reachable(limits::BootTime now, const std::stop_token& stop);

 private:
  Result<bool> any_ready(const std::stop_token& stop);

  const std::shared_ptr<kube::Reader> reader_;
  const std::string ns_, service_;
  std::optional<limits::BootTime> ready_since_;  ///< when an endpoint was first seen ready, and has been since
};

}  // namespace headroom::webhook
