// `/healthz`, `/readyz` and `/metrics` as one handler for net::HttpServer. Health ignores API-server outages (a restart
// would not mend them); readiness is made of named checks. Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "operator/net/http_server.h"
#include "operator/runtime/metrics.h"

namespace headroom::status {

/// Empty when fine, else what is wrong.
using Check = std::function<std::string()>;

struct HealthOptions {
  std::vector<std::pair<std::string, Check>> live, ready;
};

/// `?verbose` lists each check; a single one answers under `/readyz/<name>`.
net::HttpHandler health_and_metrics(HealthOptions options, const runtime::Metrics& metrics);

}  // namespace headroom::status
