#include "operator/net/http_server.h"

namespace headroom::net {

Responder::~Responder() {
  if (sink_ == nullptr) return;
  HttpResponse dropped;
  dropped.status = 500;
  dropped.body = "internal error\n";
  answer(std::move(dropped));
}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    const Responder dropped(std::move(*this));
    sink_ = std::move(other.sink_);
    turn_ = other.turn_;
  }
  return *this;
}

void Responder::answer(HttpResponse response) {
  if (const auto sink = std::move(sink_)) sink->answer(turn_, std::move(response));
}

}  // namespace headroom::net
