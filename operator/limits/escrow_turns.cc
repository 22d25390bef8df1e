// Whose turn it is: of replicas that want more than there is, one takes at a time, ahead of deletes, and the others
// stand in line by their recalls. Each change of turns costs some swaps, each swap in the way of another one more.
#include <algorithm>

#include "operator/limits/escrow.h"

namespace headroom::limits {
namespace {

// While another has its turn, a swap of ours is in the way of its own: the ends of writes are told some at a time.
constexpr absl::Duration kPauseInAnothersTurn = absl::Milliseconds(50);
// So often each in the line has its turn within the time that a write waits for an answer.
constexpr int kTurnsWithinPatience = 2;

}  // namespace

bool Escrow::is_open(const RecallId& recall) const {
  return std::ranges::any_of(limits_, [&](const auto& entry) {
    const LedgerRecord* const record = entry.second.account.record();
    return record != nullptr && record->has(recall);
  });
}

absl::Duration Escrow::turn_length() const {
  std::size_t line = 1;
  for (const auto& [id, limit] : limits_) {
    if (const LedgerRecord* const record = limit.account.record()) line = std::max(line, record->recalls.size());
  }
  return std::min(options_.turn, options_.patience / static_cast<double>(kTurnsWithinPatience * line));
}

void Escrow::raise_recall(Moment now) {
  newest_recall_ = std::max(newest_recall_ + 1, absl::ToUnixMicros(now.wall));
  recall_ = RecallId{newest_recall_, self_, ++recalls_};
  recall_raised_ = now.boot;
  turn_.reset();
}

void Escrow::end_recall(Moment now) {
  bool secures = false, contested = false;
  for (const auto& [id, limit] : limits_) {
    if (limit.securing.recalls) secures = true;
    if (limit.others_recall) contested = true;
  }
  // Queues of a flow may never be empty; a recall that has had its time gives way to those of other replicas.
  const bool over = turn_ && *turn_ + options_.recall_life <= now.boot;
  const bool needed = std::ranges::any_of(waiting_, [&](const Waiting& waiting) {
    return waiting.recalls && (waiting.arrived <= recall_raised_ || waiting.in_line);
  });
  const bool used = secures || !waiting_.empty();
  // Who stands in line keeps its place, whoever comes to need it; so does who has its turn while nobody else wants it.
  const bool ends = turn_ && contested ? !used || *turn_ + turn_length() <= now.boot : !used && !is_open(*recall_);
  if (!over && (needed || !ends)) return;
  recall_.reset();
  for (auto& [id, limit] : limits_) limit.securing.recalls = false;
}

void Escrow::take_turns(Moment now) {
  const bool others = holders_.others_alive(self_, now.boot) > 0;
  for (auto& [id, limit] : limits_) {
    // Without turns each replica would take the crumbs as they fall.
    if (others && !limit.is_flow() && limit.unserved && !limit.wanted.is_zero()) limit.recalls = true;
  }
  if (recall_) end_recall(now);
  const bool recalls = std::ranges::any_of(limits_, [](const auto& entry) { return entry.second.recalls; });
  if (!recall_ && recalls) raise_recall(now);
}

Escrow::Place Escrow::place_in_line(LimitId id, const Limit& limit, BootTime now) const {
  const LimitAccount& account = limit.account;
  const LedgerRecord& record = *account.record();
  const Grant* const own = record.grant(self_);
  const auto own_recall = std::ranges::find(record.recalls, self_, &RecallId::holder);
  const bool stands = own_recall != record.recalls.end();
  const bool wants = limit.recalls || limit.waited_for();
  const bool still_wants = stands && wants && recall_ == *own_recall;
  const auto& others = limit.others_recall;

  Place place;
  place.others_over =
      others && (limit.others_recall_seen + options_.recall_life <= now || !holders_.alive(others->holder, now));
  const bool asked = others && !place.others_over && own != nullptr;
  if (limit.is_flow()) {
    place.opens = recall_ && limit.recalls && limit.unserved;
    place.withdraws = stands && !limit.recalls;
    place.yields = asked && (own->recall_ack < *others || yields_flow(id, limit, now));
    return place;
  }
  const bool is_first = stands && (!others || *own_recall < *others);
  place.has_turn = is_first && still_wants;
  place.stands_back = others && !place.others_over && !is_first;
  place.withdraws = is_first && others && !still_wants;
  place.yields = asked && !place.has_turn && !positive(account.unspent(reservations_.pending(id))).is_zero();
  const bool needs_turn = limit.unserved || limit.securing.recalls || place.stands_back;
  place.opens = limit.recalls && needs_turn && recall_ && !record.has(*recall_);
  const bool settles = own != nullptr && !account.unsettled().is_zero();
  place.settles = place.stands_back && settles && limit.swap_sent + kPauseInAnothersTurn <= now;
  return place;
}

}  // namespace headroom::limits
