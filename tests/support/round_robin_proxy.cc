#include "tests/support/round_robin_proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace headroom::testing {
namespace {

constexpr int kLookForTheEnd = 50;  ///< milliseconds

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// Not for the processes that a test starts meanwhile: they would keep the connection open.
Socket new_socket() { return Socket(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// What can be read from one side, written to the other; false at the end.
bool pass(const Socket& from, const Socket& to) {
  std::array<char, 16384> buffer{};
  const ssize_t size = read(from.fd(), buffer.data(), buffer.size());
  if (size <= 0) return false;
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t more = send(to.fd(), buffer.data() + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
    if (more <= 0) return false;
    sent += more;
  }
  return true;
}

}  // namespace

struct RoundRobinProxy::Impl {
  Socket listener = new_socket();
  std::uint16_t port = 0;
  std::mutex mutex;
  std::vector<std::uint16_t> servers;
  std::size_t next = 0;
  struct Connection {
    std::atomic<bool> ended{false};
    std::jthread thread;
  };
  std::list<Connection> connections;  ///< the acceptor's
  std::jthread acceptor;

  Impl() {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener.fd(), 128), 0);
    EXPECT_EQ(getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
    acceptor = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
  }

  Socket connect_next() {
    std::lock_guard lock(mutex);
    for (std::size_t tried = 0; tried < servers.size(); ++tried) {
      const sockaddr_in address = loopback(servers[next++ % servers.size()]);
      Socket server = new_socket();
      if (connect(server.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return server;
    }
    return Socket();
  }

  void accept_all(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      connections.remove_if([](const Connection& one) { return one.ended.load(); });
      pollfd waiting{listener.fd(), POLLIN, 0};
      if (poll(&waiting, 1, kLookForTheEnd) <= 0) continue;
      Socket client(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) continue;
      Connection& connection = connections.emplace_back();
      connection.thread = std::jthread([this, &connection, client = std::move(client)](const std::stop_token& ends) {
        serve(client, ends);
        connection.ended = true;
      });
    }
    connections.clear();
  }

  void serve(const Socket& client, const std::stop_token& stop) {
    const Socket server = connect_next();
    if (!server) return;
    const int at_once = 1;
    for (const Socket* one : {&client, &server}) {
      setsockopt(one->fd(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    }
    while (!stop.stop_requested()) {
      std::array<pollfd, 2> sides{pollfd{client.fd(), POLLIN, 0}, pollfd{server.fd(), POLLIN, 0}};
      if (poll(sides.data(), sides.size(), kLookForTheEnd) <= 0) continue;
      if (sides[0].revents != 0 && !pass(client, server)) return;
      if (sides[1].revents != 0 && !pass(server, client)) return;
    }
  }
};

RoundRobinProxy::RoundRobinProxy() : impl_(std::make_unique<Impl>()) {}
RoundRobinProxy::~RoundRobinProxy() = default;

std::uint16_t RoundRobinProxy::port() const { return impl_->port; }

void RoundRobinProxy::serve(std::vector<std::uint16_t> ports) {
  std::lock_guard lock(impl_->mutex);
  impl_->servers = std::move(ports);
}

}  // namespace headroom::testing
