// What the operator does about limits, which the webhook judges: watches them, policies, and the webhooks' Leases, and
// while it leads keeps the backstop's policies up and tells receivers of crossed thresholds.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "operator/base/clock.h"
#include "operator/controllers/notifier.h"
#include "operator/controllers/options.h"
#include "operator/kube/client.h"
#include "operator/runtime/metrics.h"
#include "operator/runtime/status_metrics.h"

namespace headroom::controllers {

class BackstopControl {
 public:
  /// `options`, `notifier`, `clock` and `metrics` outlive it.
  BackstopControl(const OperatorOptions& options, const std::shared_ptr<kube::Client>& home, Notifier& notifier,
                  const Clock& clock, runtime::Metrics& metrics, std::uint64_t seed);
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
