// One HTTP(S) server for reviews, metrics, health and status (Boost.Beast; its headers stay in the .cc).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operator/base/result.h"

namespace headroom::net {

struct HttpRequest {
  std::string method, target, body, content_type, authorization;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Called on the server's threads; must be thread-safe and must not block for long.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct ServerOptions {
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;  ///< 0: any free one
  int threads = 1;
  std::size_t max_body = 8u << 20;
  std::chrono::milliseconds idle_timeout{95'000};  ///< above the 90 s after which the API server drops idle connections
  std::chrono::milliseconds request_timeout{10'000};  ///< from the first byte of a request to the last
  int max_connections = 2000;
  std::string certificate_pem, key_pem;  ///< both empty: plain HTTP
};

class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> start(ServerOptions options, HttpHandler handler);
  virtual ~HttpServer() = default;
  virtual std::uint16_t port() const = 0;
  /// No new connections, `Connection: close` on the ones that are open, then ends; `drain` bounds it.
  virtual void stop(std::chrono::milliseconds drain) = 0;
};

}  // namespace headroom::net
