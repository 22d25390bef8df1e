// One client's connection, from accept to close, on one event loop.
#pragma once

#include <utility>  // Asio 1.74 uses std::exchange without including it

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "operator/net/http_server.h"

namespace headroom::net {

using SteadyTime = std::chrono::steady_clock::time_point;
/// Bound to its loop's executor by type: a type-erased executor costs on every operation.
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// What all connections of a server share. Thread-safe.
struct ServerState {
  ServerState(ServerOptions given, AsyncHttpHandler answers) : options(std::move(given)), handler(std::move(answers)) {}

  const ServerOptions options;
  const AsyncHttpHandler handler;
  std::atomic<bool> draining{false};
  std::atomic<std::chrono::milliseconds> quiet{};  ///< while draining: how long a connection may stay idle
  std::atomic<std::size_t> bodies{0};              ///< bytes of bodies being received

  /// Counts a connection in, unless there are too many.
  bool enter();
  /// When a connection that begins now has lived long enough.
  SteadyTime end_of_life();
  void leave();
  /// Waits until no connection is left, `deadline` at the latest.
  void wait_until_empty(SteadyTime deadline);

 private:
  std::mutex mutex_;
  std::condition_variable emptied_;
  int connections_ = 0;
  std::atomic<unsigned> begun_{0};
};

class Connection {
 public:
  virtual ~Connection() = default;
  /// The answer that it waited for is there. On its loop.
  virtual void answered() = 0;
  /// Closes the connection when it has used up its time. On its loop.
  virtual void expire(SteadyTime now) = 0;
  /// Closes it whatever it is doing. On its loop.
  virtual void abandon() = 0;
};

/// One thread's event loop and the connections on it.
struct Loop {
  explicit Loop(ServerState& shared) : state(shared), sweep(context) {}

  ServerState& state;
  std::unordered_set<Connection*> connections;  ///< only touched on the loop
  bool closing = false;                         ///< the same; nothing new begins here
  std::atomic<int> load{0};                     ///< connections dealt to this loop
  boost::asio::io_context context{1};
  boost::asio::steady_timer sweep;
};

/// Serves the client on `loop`, whose thread calls this. `tls` is null for plain HTTP. The connection owns itself and
/// calls ServerState::leave() at its end.
void serve(Loop& loop, Socket socket, const std::shared_ptr<boost::asio::ssl::context>& tls);

}  // namespace headroom::net
