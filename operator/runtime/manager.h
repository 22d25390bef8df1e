// The life of the process: components start in the order in which they were added and stop in reverse, within one
// deadline for all; a signal ends it. The composition root adds servers first, then caches, then election, then
// controllers, so that health answers before anything else and work ends before the lease is given back.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace headroom::runtime {

struct Component {
  std::string name;  ///< for logs and errors
  std::function<Status()> start;
  /// `left` is what remains of the total drain; called once if and only if start succeeded.
  std::function<void(std::chrono::milliseconds left)> stop;
};

/// Owned and used by one thread.
class Manager {
 public:
  explicit Manager(const Clock& clock);

  /// Before start().
  void add(Component component);
  /// Starts all. When one fails, stops those before it (within `drain`) and returns its error with its name.
  Status start(std::chrono::milliseconds drain);
  /// Stops what was started, in reverse; each gets what the ones before it left of `drain`, at least nothing.
  void stop(std::chrono::milliseconds drain);

 private:
  const Clock& clock_;
  std::vector<Component> components_;
  std::size_t started_ = 0;
};

/// SIGTERM and SIGINT as a stop token. Construct it before any other thread starts, because threads inherit the mask
/// that keeps these signals for it. A second signal ends the process at once with status 1: whoever sends it does not
/// want to wait for the drain.
class TerminationSignals {
 public:
  TerminationSignals();
  ~TerminationSignals();
  TerminationSignals(const TerminationSignals&) = delete;
  TerminationSignals& operator=(const TerminationSignals&) = delete;

  std::stop_token token() const;
  /// Blocks until a signal came or request_stop() was called.
  void wait() const;
  /// As if a signal had come.
  void request_stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::runtime
