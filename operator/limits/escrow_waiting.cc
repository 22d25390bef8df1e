// The escrow's judgement of writes that it cannot let through from what it holds.
#include "operator/limits/escrow.h"

#include <algorithm>
#include <utility>

namespace headroom::limits {
namespace {

/// The first dimension in which it does not afford what is needed.
std::size_t first_short(const Amounts& have, const Amounts& need) {
  std::size_t dimension = 0;
  while (dimension + 1 < need.size() && (need[dimension] <= 0 || have[dimension] >= need[dimension])) ++dimension;
  return dimension;
}

/// What is needed beyond what there is; nothing in a dimension of which nothing is needed.
Amounts beyond(const Amounts& have, const Amounts& need) {
  Amounts lacking(need.size());
  for (std::size_t i = 0; i < need.size(); ++i) {
    if (need[i] > 0) lacking.at(i) = std::max<Amount>(need[i] - have[i], 0);
  }
  return lacking;
}

}  // namespace

Verdict Escrow::judge(const Charges& charges) const {
  for (const Charge& charge : charges) {
    const auto it = limits_.find(charge.limit);
    if (it == limits_.end() || it->second.is_flow()) continue;
    const LimitTerms& terms = it->second.account.terms();
    Verdict verdict{Verdict::Kind::Allowed, charge.limit, 0, 0, 0, 0};
    const bool known =
        std::ranges::all_of(terms.types, [&](TypeId type) { return usage_.revision(charge.limit, type) > 0; });
    const Amounts used = stored(charge.limit, it->second);
    const Amounts room = terms.hard - used;
    if (known && room.affords(charge.amounts)) continue;
    verdict.kind = known ? Verdict::Kind::OverLimit : Verdict::Kind::Unavailable;
    verdict.dimension = first_short(room, charge.amounts);
    verdict.used = used[verdict.dimension];
    verdict.asked = charge.amounts[verdict.dimension];
    verdict.hard = terms.hard[verdict.dimension];
    return verdict;
  }
  return {};
}

Amounts Escrow::lowered(LimitId id, const Limit& limit) const {
  Amounts sum;
  for (const TypeId type : limit.account.terms().types) sum += usage_.lowered(id, type);
  return sum;
}

void Escrow::look(Waiting& waiting) const {
  for (const Charge& charge : waiting.charges) {
    const auto it = limits_.find(charge.limit);
    if (it == limits_.end() || it->second.account.terms().types.size() < 2) continue;
    waiting.first_look.emplace_back(charge.limit, stored(charge.limit, it->second) + lowered(charge.limit, it->second));
  }
}

Amounts Escrow::least_stored(LimitId id, const Limit& limit, const Waiting& waiting) const {
  if (limit.account.terms().types.size() < 2) return stored(id, limit);
  const auto first = std::ranges::find(waiting.first_look, id, &std::pair<LimitId, Amounts>::first);
  return first == waiting.first_look.end() ? Amounts() : first->second - lowered(id, limit);
}

std::optional<Verdict> Escrow::decide_by(LimitId id, Limit& limit, const Charge& charge, const Amounts& lacking,
                                         Waiting& waiting, BootTime now) {
  const bool expired = waiting.arrived + options_.patience <= now;
  const Amounts used = stored(id, limit);
  const Amounts& hard = limit.account.terms().hard;
  const Amounts room = hard - used;
  const auto verdict = [&](Verdict::Kind kind, const Amounts& have, const Amounts& need) {
    const std::size_t dimension = first_short(have, need);
    return Verdict{kind, id, dimension, used[dimension], charge.amounts[dimension], hard[dimension]};
  };
  if (!limit.account.current() || limit.distrusted) {
    if (!expired) return std::nullopt;
    return verdict(Verdict::Kind::Unavailable, room, charge.amounts);
  }
  // A swap alone may do; only where it does not is the newest state asked for.
  if (!limit.others_recall && limit.account.room(figures(id, limit)).affords(lacking)) {
    if (!expired) return std::nullopt;
  } else if (caught_up(id, limit, waiting.arrived)) {
    const Amounts least = least_stored(id, limit, waiting);
    if (!(hard - least).affords(charge.amounts)) {
      const std::size_t dimension = first_short(hard - least, charge.amounts);
      return Verdict{Verdict::Kind::OverLimit, id, dimension, least[dimension], charge.amounts[dimension],
                     hard[dimension]};
    }
    // Nobody has anything to give back where only its own writes are in the way.
    const bool holds_enough = limit.account.unspent(reservations_.pending(id)).affords(charge.amounts) ||
                              holders_.others_alive(self_, now) == 0;
    if (!holds_enough || !limit.account.holds_alone()) limit.recalls = waiting.recalls = true;
  }
  if (!expired) return std::nullopt;
  return verdict(in_touch(limit, now) ? Verdict::Kind::InFlight : Verdict::Kind::Unavailable, unspent(id, limit),
                 charge.amounts);
}

std::optional<Verdict> Escrow::decide(Waiting& waiting, BootTime now) {
  waiting.recalls = false;
  if (waiting.looks_for_name) {
    if (!waiting.name_asked && !creating(waiting.write, waiting.charges)) {
      waiting.name_asked = true;
      actions_.emplace_back(ReadName{waiting.request});
    }
    if (waiting.arrived + options_.patience > now) return std::nullopt;
    waiting.looks_for_name = false;
  }
  if (superseded(waiting.write, waiting.charges)) return Verdict{};
  const Charges needs = additional(waiting.write, waiting.charges);
  waiting.in_line = std::ranges::any_of(needs, [this](const Charge& more) {
    const auto it = limits_.find(more.limit);
    return it != limits_.end() && it->second.queued > 0;
  });
  if (!waiting.in_line && admit(waiting.write, waiting.charges, now)) return Verdict{};
  std::optional<Verdict> refusal;
  bool lacks = false;
  for (const Charge& more : needs) {
    const auto it = limits_.find(more.limit);
    if (it == limits_.end()) continue;
    Limit& limit = it->second;
    const bool usable = limit.account.current() && !limit.distrusted;
    const Amounts have = usable ? unspent(more.limit, limit) : Amounts();
    if (usable && limit.queued == 0 && have.affords(more.amounts)) continue;
    lacks = true;
    const Amounts lacking = beyond(have, more.amounts);
    std::optional<Verdict> verdict;
    if (limit.is_flow()) {
      verdict = decide_by_flow(more.limit, limit, lacking.is_zero() ? more.amounts : lacking, waiting, now);
    } else {
      const auto charge = std::ranges::find(waiting.charges, more.limit, &Charge::limit);
      verdict = decide_by(more.limit, limit, *charge, lacking, waiting, now);
    }
    if (verdict && (!refusal || verdict->kind == Verdict::Kind::OverLimit)) refusal = verdict;
  }
  if (refusal || lacks || waiting.arrived + options_.patience > now) return refusal;
  // Every limit has room; it is this replica that may not admit.
  const Charge& first = waiting.charges.front();
  return Verdict{Verdict::Kind::Unavailable, first.limit, 0, 0, first.amounts[0], 0};
}

void Escrow::name_read(RequestId request, std::optional<bool> taken, Moment now) {
  const auto waiting = std::ranges::find(waiting_, request, &Waiting::request);
  if (waiting == waiting_.end()) return;
  waiting->looks_for_name = false;
  if (taken == true) {
    const Charge& first = waiting->charges.front();
    actions_.emplace_back(AnswerRequest{request, {Verdict::Kind::NameTaken, first.limit, 0, 0, first.amounts[0], 0}});
    waiting_.erase(waiting);
  }
  pump(now);
}

void Escrow::add_up_wants(const Waiting& waiting, absl::flat_hash_map<LimitId, Amounts>& available) {
  if (waiting.looks_for_name) return;
  for (const Charge& charge : additional(waiting.write, waiting.charges)) {
    const auto it = limits_.find(charge.limit);
    if (it == limits_.end()) continue;
    Limit& limit = it->second;
    const auto [left, added] = available.try_emplace(charge.limit);
    if (added) {
      const Amounts own =
          limit.is_flow() ? limit.account.unspent(flow_.in_use(charge.limit)) : unspent(charge.limit, limit);
      left->second = own + limit.account.room(figures(charge.limit, limit)) - limit.wanted;
    }
    limit.asked += charge.amounts;
    limit.largest = most(limit.largest, charge.amounts);
    if (left->second.affords(charge.amounts)) {
      left->second -= charge.amounts;
      limit.wanted += charge.amounts;
    } else {
      limit.unserved = true;
    }
  }
}

void Escrow::trade_for_waiting(LimitId id, Limit& limit, Moment now) {
  if (limit.waited_for()) limit.touched = now.boot;
  trade(id, limit, now);
}

void Escrow::read_types(BootTime now) {
  for (const TypeId type : reads_.to_read(now)) actions_.emplace_back(ReadRevision{type});
  for (const TypeId type : reads_.to_list(now)) actions_.emplace_back(ListType{type});
}

std::optional<Verdict> Escrow::begin_waiting(Moment now) {
  Waiting& waiting = waiting_.back();
  if (const auto verdict = decide(waiting, now.boot)) {
    waiting_.pop_back();
    return verdict;
  }
  absl::flat_hash_map<LimitId, Amounts> available;
  add_up_wants(waiting, available);
  take_turns(now);
  for (const Charge& charge : waiting.charges) {
    const auto limit = limits_.find(charge.limit);
    if (limit != limits_.end()) trade_for_waiting(charge.limit, limit->second, now);
  }
  read_types(now.boot);
  return std::nullopt;
}

void Escrow::pump(Moment now) {
  for (auto& [id, limit] : limits_) {
    limit.recalls = limit.securing.recalls;
    limit.unserved = false;
    limit.wanted = limit.asked = limit.largest = Amounts();
    limit.queued = 0;
    if (limit.is_flow()) refresh_flow(id, limit, now.boot);
  }
  std::deque<Waiting> kept;
  for (Waiting& waiting : waiting_) {
    if (const auto verdict = decide(waiting, now.boot)) {
      actions_.emplace_back(AnswerRequest{waiting.request, *verdict});
    } else {
      kept.push_back(std::move(waiting));
    }
  }
  waiting_ = std::move(kept);
  absl::flat_hash_map<LimitId, Amounts> available;
  for (const Waiting& waiting : waiting_) add_up_wants(waiting, available);
  take_turns(now);
  for (auto& [id, limit] : limits_) trade_for_waiting(id, limit, now);
  read_types(now.boot);
}

}  // namespace headroom::limits
