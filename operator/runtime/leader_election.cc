#include "operator/runtime/leader_election.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <limits>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "operator/base/log.h"
#include "operator/runtime/lease_record.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// Standbys draw their next look from [retry, 1.2 × retry], client-go's factor, so that they do not ask in step.
constexpr double kStandbyJitter = 0.2;
/// Answers followed up within one turn; beyond that a lease that somebody else keeps writing waits for the next turn.
constexpr int kInputsPerTurn = 8;

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

std::int64_t to_nanoseconds(SteadyTime time) {
  return std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

Status check_election_options(const ElectionOptions& options) {
  if (options.ns.empty() || options.name.empty() || options.identity.empty()) {
    return invalid("leader election: namespace, name and identity of the Lease must not be empty");
  }
  if (options.renew_deadline >= options.lease) {
    return invalid("leader election: renew deadline (" + std::to_string(options.renew_deadline.count()) +
                   " ms) must be shorter than the lease (" + std::to_string(options.lease.count()) + " ms)");
  }
  if (options.retry <= milliseconds(0) || options.renew_deadline * 5 <= options.retry * 6) {
    return invalid("leader election: renew deadline (" + std::to_string(options.renew_deadline.count()) +
                   " ms) must be longer than 1.2 x the retry period (" + std::to_string(options.retry.count()) +
                   " ms), which must be positive");
  }
  return ok();
}

std::string make_identity(const std::string& host, std::uint64_t random) {
  std::array<char, 17> suffix{};
  std::snprintf(suffix.data(), suffix.size(), "%016llx", static_cast<unsigned long long>(random));
  return host + "_" + suffix.data();
}

struct LeaderElector::Impl {
  Impl(std::shared_ptr<kube::Client> client_, ElectionOptions options_, const Clock& clock_,
       std::function<void()> on_leading_, std::function<void()> on_lost_, std::uint64_t seed)
      : client(std::move(client_)),
        options(std::move(options_)),
        clock(clock_),
        on_leading(std::move(on_leading_)),
        on_lost(std::move(on_lost_)),
        call_timeout(std::max(milliseconds(1000), options.renew_deadline / 2)),
        key{options.ns, options.name},
        random(seed) {}

  // Constant after construction.
  const std::shared_ptr<kube::Client> client;
  const ElectionOptions options;
  const Clock& clock;
  const std::function<void()> on_leading, on_lost;
  const milliseconds call_timeout;
  const api::ObjectKey key;

  // The driving thread's; stop() uses them after it has ended.
  ElectionState state;
  std::mt19937_64 random;
  absl::Time last_renewal = absl::InfinitePast();

  std::atomic<std::int64_t> holds_until{kNever};  ///< monotonic nanoseconds
  std::atomic<bool> leading{false};               ///< stays true after a loss: a process that lost is not healthy

  std::mutex mutex;  ///< guards what follows and every change of `holds_until`
  std::condition_variable_any changed;
  bool lost = false;
  std::string holder;
  std::optional<SteadyTime> call_deadline;
  std::stop_source call;

  std::stop_source end_driver, end_watchdog;
  std::jthread watchdog, driver;

  bool holds() const { return to_nanoseconds(clock.steady_now()) < holds_until.load(std::memory_order_acquire); }

  // --- the watchdog: what must happen on time even if a request hangs ---

  void watch_deadlines() {
    const std::stop_token stop = end_watchdog.get_token();
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      const SteadyTime now = clock.steady_now();
      if (call_deadline && now >= *call_deadline) {
        call_deadline.reset();
        std::stop_source late = call;
        lock.unlock();
        late.request_stop();
        lock.lock();
        continue;
      }
      if (holds_until.load(std::memory_order_relaxed) <= to_nanoseconds(now) && lose(lock)) continue;
      const std::optional<SteadyTime> next = next_deadline();
      const auto moved = [&] { return next_deadline() != next; };
      if (next) {
        changed.wait_for(lock, stop, *next - now, moved);
      } else {
        changed.wait(lock, stop, moved);
      }
    }
  }

  std::optional<SteadyTime> next_deadline() const {
    std::optional<SteadyTime> next = call_deadline;
    const std::int64_t until = holds_until.load(std::memory_order_relaxed);
    if (until != kNever) next = std::min(next.value_or(SteadyTime::max()), SteadyTime(nanoseconds(until)));
    return next;
  }

  /// With `lock` on `mutex`, given back while the callback runs. False when nothing was held.
  bool lose(std::unique_lock<std::mutex>& lock) {
    if (lost || holds_until.load(std::memory_order_relaxed) == kNever) return false;
    lost = true;
    holds_until.store(kNever, std::memory_order_release);
    lock.unlock();
    log::error("leadership is lost", {{"lease", key.to_string()}, {"identity", options.identity}});
    on_lost();
    lock.lock();
    return true;
  }

  void hold_from(SteadyTime valid_from) {
    if (lost) return;  // what was lost once is never held again
    holds_until.store(to_nanoseconds(valid_from + options.renew_deadline), std::memory_order_release);
    changed.notify_all();
  }

  // --- the driver: one turn per retry period ---

  void drive() {
    const std::stop_token stop = end_driver.get_token();
    while (!stop.stop_requested() && !std::holds_alternative<Lost>(state)) {
      turn(stop);
      milliseconds pause = options.retry;
      if (std::holds_alternative<Follower>(state)) pause = Backoff{pause, 1, pause, kStandbyJitter}.delay(0, random());
      std::unique_lock lock(mutex);
      changed.wait_for(lock, stop, pause, [] { return false; });
    }
  }

  void turn(const std::stop_token& stop) {
    std::optional<ElectionInput> input = Tick{};
    for (int i = 0; input && i < kInputsPerTurn && !stop.stop_requested(); ++i) {
      ElectionStep step = elect(state, *input, clock.steady_now(), options);
      state = std::move(step.state);
      publish();
      input.reset();
      for (const ElectionOutput& output : step.outputs) {
        input = std::visit([&](const auto& todo) { return perform(todo, stop); }, output);
      }
    }
  }

  /// What other threads may know of the state.
  void publish() {
    std::lock_guard lock(mutex);
    if (const auto* standby = std::get_if<Follower>(&state)) {
      holder = standby->seen ? standby->seen->holder : std::string();
    } else if (const auto* ours = std::get_if<Leading>(&state)) {
      holder = ours->held.holder;
      hold_from(ours->valid_from);
    }
  }

  std::optional<ElectionInput> perform(const BecameLeader&, const std::stop_token&) {
    leading = true;
    log::info("leading", {{"lease", key.to_string()}, {"identity", options.identity}});
    on_leading();
    return std::nullopt;
  }
  std::optional<ElectionInput> perform(const LostLeadership&, const std::stop_token&) {
    std::unique_lock lock(mutex);
    lose(lock);
    return std::nullopt;
  }
  std::optional<ElectionInput> perform(const ReadLease&, const std::stop_token& stop) {
    Result<nlohmann::json> lease =
        timed(stop, [&](std::stop_token token) { return client->get(kube::types::kLease, key, std::move(token)); });
    if (lease) return ReadResult{lease_from_json(lease.value())};
    if (lease.error().code == ErrorCode::NotFound) return ReadResult{};
    report("read", lease.error());
    return ReadFailed{};
  }
  std::optional<ElectionInput> perform(const CreateLease&, const std::stop_token& stop) {
    return written(stop, "create", [&](std::stop_token token) {
      return client->create(kube::types::kLease, new_lease(options, renewal_time()), std::move(token));
    });
  }
  std::optional<ElectionInput> perform(const AcquireLease& acquire, const std::stop_token& stop) {
    return patched(stop, "acquire", acquire_patch(acquire.on, options, renewal_time()));
  }
  std::optional<ElectionInput> perform(const RenewLease& renew, const std::stop_token& stop) {
    return patched(stop, "renew", renew_patch(renew.on, options, renewal_time()));
  }

  ElectionInput patched(const std::stop_token& stop, const char* verb, const nlohmann::json& patch) {
    return written(stop, verb, [&](std::stop_token token) {
      return client->patch(kube::types::kLease, key, kube::PatchType::Merge, patch, std::move(token));
    });
  }

  template <class Call>
  ElectionInput written(const std::stop_token& stop, const char* verb, Call call_server) {
    const SteadyTime sent_at = clock.steady_now();
    const Result<nlohmann::json> lease = timed(stop, std::move(call_server));
    if (lease) return WriteLanded{lease_from_json(lease.value()), sent_at};
    const ErrorCode code = lease.error().code;
    if (code == ErrorCode::Conflict || code == ErrorCode::AlreadyExists || code == ErrorCode::NotFound) {
      return WriteConflicted{};
    }
    report(verb, lease.error());
    return WriteFailed{};
  }

  /// One request with the election's own time-out, which the watchdog enforces.
  template <class Call>
  Result<nlohmann::json> timed(const std::stop_token& stop, Call call_server) {
    std::stop_source mine;
    {
      std::lock_guard lock(mutex);
      call = mine;
      call_deadline = clock.steady_now() + call_timeout;
      changed.notify_all();
    }
    const std::stop_callback cancel(stop, [&mine] { mine.request_stop(); });
    Result<nlohmann::json> answer = call_server(mine.get_token());
    std::lock_guard lock(mutex);
    call_deadline.reset();
    if (!answer && answer.error().code == ErrorCode::Cancelled && !stop.stop_requested()) {
      return Error{ErrorCode::Timeout, "no answer within " + std::to_string(call_timeout.count()) + " ms", 0, {}};
    }
    return answer;
  }

  /// Differs from every one before, even while the wall clock stands or goes back: a standby takes an unchanged record
  /// for a dead holder.
  absl::Time renewal_time() {
    last_renewal = std::max(clock.wall_now(), last_renewal + absl::Microseconds(1));
    return last_renewal;
  }

  void report(const char* verb, const Error& error) const {
    if (end_driver.stop_requested()) return;
    log::warning("leader election: request failed",
                 {{"lease", key.to_string()}, {"verb", verb}, {"reason", error.message}});
  }

  /// One more try after a conflict: the write that a stop interrupted may have landed.
  void release() {
    for (int i = 0; i < 2; ++i) {
      auto* held = std::get_if<Leading>(&state);
      if (held == nullptr || held->held.holder != options.identity) return;
      const ElectionInput outcome = patched({}, "release", release_patch(held->held, renewal_time()));
      if (!std::holds_alternative<WriteConflicted>(outcome)) return;
      const std::optional<ElectionInput> read = perform(ReadLease{}, {});
      const auto* found = std::get_if<ReadResult>(&*read);
      if (found == nullptr || !found->lease) return;
      held->held = *found->lease;
    }
  }

  void stop(bool give_back) {
    end_driver.request_stop();
    if (driver.joinable()) driver.join();
    const bool held = holds();
    leading = false;
    {
      std::lock_guard lock(mutex);
      holds_until.store(kNever, std::memory_order_release);
      changed.notify_all();
    }
    if (give_back && held) release();
    end_watchdog.request_stop();
    if (watchdog.joinable()) watchdog.join();
  }
};

LeaderElector::LeaderElector(std::shared_ptr<kube::Client> client, ElectionOptions options, const Clock& clock,
                             std::function<void()> on_leading, std::function<void()> on_lost, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(client), std::move(options), clock, std::move(on_leading),
                                   std::move(on_lost), seed)) {}

LeaderElector::~LeaderElector() { stop(false); }

void LeaderElector::start() {
  if (impl_->driver.joinable()) return;
  impl_->watchdog = std::jthread([impl = impl_.get()] { impl->watch_deadlines(); });
  impl_->driver = std::jthread([impl = impl_.get()] { impl->drive(); });
}

void LeaderElector::stop(bool release) { impl_->stop(release); }

bool LeaderElector::holds_lease() const { return impl_->holds(); }

bool LeaderElector::healthy() const { return !impl_->leading || impl_->holds(); }

std::string LeaderElector::leader() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->holder;
}

}  // namespace headroom::runtime
