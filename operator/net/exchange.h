// Where a connection and the threads that answer its requests meet.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "operator/net/connection.h"

namespace headroom::net {

/// One a connection; each request is a turn. Responders keep it alive beyond the connection, and then it only drops
/// what they say.
class Exchange final : public ResponseSink, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Loop& loop, Connection& connection) : loop_(loop), connection_(&connection) {}

  void answer(std::uint64_t turn, HttpResponse response) override;
  bool gone(std::uint64_t turn) const override;

  // The connection calls these, on its loop.

  /// A request goes to the handler.
  Responder begin();
  /// The handler has returned: its answer if it has already been given. Otherwise Connection::answered() is called when
  /// it comes.
  std::optional<HttpResponse> end_of_handler();
  /// The answer that was announced by Connection::answered().
  HttpResponse take();
  /// Stops waiting: an answer that comes now is dropped. False when one is already on its way to answered().
  bool give_up();
  /// The client has closed its end; an answer is still tried.
  void client_left();
  /// The connection ends.
  void close();

 private:
  enum class Phase { Idle, Handling, Waiting, Answered };

  Loop& loop_;  // outlives connection_, not this
  mutable std::mutex mutex_;
  Connection* connection_;  // changes on the loop only
  Phase phase_ = Phase::Idle;
  bool client_left_ = false;
  std::uint64_t turn_ = 0;
  HttpResponse response_;  // while Answered
};

}  // namespace headroom::net
