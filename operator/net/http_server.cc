#include "operator/net/http_server.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <latch>
#include <optional>
#include <thread>

#include "operator/base/log.h"
#include "operator/net/connection.h"
#include "operator/net/tls_context.h"

namespace headroom::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

// Without descriptors or memory to accept with, trying again at once would only burn CPU.
constexpr auto kAcceptPause = 100ms;

class Server final : public HttpServer {
 public:
  Server(ServerOptions options, AsyncHttpHandler handler, std::shared_ptr<asio::ssl::context> tls)
      : state_(std::move(options), std::move(handler)), tls_(std::move(tls)) {
    for (int i = 0; i < std::max(state_.options.threads, 1); ++i) loops_.push_back(std::make_unique<Loop>(state_));
    acceptor_.emplace(loops_.front()->context);
    accept_pause_.emplace(loops_.front()->context);
  }
  ~Server() override { stop(0ms); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Status listen() {
    const ServerOptions& options = state_.options;
    error_code failed;
    const auto address = asio::ip::make_address(options.address, failed);
    if (failed) return invalid("address \"" + options.address + "\" is not an IP address: use one like 0.0.0.0");
    const tcp::endpoint endpoint(address, options.port);
    acceptor_->open(endpoint.protocol(), failed);
    if (!failed) acceptor_->set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed) acceptor_->bind(endpoint, failed);
    if (!failed) acceptor_->listen(tcp::acceptor::max_listen_connections, failed);
    if (!failed) port_ = acceptor_->local_endpoint(failed).port();
    if (failed) {
      return Error{ErrorCode::Unavailable,
                   "cannot listen on " + options.address + " port " + std::to_string(options.port) + " (" +
                       failed.message() + "): choose another address or port",
                   0,
                   {}};
    }
    return ok();
  }

  void run() {
    accept();
    for (const auto& loop : loops_) {
      sweep(*loop);
      threads_.emplace_back([&context = loop->context] { context.run(); });
    }
  }

  std::uint16_t port() const override { return port_; }

  Status use_certificate(const std::string& certificate_pem, const std::string& key_pem) override {
    if (tls() == nullptr) return invalid("a server without TLS has no use for a certificate");
    BOOST_OUTCOME_TRY(renewed, make_tls_context(certificate_pem, key_pem));
    const std::lock_guard guard(tls_mutex_);
    tls_ = std::move(renewed);
    return ok();
  }

  void stop(std::chrono::milliseconds drain) override {
    const std::lock_guard guard(stop_mutex_);
    if (threads_.empty()) return;
    const SteadyTime until = std::chrono::steady_clock::now() + drain;
    state_.quiet = std::min(state_.options.drain_quiet, drain * 7 / 8);
    state_.draining = true;
    std::latch closed(1);
    asio::post(loops_.front()->context, [this, &closed] {
      error_code ignored;
      acceptor_->close(ignored);
      accept_pause_->cancel();
      closed.count_down();
    });
    closed.wait();  // from here on no loop hands a connection to another
    state_.wait_until_empty(until);
    for (const auto& loop : loops_) {
      asio::post(loop->context, [&loop = *loop] {
        loop.closing = true;
        loop.sweep.cancel();
        for (Connection* const connection : loop.connections) connection->abandon();
      });
    }
    threads_.clear();  // joins: each loop ends when the last of its connections has
  }

 private:
  // Deals each connection to the loop that has the fewest.
  void accept() {
    Loop& loop = **std::ranges::min_element(loops_, {}, [](const auto& candidate) { return candidate->load.load(); });
    acceptor_->async_accept(loop.context, [this, &loop](error_code failed, Socket socket) {
      if (state_.draining) return;
      if (failed) return pause_accepting(failed);
      accepting_ = true;
      if (state_.enter()) {
        ++loop.load;
        asio::post(loop.context, [&loop, context = tls(), client = std::move(socket)]() mutable {
          serve(loop, std::move(client), context);
        });
      }
      accept();
    });
  }

  void pause_accepting(const error_code& failed) {
    if (std::exchange(accepting_, false)) {
      log::warning("cannot accept connections", {{"port", std::to_string(port_)}, {"reason", failed.message()}});
    }
    accept_pause_->expires_after(kAcceptPause);
    accept_pause_->async_wait([this](error_code) {
      if (!state_.draining) accept();
    });
  }

  // One timer a loop instead of one a connection: deadlines are missed by one interval at most.
  void sweep(Loop& loop) {
    const ServerOptions& options = state_.options;
    const auto shortest = std::min({options.idle_timeout, options.request_timeout, options.answer_timeout});
    loop.sweep.expires_after(std::clamp<std::chrono::milliseconds>(shortest / 8, 5ms, 250ms));
    loop.sweep.async_wait([this, &loop](error_code) {
      if (loop.closing) return;
      const SteadyTime now = std::chrono::steady_clock::now();
      for (Connection* const connection : loop.connections) connection->expire(now);
      sweep(loop);
    });
  }

  std::shared_ptr<asio::ssl::context> tls() {
    const std::lock_guard guard(tls_mutex_);
    return tls_;
  }

  ServerState state_;
  std::mutex tls_mutex_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::vector<std::unique_ptr<Loop>> loops_;
  // On the first loop.
  std::optional<asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>> acceptor_;
  std::optional<asio::steady_timer> accept_pause_;
  bool accepting_ = true;
  std::uint16_t port_ = 0;
  std::mutex stop_mutex_;
  std::vector<std::jthread> threads_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(ServerOptions options, HttpHandler handler) {
  return start(std::move(options),
               AsyncHttpHandler([handler = std::move(handler)](const HttpRequest& request, Responder responder) {
                 responder.answer(handler(request));
               }));
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(ServerOptions options, AsyncHttpHandler handler) {
  std::shared_ptr<asio::ssl::context> tls;
  if (!options.certificate_pem.empty() || !options.key_pem.empty()) {
    BOOST_OUTCOME_TRY(made, make_tls_context(options.certificate_pem, options.key_pem));
    tls = std::move(made);
  }
  auto server = std::make_unique<Server>(std::move(options), std::move(handler), std::move(tls));
  BOOST_OUTCOME_TRYV(server->listen());
  server->run();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace headroom::net
