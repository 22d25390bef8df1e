// What happens to webhooks and API server while others write: deaths, stops, cuts and restarts, one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>

#include "tests/e2e/clusters.h"
#include "tests/e2e/tcp_proxy.h"
#include "tests/e2e/webhooks.h"

namespace headroom::e2e {

class StormWeather {
 public:
  /// `proxy` stands between the first of the three replicas and the API server. `long_stops`: also such that the others
  /// take back what a stopped replica holds before it goes on.
  StormWeather(const Cluster& cluster, Webhooks& webhooks, TcpProxy& proxy, std::uint64_t seed, bool long_stops);

  /// Each kind in turn, in an order of its own in every round: at least one round, and on until `over`.
  void rage(const std::function<bool()>& over);
  int gusts() const { return gusts_; }

 private:
  void kill_one();
  void stop_one();
  void stop_one_for_long();
  void kill_one_and_stop_another();
  void end_one();
  void cut_one_off();
  void restart_server();
  void crash_server();

  void tell(const std::string& what);
  void last(double least_seconds, double most_seconds);
  std::size_t any_replica();
  void all_is_well();

  const Cluster& cluster_;
  Webhooks& webhooks_;
  TcpProxy& proxy_;
  std::mt19937_64 random_;
  const bool long_stops_;
  int gusts_ = 0;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace headroom::e2e
