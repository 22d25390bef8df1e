#include "operator/limits/escrow.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <utility>

namespace headroom::limits {
namespace {

// A top-up spares the next write a wait; more often than this it would spare nobody anything.
constexpr absl::Duration kTopUpPause = absl::Milliseconds(50);
constexpr absl::Duration kReadAgain = absl::Seconds(1);
// Longer than one attempt to read a Lease takes.
constexpr absl::Duration kHolderPatience = absl::Seconds(6);
// Scanning the reservations for those that have never landed.
constexpr absl::Duration kOverdueCheck = absl::Seconds(1);
// Longer without any consistent read, and the cache counts as cut off.
constexpr absl::Duration kCutOff = absl::Seconds(10);

std::size_t first_short(const Amounts& have, const Amounts& need) {
  std::size_t dimension = 0;
  while (dimension + 1 < need.size() && have[dimension] >= need[dimension]) ++dimension;
  return dimension;
}

}  // namespace

Escrow::Escrow(Holder self, EscrowOptions options, const UsageCache& usage)
    : self_(std::move(self)),
      options_(options),
      usage_(usage),
      holders_(options.lease_life, options.request_deadline),
      reads_(options.read_pause, options.watch_patience) {}

void Escrow::set_limit(LimitId id, LimitTerms terms) {
  const auto it = limits_.find(id);
  if (it == limits_.end()) {
    limits_.emplace(id, Limit(LimitAccount(std::move(terms), self_)));
  } else {
    it->second.account.set_terms(std::move(terms));
  }
}

void Escrow::drop_limit(LimitId id) {
  limits_.erase(id);
  reservations_.forget(id);
}

void Escrow::lease_held_until(BootTime until) { lease_until_ = std::max(lease_until_, until); }

void Escrow::begin_anew(Holder self) {
  self_ = std::move(self);
  reservations_.clear();
  recall_.reset();
  for (auto& [id, limit] : limits_) {
    Limit anew(LimitAccount(limit.account.terms(), self_));
    anew.distrusted = limit.distrusted;
    anew.distrusted_epoch = limit.distrusted_epoch;
    limit = std::move(anew);
  }
}

void Escrow::holder_read(const Holder& holder, std::optional<bool> renewed, Moment now) {
  const auto reading = reading_holders_.find(holder);
  if (reading == reading_holders_.end()) return;
  if (!renewed) return;  // tried again after a while
  if (*renewed) {
    holders_.renewed(holder, now.boot);
  } else {
    holders_.confirm_silence(holder, reading->second);
  }
  reading_holders_.erase(reading);
}

void Escrow::holder_renewed(const Holder& holder, Moment now) { holders_.renewed(holder, now.boot); }

Amounts Escrow::unspent(LimitId id, const Limit& limit) const {
  return limit.account.unspent(reservations_.pending(id));
}

std::vector<Base> Escrow::figures(LimitId id, const Limit& limit) const {
  std::vector<Base> figures;
  for (const TypeId type : limit.account.terms().types) {
    const Revision revision = usage_.revision(id, type);
    if (revision > 0) figures.push_back({type, revision, usage_.used(id, type)});
  }
  return figures;
}

Amounts Escrow::stored(LimitId id, const Limit& limit) const {
  Amounts sum;
  for (const TypeId type : limit.account.terms().types) sum += usage_.used(id, type);
  return sum;
}

bool Escrow::caught_up(LimitId id, const Limit& limit, BootTime moment) {
  bool all = true;
  for (const TypeId type : limit.account.terms().types) {
    if (!reads_.caught_up(type, moment, usage_.revision(id, type))) all = false;
  }
  return all;
}

bool Escrow::in_touch(const Limit& limit, BootTime now) {
  return std::ranges::all_of(limit.account.terms().types, [&](TypeId type) {
    const auto known = reads_.known_until(type, usage_.revision(type));
    return known && *known + kCutOff > now;
  });
}

bool Escrow::superseded(const Write& write, const Charges& charges) const {
  const bool updates = write.old_version > 0;
  if (updates && usage_.revision(write.type) >= write.old_version && !usage_.has_name(write.type, write.name))
    return true;
  return std::ranges::any_of(charges, [&](const Charge& charge) {
    const auto known = usage_.find(charge.limit, write.type, write.uid);
    return known && known->version > write.old_version;
  });
}

bool Escrow::admit(const Write& write, const Charges& charges, BootTime now) {
  if (!may_admit(now)) return false;
  for (const Charge& charge : reservations_.additional(write, charges)) {
    const auto it = limits_.find(charge.limit);
    if (it == limits_.end()) continue;  // dropped meanwhile: it limits nothing any more
    const Limit& limit = it->second;
    if (!limit.account.current() || limit.distrusted || !unspent(charge.limit, limit).covers(charge.amounts)) {
      return false;
    }
  }
  reservations_.add(write, charges, now);
  for (const Charge& charge : charges) {
    const auto it = limits_.find(charge.limit);
    if (it != limits_.end()) it->second.touched = now;
  }
  return true;
}

bool Escrow::low(LimitId id, const Limit& limit) const {
  const Amounts& granted = limit.account.granted();
  const Amounts left = unspent(id, limit);
  for (std::size_t i = 0; i < granted.size(); ++i) {
    if (granted[i] > 0 && left[i] * 4 < granted[i]) return true;
  }
  return false;
}

std::optional<Verdict> Escrow::ask(RequestId request, const Write& write, const Charges& charges, Moment now) {
  if (charges.empty() || superseded(write, charges)) return Verdict{};
  const bool looks_for_name =
      write.old_version == 0 && (usage_.has_name(write.type, write.name) || reservations_.creating(write));
  if (!looks_for_name && admit(write, charges, now.boot)) {
    for (const Charge& charge : charges) {
      const auto it = limits_.find(charge.limit);
      if (it == limits_.end() || it->second.account.swapping() || it->second.topped_up + kTopUpPause > now.boot)
        continue;
      if (low(charge.limit, it->second)) trade(charge.limit, it->second, now);
    }
    return Verdict{};
  }
  if (waiting_.size() >= options_.most_waiting) {
    Waiting no_time{request, write, charges, -absl::InfiniteDuration()};
    Verdict refusal = *decide(no_time, now.boot);
    if (refusal.kind == Verdict::Kind::OverLimit) refusal.kind = Verdict::Kind::InFlight;  // not proven
    return refusal;
  }
  waiting_.push_back({request, write, charges, now.boot, false, looks_for_name});
  pump(now);
  return std::nullopt;
}

void Escrow::cancel(RequestId request) {
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.request == request; });
}

