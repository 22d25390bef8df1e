#include "operator/controllers/tcp_connect.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace headroom::controllers {
namespace {

using Time = std::chrono::steady_clock::time_point;

/// poll(2) cannot wait for a stop token; it looks at it this often.
constexpr std::chrono::milliseconds kStopPoll{50};

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

Error away(std::string message) { return Error{ErrorCode::Unavailable, std::move(message), 0, {}}; }

std::string reason_of(int error) { return std::generic_category().message(error); }

Result<std::vector<Address>> look_up(const HostPort& target, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found);
  if (failed != 0) return away(absl::StrCat("cannot resolve ", target.host, ": ", gai_strerror(failed)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Address address;
    address.length = entry->ai_addrlen;
    std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                reinterpret_cast<char*>(&address.storage));
    addresses.push_back(address);
  }
  return addresses;
}

/// getaddrinfo cannot be interrupted and may take half a minute, so names are looked up on a thread of their own that
/// outlives us if it must.
Result<std::vector<Address>> resolve(const HostPort& target, Time deadline, const std::stop_token& stop) {
  if (auto literal = look_up(target, AI_NUMERICHOST | AI_NUMERICSERV)) return literal;
  struct Shared {
    std::mutex mutex;
    std::condition_variable_any done;
    std::optional<Result<std::vector<Address>>> answer;
  };
  auto shared = std::make_shared<Shared>();
  std::thread([shared, target] {
    auto answer = look_up(target, AI_NUMERICSERV | AI_ADDRCONFIG);
    const std::lock_guard lock(shared->mutex);
    shared->answer = std::move(answer);
    shared->done.notify_all();
  }).detach();
  std::unique_lock lock(shared->mutex);
  shared->done.wait_until(lock, stop, deadline, [&] { return shared->answer.has_value(); });
  if (shared->answer) return std::move(*shared->answer);
  return Error{ErrorCode::Timeout, absl::StrCat("no answer from name resolution for ", target.host), 0, {}};
}

class Socket {
 public:
  explicit Socket(int family) : descriptor_(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Status connect_to(const Address& address, Time deadline, const std::stop_token& stop) {
  const Socket socket(address.storage.ss_family);
  if (socket.descriptor() < 0) return away(reason_of(errno));
  if (connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) {
    return ok();
  }
  if (errno != EINPROGRESS) return away(reason_of(errno));
  while (!stop.stop_requested()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left <= left.zero()) return Error{ErrorCode::Timeout, "no answer in time", 0, {}};
    pollfd wanted{socket.descriptor(), POLLOUT, 0};
    const int ready = poll(&wanted, 1, static_cast<int>(std::min(left, kStopPoll).count()));
    if (ready < 0 && errno != EINTR) return away(reason_of(errno));
    if (ready <= 0) continue;
    int failure = 0;
    socklen_t size = sizeof failure;
    getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) return away(reason_of(failure));
    return ok();
  }
  return Error{ErrorCode::Cancelled, "stopped", 0, {}};
}

}  // namespace

Result<HostPort> parse_host_port(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  HostPort parts;
  if (colon != std::string::npos) {
    parts = {address.substr(0, colon), address.substr(colon + 1)};
    const bool bracketed = parts.host.size() > 2 && parts.host.front() == '[' && parts.host.back() == ']';
    if (bracketed) parts.host = parts.host.substr(1, parts.host.size() - 2);
    if (!bracketed && parts.host.find_first_of(":[]") != std::string::npos) parts.host.clear();
  }
  int port = 0;
  if (parts.host.empty() || !absl::SimpleAtoi(parts.port, &port) || port < 1 || port > 65535) {
    return invalid(absl::StrCat("'", address, "' is no address: write host:port, or [address]:port for IPv6"));
  }
  return parts;
}

Status connect_tcp(const std::string& address, std::chrono::milliseconds patience, const std::stop_token& stop) {
  BOOST_OUTCOME_TRY(target, parse_host_port(address));
  const Time deadline = std::chrono::steady_clock::now() + patience;
  BOOST_OUTCOME_TRY(addresses, resolve(target, deadline, stop));
  Status last = away("the name has no address");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // A silent first address must leave time for the others.
    const Time now = std::chrono::steady_clock::now();
    last = connect_to(addresses[i], now + (deadline - now) / (addresses.size() - i), stop);
    if (last) return ok();
  }
  return with_context(last.error(), absl::StrCat("connecting to ", address));
}

}  // namespace headroom::controllers
