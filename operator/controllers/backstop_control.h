// The backstop as the operator runs it: watches limits, policies, and the webhooks' Leases, and while it leads keeps
// the policies up.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "operator/base/clock.h"
#include "operator/controllers/options.h"
#include "operator/kube/client.h"
#include "operator/runtime/metrics.h"
#include "operator/runtime/status_metrics.h"

namespace headroom::controllers {

class BackstopControl {
 public:
  /// `options`, `clock` and `metrics` outlive it.
  BackstopControl(const OperatorOptions& options, const std::shared_ptr<kube::Client>& home, const Clock& clock,
                  runtime::Metrics& metrics, std::uint64_t seed);
  ~BackstopControl();

  void start_watches();
  void stop_watches();
  /// Any thread.
  void report(runtime::WatchHealths& healths) const;
  /// From now on it writes.
  void lead();
  /// No more writes; those under way end within `drain`.
  void stop(std::chrono::milliseconds drain);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::controllers