Verdict Escrow::judge(const Charges& charges) const {
  for (const Charge& charge : charges) {
    const auto it = limits_.find(charge.limit);
    if (it == limits_.end()) continue;
    const LimitTerms& terms = it->second.account.terms();
    Verdict verdict{Verdict::Kind::Allowed, charge.limit, 0, 0, 0, 0};
    const bool known =
        std::ranges::all_of(terms.types, [&](TypeId type) { return usage_.revision(charge.limit, type) > 0; });
    const Amounts used = stored(charge.limit, it->second);
    const Amounts room = terms.hard - used;
    if (known && room.covers(charge.amounts)) continue;
    verdict.kind = known ? Verdict::Kind::OverLimit : Verdict::Kind::Unavailable;
    verdict.dimension = first_short(room, charge.amounts);
    verdict.used = used[verdict.dimension];
    verdict.asked = charge.amounts[verdict.dimension];
    verdict.hard = terms.hard[verdict.dimension];
    return verdict;
  }
  return {};
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
  if (!limit.others_recall && limit.account.room(figures(id, limit)).covers(lacking)) {
    if (!expired) return std::nullopt;
  } else if (caught_up(id, limit, waiting.arrived)) {
    if (!room.covers(charge.amounts)) return verdict(Verdict::Kind::OverLimit, room, charge.amounts);
    limit.recalls = waiting.recalls = true;
  }
  if (!expired) return std::nullopt;
  return verdict(in_touch(limit, now) ? Verdict::Kind::InFlight : Verdict::Kind::Unavailable, unspent(id, limit),
                 charge.amounts);
}

