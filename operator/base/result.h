// Errors as must-use values. Likely failures (the network, a person's YAML) come back as Result<T>; impossible ones
// crash. Thread-safe: plain values.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/try.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace headroom {

/// What kind of failure it was, so that callers choose the reaction (retry, re-read, give up) by class.
enum class ErrorCode {
  InvalidArgument,  ///< the input is wrong; retrying the same input cannot help
  NotFound,         ///< 404
  AlreadyExists,    ///< 409 with reason AlreadyExists
  Conflict,         ///< 409 with reason Conflict: re-read, recompute, never replay
  Gone,             ///< 410: the resource version or continue token is too old; relist
  Unauthorized,     ///< 401
  Forbidden,        ///< 403
  Unprocessable,    ///< 422: refused by schema or admission
  TooManyRequests,  ///< 429: honour retry_after
  Timeout,          ///< our own deadline passed; the request may still have landed
  Unavailable,      ///< connection refused or reset, 500, 502, 503, 504
  Cancelled,        ///< the caller's stop token fired
  Internal,         ///< the peer answered something it never should
};

const char* to_string(ErrorCode code);

/// A failure with a message made for people: it names the field or the address, the value, and the remedy.
struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string message;
  int http_status = 0;                                   ///< 0 when no response arrived
  std::optional<std::chrono::milliseconds> retry_after;  ///< the server's wish, where it sent one
};

template <class T>
using Result = boost::outcome_v2::basic_result<T, Error, boost::outcome_v2::policy::terminate>;

using Status = Result<void>;

inline boost::outcome_v2::success_type<void> ok() { return boost::outcome_v2::success(); }

inline Error invalid(std::string message) { return Error{ErrorCode::InvalidArgument, std::move(message), 0, {}}; }

/// The same error with `context + ": "` in front of its message.
Error with_context(Error error, const std::string& context);

}  // namespace headroom
