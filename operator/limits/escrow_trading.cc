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
  limit.secured_moment.reset();
  limit.account.drop();
  // Others may notice later, up to the end of their Leases, and admit until then.
  const auto& flow = limit.account.terms().flow;
  limit.distrusted = now + options_.lease_life + (flow ? flow->longest_use() : options_.request_deadline);
}

std::optional<bool> Escrow::has_lost_base(LimitId id, Limit& limit, BootTime now) {
  for (const Base& base : limit.account.record()->bases) {
    const Revision reached = usage_.revision(id, base.type);
    if (base.revision <= reached) continue;
    if (!limit.ahead || limit.ahead->type != base.type || limit.ahead->revision != base.revision) {
      limit.ahead = {base.type, base.revision, now};
    }
    if (!limit.distrusted && limit.ahead->since + kAhead > now) return std::nullopt;
    if (!reads_.caught_up(base.type, limit.ahead->since, reached)) return std::nullopt;
    return true;
  }
  limit.ahead.reset();
  return false;
}

void Escrow::note(LimitId id, Limit& limit, LimitAccount::Reading reading, Moment now) {
  using Reading = LimitAccount::Reading;
  // A replica that stood still beyond its Lease is rightly taken for dead, and its next life is owed nothing. To found
  // an epoch for that would void what the others spend from.
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
  const bool is_oldest = recall_ && (!limit.others_recall || *recall_ < *limit.others_recall) && record->has(*recall_);
  if (is_oldest && !turn_) turn_ = now.boot;
  secure(id, limit);
}

void Escrow::ledger_read(LimitId id, std::optional<LedgerRecord> record, Moment now) {
  const auto it = limits_.find(id);
  if (it == limits_.end()) return;
  if (record) {
    it->second.reading.reset();
    note(id, it->second, it->second.account.read(*std::move(record)), now);
  } else if (it->second.reading) {
    it->second.reading = now.boot + kReadAgain;
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

void Escrow::trade(LimitId id, Limit& limit, Moment now) {
  LimitAccount& account = limit.account;
  if (account.swapping() || limit.reading) return;
  if (account.needs_reading()) {
    // A thousand limits take their time: asked for again meanwhile, they would never be through.
    limit.reading = absl::InfiniteDuration();
    actions_.emplace_back(ReadLedger{id});
    return;
  }
  SwapWish wish;
  const LedgerRecord& record = *account.record();
  if (limit.distrusted && *limit.distrusted > now.boot) return;
  const std::optional<bool> lost = has_lost_base(id, limit, now.boot);
  if (!limit.distrusted) {
    if (lost == true) return distrust(limit, now.boot);
  } else if (!lost) {
    return;
  } else if (!*lost && limit.distrusted_epoch && record.epoch > *limit.distrusted_epoch) {  // another was sooner
    limit.distrusted.reset();
  } else if (caught_up(id, limit, *limit.distrusted)) {
    wish.new_epoch = true;
  } else {
    return;
  }
  wish.dead = dead_holders(id, limit, now.boot);
  const bool waited_for = limit.waited_for();
  wish.give_back = retiring_ || (!waited_for && limit.touched + options_.idle_after <= now.boot);
  const bool topping_up = !wish.give_back && !waited_for && !account.overdrawn() && low(id, limit);
  const Place place = this->place(id, limit, now.boot);
  // Room has to come first, and nobody else holds any.
  const bool in_vain = !limit.is_flow() && limit.wanted.is_zero() && !limit.recalls && account.holds_alone();
  const bool takes = place.opens || (!place.stands_back && waited_for && !in_vain);
  const bool gives_back = wish.give_back && record.grant(self_) != nullptr;
  if (!wish.new_epoch && account.current() && record.generation == account.terms().generation && !takes &&
      wish.dead.empty() && !topping_up && !place.yields && !place.settles && !place.withdraws && !gives_back &&
      !account.outdated() && !limit.rebase) {
    return;
  }
  if (topping_up) limit.topped_up = now.boot;
  // Not before those who stand in line already.
  if (place.opens && !is_open(*recall_)) raise_recall(now);
  if (place.others_over && waited_for) wish.over.push_back(*limit.others_recall);
  if (limit.recalls || place.has_turn) wish.recall = recall_;
  wish.recalls = wish.recall && (limit.unserved || limit.secures || place.has_turn || place.opens);
  wish.epoch_name = absl::ToUnixMicros(now.wall);
  wish.rebase = limit.rebase;
  wish.figures = figures(id, limit);
  wish.pending = pending(id);
  wish.wanted = limit.wanted;
  wish.largest = limit.largest;
  if (!limit.secures) wish.asked = limit.asked;
  if (limit.filled) {
    // What ends meanwhile starts nothing, here or elsewhere.
    wish.pending.at(kConcurrency) = std::max(wish.pending[kConcurrency], account.granted()[kConcurrency]);
    wish.wanted.at(kConcurrency) = 0;
  }
  wish.replicas = 1 + holders_.others_alive(self_, now.boot);
  wish.ahead = !wish.recall && !limit.others_recall && (topping_up || !limit.wanted.is_zero());
  if (auto swap = account.plan(wish)) {
    limit.swapped = now.boot;
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
  if (!limit.secured_at || limit.secured || !limit.account.current() || limit.distrusted) return;
  const LedgerRecord& record = *limit.account.record();
  limit.rebase = std::ranges::any_of(*limit.secured_at, [&](const Base& needed) {
    const Base* const base = record.base(needed.type);
    return base == nullptr || base->revision < needed.revision;
  });
  if (!limit.rebase && fits(id, limit)) {
    limit.secured = true;
    limit.secures = false;
  }
}

bool Escrow::secured(LimitId id, BootTime moment) {
  const auto it = limits_.find(id);
  if (it == limits_.end()) return false;
  Limit& limit = it->second;
  if (limit.secured_moment != moment) {
    limit.secured_moment = moment;
    limit.secured_at.reset();
    limit.secured = limit.secures = false;
  }
  if (!limit.secured_at) {
    if (!caught_up(id, limit, moment)) return false;
    limit.secured_at = figures(id, limit);
  }
  if (!limit.account.current() || limit.distrusted) return false;
  secure(id, limit);
  // Another may hold an advance all the time: for a moment it has to be our turn.
  if (!limit.secured && !limit.rebase && !limit.is_flow() && !limit.account.holds_alone()) limit.secures = true;
  return limit.secured;
}

}  // namespace headroom::limits
