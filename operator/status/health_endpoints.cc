#include "operator/status/health_endpoints.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace headroom::status {
namespace {

using Checks = std::vector<std::pair<std::string, Check>>;

net::HttpResponse answer(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = {{"X-Content-Type-Options", "nosniff"}};
  return response;
}

net::HttpResponse not_found() { return answer(404, "404 page not found\n"); }

// The lines and the closing sentence are those of the API server, which people and scripts know.
net::HttpResponse run_all(std::string_view endpoint, const Checks& checks, bool verbose) {
  std::string lines;
  bool fine = true;
  for (const auto& [name, check] : checks) {
    const std::string wrong = check();
    fine = fine && wrong.empty();
    lines += (wrong.empty() ? "[+]" : "[-]") + name;
    lines += wrong.empty() ? " ok\n" : " failed: " + wrong + "\n";
  }
  if (fine && !verbose) return answer(200, "ok");
  lines += endpoint;
  lines += fine ? " check passed\n" : " check failed\n";
  return answer(fine ? 200 : 500, std::move(lines));
}

net::HttpResponse run_one(std::string_view wanted, const Checks& checks) {
  for (const auto& [name, check] : checks) {
    if (name != wanted) continue;
    const std::string wrong = check();
    return wrong.empty() ? answer(200, "ok") : answer(500, "internal server error: " + wrong + "\n");
  }
  return not_found();
}

// Whether `query` ("a=b&verbose") has the key, with or without a value.
bool has_key(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    if (pair.substr(0, pair.find('=')) == key) return true;
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
  }
  return false;
}

struct Endpoint {
  std::string_view name;
  Checks checks;
};

net::HttpResponse run(const Endpoint& endpoint, std::string_view rest, std::string_view query) {
  if (rest.empty() || rest == "/") return run_all(endpoint.name, endpoint.checks, has_key(query, "verbose"));
  return rest.front() == '/' ? run_one(rest.substr(1), endpoint.checks) : not_found();
}

Checks with_ping(Checks checks) {
  checks.emplace(checks.begin(), "ping", [] { return std::string(); });
  return checks;
}

/// Null: GET and HEAD may go on.
std::optional<net::HttpResponse> refused_method(const net::HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") return std::nullopt;
  net::HttpResponse refused = answer(405, "method not allowed: use GET or HEAD\n");
  refused.headers.emplace_back("Allow", "GET, HEAD");
  return refused;
}

}  // namespace

net::HttpHandler health_only(HealthOptions options) {
  const Endpoint live{"healthz", with_ping(std::move(options.live))};
  const Endpoint ready{"readyz", with_ping(std::move(options.ready))};
  return [live, ready](const net::HttpRequest& request) {
    if (auto refused = refused_method(request)) return *std::move(refused);
    const std::string_view path = request.path();
    const std::string_view query =
        std::string_view(request.target).substr(std::min(path.size() + 1, request.target.size()));
    for (const Endpoint* const endpoint : {&live, &ready}) {
      std::string_view rest = path;
      if (!rest.starts_with('/')) break;
      rest.remove_prefix(1);
      if (!rest.starts_with(endpoint->name)) continue;
      rest.remove_prefix(endpoint->name.size());
      return run(*endpoint, rest, query);
    }
    return not_found();
  };
}

net::HttpHandler metrics_only(const runtime::Metrics& metrics, Expose expose) {
  return [expose = std::move(expose), &metrics](const net::HttpRequest& request) {
    if (auto refused = refused_method(request)) return *std::move(refused);
    if (request.path() != "/metrics") return not_found();
    runtime::Exposition scrape;
    if (expose) expose(scrape);
    net::HttpResponse exposition = answer(200, scrape.take_text(metrics.serialize()));
    exposition.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return exposition;
  };
}

net::HttpHandler health_and_metrics(HealthOptions options, const runtime::Metrics& metrics) {
  net::HttpHandler exposition = metrics_only(metrics, options.expose);
  return
      [health = health_only(std::move(options)), exposition = std::move(exposition)](const net::HttpRequest& request) {
        return request.path() == "/metrics" ? exposition(request) : health(request);
      };
}

}  // namespace headroom::status
