#include "operator/kube/cpprest_connection.h"

#include <cpprest/http_client.h>
#include <pplx/threadpool.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "operator/kube/status_error.h"
#include "operator/kube/tls_verification.h"

namespace headroom::kube {

namespace {

namespace http = web::http;
using Byte = std::uint8_t;
using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

// Our own deadlines end requests; the library's timer, which every byte restarts, only has to stay out of their way.
constexpr std::chrono::hours kNever{24};

struct StaleConnection : std::runtime_error {
  StaleConnection() : std::runtime_error("the server has closed a kept connection") {}
};

// A stream buffer of cpprestsdk that can do nothing; most of what the interface has is never asked for here.
class InertBuffer : public Concurrency::streams::details::streambuf_state_manager<Byte> {
 public:
  explicit InertBuffer(std::ios_base::openmode mode) : streambuf_state_manager(mode) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(size_t, std::ios_base::openmode) override {}
  size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return nowhere(); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return nowhere(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override { return nowhere(); }
  bool acquire(Byte*&, size_t&) override { return false; }
  void release(Byte*, size_t) override {}

 protected:
  pplx::task<size_t> _putn(const Byte*, size_t count) override { return pplx::task_from_result(count); }
  pplx::task<int_type> _putc(Byte byte) override { return pplx::task_from_result<int_type>(byte); }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  pplx::task<int_type> _bumpc() override { return no_byte(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return no_byte(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return no_byte(); }
  pplx::task<int_type> _ungetc() override { return no_byte(); }
  pplx::task<size_t> _getn(Byte*, size_t) override { return pplx::task_from_result<size_t>(0); }
  size_t _scopy(Byte*, size_t) override { return 0; }
  Byte* _alloc(size_t) override { return nullptr; }
  void _commit(size_t) override {}

 private:
  static pos_type nowhere() { return static_cast<pos_type>(traits::eof()); }
  static pplx::task<int_type> no_byte() { return pplx::task_from_result<int_type>(traits::eof()); }
};

// Takes a response to the inbox. Never fails: for a failed write the library would wait for its own thread on that very
// thread (streambuf_state_manager::create_exception_checked_task).
class ResponseBuffer final : public InertBuffer {
 public:
  explicit ResponseBuffer(std::shared_ptr<ResponseInbox> inbox)
      : InertBuffer(std::ios_base::out), inbox_(std::move(inbox)) {}

 protected:
  pplx::task<size_t> _putn(const Byte* bytes, size_t count) override {
    const pplx::task_completion_event<size_t> written;
    std::function<void()> resume = [written, count] { written.set(count); };
    inbox_->append({reinterpret_cast<const char*>(bytes), count}, resume);
    return resume ? pplx::task_from_result(count) : pplx::task<size_t>(written);
  }

 private:
  const std::shared_ptr<ResponseInbox> inbox_;
};

// Gives out a request's body, once: it cannot be rewound. cpprestsdk sends a request again on its own when a kept
// connection closes before the answer, and a write may have been carried out by then; here it cannot.
class RequestBuffer final : public InertBuffer {
 public:
  explicit RequestBuffer(std::string body) : InertBuffer(std::ios_base::in), body_(std::move(body)) {}

 protected:
  pplx::task<size_t> _getn(Byte* into, size_t count) override {
    count = std::min(count, body_.size() - given_);
    std::copy_n(body_.data() + given_, count, into);
    given_ += count;
    return pplx::task_from_result(count);
  }

 private:
  const std::string body_;
  std::size_t given_ = 0;
};

WireFailure failure_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const StaleConnection& stale) {
    return {WireFailure::Stage::Stale, 0, stale.what()};
  } catch (const http::http_exception& failed) {
    return classify_wire_failure(failed.what(), failed.error_code().value());
  } catch (const std::exception& failed) {
    return {WireFailure::Stage::Malformed, 0, failed.what()};
  }
}

std::optional<std::chrono::milliseconds> retry_after_of(const http::http_response& response) {
  const auto header = response.headers().find("Retry-After");
  return header == response.headers().end() ? std::nullopt : parse_retry_after(header->second);
}

// Runs on the library's threads, so it must not block; get() on a task that is done does not.
void receive(const pplx::task<http::http_response>& answer, const std::shared_ptr<ResponseInbox>& inbox) {
  try {
    const http::http_response response = answer.get();
    inbox->begin(response.status_code(), retry_after_of(response));
    response.content_ready().then([inbox](const pplx::task<http::http_response>& whole) {
      try {
        whole.get();
        inbox->end(std::nullopt);
      } catch (...) {
        inbox->end(failure_of(std::current_exception()));
      }
    });
  } catch (...) {
    inbox->end(failure_of(std::current_exception()));
  }
}

http::http_request message_of(const Request& request, const ServerUrl& server, const std::string& token) {
  http::http_request message(to_string(request.method));
  message.set_request_uri(web::uri(server.prefix + request.path));
  http::http_headers& headers = message.headers();
  const bool default_port = server.port == (server.tls ? 443 : 80);
  const std::string authority = server.authority();
  // cpprestsdk knows the address only, and would write IPv6 ones without their brackets.
  headers.add("Host", default_port ? authority.substr(0, authority.rfind(':')) : authority);
  headers.add("User-Agent", "headroom/" HEADROOM_VERSION);
  if (!request.accept.empty()) headers.add("Accept", request.accept);
  if (!token.empty()) headers.add("Authorization", "Bearer " + token);
  for (const auto& [name, value] : request.headers) headers.add(name, value);
  if (request.method != Method::Get || !request.body.empty()) {
    message.set_body(
        Concurrency::streams::streambuf<Byte>(std::make_shared<RequestBuffer>(request.body)).create_istream(),
        request.body.size(), request.content_type.empty() ? "application/octet-stream" : request.content_type);
  }
  return message;
}

class CpprestExchange final : public CpprestConnections::Exchange {
 public:
  explicit CpprestExchange(pplx::cancellation_token_source cancellation) : cancellation_(std::move(cancellation)) {}

