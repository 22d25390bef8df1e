// HTTP/1.1 responses as text.
#pragma once

#include <absl/time/time.h>

#include <string>

#include "operator/net/http_server.h"

namespace headroom::net {

/// What the connection, rather than the handler, decides about a response.
struct Framing {
  bool keep_alive = true;
  bool without_body = false;  ///< the answer to HEAD: all headers, no body
  absl::Time date;
};

/// Appends the response in wire format to `out`. Pure.
void append_response(std::string& out, const HttpResponse& response, const Framing& framing);

}  // namespace headroom::net
