// The escrow's side of the shared record: what is known of the store, when to take, to give back and to distrust.
#include "operator/limits/escrow.h"

#include <algorithm>
#include <utility>

namespace headroom::limits {
namespace {

// Longer without any consistent read, and the cache counts as cut off.
constexpr absl::Duration kCutOff = absl::Seconds(10);
// So long another's cache may be ahead before that is looked into.
constexpr absl::Duration kAhead = absl::Seconds(1);
// After a read that failed.
constexpr absl::Duration kReadAgain = absl::Seconds(1);
// A top-up spares the next write a wait; more often than this it would spare nobody anything.
constexpr absl::Duration kTopUpPause = absl::Milliseconds(50);

}  // namespace

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
    // The type may have been read for another limit, before this one's first list.
    const Revision reached = usage_.revision(id, type);
    if (!reads_.caught_up(type, moment, reached) || reached == 0) all = false;
  }
  return all;
}

bool Escrow::in_touch(const Limit& limit, BootTime now) {
  return std::ranges::all_of(limit.account.terms().types, [&](TypeId type) {
    const auto known = reads_.known_until(type, usage_.revision(type));
    return known && *known + kCutOff > now;
  });
}

bool Escrow::may_top_up(const Limit& limit, BootTime now) {
  return !limit.account.swapping() && !limit.account.overdrawn() && limit.topped_up + kTopUpPause <= now;
}

bool Escrow::low(LimitId id, const Limit& limit) const {
  const Amounts& granted = limit.account.granted();
  const Amounts left = unspent(id, limit);
  for (std::size_t i = 0; i < granted.size(); ++i) {
    if (granted[i] > 0 && left[i] * 4 < granted[i]) return true;
  }
  return false;
}

void Escrow::went_back(TypeId type, Moment now) {
  reads_.forget(type);
  reservations_.went_back(type);
  for (auto& [id, limit] : limits_) {
    const std::vector<TypeId>& types = limit.account.terms().types;
    if (limit.is_flow() || std::ranges::find(types, type) != types.end()) distrust(limit, now.boot);
  }
}

void Escrow::store_went_back(Moment now) {
  for (const TypeId type : counted_types()) {
    reads_.forget(type);
    reservations_.went_back(type);
  }
  for (auto& [id, limit] : limits_) distrust(limit, now.boot);
}

void Escrow::distrust(Limit& limit, BootTime now) {
  const LedgerRecord* const record = limit.account.record();
  const bool known = record != nullptr && !record->resource_version.empty();
  limit.distrusted_epoch = known ? std::optional(record->epoch) : std::nullopt;
  limit.securing = {};
  limit.account.drop();
  // Others may notice later, up to the end of their Leases, and admit until then.
  const auto& flow = limit.account.terms().flow;
  limit.distrusted = now + options_.lease_life + (flow ? flow->longest_use() : options_.request_deadline);
}

std::optional<bool> Escrow::has_lost_base(LimitId id, Limit& limit, BootTime now) {
  bool lost = false, open = false;
  std::vector<Limit::Ahead> ahead;
  for (const Base& base : limit.account.record()->bases) {
    const Revision reached = usage_.revision(id, base.type);
    if (base.revision <= reached) continue;
    const auto known = std::ranges::find_if(
        limit.ahead, [&](const Limit::Ahead& one) { return one.type == base.type && one.revision == base.revision; });
    const Limit::Ahead& one =
        ahead.emplace_back(known != limit.ahead.end() ? *known : Limit::Ahead{base.type, base.revision, now});
    const bool waits = reached == 0 || (!limit.distrusted && one.since + kAhead > now);
    if (waits || !reads_.caught_up(base.type, one.since, reached)) {
      open = true;
    } else {
      lost = true;
    }
  }
  limit.ahead = std::move(ahead);
  if (lost && !limit.distrusted) return true;
  return open ? std::nullopt : std::optional(lost);
}

void Escrow::note(LimitId id, Limit& limit, LimitAccount::Reading reading, Moment now) {
  using Reading = LimitAccount::Reading;
  // A replica that stood still beyond its Lease is rightly taken for dead, and its next life is owed nothing: no reason
  // to distrust the record.
  const bool taken_for_dead = reading == Reading::Bereft && now.boot >= lease_until_;
  if (taken_for_dead) limit.account.drop();
  if (reading == Reading::Strange || (reading == Reading::Bereft && !taken_for_dead)) distrust(limit, now.boot);
  const LedgerRecord* const record = limit.account.record();
  if (record == nullptr) return;
  // One that is made meanwhile is made by whoever does not know that there is something to wait for.
  if (record->resource_version.empty()) {
    limit.distrusted_epoch.reset();
  } else if (limit.distrusted && !limit.distrusted_epoch) {
    limit.distrusted_epoch = record->epoch;
  }
  note_others(limit, now.boot);
  const bool is_oldest = recall_ && (!limit.others_recall || *recall_ < *limit.others_recall) && record->has(*recall_);
  if (is_oldest && !turn_) turn_ = now.boot;
  secure(id, limit);
}

