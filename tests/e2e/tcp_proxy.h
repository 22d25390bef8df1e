// A TCP proxy on loopback that can be made to hold everything back, as a network does that loses packets for a while.
#pragma once

#include <cstdint>
#include <memory>

namespace headroom::e2e {

class TcpProxy {
 public:
  /// Forwards to `port` on 127.0.0.1 from now on.
  explicit TcpProxy(std::uint16_t port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  std::uint16_t port() const;
  /// From its return on nothing passes in either direction, the end of a connection included. What clients send is
  /// kept, at most 16 MiB a connection; connections can still be opened.
  void hold();
  /// Delivers what was kept and forwards again. A connection whose client ended while it was held stays open towards
  /// the server until the proxy ends, so that the server answers what it was asked.
  void release();
  /// Bytes that clients have sent and the server has not got.
  std::size_t held_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::e2e
