// Runs one request to its end: the rate and concurrency bounds, the write gate, retries by class of failure, the
// observer. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <stop_token>

#include "operator/kube/client.h"
#include "operator/kube/request_limits.h"
#include "operator/kube/timing.h"
#include "operator/kube/transport.h"

namespace headroom::kube {

/// What may be done again after a failure.
enum class Purpose {
  Read,   ///< may be repeated after any passing failure
  Write,  ///< may be repeated only when it surely did not land; passes the write gate
};

class RequestRunner {
 public:
  RequestRunner(std::shared_ptr<Transport> transport, const ClientLimits& limits, std::uint64_t seed,
                std::shared_ptr<Timing> timing);

  void set_write_gate(WriteGate gate) { gate_ = std::move(gate); }
  void set_observer(RequestObserver observer) { observer_ = std::move(observer); }

  /// Repeats until a 2xx (returned), a failure that repeating cannot heal, or the end of the time for retries.
  Result<Response> run(Request request, Purpose purpose, const std::stop_token& stop);
  /// One attempt; any status is a Response.
  Result<Response> run_once(Request request, const std::stop_token& stop);
  /// One attempt to open a stream; takes no slot, since streams last.
  Result<std::unique_ptr<Stream>> open(Request request, const std::stop_token& stop);

  const Timing& timing() const { return *timing_; }

 private:
  Status wait_for_turn(const std::stop_token& stop);
  Result<Response> attempt(const Request& request, Purpose purpose, const std::stop_token& stop);
  std::chrono::milliseconds delay_after(const Error& error, int attempt);
  void observe(Method method, int status, SteadyTime started) const;

  const std::shared_ptr<Transport> transport_;
  const ClientLimits limits_;
  const std::shared_ptr<Timing> timing_;
  WriteGate gate_;
  RequestObserver observer_;

  InFlight in_flight_;
  std::mutex mutex_;
  TokenBucket bucket_;      // guarded by mutex_
  std::mt19937_64 random_;  // guarded by mutex_
};

/// Whether a failed attempt may be made again. Pure; the rule of Reader and Writer in client.h.
bool may_repeat(Purpose purpose, const Error& error);

}  // namespace headroom::kube