std::optional<Verdict> Escrow::decide(Waiting& waiting, BootTime now) {
  waiting.recalls = false;
  if (waiting.looks_for_name) {
    if (!waiting.name_asked && !reservations_.creating(waiting.write)) {
      waiting.name_asked = true;
      actions_.emplace_back(ReadName{waiting.request});
    }
    if (waiting.arrived + options_.patience > now) return std::nullopt;
    waiting.looks_for_name = false;
  }
  if (superseded(waiting.write, waiting.charges) || admit(waiting.write, waiting.charges, now)) return Verdict{};
  std::optional<Verdict> refusal;
  for (const Charge& more : reservations_.additional(waiting.write, waiting.charges)) {
    const auto it = limits_.find(more.limit);
    if (it == limits_.end()) continue;
    Limit& limit = it->second;
    const bool usable = limit.account.current() && !limit.distrusted;
    const Amounts have = usable ? unspent(more.limit, limit) : Amounts();
    if (usable && have.covers(more.amounts)) continue;
    const auto charge = std::ranges::find(waiting.charges, more.limit, &Charge::limit);
    const auto verdict = decide_by(more.limit, limit, *charge, positive(more.amounts - have), waiting, now);
    if (verdict && (!refusal || verdict->kind == Verdict::Kind::OverLimit)) refusal = verdict;
  }
  if (refusal || waiting.arrived + options_.patience > now) return refusal;
  // Every limit has room; it is this replica that may not admit.
  const Charge& first = waiting.charges.front();
  return Verdict{Verdict::Kind::Unavailable, first.limit, 0, 0, first.amounts[0], 0};
}

void Escrow::resolve(const std::vector<Resolution>& resolutions) {
  for (const Resolution& resolution : resolutions) {
    for (const Charge& charge : resolution.charges) {
      const auto it = limits_.find(charge.limit);
      if (it != limits_.end()) it->second.account.resolved(resolution.type, resolution.revision, charge.amounts);
    }
  }
}

void Escrow::seen(TypeId type, const Uid& uid, Revision version, bool deleted) {
  resolve(reservations_.seen(type, uid, version, deleted));
}

void Escrow::cache_moved(TypeId, Moment now) {
  if (!waiting_.empty()) pump(now);
}

void Escrow::went_back(TypeId type, Moment now) {
  reads_.forget(type);
  for (auto& [id, limit] : limits_) {
    const std::vector<TypeId>& types = limit.account.terms().types;
    if (std::ranges::find(types, type) != types.end()) distrust(limit, now.boot);
  }
}

void Escrow::distrust(Limit& limit, BootTime now) {
  if (const LedgerRecord* const record = limit.account.record()) {
    limit.distrusted_epoch = std::max(limit.distrusted_epoch, record->epoch);
  }
  limit.account.drop();
  // Others may notice later, up to the end of their Leases, and admit until then.
  limit.distrusted = now + options_.lease_life + options_.request_deadline;
}

void Escrow::note(Limit& limit, LimitAccount::Reading reading, Moment now) {
  if (reading == LimitAccount::Reading::Strange) distrust(limit, now.boot);
  const LedgerRecord* const record = limit.account.record();
  if (record == nullptr) return;
  for (const Grant& grant : record->grants) {
    if (grant.holder != self_) holders_.noticed(grant.holder, now.boot);
  }
  std::optional<RecallId> oldest;
  for (const RecallId& recall : record->recalls) {
    newest_recall_ = std::max(newest_recall_, recall.raised);
    if (recall.holder != self_ && (!oldest || recall < *oldest)) oldest = recall;
  }
  if (oldest != limit.others_recall) limit.others_recall_seen = now.boot;
  limit.others_recall = std::move(oldest);
}

void Escrow::ledger_read(LimitId id, std::optional<LedgerRecord> record, Moment now) {
  const auto it = limits_.find(id);
  if (it == limits_.end()) return;
  // A read that failed is tried again after a while.
  if (record) {
    it->second.reading.reset();
    note(it->second, it->second.account.read(*std::move(record)), now);
  }
  pump(now);
}

void Escrow::swapped(LimitId id, std::int64_t sequence, SwapOutcome outcome, std::optional<LedgerRecord> record,
                     Moment now) {
  const auto it = limits_.find(id);
  if (it == limits_.end()) return;
  LimitAccount& account = it->second.account;
  if (outcome == SwapOutcome::Landed && record) {
    note(it->second, account.landed(*std::move(record)), now);
  } else if (outcome == SwapOutcome::Refused) {
    account.refused(sequence);
  } else {
    account.lost();
  }
  pump(now);
}

