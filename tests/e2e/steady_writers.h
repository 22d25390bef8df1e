// Clients that write at a steady pace and remember every call that failed.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/result.h"
#include "operator/kube/config.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {

/// Creates, changes and deletes objects of one type in one namespace until stop(). Anything but a 2xx is a failure:
/// nothing is tried again.
class SteadyWriters {
 public:
  /// `type`: artifacts or ConfigMaps.
  SteadyWriters(const kube::ClusterConfig& home, std::string ns, int writes_per_second,
                kube::ResourceType type = kArtifact);
  ~SteadyWriters() { stop(); }

  void stop();
  int writes() const { return writes_; }
  int failures() const { return failures_; }
  /// "N: message", each kind of message once.
  std::string what_failed() const;
  /// Of the last writes, the slowest, in milliseconds.
  int slowest_ms() const { return slowest_ms_; }

 private:
  void write(int writer, int writes_per_second, const std::stop_token& stop);
  void tell(const Status& outcome, std::chrono::steady_clock::time_point begun);

  const kube::ClusterConfig& home_;
  const std::string ns_;
  const kube::ResourceType type_;
  std::atomic<int> writes_{0}, failures_{0}, slowest_ms_{0};
  mutable std::mutex mutex_;
  std::map<std::string, int> messages_;
  std::vector<std::jthread> threads_;
};

}  // namespace headroom::e2e
