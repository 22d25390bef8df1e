// A real Prometheus, and on request an Alertmanager, started with hack/prometheus and taken down at the end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace headroom::testing {

/// One thread at a time.
class TestMonitoring {
 public:
  enum class With { Prometheus, Alertmanager };
  /// Starts, with an exporter that serves what set_metrics() was given last. Crashes with the script's words when it
  /// cannot be had.
  /// `more`: further arguments of `hack/prometheus up`, "--target" and "--rules" with their values.
  TestMonitoring(std::string name, With with, const std::vector<std::string>& more = {});
  ~TestMonitoring();
  TestMonitoring(const TestMonitoring&) = delete;
  TestMonitoring& operator=(const TestMonitoring&) = delete;

  const std::string& prometheus_url() const { return prometheus_url_; }
  const std::string& alertmanager_url() const { return alertmanager_url_; }
  /// Replaces the exporter's metrics (text exposition format); scraped within about a second.
  void set_metrics(const std::string& text) const;
  /// From now on the exporter is down.
  void remove_metrics() const;
  /// "prometheus", "alertmanager" or "exporter".
  void stop(const std::string& component) const;
  void start(const std::string& component) const;

 private:
  const std::string name_;
  std::filesystem::path folder_;
  std::string prometheus_url_, alertmanager_url_;
};

}  // namespace headroom::testing
