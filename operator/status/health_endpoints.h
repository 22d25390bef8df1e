// `/healthz`, `/readyz` and `/metrics` as one handler for net::HttpServer, with the answers that Kubernetes' own
// components give. Health ignores API-server outages (a restart would not mend them); readiness is made of named
// checks. Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "operator/net/http_server.h"
#include "operator/runtime/exposition.h"
#include "operator/runtime/metrics.h"

namespace headroom::status {

/// Empty when fine, else what is wrong. Called for every request, on the server's threads: it must answer at once,
/// from memory.
using Check = std::function<std::string()>;

/// Writes what a scrape shows beside what is kept in the Metrics. Called for every scrape, on the server's threads.
using Expose = std::function<void(runtime::Exposition&)>;

/// Named checks of `/healthz` and `/readyz`. Both begin with "ping", which is there by itself and always fine. `expose`
/// may be empty.
struct HealthOptions {
  std::vector<std::pair<std::string, Check>> live, ready;
  Expose expose = {};
};

/// 200 "ok" when every check is fine, else 500 with the list. `?verbose` lists each check in any case; a single one
/// answers under `/readyz/<name>`. `/metrics` is Prometheus' text format. GET and HEAD only (405), other paths 404.
/// `metrics` outlives the handler.
net::HttpHandler health_and_metrics(HealthOptions options, const runtime::Metrics& metrics);
/// The same in parts, for servers apart.
net::HttpHandler health_only(HealthOptions options);
net::HttpHandler metrics_only(const runtime::Metrics& metrics, Expose expose = {});

}  // namespace headroom::status
