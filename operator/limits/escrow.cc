#include "operator/limits/escrow.h"

#include <algorithm>
#include <utility>

namespace headroom::limits {
namespace {

// Longer than one attempt to read a Lease takes.
constexpr absl::Duration kHolderPatience = absl::Seconds(6);
// Scanning the reservations for those that have never landed.
constexpr absl::Duration kOverdueCheck = absl::Seconds(1);
// Lives of which nothing was heard for so long; long after what they held has been given to others.
constexpr absl::Duration kForgotten = absl::Hours(1);

}  // namespace

Escrow::Escrow(Holder self, EscrowOptions options, const UsageCache& usage)
    : self_(std::move(self)),
      options_(options),
      usage_(usage),
      holders_(options.lease_life, options.request_deadline),
      reads_(options.read_pause, options.watch_patience) {}

void Escrow::set_limit(LimitId id, LimitTerms terms) {
  if (terms.flow) flow_.set_limit(id, *terms.flow);
  const auto it = limits_.find(id);
  if (it == limits_.end()) {
    limits_.emplace(id, Limit(LimitAccount(std::move(terms), self_)));
  } else {
    it->second.account.set_terms(std::move(terms));
  }
}

void Escrow::drop_limit(LimitId id) {
  // Its writes fit neither the limit that was nor, unasked, the one that takes its place.
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const auto charge = std::ranges::find(waiting.charges, id, &Charge::limit);
    if (charge == waiting.charges.end()) return false;
    actions_.emplace_back(
        AnswerRequest{waiting.request, {Verdict::Kind::Unavailable, id, 0, 0, charge->amounts[0], 0}});
    return true;
  });
  limits_.erase(id);
  reservations_.forget(id);
  flow_.drop_limit(id);
}

void Escrow::lease_held_until(BootTime until) { lease_until_ = std::max(lease_until_, until); }

void Escrow::begin_anew(Holder self, Moment now) {
  self_ = std::move(self);
  reservations_.clear();
  flow_.clear();
  recall_.reset();
  for (auto& [id, limit] : limits_) {
    Limit anew(LimitAccount(limit.account.terms(), self_));
    // A record is no worse known to it: a lapse under load is not to read a thousand of them again.
    const LedgerRecord* const known = limit.account.record();
    if (known != nullptr && !known->resource_version.empty()) (void)anew.account.read(*known);
    anew.reading = limit.reading;
    anew.distrusted = limit.distrusted;
    anew.distrusted_epoch = limit.distrusted_epoch;
    if (anew.account.record() != nullptr) note_others(anew, now.boot);
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
  if (limit.is_flow()) return unspent_flow(id, limit);
  const Amounts pending = reservations_.pending(id);
  Amounts unspent = limit.account.unspent(pending);
  if (!limit.account.overdrawn()) return unspent;
  return least(unspent, limit.account.affordable(figures(id, limit), unspent + pending) - pending);
}

Charges Escrow::additional(const Write& write, const Charges& charges) const {
  if (flow_.empty()) return reservations_.additional(write, charges);
  Charges stored, more;
  for (const Charge& charge : charges) {
    if (!flow_.knows(charge.limit)) {
      stored.push_back(charge);
      continue;
    }
    Amounts amounts = flow_.additional(charge.limit, write, charge.amounts);
    if (!amounts.is_zero()) more.push_back({charge.limit, std::move(amounts)});
  }
  for (Charge& charge : reservations_.additional(write, stored)) more.push_back(std::move(charge));
  return more;
}

bool Escrow::superseded(const Write& write, const Charges& charges) const {
  const bool updates = write.old_version > 0;
  if (updates && usage_.revision(write.type) >= write.old_version && !usage_.has_name(write.type, write.name))
    return true;
  return std::ranges::any_of(charges, [&](const Charge& charge) {
    const auto limit = limits_.find(charge.limit);
    const bool flows = limit != limits_.end() && limit->second.is_flow();
    const auto counted_as = flows ? limit->second.account.terms().flow->counted_as : std::optional(charge.limit);
    const auto known = counted_as ? usage_.find(*counted_as, write.type, write.uid) : std::nullopt;
    return known && known->version > write.old_version;
  });
}

bool Escrow::creating(const Write& write, const Charges& charges) const {
  return reservations_.creating(write) || (!flow_.empty() && std::ranges::any_of(charges, [&](const Charge& charge) {
           return flow_.creating(charge.limit, write);
         }));
}

bool Escrow::admit(const Write& write, const Charges& charges, BootTime now) {
  if (!may_admit(now)) return false;
  for (const Charge& charge : additional(write, charges)) {
    const auto it = limits_.find(charge.limit);
    if (it == limits_.end()) continue;  // dropped meanwhile: it limits nothing any more
    const Limit& limit = it->second;
    if (!limit.account.current() || limit.distrusted || !unspent(charge.limit, limit).affords(charge.amounts)) {
      return false;
    }
  }
  if (flow_.empty()) {
    reservations_.add(write, charges, now);
  } else {
    Charges stored;
    for (const Charge& charge : charges) {
      if (flow_.knows(charge.limit)) {
        flow_.add(charge.limit, write, charge.amounts, now);
      } else {
        stored.push_back(charge);
      }
    }
    if (!stored.empty()) reservations_.add(write, stored, now);
  }
  for (const Charge& charge : charges) {
    const auto it = limits_.find(charge.limit);
    if (it != limits_.end()) it->second.touched = now;
  }
  return true;
}

std::optional<Verdict> Escrow::ask(RequestId request, const Write& write, const Charges& charges, Moment now) {
  if (charges.empty() || superseded(write, charges)) return Verdict{};
  const bool looks_for_name =
      write.old_version == 0 && (usage_.has_name(write.type, write.name) || creating(write, charges));
  Charges more;
  if (!flow_.empty()) {
    for (const Charge& charge : charges) flow_.advance(charge.limit, now.boot);
    more = additional(write, charges);
  }
  const bool in_line = stands_in_line(more, now);
  if (!looks_for_name && !in_line && admit(write, charges, now.boot)) {
    for (const Charge& charge : charges) {
      const auto it = limits_.find(charge.limit);
      if (it != limits_.end() && may_top_up(it->second, now.boot) && low(charge.limit, it->second)) {
        trade(charge.limit, it->second, now);
      }
    }
    return Verdict{};
  }
  if (in_line) {
    if (const auto refusal = stand_in_line(more, now.boot)) return refusal;
  }
  if (waiting_.size() >= options_.most_waiting) {
    Waiting no_time{request, write, charges, -absl::InfiniteDuration()};
    Verdict refusal = *decide(no_time, now.boot);
    if (refusal.kind == Verdict::Kind::OverLimit) refusal.kind = Verdict::Kind::InFlight;  // not proven
    return refusal;
  }
  waiting_.push_back({request, write, charges, now.boot, false, looks_for_name});
  look(waiting_.back());
  if (!in_line) return begin_waiting(now);
  if (looks_for_name) pump(now);
  return std::nullopt;
}

void Escrow::cancel(RequestId request) {
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.request == request; });
}

