// The addresses of one host, looked up on a thread of their own. Not left to cpprestsdk: it has one thread for the
// names of all clusters, so that one cluster whose name server is silent would hold up the connections to all others.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace headroom::kube {

/// Thread-safe.
class NameLookup {
 public:
  /// From a host name to its addresses in the order they should be tried; may take as long as it likes.
  using Resolve = std::function<Result<std::vector<std::string>>(const std::string& host)>;

  explicit NameLookup(std::string host) : NameLookup(std::move(host), resolve_by_system) {}
  NameLookup(std::string host, Resolve resolve);

  /// At least one address. What is known is good for half a minute; then it is looked up again in the background, and
  /// stays in use until that has worked. Waits, until `deadline` or `stop`, only while nothing is known.
  Result<std::vector<std::string>> addresses(SteadyTime now, SteadyTime deadline, const std::stop_token& stop);
  /// None of the addresses answers: look up again at the next call, which waits for the answer for up to a second.
  void distrust();

  /// getaddrinfo, without addresses that need a network interface to make sense; at most eight.
  static Result<std::vector<std::string>> resolve_by_system(const std::string& host);

 private:
  struct State;
  static void start(const std::shared_ptr<State>& state, SteadyTime now);

  /// Shared with the thread that looks up, which cannot be stopped and may outlive us.
  const std::shared_ptr<State> state_;
};

}  // namespace headroom::kube
