#include "tests/kube/socket_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace headroom::testing {

namespace {

constexpr std::chrono::seconds kLongestWait{10};

void limit_waits(int socket) {
  const timeval limit{kLongestWait.count(), 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

std::shared_ptr<BIO> memory_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

std::shared_ptr<X509> certificate_of(const std::string& pem) {
  return {PEM_read_bio_X509(memory_of(pem).get(), nullptr, nullptr, nullptr), X509_free};
}

std::shared_ptr<SSL_CTX> make_tls(const SocketServer::Options& options) {
  if (!options.tls) return nullptr;
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(memory_of(options.tls->key_pem).get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  SSL_CTX_use_certificate(context.get(), certificate_of(options.tls->certificate_pem).get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  if (!options.client_authority.empty()) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), certificate_of(options.client_authority).get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

class SocketPeer final : public SocketServer::Peer {
 public:
  SocketPeer(int socket, int number, SSL_CTX* tls) : socket_(socket), number_(number) {
    if (tls == nullptr) return;
    tls_.reset(SSL_new(tls), SSL_free);
    SSL_set_fd(tls_.get(), socket_);
    usable_ = SSL_accept(tls_.get()) == 1;
    ERR_clear_error();
  }

  bool usable() const { return usable_; }

  std::optional<std::string> request() override {
    std::size_t head_end = 0;
    while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return std::nullopt;
    }
    const std::size_t whole = head_end + 4 + content_length(received_.substr(0, head_end));
    while (received_.size() < whole) {
      if (!receive()) return std::nullopt;
    }
    std::string request = received_.substr(0, whole);
    received_.erase(0, whole);
    return request;
  }

  bool write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const int some = static_cast<int>(std::min<std::size_t>(bytes.size(), 1U << 20U));
      const ssize_t sent = tls_ != nullptr
                               ? SSL_write(tls_.get(), bytes.data(), some)
                               : ::send(socket_, bytes.data(), static_cast<std::size_t>(some), MSG_NOSIGNAL);
      ERR_clear_error();
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool client_leaves(std::chrono::milliseconds at_most) override {
    const auto deadline = std::chrono::steady_clock::now() + at_most;
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd event{socket_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&event, 1, static_cast<int>(left.count())) <= 0) return false;
      if (!receive()) return true;
    }
  }

  void reset() override {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    orderly_ = false;
  }

  int number() const override { return number_; }

  std::string asked_name() const override {
    const char* const name = tls_ == nullptr ? nullptr : SSL_get_servername(tls_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }

  int shown_certificates() const override {
    if (tls_ == nullptr || SSL_get0_peer_certificate(tls_.get()) == nullptr) return 0;
    // On a server's side the chain lacks the client's own.
    const STACK_OF(X509)* const others = SSL_get_peer_cert_chain(tls_.get());
    return 1 + (others == nullptr ? 0 : sk_X509_num(others));
  }

  void finish() {
    if (tls_ != nullptr && usable_ && orderly_) SSL_shutdown(tls_.get());
    ERR_clear_error();
  }

 private:
  bool receive() {
    char buffer[16384];
    const ssize_t got =
        tls_ != nullptr ? SSL_read(tls_.get(), buffer, sizeof(buffer)) : ::recv(socket_, buffer, sizeof(buffer), 0);
    ERR_clear_error();
    if (got <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  static std::size_t content_length(const std::string& head) {
    const std::string name = "Content-Length:";
    const std::size_t at = head.find(name);
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size()));
  }

  const int socket_, number_;
  std::shared_ptr<SSL> tls_;
  std::string received_;
  bool usable_ = true, orderly_ = true;
};

}  // namespace

SocketServer::SocketServer(Handler handler, Options options)
    : handler_(std::move(handler)), options_(std::move(options)), tls_(make_tls(options_)) {
  ::signal(SIGPIPE, SIG_IGN);  // NOLINT(bugprone-signal-handler,cert-err33-c): OpenSSL writes to closed sockets
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (options_.ipv6) {
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(options_.port);
    size = sizeof(address);
  } else {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(options_.port);
    size = sizeof(address);
  }
  listener_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&storage), size) != 0 || ::listen(listener_, 256) != 0) {
    ::close(listener_);
    throw std::runtime_error("no listening socket on loopback");
  }
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&storage), &size);
  port_ = ntohs(options_.ipv6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                              : reinterpret_cast<sockaddr_in&>(storage).sin_port);
  accepting_ = std::jthread([this](const std::stop_token& stop) { accept_connections(stop); });
}

SocketServer::~SocketServer() {
  accepting_.request_stop();
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  ::close(listener_);
  std::vector<std::jthread> serving;
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    serving.swap(serving_);
  }
}

std::string SocketServer::url() const {
  return std::string(tls_ != nullptr ? "https" : "http") + "://" + (options_.ipv6 ? "[::1]" : "127.0.0.1") + ":" +
         std::to_string(port_);
}

void SocketServer::accept_connections(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    limit_waits(socket);
    const std::lock_guard lock(mutex_);
    open_.push_back(socket);
    serving_.emplace_back([this, socket, number = connections_++] { serve(socket, number); });
  }
}

void SocketServer::serve(int socket, int number) {
  {
    SocketPeer peer(socket, number, tls_.get());
    if (peer.usable()) handler_(peer);
    peer.finish();
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, socket);
  ::close(socket);
}

std::string http_response(int status, std::string_view body, std::string_view more_headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Some Reason\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_headers) + "\r\n" + std::string(body);
}

SocketServer::Handler always(std::string response) {
  return [response = std::move(response)](SocketServer::Peer& peer) {
    while (peer.request() && peer.write(response)) {
    }
  };
}

std::string chunked_head(int status) {
  return "HTTP/1.1 " + std::to_string(status) + " Some Reason\r\nTransfer-Encoding: chunked\r\n\r\n";
}

std::string chunk(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof(size), "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

}  // namespace headroom::testing
