// Leader election on a coordination.k8s.io Lease: a pure state machine (elect) and the thread that drives it.
// An election is not a lock: only the local monotonic clock is trusted, the lease counts from before the request that
// renewed it, and every write asks holds_lease() first. After client-go's leaderelection and userver's dist_lock.
#pragma once

#include <absl/time/time.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace headroom::runtime {

struct ElectionOptions {
  std::string ns, name, identity;  ///< identity: host name and a random part (make_identity)
  /// lease : renew_deadline is how much faster a standby's clock may run than the leader's; the difference is the time
  /// that work under way has to end. `lease` is written in whole seconds, rounded up.
  std::chrono::milliseconds lease{15'000}, renew_deadline{10'000}, retry{2'000};
};
/// InvalidArgument unless lease > renew_deadline > 1.2 × retry > 0 and nothing is empty: client-go's rules.
Status check_election_options(const ElectionOptions& options);
/// "<host>_<16 hex digits>": two processes on one host, or two lives of one pod, are different candidates.
std::string make_identity(const std::string& host, std::uint64_t random);

/// The Lease as last read.
struct LeaseRecord {
  std::string holder, resource_version;
  std::chrono::milliseconds duration{0};
  int transitions = 0;
  std::string renew_time;  ///< opaque: only its change counts, other clocks are not trusted
};

/// Standing by.
struct Follower {
  std::optional<LeaseRecord> seen;
  SteadyTime seen_at{};  ///< when it last changed
};
/// Ours, until valid_from + renew_deadline on the monotonic clock.
struct Leading {
  LeaseRecord held;
  SteadyTime valid_from{};  ///< before the request that last renewed it
};
/// Was ours; the end.
struct Lost {};
using ElectionState = std::variant<Follower, Leading, Lost>;

// Inputs: what the driving thread learned.
struct ReadResult {
  std::optional<LeaseRecord> lease;  ///< empty: there is none
};
struct ReadFailed {};
struct WriteLanded {
  LeaseRecord lease;
  SteadyTime sent_at{};
};
struct WriteConflicted {};  ///< somebody else wrote first, or it is gone
struct WriteFailed {};      ///< unknown whether it landed
struct Tick {};             ///< a retry period has passed
using ElectionInput = std::variant<ReadResult, ReadFailed, WriteLanded, WriteConflicted, WriteFailed, Tick>;

// Outputs: what it is to do, in order; each request is answered with an input.
struct ReadLease {};
struct CreateLease {};
struct AcquireLease {  ///< replace with our identity, on the resourceVersion seen
  LeaseRecord on;
};
struct RenewLease {
  LeaseRecord on;
};
struct BecameLeader {};
struct LostLeadership {};
using ElectionOutput = std::variant<ReadLease, CreateLease, AcquireLease, RenewLease, BecameLeader, LostLeadership>;

/// The next state, and what to do.
struct ElectionStep {
  ElectionState state;
  std::vector<ElectionOutput> outputs;
};

/// One step of the election; pure.
///
/// Leading ends, whatever the input, at `valid_from + renew_deadline`, and is never regained: a process that lost ends.
/// A standby takes over what names no holder or itself at once, and what names another only after it saw no change of
/// the record for the duration that the record promises, counted from the answer. A Lease that vanished is treated as
/// unchanged by who had seen it; who deletes a Lease by hand breaks this promise towards a process that never saw it.
ElectionStep elect(const ElectionState& state, const ElectionInput& input, SteadyTime now,
                   const ElectionOptions& options);

class LeaderElector {
 public:
  /// `on_leading` runs once, on the thread that also renews: it must return within seconds. `on_lost` runs once, on
  /// any thread of the elector, and must end the process at once. `client` is the elector's own: no write gate (which
  /// asks this elector), no queue behind other requests. Options must pass check_election_options().
  LeaderElector(std::shared_ptr<kube::Client> client, ElectionOptions options, const Clock& clock,
                std::function<void()> on_leading, std::function<void()> on_lost, std::uint64_t seed);
  ~LeaderElector();

  void start();
  /// Stops renewing, holds_lease() is false from now on and on_lost is not called any more; with `release` gives the
  /// Lease back, which is safe only once all guarded work has ended. Takes max(1 s, renew_deadline / 2) at most.
  void stop(bool release);
  /// True while our lease certainly holds on the monotonic clock, with the renew deadline as the bound. Lock-free.
  bool holds_lease() const;
  /// Healthy unless leading without having renewed in time.
  bool healthy() const;
  /// The holder as last seen; empty when there is none or nothing was read yet.
  std::string leader() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::runtime
