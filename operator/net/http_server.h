// One HTTP(S) server for reviews, metrics, health and status (Boost.Beast; its headers stay in the .cc files).
//
// HTTP/1.0 and 1.1, keep-alive and pipelining; TLS 1.2 and 1.3. Each thread runs its own event loop; a connection
// lives on one of them from its first byte to its last, so requests share no locks.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/result.h"

namespace headroom::net {

/// Bytes behind a request's body that may be read, whatever they hold: parsers that load whole vectors need no copy.
inline constexpr std::size_t kBodyPadding = 64;

/// `target` is the path with its query, as sent; `authorization` and `content_type` are empty where not sent. `body`
/// has a capacity of at least its size and kBodyPadding.
struct HttpRequest {
  std::string method, target, body, content_type, authorization;

  /// `target` without its query.
  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

/// The server adds Content-Length, Date and Connection; `headers` holds what else the client should see. Line breaks
/// in header values become blanks.
struct HttpResponse {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";  ///< a literal: it outlives the response
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Called on the server's threads; must be thread-safe and must not block for long: the other connections of its
/// thread wait. An exception is logged and answered with 500.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// Takes the answers of one client, request by request: a connection, or a recorder in a test. Any thread.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  /// The first answer of a `turn` counts; further ones, and those of an earlier turn, are dropped.
  virtual void answer(std::uint64_t turn, HttpResponse response) = 0;
  virtual bool gone(std::uint64_t turn) const = 0;
};

/// The way to answer one request: once, from any thread, also after the server's end. Dropped unanswered, it answers
/// 500. Not thread-safe itself: one owner at a time.
class Responder {
 public:
  Responder(std::shared_ptr<ResponseSink> sink, std::uint64_t turn) : sink_(std::move(sink)), turn_(turn) {}
  ~Responder();
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;

  /// Later calls do nothing; neither does a call when gone().
  void answer(HttpResponse response);
  /// Whether an answer would reach nobody: it was given, the server's answer_timeout has passed, or the client has
  /// closed its end, which is noticed within a quarter of a second while the request waits.
  bool gone() const { return sink_ == nullptr || sink_->gone(turn_); }

 private:
  std::shared_ptr<ResponseSink> sink_;  ///< null once answered
  std::uint64_t turn_;
};

/// As HttpHandler, but answers through the responder, before or after it returns. An answer from inside costs no more
/// than a returned one. The request is there until the handler returns. An exception drops the responder.
using AsyncHttpHandler = std::function<void(const HttpRequest&, Responder)>;

/// Sees each request that a handler gets, without its body, until its answer is on its way. On the server's threads:
/// it must be done at once.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  virtual void begins(const HttpRequest& request) = 0;
  /// `status` is 0 when the connection ended before there was an answer. `took` counts from the first byte.
  virtual void ends(const HttpRequest& request, int status, std::chrono::nanoseconds took) = 0;
};

struct ServerOptions {
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;  ///< 0: any free one
  int threads = 1;
  std::size_t max_body = 8u << 20;  ///< bytes of one body; 413 beyond
  /// Bytes of all bodies that are being received at one time; 503 beyond. Bounds the memory that clients can take.
  std::size_t max_bodies = 256u << 20;
  std::chrono::milliseconds idle_timeout{95'000};  ///< above the 90 s after which the API server drops idle connections
  /// From the first byte of a request to the last; also for the TLS handshake and for writing a response.
  std::chrono::milliseconds request_timeout{10'000};
  /// What an AsyncHttpHandler has after its return; then the client gets 503.
  std::chrono::milliseconds answer_timeout{10'000};
  /// A connection that is older gets `Connection: close` with its next answer; spread by a fifth, so that connections
  /// which began together do not end together. 0: it may stay.
  std::chrono::milliseconds connection_life{0};
  /// While draining: how long a connection stays idle before it is closed, seven eighths of the drain at most. A client
  /// that begins a request at that moment loses it; longer than its own idle time-out, that cannot happen.
  std::chrono::milliseconds drain_quiet{1000};
  int max_connections = 2000;                ///< more are accepted and closed at once
  RequestObserver* observer = nullptr;       ///< outlives the server
  std::string certificate_pem{}, key_pem{};  ///< both empty: plain HTTP; the certificate with its chain, leaf first
};

class HttpServer {
 public:
  /// Listens before it returns. InvalidArgument for an address, a certificate or a key that cannot be used,
  /// Unavailable when the port is taken; the message names which.
  static Result<std::unique_ptr<HttpServer>> start(ServerOptions options, HttpHandler handler);
  static Result<std::unique_ptr<HttpServer>> start(ServerOptions options, AsyncHttpHandler handler);
  virtual ~HttpServer() = default;  ///< stops without draining
  virtual std::uint16_t port() const = 0;

  /// New handshakes use this pair; connections that are open keep theirs. On an error the former pair stays. Only for
  /// a server that was started with a certificate. Any thread.
  virtual Status use_certificate(const std::string& certificate_pem, const std::string& key_pem) = 0;

  /// No new connections, `Connection: close` on the ones that are open, then ends; `drain` bounds it, also for requests
  /// that wait for their answer. Connections that stay idle are closed after min(drain_quiet, 7/8 drain), so that busy
  /// clients get their `Connection: close` instead of a closed socket under a request that they have just sent. Any
  /// thread but the server's own; later calls do nothing.
  virtual void stop(std::chrono::milliseconds drain) = 0;
};

}  // namespace headroom::net
