#include "tests/e2e/tcp_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace headroom::e2e {
namespace {

constexpr std::size_t kMostHeld = 16 << 20;

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

 private:
  int fd_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Not for the processes that a test starts meanwhile: they would keep the connection open.
int new_socket() { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

void never_block(const Socket& socket) { fcntl(socket.fd(), F_SETFL, fcntl(socket.fd(), F_GETFL) | O_NONBLOCK); }

/// One direction of a connection.
struct Flow {
  std::string kept;    ///< read from one side and not yet written to the other
  bool ended = false;  ///< the reading side sends no more
  bool broken = false;

  void read_from(const Socket& from) {
    std::array<char, 65536> buffer{};
    while (!ended && kept.size() < kMostHeld) {
      const ssize_t n = recv(from.fd(), buffer.data(), buffer.size(), 0);
      if (n > 0) {
        kept.append(buffer.data(), static_cast<std::size_t>(n));
      } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
      } else {
        ended = true;
      }
    }
  }
  void write_to(const Socket& to) {
    while (!kept.empty() && !broken) {
      const ssize_t n = send(to.fd(), kept.data(), kept.size(), MSG_NOSIGNAL);
      if (n > 0) {
        kept.erase(0, static_cast<std::size_t>(n));
      } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
      } else {
        broken = true;
      }
    }
  }
};

struct Pair {
  Socket client, server;
  Flow up, down;
  bool orphan = false;  ///< its client ended while everything was held
};

short wanted_events(const Flow& in, const Flow& out, bool holding) {
  short events = 0;
  if (!in.ended && in.kept.size() < kMostHeld) events |= POLLIN;
  if (!holding && !out.kept.empty() && !out.broken) events |= POLLOUT;
  return events;
}

}  // namespace

struct TcpProxy::Impl {
  explicit Impl(std::uint16_t target_port)
      : target(loopback(target_port)), listener(new_socket()), bell(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    sockaddr_in any = loopback(0);
    socklen_t size = sizeof any;
    EXPECT_EQ(bind(listener.fd(), reinterpret_cast<const sockaddr*>(&any), size), 0);
    EXPECT_EQ(listen(listener.fd(), 64), 0);
    EXPECT_EQ(getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&any), &size), 0);
    port = ntohs(any.sin_port);
    never_block(listener);
    thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~Impl() {
    thread.request_stop();
    ring();
  }

  const sockaddr_in target;
  const Socket listener, bell;
  std::uint16_t port = 0;

  std::mutex mutex;
  std::condition_variable obeyed;
  bool hold_wanted = false, holding = false;
  std::atomic<std::size_t> held{0};

  std::vector<Pair> pairs;  ///< the thread's
  std::jthread thread;

  void ring() const {
    const std::uint64_t one = 1;
    EXPECT_EQ(write(bell.fd(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }

  void set_holding(bool wanted) {
    std::unique_lock lock(mutex);
    hold_wanted = wanted;
    ring();
    obeyed.wait(lock, [&] { return holding == wanted; });
  }

  bool obey() {
    const std::lock_guard lock(mutex);
    holding = hold_wanted;
    obeyed.notify_all();
    return holding;
  }

  void accept_all() {
    while (true) {
      Socket client(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      if (client.fd() < 0) return;
      Socket server(new_socket());
      if (connect(server.fd(), reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0) continue;
      never_block(client);
      never_block(server);
      pairs.push_back({std::move(client), std::move(server), {}, {}});
    }
  }

  static void serve(Pair& pair, bool holding) {
    pair.up.read_from(pair.client);
    pair.down.read_from(pair.server);
    if (holding) {
      pair.orphan = pair.orphan || pair.up.ended;
      return;
    }
    pair.up.write_to(pair.server);
    if (pair.orphan) {
      pair.down.kept.clear();
    } else {
      pair.down.write_to(pair.client);
    }
  }

  static bool over(const Pair& pair) {
    if (pair.down.ended && pair.down.kept.empty()) return true;
    return !pair.orphan && ((pair.up.ended && pair.up.kept.empty()) || pair.up.broken || pair.down.broken);
  }

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const bool still = obey();
      for (Pair& pair : pairs) serve(pair, still);
      if (!still) std::erase_if(pairs, over);
      std::size_t kept = 0;
      for (const Pair& pair : pairs) kept += pair.up.kept.size();
      held = kept;

      std::vector<pollfd> polled{{bell.fd(), POLLIN, 0}, {listener.fd(), POLLIN, 0}};
      for (const Pair& pair : pairs) {
        // A socket that wants nothing is left out: its hang-up would end every poll at once.
        const short client = wanted_events(pair.up, pair.down, still),
                    server = wanted_events(pair.down, pair.up, still);
        polled.push_back({client != 0 ? pair.client.fd() : -1, client, 0});
        polled.push_back({server != 0 ? pair.server.fd() : -1, server, 0});
      }
      poll(polled.data(), polled.size(), -1);
      std::uint64_t rings = 0;
      while (read(bell.fd(), &rings, sizeof rings) > 0) {
      }
      accept_all();
    }
  }
};

TcpProxy::TcpProxy(std::uint16_t port) : impl_(std::make_unique<Impl>(port)) {}

TcpProxy::~TcpProxy() = default;

std::uint16_t TcpProxy::port() const { return impl_->port; }

void TcpProxy::hold() { impl_->set_holding(true); }

void TcpProxy::release() { impl_->set_holding(false); }

std::size_t TcpProxy::held_bytes() const { return impl_->held; }

}  // namespace headroom::e2e
