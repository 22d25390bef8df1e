// Gauges of the limits: how full they are, and what this replica holds of them.
#pragma once

#include <memory>
#include <set>

#include "operator/runtime/exposition.h"
#include "operator/runtime/metrics.h"
#include "webhook/app/engine.h"

namespace headroom::webhook {

/// Brings them up to date before each scrape, until it dies; before `engine` and `metrics` do.
class LimitMetrics {
 public:
  LimitMetrics(const Engine& engine, runtime::Metrics& metrics);
  /// Conditions in the limits' statuses.
  void expose(runtime::Exposition& scrape) const;

 private:
  void refresh();

  const Engine& engine_;
  runtime::Metrics& metrics_;
  std::set<std::pair<std::string, runtime::Labels>> shown_;  ///< one refresh at a time
  std::shared_ptr<void> refreshing_;
};

}  // namespace headroom::webhook
