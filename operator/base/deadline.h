// A bound on how long one piece of work with a server may take. A client retries on its own for as long as it sees fit;
// one slow server must not hold a worker, or a person, that others wait for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace headroom {

/// A stop token that fires when `parent` does or when `patience` (monotonic) has passed. Lives on one thread's stack;
/// the token may go to any. One thread keeps the time for all of a process: a thread for each would cost more than the
/// write that it guards.
class Deadline {
 public:
  Deadline(std::chrono::milliseconds patience, const std::stop_token& parent);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  /// The failure as its reader should see it: what this deadline cancelled was a Timeout.
  Error judge(Error error) const;

 private:
  const std::chrono::milliseconds patience_;
  const std::stop_token parent_;
  std::stop_source source_;
  std::stop_callback<std::function<void()>> follow_parent_;
  const SteadyTime due_;
  const std::uint64_t entry_;
};

}  // namespace headroom
