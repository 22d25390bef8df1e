#include "operator/controllers/probes.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "operator/base/deadline.h"
#include "operator/controllers/tcp_connect.h"
#include "operator/kube/url.h"

namespace headroom::controllers {
namespace {

/// A probe that asks for more would hold up the region's other probes.
constexpr std::chrono::milliseconds kLongestProbe{30'000};

std::chrono::milliseconds patience_of(const api::HealthProbe& probe) {
  const auto asked = absl::ToChronoMilliseconds(probe.timeout);
  return std::clamp(asked, std::chrono::milliseconds(1), kLongestProbe);
}

ProbeOutcome passed(std::string message) { return {true, true, std::move(message)}; }
ProbeOutcome failed(std::string message) { return {true, false, std::move(message)}; }

ProbeOutcome api_server(const api::HealthProbe& probe, const std::shared_ptr<Cluster>& cluster,
                        const std::stop_token& stop) {
  if (!cluster) return failed("the region is not connected");
  const Deadline deadline(patience_of(probe), stop);
  const auto answer = cluster->client()->raw_get("/readyz", deadline.token());
  if (!answer) return failed(deadline.judge(answer.error()).message);
  const int status = answer.value().status;
  if (status == 200) return passed("the API server is ready");
  return failed(absl::StrCat("/readyz answers ", status));
}

ProbeOutcome tcp(const api::HealthProbe& probe, const std::stop_token& stop) {
  const Status connected = connect_tcp(probe.address, patience_of(probe), stop);
  return connected ? passed(absl::StrCat(probe.address, " accepts connections")) : failed(connected.error().message);
}

}  // namespace

Result<SplitUrl> split_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t path = std::min(url.find_first_of("/?#", host), url.size());
  SplitUrl split{url.substr(0, path), url.substr(path, url.find('#', path) - path)};
  if (!split.path.starts_with('/')) split.path.insert(split.path.begin(), '/');
  BOOST_OUTCOME_TRYV(kube::parse_server_url(split.origin));
  return split;
}

ProbeOutcome NetworkProber::http(const api::HealthProbe& probe, const std::stop_token& stop) {
  const auto url = split_url(probe.url);
  if (!url) return failed(url.error().message);
  auto& transport = transports_[url.value().origin];
  if (!transport) {
    kube::ClusterConfig config;
    config.server = url.value().origin;
    auto connected = connect_(config);
    if (!connected) return failed(connected.error().message);
    transport = std::move(connected.value());
  }
  kube::Request request;
  request.path = url.value().path;
  request.accept = "*/*";
  request.timeout = patience_of(probe);
  const auto answer = transport->send(request, stop);
  if (!answer) return failed(answer.error().message);
  const int status = answer.value().status;
  const std::string message = absl::StrCat(probe.url, " answers ", status);
  return status >= 200 && status < 400 ? passed(message) : failed(message);
}

ProbeOutcome NetworkProber::prometheus(const api::HealthProbe& probe) {
  const monitoring::QuerySource::Answer answer = queries_.ask(region_, probe.query);
  if (!answer.asked) return {.known = false, .healthy = false, .message = {}};
  if (!answer.value) return failed(answer.problem);
  const std::string message = absl::StrCat("the query answers ", *answer.value);
  return *answer.value != 0 ? passed(message) : failed(message);
}

ProbeOutcome NetworkProber::probe(const api::HealthProbe& probe, const std::shared_ptr<Cluster>& cluster,
                                  const std::stop_token& stop) {
  switch (probe.type) {
    case api::HealthProbe::Type::HTTP:
      return http(probe, stop);
    case api::HealthProbe::Type::TCP:
      return tcp(probe, stop);
    case api::HealthProbe::Type::Prometheus:
      return prometheus(probe);
    case api::HealthProbe::Type::APIServer:
      break;
  }
  return api_server(probe, cluster, stop);
}

}  // namespace headroom::controllers
