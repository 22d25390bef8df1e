// Reviews over HTTP: from a request to a decision and back.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "operator/net/http_server.h"
#include "webhook/answer.h"
#include "webhook/review.h"

namespace headroom::webhook {

/// The way to answer one review: as net::Responder. Dropped, it answers 500, upon which the API server does what the
/// failurePolicy says.
class ReviewResponder {
 public:
  ReviewResponder(net::Responder responder, std::string_view uid) : responder_(std::move(responder)), uid_(uid) {}

  void answer(const Answer& answer);
  /// See net::Responder.
  bool gone() const { return responder_.gone(); }

 private:
  net::Responder responder_;
  std::string uid_;
};

/// Decides about one review, at once or later. The review ends when this returns: keep what is needed of it. Called on
/// the server's threads; thread-safe.
using ReviewDecider = std::function<void(const Review&, ReviewResponder)>;

/// POST of application/json only (405, 415). A body that is no review gets 400 in words, or, where its uid could be
/// read, a denial of that uid with code 400.
net::AsyncHttpHandler review_endpoint(ReviewDecider decide);

}  // namespace headroom::webhook