void Escrow::resolve(std::span<const Resolution> resolutions) {
  for (const Resolution& resolution : resolutions) {
    for (const Charge& charge : resolution.charges) {
      const auto it = limits_.find(charge.limit);
      if (it != limits_.end()) it->second.account.resolved(resolution.type, resolution.revision, charge.amounts);
    }
  }
}

void Escrow::seen(TypeId type, const Uid& uid, Revision version, bool deleted) {
  resolve(reservations_.seen(type, uid, version, deleted));
  if (!flow_.empty()) flow_.seen(type, uid, version, deleted);
}

void Escrow::cache_moved(TypeId type, Moment now) {
  // Reads that the cache has reached are over, also those that nobody waits for any more.
  (void)reads_.known_until(type, usage_.revision(type));
  if (!waiting_.empty()) pump(now);
}

void Escrow::consistent_read(TypeId type, std::optional<Revision> revision, Moment now) {
  reads_.done(type, revision, now.boot);
  pump(now);
}

std::vector<TypeId> Escrow::counted_types() const {
  std::vector<TypeId> types;
  for (const auto& [id, limit] : limits_) {
    types.insert(types.end(), limit.account.terms().types.begin(), limit.account.terms().types.end());
  }
  std::ranges::sort(types);
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return types;
}

void Escrow::give_up_writes(BootTime now) {
  if (overdue_checked_ + kOverdueCheck > now) return;
  overdue_checked_ = now;
  for (const TypeId type : counted_types()) {
    if (!reservations_.overdue(type, now - options_.request_deadline)) continue;
    const auto known = reads_.known_until(type, usage_.revision(type));
    if (known) resolve(reservations_.give_up(type, *known - options_.request_deadline));
    if (reservations_.overdue(type, now - options_.request_deadline)) {
      reads_.caught_up(type, now, usage_.revision(type));
    }
  }
}

void Escrow::tick(Moment now) {
  give_up_writes(now.boot);
  holders_.forget_before(now.boot - kForgotten);
  for (auto& [id, limit] : limits_) {
    if (limit.reading && *limit.reading <= now.boot) limit.reading.reset();
  }
  absl::erase_if(reading_holders_, [&](const auto& entry) { return entry.second + kHolderPatience <= now.boot; });
  pump(now);
}

void Escrow::retire(Moment now) {
  retiring_ = true;
  pump(now);
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
