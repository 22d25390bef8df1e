// What an HTTP status and the metav1.Status in its body mean as an Error. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "operator/base/result.h"
#include "operator/kube/transport.h"

namespace headroom::kube {

/// The Error that a response other than 2xx stands for; its message is `what` ("PATCH /api/v1/..."), the status, the
/// server's own words and, where we know one, the remedy. 409 is AlreadyExists or Conflict by the Status' reason; a
/// resource version that the server cannot serve yet ("too large") is Gone, because the way out is the same: relist.
Error error_from_response(const Response& response, const std::string& what);

/// The value of a Retry-After header in its form as seconds (RFC 9110 §10.2.3; Kubernetes uses no other), at most an
/// hour. Anything else is no wish.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value);

/// A piece of foreign text made fit for a message: control characters replaced, at most 300 bytes.
std::string excerpt(std::string_view text);

}  // namespace headroom::kube
