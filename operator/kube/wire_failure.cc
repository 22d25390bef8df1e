#include "operator/kube/wire_failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace headroom::kube {

namespace {

using Stage = WireFailure::Stage;

// OpenSSL's errors carry their library in the upper bits; errno values never do.
bool is_tls_error(int code) { return ERR_GET_LIB(static_cast<unsigned long>(code)) == ERR_LIB_SSL && code > 0xffff; }

// A TLS alert from the peer has 1000 added to its number (openssl/ssl.h, SSL_AD_REASON_OFFSET).
bool is_alert(int code) {
  return is_tls_error(code) && ERR_GET_REASON(static_cast<unsigned long>(code)) >= SSL_AD_REASON_OFFSET;
}

std::string reason_of(const WireFailure& failure) {
  if (is_tls_error(failure.code)) {
    const char* const reason = ERR_reason_error_string(static_cast<unsigned long>(failure.code));
    return reason == nullptr ? failure.text : reason;
  }
  return failure.code == 0 ? failure.text : std::generic_category().message(failure.code);
}

std::string connect_problem(const WireFailure& failure, const std::string& authority) {
  switch (failure.code) {
    case ETIMEDOUT:
      return "nothing answers at " + authority + "; check the address, routes and firewalls";
    case ENETUNREACH:
      return "there is no route to " + authority + "; check the address and this machine's network";
    default:
      // cpprestsdk turns "refused" into "no route to host", so the two cannot be told apart.
      return "the connection to " + authority + " was refused or found no route; is the server running, and is this " +
             "its port?";
  }
}

std::string handshake_problem(const WireFailure& failure, const std::string& authority,
                              const std::string& certificate_problem) {
  if (!certificate_problem.empty()) return "TLS with " + authority + " failed: " + certificate_problem;
  const std::string reason = reason_of(failure);
  if (is_alert(failure.code)) {
    return "TLS with " + authority + " failed: the server refused us (" + reason +
           "); check the client certificate and the server's TLS settings";
  }
  return "TLS with " + authority + " failed: " + reason + "; does this port speak TLS?";
}

}  // namespace

WireFailure classify_wire_failure(const std::string& message, int code) {
  static constexpr std::array<std::pair<const char*, Stage>, 7> kStages{{
      {"Error resolving address", Stage::Resolve},
      {"Failed to resolve address", Stage::Resolve},
      {"Failed to connect to any resolved endpoint", Stage::Connect},
      {"Error in SSL handshake", Stage::Handshake},
      {"Failed to write request", Stage::Send},
      {"Failed to read HTTP status line", Stage::Answer},
      {"cannot rewind input stream", Stage::Answer},
  }};
  for (const auto& [start, stage] : kStages) {
    if (message.starts_with(start)) return {stage, code, message};
  }
  if (message.starts_with("Invalid HTTP status line") || message.starts_with("Invalid chunked response header")) {
    return {Stage::Malformed, 0, message};
  }
  return {Stage::Body, code, message};
}

Error error_of(const WireFailure& failure, Method method, const std::string& authority,
               const std::string& certificate_problem) {
  Error error{ErrorCode::Unavailable, "", 0, {}};
  switch (failure.stage) {
    case Stage::Stale:
      error.message = "every kept connection to " + authority + " was closed by the server";
      break;
    case Stage::Resolve:
      error.message = "the name in " + authority + " cannot be resolved; check its spelling and this machine's DNS";
      break;
    case Stage::Connect:
      error.message = connect_problem(failure, authority);
      break;
    case Stage::Handshake:
      error.message = handshake_problem(failure, authority, certificate_problem);
      break;
    case Stage::Send:
      error.message = "the connection to " + authority +
                      " broke while the request was sent; with TLS, check the client certificate";
      break;
    case Stage::Answer:
      // With TLS 1.3 a server judges our certificate after the handshake; the alert comes instead of an answer.
      error.message = is_alert(failure.code) ? handshake_problem(failure, authority, "")
                                             : authority + " closed the connection instead of answering";
      break;
    case Stage::Body:
      error.message = "the answer of " + authority + " broke off";
      break;
    case Stage::TooLarge:
      error.code = ErrorCode::Internal;
      error.message = "the answer of " + authority + " is too large to be taken whole; ask for less at a time";
      break;
    case Stage::Malformed:
      error.code = ErrorCode::Internal;
      error.message = authority + " answered something that is not HTTP; check address and port";
      break;
  }
  const bool answered_or_not = failure.stage == Stage::Answer || failure.stage == Stage::Body;
  if (method != Method::Get && answered_or_not && !is_alert(failure.code)) {
    error.code = ErrorCode::Timeout;
    error.message += "; whether it did what was asked is unknown";
  }
  return error;
}

}  // namespace headroom::kube