void Escrow::consistent_read(TypeId type, std::optional<Revision> revision, Moment now) {
  reads_.done(type, revision, now.boot);
  pump(now);
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

void Escrow::give_up_writes(BootTime now) {
  if (overdue_checked_ + kOverdueCheck > now) return;
  overdue_checked_ = now;
  std::vector<TypeId> types;
  for (const auto& [id, limit] : limits_) {
    types.insert(types.end(), limit.account.terms().types.begin(), limit.account.terms().types.end());
  }
  std::ranges::sort(types);
  types.erase(std::unique(types.begin(), types.end()), types.end());
  for (const TypeId type : types) {
    if (!reservations_.overdue(type, now - options_.request_deadline)) continue;
    const auto known = reads_.known_until(type, usage_.revision(type));
    if (known) resolve(reservations_.give_up(type, *known - options_.request_deadline));
    if (reservations_.overdue(type, now - options_.request_deadline)) {
      reads_.caught_up(type, now, usage_.revision(type));
    }
  }
}

std::vector<Holder> Escrow::dead_holders(LimitId id, Limit& limit, BootTime now) {
  std::vector<Holder> dead;
  for (const Grant& grant : limit.account.record()->grants) {
    if (grant.holder == self_) continue;
    const auto over = holders_.over_since(grant.holder, now);
    if (over && caught_up(id, limit, *over)) dead.push_back(grant.holder);
    if (!over && holders_.silent_since(grant.holder, now) && reading_holders_.try_emplace(grant.holder, now).second) {
      actions_.emplace_back(ReadHolder{grant.holder});
    }
  }
  return dead;
}

void Escrow::trade(LimitId id, Limit& limit, Moment now) {
  LimitAccount& account = limit.account;
  const bool waited_for = limit.unserved || !limit.wanted.is_zero();
  if (account.swapping() || limit.reading) return;
  if (account.needs_reading()) {
    limit.reading = now.boot;
    actions_.emplace_back(ReadLedger{id});
    return;
  }
  SwapWish wish;
  const LedgerRecord& record = *account.record();
  if (limit.distrusted) {
    if (*limit.distrusted > now.boot) return;
    if (record.epoch > limit.distrusted_epoch) {  // another replica was sooner
      limit.distrusted.reset();
    } else if (caught_up(id, limit, *limit.distrusted)) {
      wish.new_epoch = true;
    } else {
      return;
    }
  }
  wish.dead = dead_holders(id, limit, now.boot);
  wish.give_back = retiring_ || (!waited_for && limit.touched + options_.idle_after <= now.boot);
  const bool topping_up = !wish.give_back && !waited_for && low(id, limit);
  const Grant* const own = record.grant(self_);
  const bool recall_is_over = limit.others_recall && (limit.others_recall_seen + options_.recall_life <= now.boot ||
                                                      !holders_.alive(limit.others_recall->holder, now.boot));
  const bool asked_to_yield =
      limit.others_recall && !recall_is_over && own != nullptr && own->recall_ack < *limit.others_recall;
  const bool own_recall_open =
      std::ranges::any_of(record.recalls, [&](const RecallId& one) { return one.holder == self_; });
  const bool withdraws = own_recall_open && !limit.recalls;
  const bool gives_back = wish.give_back && own != nullptr;
  if (!wish.new_epoch && account.current() && record.generation == account.terms().generation && !waited_for &&
      wish.dead.empty() && !topping_up && !asked_to_yield && !withdraws && !gives_back && !account.outdated() &&
      !limit.rebase) {
    return;
  }
  if (topping_up) limit.topped_up = now.boot;
  if (recall_is_over && waited_for) wish.over.push_back(*limit.others_recall);
  if (limit.recalls && recall_) wish.recall = recall_;
  wish.recalls = wish.recall && limit.unserved;
  wish.epoch_name = absl::ToUnixMicros(now.wall);
  wish.rebase = limit.rebase;
  wish.figures = figures(id, limit);
  wish.pending = reservations_.pending(id);
  wish.wanted = limit.wanted;
  wish.replicas = 1 + holders_.others_alive(self_, now.boot);
  wish.ahead = !wish.recall && !limit.others_recall && (topping_up || !limit.wanted.is_zero());
  if (auto swap = account.plan(wish)) {
    actions_.emplace_back(SwapLedger{id, *std::move(swap)});
  }
}

void Escrow::add_up_wants() {
  absl::flat_hash_map<LimitId, Amounts> available;
  for (const Waiting& waiting : waiting_) {
    if (waiting.looks_for_name) continue;
    for (const Charge& charge : reservations_.additional(waiting.write, waiting.charges)) {
      const auto it = limits_.find(charge.limit);
      if (it == limits_.end()) continue;
      Limit& limit = it->second;
      const auto [left, added] = available.try_emplace(charge.limit);
      if (added) left->second = unspent(charge.limit, limit) + limit.account.room(figures(charge.limit, limit));
      if (left->second.covers(charge.amounts)) {
        left->second -= charge.amounts;
        limit.wanted += charge.amounts;
      } else {
        limit.unserved = true;
      }
    }
  }
}

void Escrow::pump(Moment now) {
  for (auto& [id, limit] : limits_) {
    limit.recalls = limit.unserved = false;
    limit.wanted = Amounts();
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
  add_up_wants();
  const auto recalls = [](const Waiting& waiting) { return waiting.recalls; };
  if (recall_ && std::ranges::none_of(waiting_, [&](const Waiting& waiting) {
        return waiting.recalls && waiting.arrived <= recall_raised_;
      })) {
    recall_.reset();
  }
  if (!recall_ && std::ranges::any_of(waiting_, recalls)) {
    newest_recall_ = std::max(newest_recall_ + 1, absl::ToUnixMicros(now.wall));
    recall_ = RecallId{newest_recall_, self_, ++recalls_};
    recall_raised_ = now.boot;
  }
  for (auto& [id, limit] : limits_) {
    if (limit.unserved || !limit.wanted.is_zero()) limit.touched = now.boot;
    trade(id, limit, now);
  }
  for (const TypeId type : reads_.to_read(now.boot)) actions_.emplace_back(ReadRevision{type});
  for (const TypeId type : reads_.to_list(now.boot)) actions_.emplace_back(ListType{type});
}

void Escrow::tick(Moment now) {
  give_up_writes(now.boot);
  for (auto& [id, limit] : limits_) {
    if (limit.reading && *limit.reading + kReadAgain <= now.boot) limit.reading.reset();
  }
  absl::erase_if(reading_holders_, [&](const auto& entry) { return entry.second + kHolderPatience <= now.boot; });
  pump(now);
}

void Escrow::retire(Moment now) {
  retiring_ = true;
  pump(now);
}

bool Escrow::secured(LimitId id, BootTime moment) {
  const auto it = limits_.find(id);
  if (it == limits_.end()) return false;
  Limit& limit = it->second;
  if (limit.secured_moment != moment) {
    limit.secured_moment = moment;
    limit.secured_at.clear();
  }
  if (limit.secured_at.empty()) {
    if (!caught_up(id, limit, moment)) return false;
    limit.secured_at = figures(id, limit);
  }
  if (!limit.account.current() || limit.distrusted) return false;
  const LedgerRecord& record = *limit.account.record();
  limit.rebase = std::ranges::any_of(limit.secured_at, [&](const Base& needed) {
    const Base* const base = record.base(needed.type);
    return base == nullptr || base->revision < needed.revision;
  });
  if (limit.rebase) return false;
  const Amounts left = record.left();
  const Amounts granted = record.granted();
  for (std::size_t i = 0; i < granted.size(); ++i) {
    if (left[i] < 0 && granted[i] > 0) return false;
  }
  return true;
}

std::vector<Action> Escrow::take_actions() { return std::exchange(actions_, {}); }

const LimitAccount* Escrow::account(LimitId id) const {
  const auto it = limits_.find(id);
  return it == limits_.end() ? nullptr : &it->second.account;
}

bool Escrow::distrusts(LimitId id) const {
  const auto it = limits_.find(id);
  return it != limits_.end() && it->second.distrusted;
}

}  // namespace headroom::limits
