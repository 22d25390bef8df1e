// One probe of a region: HTTP(S), TCP, the API server's /readyz, or a Prometheus query. Blocking, bounded by the
// probe's own time-out.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "operator/api/region.h"
#include "operator/controllers/probe_health.h"
#include "operator/controllers/world.h"
#include "operator/monitoring/transport_factory.h"

namespace headroom::controllers {

/// Something that can be asked for the health of one region. One thread.
class Prober {
 public:
  virtual ~Prober() = default;
  /// `cluster` null: the region is not connected. Returns soon after `stop`.
  virtual ProbeOutcome probe(const api::HealthProbe& probe, const std::shared_ptr<Cluster>& cluster,
                             const std::stop_token& stop) = 0;
};

/// The real thing. Connections to probed URLs are kept between probes.
class NetworkProber final : public Prober {
 public:
  NetworkProber(std::string region, monitoring::QuerySource& queries, const monitoring::TransportFactory& connect)
      : region_(std::move(region)), queries_(queries), connect_(connect) {}

  ProbeOutcome probe(const api::HealthProbe& probe, const std::shared_ptr<Cluster>& cluster,
                     const std::stop_token& stop) override;

 private:
  ProbeOutcome http(const api::HealthProbe& probe, const std::stop_token& stop);
  ProbeOutcome prometheus(const api::HealthProbe& probe);

  const std::string region_;
  monitoring::QuerySource& queries_;
  const monitoring::TransportFactory& connect_;
  std::map<std::string, std::shared_ptr<kube::Transport>> transports_;  ///< by origin
};

/// "https://host:port" and "/path?query" of a URL; InvalidArgument for what is no http(s) URL.
struct SplitUrl {
  std::string origin, path;
};
Result<SplitUrl> split_url(const std::string& url);

}  // namespace headroom::controllers
