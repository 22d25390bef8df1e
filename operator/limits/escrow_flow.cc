// The escrow's flows: who may start now, who stands in line, and what other replicas get of it.
#include <algorithm>
#include <utility>

#include "operator/limits/escrow.h"

namespace headroom::limits {
namespace {

// Units that come back one by one are handed over a few at a time.
constexpr absl::Duration kYieldPause = absl::Milliseconds(20);
// How long a write waits that has no place in a queue, while other replicas may have units to spare.
constexpr absl::Duration kTradingPatience = absl::Seconds(1);

Amount whole_writes(Amount amount) { return amount / kOneWrite * kOneWrite; }

/// Of `resume_below`, that part which goes with `granted` of `hard`, rounded up: all of it with all of them.
Amount resume_share(Amount resume_below, Amount granted, Amount hard) {
  const Amount writes = hard / kOneWrite;
  return (granted / kOneWrite * (resume_below / kOneWrite) + writes - 1) / writes * kOneWrite;
}

}  // namespace

void Escrow::refresh_flow(LimitId id, Limit& limit, BootTime now) {
  flow_.advance(id, now);
  limit.own_share.reset();
  const LimitAccount& account = limit.account;
  if (!account.current()) {
    limit.filled = false;
    return;
  }
  const LimitTerms& terms = account.terms();
  const LedgerRecord& record = *account.record();
  const Amounts& granted = account.granted();
  if (limit.filled) {
    const Amount share = resume_share(terms.flow->resume_below, granted[kConcurrency], terms.hard[kConcurrency]);
    limit.filled = record.left()[kConcurrency] < kOneWrite && flow_.in_use(id)[kConcurrency] >= share && share > 0;
  }
  // Where all are busy all the time, nothing is ever unspent; whoever has more than its part lets go of what ends.
  const auto& recall = limit.others_recall;
  if (!recall || limit.others_recall_seen + options_.recall_life <= now || !holders_.alive(recall->holder, now)) return;
  const Grant* const others = record.grant(recall->holder);
  const auto replicas = static_cast<Amount>(1 + holders_.others_alive(self_, now));
  Amounts share = granted;
  for (std::size_t i = 0; i < kFlowDimensions; ++i) {
    const Amount part = whole_writes(terms.hard[i] / replicas);
    const Amount theirs = others == nullptr ? 0 : others->granted[i];
    if (theirs < std::max(part, kOneWrite) && granted[i] > part) share.at(i) = part;
  }
  if (!(share == granted)) limit.own_share = share;
}

Amounts Escrow::unspent_flow(LimitId id, const Limit& limit) const {
  const LimitAccount& account = limit.account;
  const Amounts in_use = flow_.in_use(id);
  Amounts free = account.unspent(in_use);
  const Amounts left = account.record() != nullptr ? account.record()->left() : Amounts();
  for (std::size_t i = 0; i < kFlowDimensions; ++i) {
    if (left[i] < 0) free.at(i) += left[i];  // the limit was lowered: what ends does not start again
    if (limit.own_share) free.at(i) = std::min(free[i], (*limit.own_share)[i] - in_use[i]);
  }
  if (limit.filled) free.at(kConcurrency) = std::min<Amount>(free[kConcurrency], 0);
  return free;
}

bool Escrow::exhausted(const Limit& limit, std::size_t dimension) const {
  const LedgerRecord* const record = limit.account.record();
  if (record == nullptr || record->left()[dimension] >= kOneWrite) return false;
  const auto own = std::ranges::find(record->recalls, self_, &RecallId::holder);
  return std::ranges::all_of(record->grants, [&](const Grant& grant) {
    if (grant.holder == self_ || grant.granted[dimension] < kOneWrite) return true;
    return own != record->recalls.end() && grant.recall_ack >= *own;
  });
}

std::size_t Escrow::queue_length(const Limit& limit, BootTime now) const {
  const std::size_t replicas = 1 + holders_.others_alive(self_, now);
  return (limit.account.terms().flow->queue_length + replicas - 1) / replicas;
}

bool Escrow::stands_in_line(const Charges& more, Moment now) {
  const auto queue = [this](const Charge& charge) -> Limit* {
    const auto it = limits_.find(charge.limit);
    return it != limits_.end() && it->second.is_flow() ? &it->second : nullptr;
  };
  bool moves = false;
  for (const Charge& charge : more) {
    Limit* const limit = queue(charge);
    if (limit == nullptr) continue;
    refresh_flow(charge.limit, *limit, now.boot);
    if (limit->queued > 0 && unspent_flow(charge.limit, *limit).affords(charge.amounts)) moves = true;
  }
  if (moves) pump(now);
  return std::ranges::any_of(more, [&](const Charge& charge) {
    const Limit* const limit = queue(charge);
    return limit != nullptr && limit->queued > 0;
  });
}

std::optional<Verdict> Escrow::stand_in_line(const Charges& more, BootTime now) {
  for (const Charge& charge : more) {
    const auto it = limits_.find(charge.limit);
    if (it == limits_.end() || it->second.queued == 0 || it->second.queued < queue_length(it->second, now)) continue;
    const Limit& limit = it->second;
    const Amounts lacking = positive(charge.amounts - unspent_flow(charge.limit, limit));
    for (std::size_t i = 0; i < kFlowDimensions; ++i) {
      if (lacking[i] > 0 && exhausted(limit, i)) return flow_refusal(charge.limit, limit, lacking, now);
    }
  }
  for (const Charge& charge : more) {
    const auto it = limits_.find(charge.limit);
    if (it != limits_.end() && it->second.queued > 0) ++it->second.queued;
  }
  return std::nullopt;
}

std::optional<Verdict> Escrow::decide_by_flow(LimitId id, Limit& limit, const Amounts& lacking, Waiting& waiting,
                                              BootTime now) {
  waiting.in_line = true;
  const std::size_t place = limit.queued++;
  if (!limit.account.current() || limit.distrusted) {
    if (waiting.arrived + options_.patience > now) return std::nullopt;
    Verdict refusal = flow_refusal(id, limit, lacking, now);
    refusal.kind = Verdict::Kind::Unavailable;
    return refusal;
  }
  bool may_come = true;
  bool recalls = false;
  const Amounts room = limit.account.room({});
  for (std::size_t i = 0; i < kFlowDimensions; ++i) {
    if (lacking[i] <= 0) continue;
    const LedgerRecord& record = *limit.account.record();
    const Grant* const own = record.grant(self_);
    const bool others_have = record.granted()[i] > (own == nullptr ? 0 : own->granted[i]);
    // While another's recall is open, what is left is for its owner.
    const bool room_for_all = !limit.others_recall && room[i] >= lacking[i] + static_cast<Amount>(place) * kOneWrite;
    if (others_have && !room_for_all) recalls = true;
    if (!exhausted(limit, i)) continue;
    may_come = false;
    const Amount granted = limit.account.granted()[kConcurrency];
    if (i == kConcurrency && granted > 0 && flow_.in_use(id)[i] >= granted) limit.filled = true;
  }
  // Whoever has more than its part while another waits for some has nothing to ask for.
  if (recalls && !limit.own_share) limit.recalls = waiting.recalls = true;
  const absl::Duration trading = may_come ? std::min(options_.patience, kTradingPatience) : absl::ZeroDuration();
  const bool has_place = place < queue_length(limit, now);
  const absl::Duration patience = has_place ? std::max(limit.account.terms().flow->queue_time, trading) : trading;
  if (waiting.arrived + patience > now) return std::nullopt;
  --limit.queued;
  return flow_refusal(id, limit, lacking, now);
}

Verdict Escrow::flow_refusal(LimitId id, const Limit& limit, const Amounts& lacking, BootTime now) const {
  const std::size_t dimension = lacking[kConcurrency] > 0 ? kConcurrency : kRate;
  Verdict refusal;
  refusal.kind = dimension == kConcurrency ? Verdict::Kind::OverConcurrency : Verdict::Kind::OverRate;
  refusal.limit = id;
  refusal.dimension = dimension;
  refusal.asked = kOneWrite;
  refusal.hard = limit.account.terms().hard[dimension];
  refusal.used = flow_.in_use(id)[dimension];
  if (const LedgerRecord* const record = limit.account.record()) {
    for (const Grant& grant : record->grants) {
      if (grant.holder != self_) refusal.used += grant.granted[dimension];
    }
  }
  if (dimension == kRate) {
    const auto release = flow_.next_release(id);
    if (release && *release > now) refusal.retry_after = *release - now;
  }
  return refusal;
}

bool Escrow::yields_flow(LimitId id, const Limit& limit, BootTime now) const {
  if (!limit.others_recall || limit.swap_sent + kYieldPause > now) return false;
  if (limit.queued > 0 && !limit.own_share) return false;
  const Amounts free = limit.account.unspent(flow_.in_use(id));
  return free[kRate] >= kOneWrite || (free[kConcurrency] >= kOneWrite && !limit.filled);
}

BootTime Escrow::uses_end(const Limit& limit, BootTime dead_since) const {
  const auto& flow = limit.account.terms().flow;
  if (!flow) return dead_since;
  return dead_since + std::max(flow->longest_use() - options_.request_deadline, absl::ZeroDuration());
}

std::size_t Escrow::queued(LimitId flow) const {
  const auto it = limits_.find(flow);
  return it == limits_.end() ? 0 : it->second.queued;
}

Amounts Escrow::take_peak(LimitId flow, Moment now) {
  flow_.advance(flow, now.boot);
  return flow_.take_peak(flow);
}

}  // namespace headroom::limits
