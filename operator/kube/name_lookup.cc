#include "operator/kube/name_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "operator/kube/url.h"

namespace headroom::kube {

namespace {

// getaddrinfo does not tell how long an answer holds. Records that are meant for fail-over hold for 30 to 60 s.
constexpr std::chrono::seconds kGoodFor{30};
constexpr std::chrono::seconds kPatienceWithAnOldAnswer{1};

}  // namespace

struct NameLookup::State {
  State(std::string name, Resolve function) : host(std::move(name)), resolve(std::move(function)) {}

  const std::string host;
  const Resolve resolve;

  std::mutex mutex;
  std::condition_variable_any ended;
  // Guarded by mutex.
  std::vector<std::string> known;
  SteadyTime asked{};
  bool running = false, distrusted = false;
  std::optional<Error> failure;  ///< of the last look-up, when it failed
};

NameLookup::NameLookup(std::string host, Resolve resolve)
    : state_(std::make_shared<State>(std::move(host), std::move(resolve))) {
  if (is_ip_address(state_->host)) state_->known = {state_->host};
}

// With the state's mutex held.
void NameLookup::start(const std::shared_ptr<State>& state, SteadyTime now) {
  state->running = true;
  state->asked = now;
  std::thread([state] {
    Result<std::vector<std::string>> answer = state->resolve(state->host);
    const std::lock_guard lock(state->mutex);
    state->running = false;
    state->failure.reset();
    if (!answer) {
      state->failure = std::move(answer).error();
    } else {
      state->known = std::move(answer).value();
      state->distrusted = false;
    }
    state->ended.notify_all();
  }).detach();
}

Result<std::vector<std::string>> NameLookup::addresses(SteadyTime now, SteadyTime deadline,
                                                       const std::stop_token& stop) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  if (is_ip_address(state.host)) return state.known;
  const bool nothing_known = state.known.empty();
  if (!nothing_known && !state.distrusted && now - state.asked < kGoodFor) return state.known;
  if (!state.running) start(state_, now);
  if (!nothing_known && !state.distrusted) return state.known;
  const SteadyTime until = nothing_known ? deadline : std::min(deadline, now + kPatienceWithAnOldAnswer);
  const bool ended = state.ended.wait_until(lock, stop, until, [&state] { return !state.running; });
  if (stop.stop_requested()) return Error{ErrorCode::Cancelled, "stopped while looking up " + state.host, 0, {}};
  if (!state.known.empty()) return state.known;
  if (ended && state.failure) return *state.failure;
  return Error{
      ErrorCode::Unavailable, "the name " + state.host + " was not resolved in time; check this machine's DNS", 0, {}};
}

void NameLookup::distrust() {
  const std::lock_guard lock(state_->mutex);
  state_->distrusted = true;
}

Result<std::vector<std::string>> NameLookup::resolve_by_system(const std::string& host) {
  constexpr std::size_t kMostAddresses = 8;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return Error{ErrorCode::Unavailable,
                 "the name " + host + " cannot be resolved (" + ::gai_strerror(error) +
                     "); check its spelling and this machine's DNS",
                 0,
                 {}};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* one = found; one != nullptr && addresses.size() < kMostAddresses; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
      continue;
    }
    // "fe80::1%eth0" among others is left out.
    if (is_ip_address(text.data())) addresses.emplace_back(text.data());
  }
  if (addresses.empty()) {
    return Error{ErrorCode::Unavailable, "the name " + host + " has no address that can be used", 0, {}};
  }
  return addresses;
}

}  // namespace headroom::kube
