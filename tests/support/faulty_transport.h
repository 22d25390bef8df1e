// Any transport, with faults put in by rule: what networks and API servers do to a client sooner or later. Seeded, so
// that a run can be repeated. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "operator/kube/transport.h"

namespace headroom::testing {

enum class Fault {
  // The request is not passed on.
  TooManyRequests,     ///< 429, with the rule's retry_after
  Conflict,            ///< 409
  Gone,                ///< 410
  InternalError,       ///< 500
  ServiceUnavailable,  ///< 503, with the rule's retry_after
  GatewayTimeout,      ///< 504
  ResetBefore,         ///< the connection breaks before the request is out
  Hang,                ///< nothing until the request's deadline or the stop token
  // The request is passed on.
  ResetAfter,     ///< and carried out, but the answer is lost
  TruncatedBody,  ///< the answer's second half is missing
  Duplicate,      ///< twice; the second answer comes back
  // For streams, once they are open.
  SlowStream,    ///< each line comes later by the rule's delay
  CutStream,     ///< the connection breaks after the rule's number of lines
  HalfLine,      ///< so does it here, in the middle of a line that is still passed on, cut
  GoneInStream,  ///< after that number of lines an ERROR event with 410 comes, then the end
};

struct FaultRule {
  Fault fault = Fault::ServiceUnavailable;
  /// Which requests; empty: all.
  std::function<bool(const kube::Request&)> matches{};
  double probability = 1;
  int at_most = -1;  ///< how often; negative: without end
  int after = 0;     ///< how many matching requests pass unharmed first
  std::optional<std::chrono::milliseconds> retry_after{};
  std::chrono::milliseconds delay{10};
  int lines = 0;
};

class FaultyTransport final : public kube::Transport {
 public:
  FaultyTransport(std::shared_ptr<kube::Transport> inner, std::vector<FaultRule> rules, std::uint64_t seed);

  Result<kube::Response> send(const kube::Request& request, std::stop_token stop) override;
  Result<std::unique_ptr<kube::Stream>> open_stream(const kube::Request& request, std::stop_token stop) override;

  /// From now on these rules only.
  void set_rules(std::vector<FaultRule> rules);
  /// How many faults were put in so far.
  int injected() const;

 private:
  struct Active {
    FaultRule rule;
    int seen = 0, used = 0;
  };
  /// The first rule that strikes this request.
  std::optional<FaultRule> strike(const kube::Request& request);

  const std::shared_ptr<kube::Transport> inner_;
  mutable std::mutex mutex_;
  std::vector<Active> rules_;  // guarded by mutex_
  std::mt19937_64 random_;     // guarded by mutex_
  int injected_ = 0;           // guarded by mutex_
};

/// Matches requests other than GET.
bool is_write(const kube::Request& request);

}  // namespace headroom::testing
