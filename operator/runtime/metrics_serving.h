// How a program serves /metrics, as its flags say it. Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace headroom::runtime {

struct MetricsServing {
  bool alone = false;  ///< on a port of their own; else beside /healthz, in plain HTTP and for everybody
  std::string address;
  std::uint16_t port = 0;  ///< 0: any free one
  bool secure = true;      ///< HTTPS, and only for those whom the API server's RBAC lets get /metrics
  /// With tls.crt and tls.key, read again when they change; empty: a certificate that the program makes for itself.
  std::string certificate_directory;
};

}  // namespace headroom::runtime
