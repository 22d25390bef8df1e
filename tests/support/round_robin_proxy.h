// A TCP proxy on loopback that gives each new connection to the next of several servers, as a Service does.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace headroom::testing {

class RoundRobinProxy {
 public:
  RoundRobinProxy();
  ~RoundRobinProxy();
  RoundRobinProxy(const RoundRobinProxy&) = delete;
  RoundRobinProxy& operator=(const RoundRobinProxy&) = delete;

  std::uint16_t port() const;
  /// New connections go to these ports of 127.0.0.1, in turn; one that refuses is skipped. Connections that are open
  /// stay with their server. Any thread.
  void serve(std::vector<std::uint16_t> ports);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::testing
