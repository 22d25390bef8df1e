#include "operator/net/connection.h"

#include <absl/time/clock.h>
#include <poll.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <exception>
#include <memory_resource>
#include <optional>
#include <tuple>
#include <type_traits>

#include "operator/base/log.h"
#include "operator/net/exchange.h"
#include "operator/net/http_message.h"
#include "operator/net/padded_body.h"

namespace headroom::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using TlsStream = asio::ssl::stream<Socket>;

constexpr std::size_t kReadSize = 16u << 10;  // one TLS record
constexpr std::uint32_t kMaxHeader = 16u << 10;
// A connection keeps its buffers between requests, up to this size each: two thousand idle ones stay small.
constexpr std::size_t kKeptBuffer = 64u << 10;
// A connection that was idle for so long is likely to stay so for a while.
constexpr std::chrono::milliseconds kSlimAfter{1000};
// How long a client that was told "Connection: close" may take to close. Closing first, with bytes of its unread, would
// reset the connection, and the client might lose our answer.
constexpr std::chrono::milliseconds kLinger{1000};

HttpResponse plain_answer(http::status status, std::string body) {
  HttpResponse response;
  response.status = static_cast<int>(status);
  response.body = std::move(body) + "\n";
  return response;
}

HttpResponse answer_to_malformed(const error_code& problem) {
  if (problem == http::error::body_limit) return plain_answer(http::status::payload_too_large, "the body is too large");
  if (problem == http::error::header_limit) {
    return plain_answer(http::status::request_header_fields_too_large, "the headers are too large");
  }
  return plain_answer(http::status::bad_request, "malformed HTTP request: " + problem.message());
}

void clear_but_keep(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptBuffer) buffer.shrink_to_fit();
}

enum class Client { Present, Closing, Gone };

// Without reading, because what comes may be the next request.
Client look_at(int descriptor) {
  pollfd socket{descriptor, POLLRDHUP, 0};
  if (poll(&socket, 1, 0) <= 0) return Client::Present;
  return (socket.revents & (POLLERR | POLLHUP)) != 0 ? Client::Gone : Client::Closing;
}

