#include "tests/net/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace headroom::net {
namespace {

constexpr timeval kPatience{10, 0};

struct Freed {
  void operator()(SSL* tls) const { SSL_free(tls); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};

}  // namespace

struct RawClient::Impl {
  int descriptor = -1;
  bool connected = false, timed_out = false;
  std::unique_ptr<SSL_CTX, Freed> context;
  std::unique_ptr<SSL, Freed> tls;
  std::string received;

  ~Impl() {
    tls.reset();
    if (descriptor >= 0) close(descriptor);
  }

  void connect_to(std::uint16_t port) {
    descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    const int at_once = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected = connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  void handshake(Tls version, const std::string& trusted_pem) {
    context.reset(SSL_CTX_new(TLS_client_method()));
    if (version == Tls::Version1_1) {
      SSL_CTX_set_security_level(context.get(), 0);
      SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
    }
    const std::unique_ptr<BIO, Freed> text(BIO_new_mem_buf(trusted_pem.data(), static_cast<int>(trusted_pem.size())));
    const std::unique_ptr<X509, Freed> trusted(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    if (trusted) X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), trusted.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (version == Tls::Version1_2) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    tls.reset(SSL_new(context.get()));
    SSL_set1_host(tls.get(), "localhost");
    SSL_set_fd(tls.get(), descriptor);
    connected = connected && SSL_connect(tls.get()) == 1;
    ERR_clear_error();
  }

  // Bytes read; 0 at the end of the connection, however it came, or when patience has run out.
  std::size_t read_some() {
    char buffer[16 * 1024];
    errno = 0;
    const long bytes = tls ? SSL_read(tls.get(), buffer, sizeof buffer) : recv(descriptor, buffer, sizeof buffer, 0);
    timed_out = bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    ERR_clear_error();
    if (bytes <= 0) return 0;
    received.append(buffer, static_cast<std::size_t>(bytes));
    return static_cast<std::size_t>(bytes);
  }
};

RawClient::RawClient(std::uint16_t port, Tls tls, const std::string& trusted_pem) : impl_(std::make_unique<Impl>()) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  impl_->connect_to(port);
  if (tls != Tls::None) impl_->handshake(tls, trusted_pem);
}
RawClient::~RawClient() = default;
RawClient::RawClient(RawClient&&) noexcept = default;

bool RawClient::connected() const { return impl_->connected; }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long sent = impl_->tls ? SSL_write(impl_->tls.get(), bytes.data(), static_cast<int>(bytes.size()))
                                 : ::send(impl_->descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ERR_clear_error();
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::end_sending() { shutdown(impl_->descriptor, SHUT_WR); }

void RawClient::reset() {
  const linger at_once{1, 0};
  setsockopt(impl_->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(std::exchange(impl_->descriptor, -1));
}

std::string RawClient::response(bool without_body) {
  std::string& received = impl_->received;
  std::size_t head = 0;
  while ((head = received.find("\r\n\r\n")) == std::string::npos) {
    if (impl_->read_some() == 0) return "";
  }
  head += 4;
  std::size_t body = 0;
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const std::size_t at = received.substr(0, head).find(kLength);
  if (at != std::string::npos && !without_body) body = std::strtoull(&received[at + kLength.size()], nullptr, 10);
  while (received.size() < head + body) {
    if (impl_->read_some() == 0) return "";
  }
  const std::string whole = received.substr(0, head + body);
  received.erase(0, head + body);
  return whole;
}

bool RawClient::readable(std::chrono::milliseconds patience) {
  pollfd descriptor{impl_->descriptor, POLLIN, 0};
  return poll(&descriptor, 1, static_cast<int>(patience.count())) == 1;
}

bool RawClient::ended(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (!readable(std::max(left, std::chrono::milliseconds(0)))) return false;
    if (impl_->read_some() == 0) return !impl_->timed_out;
  }
}

std::string post(std::string_view target, std::string_view body, std::string_view more_headers) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
         std::string(more_headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string get(std::string_view target, std::string_view more_headers) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more_headers) + "\r\n";
}

}  // namespace headroom::net
