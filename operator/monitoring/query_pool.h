// The QuerySource of a running operator: polls every (region, query) in use on a few threads, however many there are,
// and keeps the latest answers. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/api/region.h"
#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "operator/monitoring/query_book.h"
#include "operator/monitoring/query_source.h"
#include "operator/monitoring/transport_factory.h"
#include "operator/runtime/metrics.h"
#include "operator/runtime/store.h"

namespace headroom::monitoring {

/// What the pool takes from its surroundings; tests replace it.
struct QueryPoolSurroundings {
  TransportFactory connect;  ///< empty: kube::make_transport
  /// The machine's clock: a Prometheus lives in real time, also where the operator's own clock replays a festival.
  const Clock* machine = nullptr;
  int threads = 8;
  std::uint64_t seed = 0;  ///< of the jitter; 0: random
};

/// Where regions and their Secrets are read. What is given by reference outlives the pool.
struct QueryPoolHome {
  const runtime::Store<api::Region>& regions;
  kube::Reader& secrets;
  runtime::Metrics& metrics;
  std::chrono::milliseconds interval{15'000};                                ///< between two polls of one query
  std::chrono::milliseconds forget_after = QueryBookOptions().forget_after;  ///< since it was last asked for
};

class QueryPool final : public QuerySource {
 public:
  /// `changed` is called from the pool's threads whenever an answer differs from the one before. Secrets are read anew
  /// every minute, and at once when a server refuses the credentials.
  QueryPool(QueryPoolHome home, std::function<void()> changed, QueryPoolSurroundings surroundings = {});
  ~QueryPool() override;

  Answer ask(const std::string& region, const std::string& query) override;
  /// No more polls; running ones are cancelled. Answers stay.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::monitoring