// At any time exactly one operation is pending, whose completion holds the connection alive: handshake, read, write,
// or the discarding read at the end. A closed socket ends it, and with it the connection. While it waits for an answer
// it holds itself.
template <class Stream>
class StreamConnection final : public Connection, public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
  StreamConnection(Loop& loop, Stream stream)
      : loop_(loop),
        state_(loop.state),
        stream_(std::move(stream)),
        exchange_(std::make_shared<Exchange>(loop, static_cast<Connection&>(*this))) {
    loop_.connections.insert(this);
  }
  ~StreamConnection() override {
    exchange_->close();
    observe_end(0, std::chrono::steady_clock::now());
    release_body();
    loop_.connections.erase(this);
    --loop_.load;
    state_.leave();
  }
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;

  void start() {
    allow(state_.options.request_timeout);
    if constexpr (kTls) {
      // Asio sets it, to allocate two buffers for every message; idle connections give them back in expire().
      SSL_clear_mode(stream_.native_handle(), SSL_MODE_RELEASE_BUFFERS);
      stream_.async_handshake(TlsStream::server, [self = this->shared_from_this()](error_code failed) {
        if (!failed) self->await_request();
      });
    } else {
      await_request();
    }
  }

  void expire(SteadyTime now) override {
    if (waiting_ != nullptr) return now >= deadline_ ? stop_waiting() : look_for_client();
    if (idle_ && now >= idle_since_ + kSlimAfter) slim_down();
    const bool quiet = idle_ && state_.draining && now >= idle_since_ + state_.quiet.load();
    if (quiet || now >= deadline_) abandon();
  }

  void abandon() override {
    error_code ignored;
    socket().close(ignored);
    // Not at once: the caller walks over the connections.
    if (waiting_ != nullptr) asio::post(loop_.context, [self = std::move(waiting_)] {});
  }

  void answered() override {
    const auto self = this->shared_from_this();
    waiting_.reset();
    reply(exchange_->take(), keep_alive_);
  }

 private:
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

  // Below TLS, where there is any.
  Socket& socket() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  void allow(std::chrono::milliseconds time, SteadyTime now = std::chrono::steady_clock::now()) {
    deadline_ = now + time;
  }

  void begin_request() {
    begun_ = std::chrono::steady_clock::now();
    allow(state_.options.request_timeout, begun_);
  }

  void observe_end(int status, SteadyTime now) {
    if (std::exchange(observed_, false)) state_.options.observer->ends(request_, status, now - begun_);
  }

  void await_request() {
    clear_but_keep(request_.body);
    clear_but_keep(output_);
    parser_.reset();
    header_memory_.release();
    parser_.emplace(std::piecewise_construct, std::make_tuple(),
                    std::make_tuple(std::pmr::polymorphic_allocator<char>(&header_memory_)));
    parser_->eager(true);
    parser_->header_limit(kMaxHeader);
    parser_->body_limit(state_.options.max_body);
    parser_->get().body() = std::move(request_.body);
    continued_ = false;
    if (buffer_.size() > 0) {  // the client did not wait for our answer
      begin_request();
      return parse();
    }
    idle_ = true;
    idle_since_ = std::chrono::steady_clock::now();
    deadline_ = idle_since_ + state_.options.idle_timeout;
    read();
  }

  void read() {
    const auto space = buffer_.prepare(kReadSize);
    stream_.async_read_some(space, [self = this->shared_from_this()](error_code failed, std::size_t bytes) {
      if (failed) return;
      if (self->idle_) {
        self->idle_ = false;
        self->begin_request();
      }
      self->buffer_.commit(bytes);
      self->parse();
    });
  }

  void parse() {
    while (!parser_->is_done() && buffer_.size() > 0) {
      error_code problem;
      buffer_.consume(parser_->put(buffer_.data(), problem));
      if (problem == http::error::need_more) break;
      if (problem) return reply(answer_to_malformed(problem), false);
    }
    if (parser_->is_done()) return answer();
    if (!hold_body(parser_->get().body().size())) {
      return reply(plain_answer(http::status::service_unavailable, "too many large requests at one time"), false);
    }
    if (parser_->is_header_done() && !continued_ && boost::beast::iequals(field(http::field::expect), "100-continue")) {
      return ask_to_continue();
    }
    read();
  }

  void ask_to_continue() {
    continued_ = true;
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue),
                      [self = this->shared_from_this()](error_code failed, std::size_t) {
                        if (!failed) self->read();
                      });
  }

  void answer() {
    auto& message = parser_->get();
    if (message.version() >= 11 && message.count(http::field::host) != 1) {
      return reply(plain_answer(http::status::bad_request, "malformed HTTP request: one Host header is needed"), false);
    }
    const auto text = [](boost::beast::string_view view) { return std::string_view(view.data(), view.size()); };
    request_.method = text(message.method_string());
    request_.target = text(message.target());
    request_.content_type = text(field(http::field::content_type));
    request_.authorization = text(field(http::field::authorization));
    request_.body = std::move(message.body());
    request_.body.reserve(request_.body.size() + kBodyPadding);
    // HTTP/1.0 has keep-alive only as an extension that nobody needs here.
    keep_alive_ = message.version() >= 11 && parser_->keep_alive();
    if (state_.options.observer != nullptr) {
      state_.options.observer->begins(request_);
      observed_ = true;
    }
    try {
      state_.handler(request_, exchange_->begin());
    } catch (const std::exception& failure) {
      log::error("an HTTP handler failed", {{"target", request_.target}, {"reason", failure.what()}});
    }
    if (const std::optional<HttpResponse> response = exchange_->end_of_handler()) return reply(*response, keep_alive_);
    wait_for_answer();
  }

  void wait_for_answer() {
    clear_but_keep(request_.body);
    release_body();
    if (loop_.closing) return;  // nobody would end the wait
    allow(state_.options.answer_timeout);
    waiting_ = this->shared_from_this();
  }

  void stop_waiting() {
    if (!exchange_->give_up()) return;
    const auto self = std::move(waiting_);
    reply(plain_answer(http::status::service_unavailable, "no answer in time"), keep_alive_);
  }

  void slim_down() {
    if constexpr (kTls) SSL_free_buffers(stream_.native_handle());
  }

  void look_for_client() {
    const Client client = look_at(socket().native_handle());
    if (client != Client::Present) exchange_->client_left();
    if (client == Client::Gone) abandon();
  }

  void reply(const HttpResponse& response, bool keep_alive) {
    release_body();
    const SteadyTime now = std::chrono::steady_clock::now();
    observe_end(response.status, now);
    keep_alive = keep_alive && !state_.draining && now < end_of_life_;
    append_response(output_, response, {keep_alive, parser_->get().method() == http::verb::head, absl::Now()});
    allow(state_.options.request_timeout, now);
    asio::async_write(stream_, asio::buffer(output_),
                      [self = this->shared_from_this(), keep_alive](error_code failed, std::size_t) {
                        if (failed) return;
                        if (keep_alive) return self->await_request();
                        self->finish();
                      });
  }

  // Says goodbye, then waits for the client to do the same.
  void finish() {
    allow(kLinger);
    if constexpr (kTls) {
      stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->send_end(); });
    } else {
      send_end();
    }
  }

  void send_end() {
    error_code failed;
    socket().shutdown(Socket::shutdown_send, failed);
    if (!failed) discard();
  }

  void discard() {
    buffer_.clear();
    socket().async_read_some(buffer_.prepare(kReadSize),
                             [self = this->shared_from_this()](error_code failed, std::size_t) {
                               if (!failed) self->discard();
                             });
  }

  boost::beast::string_view field(http::field name) const {
    const auto& message = parser_->get();
    const auto found = message.find(name);
    return found == message.end() ? boost::beast::string_view() : found->value();
  }

  // False when the bodies of all connections together have become too large.
  bool hold_body(std::size_t bytes) {
    const std::size_t added = bytes - std::exchange(held_, bytes);
    return (state_.bodies += added) <= state_.options.max_bodies;
  }
  void release_body() { state_.bodies -= std::exchange(held_, 0); }

  Loop& loop_;
  ServerState& state_;
  Stream stream_;
  boost::beast::flat_buffer buffer_;
  // Beast allocates each header by itself; those of an API server fit in here, what does not goes to the heap.
  std::array<std::byte, 1024> header_space_;
  std::pmr::monotonic_buffer_resource header_memory_{header_space_.data(), header_space_.size()};
  std::optional<http::request_parser<PaddedBody, std::pmr::polymorphic_allocator<char>>> parser_;
  HttpRequest request_;
  std::string output_;
  std::size_t held_ = 0;  // of state_.bodies
  bool idle_ = false;     // between requests
  bool continued_ = false;
  bool observed_ = false;    // its end is to be told
  bool keep_alive_ = false;  // after the request that is being answered
  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<Connection> waiting_;  // this, while its answer is to come
  const SteadyTime end_of_life_ = state_.end_of_life();
  SteadyTime idle_since_, begun_, deadline_;
};

}  // namespace

bool ServerState::enter() {
  const std::lock_guard guard(mutex_);
  if (connections_ >= options.max_connections) return false;
  ++connections_;
  return true;
}

SteadyTime ServerState::end_of_life() {
  if (options.connection_life.count() == 0) return SteadyTime::max();
  constexpr unsigned kSteps = 16;
  const unsigned step = begun_++ % kSteps;
  return std::chrono::steady_clock::now() + options.connection_life * (9 * kSteps + 2 * step) / (10 * kSteps);
}

void ServerState::leave() {
  const std::lock_guard guard(mutex_);
  if (--connections_ == 0) emptied_.notify_all();
}

void ServerState::wait_until_empty(SteadyTime deadline) {
  std::unique_lock lock(mutex_);
  emptied_.wait_until(lock, deadline, [this] { return connections_ == 0; });
}

void serve(Loop& loop, Socket socket, const std::shared_ptr<asio::ssl::context>& tls) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (tls == nullptr) {
    std::make_shared<StreamConnection<Socket>>(loop, std::move(socket))->start();
  } else {
    std::make_shared<StreamConnection<TlsStream>>(loop, TlsStream(std::move(socket), *tls))->start();
  }
}

}  // namespace headroom::net
