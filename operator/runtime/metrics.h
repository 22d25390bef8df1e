// Metrics under the names that controller-runtime and client-go made standard, so that existing dashboards work, and
// Headroom's own under `headroom_`. Thin over prometheus-cpp, whose headers stay in the .cc. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace headroom::runtime {

using Labels = std::map<std::string, std::string>;

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Any of these registers the family at first use; `help` has no newline. Label sets are bounded by the caller.
  void add(const std::string& name, const std::string& help, const Labels& labels, double by = 1);   ///< counter
  void set(const std::string& name, const std::string& help, const Labels& labels, double value);    ///< gauge
  void remove(const std::string& name, const Labels& labels);                                        ///< gauge gone
  void observe(const std::string& name, const std::string& help, const Labels& labels, double seconds);  ///< histogram

  // controller-runtime's families.
  void reconciled(const std::string& controller, const std::string& result, std::chrono::microseconds took);
  void reconcile_error(const std::string& controller, bool terminal);
  void workers(const std::string& controller, int max, int active);
  void request(const std::string& host, const std::string& method, int status, std::chrono::microseconds took);

  /// Text exposition format 0.0.4.
  std::string serialize() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::runtime
