// How much a client asks of its server: a token bucket for the rate, a bounded number of requests in flight.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace headroom::kube {

/// A token bucket that hands out tokens ahead of time: a caller is told how long to wait for the one it got, so that
/// waiting callers are served in order. Pure: time is an argument. One thread at a time.
class TokenBucket {
 public:
  /// `rate` in tokens per second; starts full with `burst`.
  TokenBucket(double rate, int burst);
  /// Takes a token unless waiting for it would take longer than `patience`; returns the wait, or a negative duration
  /// when nothing was taken.
  std::chrono::nanoseconds take(SteadyTime now, std::chrono::nanoseconds patience);

 private:
  double rate_, burst_;
  double tokens_;  ///< below zero: owed to callers that are waiting
  bool started_ = false;
  SteadyTime updated_{};
};

/// At most so many holders at a time. Thread-safe.
class InFlight {
 public:
  explicit InFlight(int max);

  /// Given back when destroyed.
  class Slot {
   public:
    explicit Slot(InFlight* owner) : owner_(owner) {}
    Slot(Slot&& other) noexcept : owner_(other.owner_) { other.owner_ = nullptr; }
    Slot& operator=(Slot&&) = delete;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() {
      if (owner_ != nullptr) owner_->release();
    }

   private:
    InFlight* owner_;
  };

  /// Waits for a free slot: Timeout after `patience`, Cancelled when `stop` is requested.
  Result<Slot> acquire(std::chrono::nanoseconds patience, const std::stop_token& stop);

 private:
  void release();

  std::mutex mutex_;
  std::condition_variable_any freed_;
  int free_;
};

}  // namespace headroom::kube