  // On the library's own thread: closing a socket that another thread is about to use would let it meet a stranger's
  // connection under the same number. With a pool of one thread nobody is.
  void cancel() override {
    crossplat::threadpool::shared_instance().service().post([cancellation = cancellation_] { cancellation.cancel(); });
  }

 private:
  const pplx::cancellation_token_source cancellation_;
};

// Data or an end on a connection nobody has asked anything on: the server is done with it (RFC 9112 §9.5).
bool is_stale(boost::asio::ip::tcp::socket& socket) {
  char byte = 0;
  const ssize_t got = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

class Connections final : public CpprestConnections {
 public:
  Connections(ServerUrl server, const std::string& address, const std::string& server_name, bool insecure,
              std::shared_ptr<const TlsCredentials> tls)
      : server_(std::move(server)),
        verification_(std::make_shared<TlsVerification>(server_name, insecure, std::move(tls))),
        client_(base_address(server_, address), configuration()) {}

  std::unique_ptr<Exchange> start(const Request& request, const std::string& token,
                                  std::shared_ptr<ResponseInbox> inbox) override {
    pplx::cancellation_token_source cancellation;
    try {
      http::http_request message = message_of(request, server_, token);
      message.set_response_stream(Concurrency::streams::ostream(
          Concurrency::streams::streambuf<Byte>(std::make_shared<ResponseBuffer>(inbox))));
      client_.request(message, cancellation.get_token()).then([inbox](const pplx::task<http::http_response>& answer) {
        receive(answer, inbox);
      });
    } catch (...) {
      inbox->end(failure_of(std::current_exception()));
    }
    return std::make_unique<CpprestExchange>(std::move(cancellation));
  }

  std::string certificate_problem() const override { return verification_->problem(); }

 private:
  static web::uri base_address(const ServerUrl& server, const std::string& address) {
    return web::uri_builder()
        .set_scheme(server.tls ? "https" : "http")
        .set_host(address)
        .set_port(server.port)
        .to_uri();
  }

  http::client::http_client_config configuration() const {
    http::client::http_client_config config;
    config.set_timeout(kNever);
    config.set_max_redirects(0);
    config.set_tlsext_sni_enabled(false);  // TlsVerification knows tls_server_name
    config.set_ssl_context_callback(
        [check = verification_](boost::asio::ssl::context& context) { check->configure(context.native_handle()); });
    // Called with each request's connection, kept or new, before anything is written to it.
    config.set_nativehandle_options([tls = server_.tls](void* handle) {
      auto& socket =
          tls ? static_cast<TlsStream*>(handle)->next_layer() : *static_cast<boost::asio::ip::tcp::socket*>(handle);
      if (socket.is_open() && is_stale(socket)) throw StaleConnection();
    });
    return config;
  }

  const ServerUrl server_;
  const std::shared_ptr<TlsVerification> verification_;
  http::client::http_client client_;
};

}  // namespace

std::shared_ptr<CpprestConnections> make_connections(const ServerUrl& server, const std::string& address,
                                                     const std::string& server_name, bool insecure,
                                                     std::shared_ptr<const TlsCredentials> tls) {
  return std::make_shared<Connections>(server, address, server_name, insecure, std::move(tls));
}

void start_cpprest_thread() {
  try {
    crossplat::threadpool::initialize_with_threads(1);
  } catch (const std::exception&) {
    // It runs already, with the thread that it was started with.
  }
}

}  // namespace headroom::kube
