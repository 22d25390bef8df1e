// The wire to one HTTP origin: the only seam at which bytes leave the process for an API server, Prometheus,
// Alertmanager or a probe. Implementations: cpprestsdk (cpprest_transport.h), scripted and fault-injecting ones for
// tests (tests/support). Thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "operator/base/result.h"

namespace headroom::kube {

/// The methods that Headroom uses.
enum class Method { Get, Post, Put, Patch, Delete };
/// As it stands in the request line: "GET".
const char* to_string(Method method);

/// One HTTP request, without host and credentials: those are the transport's.
struct Request {
  Method method = Method::Get;
  std::string path{};  ///< absolute, with the query already encoded: "/api/v1/pods?limit=500"
  std::string body{};
  std::string content_type{};  ///< of body
  std::string accept = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};
  /// For send: until the whole response is here. For open_stream: until the headers are.
  std::chrono::milliseconds timeout{30'000};
};

/// For messages: "GET /api/v1/pods". The query says little and can be long.
std::string describe(const Request& request);

/// A complete answer, whatever its status.
struct Response {
  int status = 0;
  std::string body;
  std::optional<std::chrono::milliseconds> retry_after;  ///< from the Retry-After header, in seconds there
};

/// A response that goes on, line by line. One reader thread.
class Stream {
 public:
  virtual ~Stream() = default;
  /// The next line without its end; empty optional at a normal end of the stream. Timeout when nothing came for
  /// `idle`; Cancelled when the stop token given at opening fired (within milliseconds); Unavailable when the
  /// connection broke, after all whole lines that came before. Lines are bounded at 64 MiB (InvalidArgument).
  virtual Result<std::optional<std::string>> read_line(std::chrono::milliseconds idle) = 0;
};

/// Sends requests to one origin.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Any HTTP status is a Response; an Error means that no complete response came, and its code says what became of
  /// the request: Unavailable, a write surely did not land (a read may simply be repeated); Timeout, the outcome is
  /// unknown (the deadline passed, or the connection broke between request and answer); Cancelled, the same after the
  /// stop token fired; Unauthorized, our own credentials could not be had; Internal, an answer that is not HTTP or has
  /// no end.
  virtual Result<Response> send(const Request& request, std::stop_token stop) = 0;
  /// Any status but 2xx comes back as an Error of the matching code with the server's message.
  virtual Result<std::unique_ptr<Stream>> open_stream(const Request& request, std::stop_token stop) = 0;
};

}  // namespace headroom::kube
