// A server that does with each connection exactly what a test tells it to, over plain TCP or TLS on loopback. It knows
// just enough HTTP to read a request.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/kube/test_authority.h"

namespace headroom::testing {

class SocketServer {
 public:
  /// One accepted connection. Every wait ends after ten seconds.
  class Peer {
   public:
    virtual ~Peer() = default;
    /// Head and body of the next request; empty optional when the client closed the connection first.
    virtual std::optional<std::string> request() = 0;
    /// False when the client is gone.
    virtual bool write(std::string_view bytes) = 0;
    /// True when the client closed the connection within `at_most`.
    virtual bool client_leaves(std::chrono::milliseconds at_most = std::chrono::seconds(10)) = 0;
    /// Ends the connection with a reset instead of an orderly end, when the handler returns.
    virtual void reset() = 0;
    /// Which connection of the server this is, from 0.
    virtual int number() const = 0;
    /// The name the client asked for in the TLS handshake.
    virtual std::string asked_name() const = 0;
    /// How many certificates the client showed in the TLS handshake.
    virtual int shown_certificates() const = 0;
  };
  /// Runs in a thread of its own for each connection, which ends when it returns.
  using Handler = std::function<void(Peer&)>;

  struct Options {
    std::optional<CertificatePair> tls;
    std::string client_authority;  ///< PEM; clients must show a certificate of it
    bool ipv6 = false;
    std::uint16_t port = 0;  ///< 0: any free one
  };

  explicit SocketServer(Handler handler) : SocketServer(std::move(handler), Options()) {}
  SocketServer(Handler handler, Options options);
  ~SocketServer();
  SocketServer(const SocketServer&) = delete;
  SocketServer& operator=(const SocketServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const;
  /// How many connections were accepted so far.
  int connections() const { return connections_; }

 private:
  void accept_connections(const std::stop_token& stop);
  void serve(int socket, int number);

  const Handler handler_;
  const Options options_;
  std::shared_ptr<SSL_CTX> tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<int> open_;              // guarded by mutex_
  std::vector<std::jthread> serving_;  // guarded by mutex_
  std::jthread accepting_;
};

/// A response with Content-Length.
std::string http_response(int status, std::string_view body, std::string_view more_headers = "");
/// A handler that answers every request on a connection with `response`.
SocketServer::Handler always(std::string response);

/// The head of a response whose body comes in chunks, and one chunk of it; "" is the last.
std::string chunked_head(int status = 200);
std::string chunk(std::string_view bytes);

}  // namespace headroom::testing
