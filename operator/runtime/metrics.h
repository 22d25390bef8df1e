// Metrics under the names that controller-runtime and client-go made standard, so that existing dashboards work, and
// Headroom's own under `headroom_`. Thin over prometheus-cpp, whose headers stay in the .cc. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace headroom::runtime {

/// Label names and values of one time series.
using Labels = std::map<std::string, std::string>;

/// One registry; a process has one.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Each registers its family at first use; `help` has no newline. Label sets are bounded by the caller. A name that is
  // already taken by another type of metric, or that Prometheus would refuse, is logged once and dropped: a metric must
  // never take the operator down.
  void add(const std::string& name, const std::string& help, const Labels& labels, double by = 1);  ///< counter
  void set(const std::string& name, const std::string& help, const Labels& labels, double value);   ///< gauge
  /// A gauge or counter of something that is no more.
  void remove(const std::string& name, const Labels& labels);
  /// Histogram. Buckets: controller-runtime's and client-go's for their names, 1 ms to 5 min for all others.
  void observe(const std::string& name, const std::string& help, const Labels& labels, double seconds);

  // controller-runtime's families.

  /// Registers everything of a controller at zero, as controller-runtime does: a rate over a series that appears with
  /// its first error misses that error.
  void introduce_controller(const std::string& controller, int max_workers);
  /// `result`: success, error, requeue or requeue_after.
  void reconciled(const std::string& controller, const std::string& result, std::chrono::microseconds took);
  void reconcile_error(const std::string& controller, bool terminal);
  /// An exception of the reconciler, which other languages call a panic.
  void reconcile_panic(const std::string& controller);
  void workers(const std::string& controller, int max, int active);
  /// `status` 0: no response came, which client-go calls "<error>".
  void request(const std::string& host, const std::string& method, int status, std::chrono::microseconds took);
  /// leader_election_master_status.
  void leading(const std::string& lease, bool leader);

  /// Calls `refresh` right before each serialize(), for gauges that are cheaper to ask than to keep. It is called until
  /// the handle dies, which waits for a call under way; it must not serialize, nor add or drop handles. A handle dies
  /// before its Metrics does.
  [[nodiscard]] std::shared_ptr<void> before_serialize(std::function<void()> refresh);

  /// Text exposition format 0.0.4.
  std::string serialize() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::runtime
