// Why no complete response came, and what that means for the request. Pure.
#pragma once

#include <string>

#include "operator/base/result.h"
#include "operator/kube/transport.h"

namespace headroom::kube {

/// How far a request had come when it failed.
struct WireFailure {
  enum class Stage {
    Stale,      ///< a kept connection turned out closed before anything was written to it
    Resolve,    ///< no address for the host
    Connect,    ///< no connection
    Handshake,  ///< no TLS
    Send,       ///< the request could not be written whole
    Answer,     ///< written, but no status line and headers came
    Body,       ///< the body broke off
    TooLarge,   ///< the body is longer than we take
    Malformed,  ///< what came is not HTTP
  };
  Stage stage = Stage::Connect;
  int code = 0;      ///< errno, or OpenSSL's packed error; 0: none
  std::string text;  ///< of the library
};

/// What cpprestsdk threw, sorted by what it says; it gives the stage in words only.
WireFailure classify_wire_failure(const std::string& message, int code);

/// The failure as an Error whose code keeps the promise of Transport::send. `authority` is the server's host and port;
/// `certificate_problem` what our check of its certificate found, or empty.
Error error_of(const WireFailure& failure, Method method, const std::string& authority,
               const std::string& certificate_problem);

}  // namespace headroom::kube
