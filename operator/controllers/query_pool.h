// The QuerySource of a running operator: polls every (region, query) in use on a few threads, however many there are,
// and keeps the latest answers. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/base/clock.h"
#include "operator/controllers/query_book.h"
#include "operator/controllers/transport_factory.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

/// What the pool takes from its surroundings; tests replace it.
struct QueryPoolSurroundings {
  TransportFactory connect;  ///< empty: kube::make_transport
  /// The machine's clock: a Prometheus lives in real time, also where the operator's own clock replays a festival.
  const Clock* machine = nullptr;
  int threads = 8;
  std::uint64_t seed = 0;  ///< of the jitter; 0: random
};

class QueryPool final : public QuerySource {
 public:
  /// `changed` is called from the pool's threads whenever an answer differs from the one before. Metrics settings and
  /// their Secrets are read from the world's regions and home cluster; Secrets anew every minute, and at once when a
  /// server refuses the credentials.
  QueryPool(World& world, std::function<void()> changed, QueryPoolSurroundings surroundings = {});
  ~QueryPool() override;

  Answer ask(const std::string& region, const std::string& query) override;
  /// No more polls; running ones are cancelled. Answers stay.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