void Escrow::note_others(Limit& limit, BootTime now) {
  const LedgerRecord& record = *limit.account.record();
  for (const Grant& grant : record.grants) {
    if (grant.holder != self_) holders_.noticed(grant.holder, now);
  }
  std::optional<RecallId> oldest;
  for (const RecallId& recall : record.recalls) {
    newest_recall_ = std::max(newest_recall_, recall.raised);
    if (recall.holder != self_ && (!oldest || recall < *oldest)) oldest = recall;
  }
  if (oldest != limit.others_recall) limit.others_recall_seen = now;
  limit.others_recall = std::move(oldest);
}

void Escrow::ledger_read(LimitId id, std::optional<LedgerRecord> record, Moment now) {
  const auto it = limits_.find(id);
  if (it == limits_.end()) return;
  Limit& limit = it->second;
  if (record) {
    const bool found = !record->resource_version.empty();
    const LimitAccount::Reading reading = limit.account.read(*std::move(record));
    limit.reading.reset();
    // The next one may be as old, where the store was restored.
    if (found && limit.account.needs_reading()) limit.reading = now.boot + options_.watch_patience;
    note(id, limit, reading, now);
  } else if (limit.reading) {
    limit.reading = now.boot + kReadAgain;
  }
  pump(now);
}

void Escrow::swapped(LimitId id, std::int64_t sequence, SwapOutcome outcome, std::optional<LedgerRecord> record,
                     Moment now) {
  const auto it = limits_.find(id);
  if (it == limits_.end()) return;
  LimitAccount& account = it->second.account;
  if (outcome == SwapOutcome::Landed && record) {
    note(id, it->second, account.landed(*std::move(record)), now);
  } else if (outcome == SwapOutcome::Refused) {
    account.refused(sequence);
    // The watch will tell of it sooner than a read.
    if (account.needs_reading() && !it->second.reading) it->second.reading = now.boot + options_.watch_patience;
  } else {
    account.lost();
  }
  pump(now);
}

std::vector<Holder> Escrow::dead_holders(LimitId id, Limit& limit, BootTime now) {
  std::vector<Holder> dead;
  for (const Grant& grant : limit.account.record()->grants) {
    if (grant.holder == self_) continue;
    const auto over = holders_.over_since(grant.holder, now);
    if (over && uses_end(limit, *over) <= now && caught_up(id, limit, *over)) dead.push_back(grant.holder);
    if (!over && holders_.silent_since(grant.holder, now) && reading_holders_.try_emplace(grant.holder, now).second) {
      actions_.emplace_back(ReadHolder{grant.holder});
    }
  }
  return dead;
}

Escrow::Trust Escrow::trust(LimitId id, Limit& limit, BootTime now) {
  if (limit.distrusted && *limit.distrusted > now) return Trust::Nothing;
  const std::optional<bool> lost = has_lost_base(id, limit, now);
  if (!limit.distrusted) {
    if (lost != true) return Trust::Record;
    distrust(limit, now);
    return Trust::Nothing;
  }
  if (!lost) return Trust::Nothing;
  if (!*lost && limit.distrusted_epoch && limit.account.record()->epoch > *limit.distrusted_epoch) {
    limit.distrusted.reset();  // another was sooner
    return Trust::Record;
  }
  return caught_up(id, limit, *limit.distrusted) ? Trust::NewEpoch : Trust::Nothing;
}

SwapWish Escrow::wish_for(LimitId id, const Limit& limit, const Place& place, Moment now) const {
  SwapWish wish;
  if (place.others_over && limit.waited_for()) wish.over.push_back(*limit.others_recall);
  if (limit.recalls || place.has_turn) wish.recall = recall_;
  wish.recalls = wish.recall && (limit.unserved || limit.securing.recalls || place.has_turn || place.opens);
  wish.epoch_name = absl::ToUnixMicros(now.wall);
  wish.rebase = limit.securing.rebases;
  wish.figures = figures(id, limit);
  wish.pending = pending(id);
  wish.wanted = limit.wanted;
  wish.largest = limit.largest;
  if (!limit.securing.recalls) wish.asked = limit.asked;
  if (limit.filled) {
    // What ends meanwhile starts nothing, here or elsewhere.
    wish.pending.at(kConcurrency) = std::max(wish.pending[kConcurrency], limit.account.granted()[kConcurrency]);
    wish.wanted.at(kConcurrency) = 0;
  }
  wish.replicas = replicas(now);
  return wish;
}

