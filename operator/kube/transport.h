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

enum class Method { Get, Post, Put, Patch, Delete };
const char* to_string(Method method);

struct Request {
  Method method = Method::Get;
  std::string path;   ///< absolute, with the query already encoded: "/api/v1/pods?limit=500"
  std::string body;
  std::string content_type;  ///< of body
  std::string accept = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  /// For send: until the whole response is here. For open_stream: until the headers are.
  std::chrono::milliseconds timeout{30'000};
};

struct Response {
  int status = 0;
  std::string body;
  std::optional<std::chrono::milliseconds> retry_after;
};

/// A response that goes on, line by line. One reader thread.
class Stream {
 public:
  virtual ~Stream() = default;
  /// The next line without its end; empty optional at a normal end of the stream. Timeout when nothing came for
  /// `idle`; Cancelled when the stop token given at opening fired (within milliseconds). Lines are bounded at 64 MiB.
  virtual Result<std::optional<std::string>> read_line(std::chrono::milliseconds idle) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Any HTTP status is a Response; an Error means that no complete response came (Timeout: it may have landed).
  virtual Result<Response> send(const Request& request, std::stop_token stop) = 0;
  /// Any status but 2xx comes back as an Error of the matching code with the server's message.
  virtual Result<std::unique_ptr<Stream>> open_stream(const Request& request, std::stop_token stop) = 0;
};

}  // namespace headroom::kube
