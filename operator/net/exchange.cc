#include "operator/net/exchange.h"

#include <boost/asio/post.hpp>

namespace headroom::net {

void Exchange::answer(std::uint64_t turn, HttpResponse response) {
  const std::lock_guard guard(mutex_);
  if (turn != turn_ || (phase_ != Phase::Handling && phase_ != Phase::Waiting)) return;
  response_ = std::move(response);
  if (std::exchange(phase_, Phase::Answered) == Phase::Handling) return;  // end_of_handler() will find it
  boost::asio::post(loop_.context, [self = shared_from_this()] {
    // The phase can only have changed by the end of the connection, which is on this thread.
    if (self->connection_ != nullptr) self->connection_->answered();
  });
}

bool Exchange::gone(std::uint64_t turn) const {
  const std::lock_guard guard(mutex_);
  return turn != turn_ || client_left_ || (phase_ != Phase::Handling && phase_ != Phase::Waiting);
}

Responder Exchange::begin() {
  const std::lock_guard guard(mutex_);
  phase_ = Phase::Handling;
  return {shared_from_this(), ++turn_};
}

std::optional<HttpResponse> Exchange::end_of_handler() {
  const std::lock_guard guard(mutex_);
  if (phase_ == Phase::Handling) {
    phase_ = Phase::Waiting;
    return {};
  }
  phase_ = Phase::Idle;
  return std::move(response_);
}

HttpResponse Exchange::take() {
  const std::lock_guard guard(mutex_);
  phase_ = Phase::Idle;
  return std::move(response_);
}

bool Exchange::give_up() {
  const std::lock_guard guard(mutex_);
  if (phase_ != Phase::Waiting) return false;
  phase_ = Phase::Idle;
  return true;
}

void Exchange::client_left() {
  const std::lock_guard guard(mutex_);
  client_left_ = true;
}

void Exchange::close() {
  const std::lock_guard guard(mutex_);
  phase_ = Phase::Idle;
  connection_ = nullptr;
}

}  // namespace headroom::net