void Escrow::trade(LimitId id, Limit& limit, Moment now) {
  LimitAccount& account = limit.account;
  if (account.swapping() || limit.reading) return;
  if (account.needs_reading()) {
    // A thousand limits take their time: asked for again meanwhile, they would never be through.
    limit.reading = absl::InfiniteDuration();
    actions_.emplace_back(ReadLedger{id});
    return;
  }
  const Trust trusted = trust(id, limit, now.boot);
  if (trusted == Trust::Nothing) return;
  const LedgerRecord& record = *account.record();
  std::vector<Holder> dead = dead_holders(id, limit, now.boot);
  const bool waited_for = limit.waited_for();
  const bool gives_back = retiring_ || (!waited_for && limit.touched + options_.idle_after <= now.boot);
  const bool topping_up = !gives_back && !waited_for && may_top_up(limit, now.boot) && low(id, limit);
  const Place place = place_in_line(id, limit, now.boot);
  // Room has to come first, and nobody else holds any.
  const bool in_vain = !limit.is_flow() && limit.wanted.is_zero() && !limit.recalls && account.holds_alone();
  const bool takes = place.opens || (!place.stands_back && waited_for && !in_vain);
  if (trusted == Trust::Record && account.current() && record.generation == account.terms().generation && !takes &&
      dead.empty() && !topping_up && !place.yields && !place.settles && !place.withdraws &&
      !(gives_back && record.grant(self_) != nullptr) && !account.outdated() && !limit.securing.rebases) {
    return;
  }
  if (topping_up) limit.topped_up = now.boot;
  // Not before those who have come to stand in line since; but the same in all records.
  if (place.opens && recall_->raised < newest_recall_ && !is_open(*recall_)) raise_recall(now);
  SwapWish wish = wish_for(id, limit, place, now);
  wish.new_epoch = trusted == Trust::NewEpoch;
  wish.dead = std::move(dead);
  wish.give_back = gives_back;
  wish.ahead = !wish.recall && !limit.others_recall && (topping_up || !limit.wanted.is_zero());
  if (auto swap = account.plan(wish)) {
    limit.swap_sent = now.boot;
    actions_.emplace_back(SwapLedger{id, *std::move(swap)});
  }
}

bool Escrow::fits(LimitId id, const Limit& limit) const {
  const LedgerRecord& record = *limit.account.record();
  const Amounts left = record.left();
  const Amounts granted = record.granted();
  const Grant* const own = record.grant(self_);
  const Amounts others = own == nullptr ? granted : granted - own->granted;
  // What this replica holds it spends by what its cache shows.
  const Amounts pending = reservations_.pending(id);
  const Amounts free = limit.account.affordable(figures(id, limit), pending) - pending;
  for (std::size_t i = 0; i < granted.size(); ++i) {
    if (left[i] >= 0 || granted[i] <= 0) continue;
    if (limit.is_flow()) return false;
    if (free[i] < 0 && (pending[i] > 0 || others[i] > 0)) return false;
  }
  return true;
}

void Escrow::secure(LimitId id, Limit& limit) {
  Securing& securing = limit.securing;
  if (!securing.needed || securing.done || !limit.account.current() || limit.distrusted) return;
  const LedgerRecord& record = *limit.account.record();
  securing.rebases = std::ranges::any_of(*securing.needed, [&](const Base& needed) {
    const Base* const base = record.base(needed.type);
    return base == nullptr || base->revision < needed.revision;
  });
  if (!securing.rebases && fits(id, limit)) {
    securing.done = true;
    securing.recalls = false;
  }
}

bool Escrow::secured(LimitId id, BootTime moment) {
  const auto it = limits_.find(id);
  if (it == limits_.end()) return false;
  Limit& limit = it->second;
  Securing& securing = limit.securing;
  if (securing.moment != moment) {
    securing = {};
    securing.moment = moment;
  }
  if (!securing.needed) {
    if (!caught_up(id, limit, moment)) return false;
    securing.needed = figures(id, limit);
  }
  if (!limit.account.current() || limit.distrusted) return false;
  secure(id, limit);
  // Another may hold an advance all the time: for a moment it has to be our turn.
  if (!securing.done && !securing.rebases && !limit.is_flow() && !limit.account.holds_alone()) securing.recalls = true;
  return securing.done;
}

}  // namespace headroom::limits
