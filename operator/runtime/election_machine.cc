#include <algorithm>
#include <utility>

#include "operator/runtime/leader_election.h"

namespace headroom::runtime {
namespace {

/// Only what the holder writes counts: an annotation set by somebody else is no sign of life.
bool same_claim(const LeaseRecord& a, const LeaseRecord& b) {
  return a.holder == b.holder && a.renew_time == b.renew_time && a.duration == b.duration &&
         a.transitions == b.transitions;
}

class Candidate {
 public:
  Candidate(SteadyTime now, const ElectionOptions& options) : now_(now), options_(options) {}

  // --- standing by ---

  ElectionStep operator()(const Follower& state, const Tick&) const { return {state, {ReadLease{}}}; }

  ElectionStep operator()(const Follower& state, const ReadResult& read) const {
    if (!read.lease) {
      if (state.seen && !may_take(state)) return {state, {}};
      return {state, {CreateLease{}}};
    }
    const bool unchanged = state.seen && same_claim(*state.seen, *read.lease);
    Follower next{read.lease, unchanged ? state.seen_at : now_};
    if (!may_take(next)) return {std::move(next), {}};
    return {std::move(next), {AcquireLease{*read.lease}}};
  }

  ElectionStep operator()(const Follower&, const WriteLanded& landed) const {
    // An answer that took longer than the lease is good for says only that we held it once.
    if (expired(landed.sent_at)) return {Follower{landed.lease, now_}, {}};
    return {Leading{landed.lease, landed.sent_at}, {BecameLeader{}}};
  }

  // --- leading ---

  template <class Input>
  ElectionStep operator()(const Leading& state, const Input& input) const {
    if (expired(state.valid_from)) return lost();
    return lead(state, input);
  }

  // Lost is the end, and a standby waits for its next turn whatever went wrong.
  template <class State, class Input>
  ElectionStep operator()(const State& state, const Input&) const {
    return {state, {}};
  }

 private:
  static ElectionStep lost() { return {Lost{}, {LostLeadership{}}}; }

  bool expired(SteadyTime valid_from) const { return now_ >= valid_from + options_.renew_deadline; }

  bool may_take(const Follower& state) const {
    const LeaseRecord& seen = *state.seen;
    if (seen.holder.empty() || seen.holder == options_.identity) return true;
    const auto promised = seen.duration > std::chrono::milliseconds(0) ? seen.duration : options_.lease;
    return now_ >= state.seen_at + promised;
  }

  ElectionStep lead(const Leading& state, const Tick&) const { return {state, {RenewLease{state.held}}}; }

  ElectionStep lead(const Leading& state, const WriteLanded& landed) const {
    return {Leading{landed.lease, std::max(state.valid_from, landed.sent_at)}, {}};
  }

  // Somebody wrote the Lease: an earlier write of ours whose answer was lost, or a rival.
  ElectionStep lead(const Leading& state, const WriteConflicted&) const { return {state, {ReadLease{}}}; }

  ElectionStep lead(const Leading& state, const ReadResult& read) const {
    if (!read.lease) return {state, {CreateLease{}}};
    if (read.lease->holder != options_.identity) return lost();
    return {Leading{*read.lease, state.valid_from}, {RenewLease{*read.lease}}};
  }

  ElectionStep lead(const Leading& state, const ReadFailed&) const { return {state, {}}; }
  ElectionStep lead(const Leading& state, const WriteFailed&) const { return {state, {}}; }

  SteadyTime now_;
  const ElectionOptions& options_;
};

}  // namespace

ElectionStep elect(const ElectionState& state, const ElectionInput& input, SteadyTime now,
                   const ElectionOptions& options) {
  return std::visit(Candidate(now, options), state, input);
}

}  // namespace headroom::runtime
