#include "operator/limits/reservations.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace headroom::limits {
namespace {

Charge* find_charge(Charges& charges, LimitId limit) {
  const auto it = std::ranges::find(charges, limit, &Charge::limit);
  return it == charges.end() ? nullptr : &*it;
}

}  // namespace

Uid name_id(std::string_view ns, std::string_view name) {
  using Key = std::tuple<std::string_view, std::string_view, int>;
  return {absl::Hash<Key>{}({ns, name, 1}), absl::Hash<Key>{}({ns, name, 2})};
}

const Reservations::Reservation* Reservations::find(const Write& write) const {
  if (write.old_version == 0) {
    const auto it = by_name_.find({write.type, write.name});
    return it == by_name_.end() ? nullptr : &reservations_[it->second];
  }
  const auto it = by_uid_.find({write.type, write.uid});
  if (it == by_uid_.end()) return nullptr;
  for (const Index index : it->second) {
    const Reservation& reservation = reservations_[index];
    // One of an update has one member; one of a name may have a create of this uid.
    if (!reservation.name && reservation.open.front().old_version == write.old_version) return &reservation;
  }
  return nullptr;
}

bool Reservations::creating(const Write& write) const {
  if (write.old_version != 0) return false;
  const Reservation* const known = find(write);
  return known != nullptr && std::ranges::find(known->open, write.uid, &Member::uid) == known->open.end();
}

Charges Reservations::additional(const Write& write, const Charges& charges) const {
  const Reservation* const known = find(write);
  Charges more;
  for (const Charge& charge : charges) {
    Amounts amounts = charge.amounts;
    if (known != nullptr) {
      const auto it = std::ranges::find(known->charges, charge.limit, &Charge::limit);
      if (it != known->charges.end()) amounts = positive(amounts - it->amounts);
    }
    if (!amounts.is_zero()) more.push_back({charge.limit, std::move(amounts)});
  }
  return more;
}

Reservations::Index Reservations::place() {
  if (free_.empty()) {
    reservations_.emplace_back();
    return static_cast<Index>(reservations_.size() - 1);
  }
  const Index index = free_.back();
  free_.pop_back();
  return index;
}

Reservations::Reservation& Reservations::find_or_make(const Write& write) {
  // The index of the one that find() knows.
  if (const Reservation* const known = find(write)) {
    return reservations_[static_cast<std::size_t>(known - reservations_.data())];
  }
  const Index index = place();
  Reservation& reservation = reservations_[index];
  reservation = {};
  reservation.type = write.type;
  if (write.old_version == 0) {
    reservation.name = write.name;
    by_name_[{write.type, write.name}] = index;
  }
  return reservation;
}

void Reservations::index(const ObjectId& object, Index reservation) {
  auto& indices = by_uid_[object];
  if (std::ranges::find(indices, reservation) == indices.end()) indices.push_back(reservation);
}

void Reservations::unindex(const ObjectId& object, Index reservation) {
  const auto it = by_uid_.find(object);
  if (it == by_uid_.end()) return;
  auto& indices = it->second;
  indices.erase(std::remove(indices.begin(), indices.end(), reservation), indices.end());
  if (indices.empty()) by_uid_.erase(it);
}

void Reservations::add(const Write& write, const Charges& charges, BootTime now) {
  for (const Charge& more : additional(write, charges)) pending_[more.limit] += more.amounts;
  Reservation& reservation = find_or_make(write);
  for (const Charge& charge : charges) {
    if (Charge* const known = find_charge(reservation.charges, charge.limit)) {
      known->amounts = most(known->amounts, charge.amounts);
    } else {
      reservation.charges.push_back(charge);
    }
  }
  const auto member = std::ranges::find(reservation.open, write.uid, &Member::uid);
  if (member != reservation.open.end()) {
    member->admitted = now;
  } else {
    reservation.open.push_back({write.uid, write.old_version, now, write.requester});
  }
  index({write.type, write.uid}, static_cast<Index>(&reservation - reservations_.data()));
}

void Reservations::close(Index index, absl::FunctionRef<bool(const Member&)> over, Revision landed,
                         Resolutions& resolved) {
  Reservation& reservation = reservations_[index];
  bool any = false;
  for (const Member& member : reservation.open) {
    if (!over(member)) continue;
    unindex({reservation.type, member.uid}, index);
    any = true;
  }
  if (!any) return;
  reservation.open.erase(std::remove_if(reservation.open.begin(), reservation.open.end(), over),
                         reservation.open.end());
  reservation.landed = std::max(reservation.landed, landed);
  if (!reservation.open.empty()) return;
  for (const Charge& charge : reservation.charges) {
    const auto pending = pending_.find(charge.limit);
    pending->second -= charge.amounts;
    if (pending->second.is_zero()) pending_.erase(pending);
  }
  if (reservation.name) by_name_.erase({reservation.type, *reservation.name});
  resolved.push_back({reservation.type, reservation.landed, std::move(reservation.charges)});
  reservation = {};
  free_.push_back(index);
}

Resolutions Reservations::seen(TypeId type, const Uid& uid, Revision version, bool deleted) {
  Resolutions resolved;
  const auto it = by_uid_.find({type, uid});
  if (it == by_uid_.end()) return resolved;
  const auto indices = it->second;  // close() changes the index
  for (const Index index : indices) {
    close(
        index, [&](const Member& member) { return member.uid == uid && (deleted || member.old_version < version); },
        version, resolved);
  }
  return resolved;
}

bool Reservations::overdue(TypeId type, BootTime before) const {
  return std::ranges::any_of(by_uid_, [&](const auto& entry) {
    return entry.first.first == type && std::ranges::any_of(entry.second, [&](Index index) {
             return std::ranges::any_of(reservations_[index].open,
                                        [&](const Member& member) { return member.admitted <= before; });
           });
  });
}

Resolutions Reservations::give_up(TypeId type, BootTime before) {
  Resolutions resolved;
  for (Index index = 0; index < reservations_.size(); ++index) {
    if (reservations_[index].type != type || reservations_[index].open.empty()) continue;
    close(
        index, [&](const Member& member) { return member.admitted <= before; }, 0, resolved);
  }
  return resolved;
}

void Reservations::went_back(TypeId type) {
  for (Reservation& reservation : reservations_) {
    if (reservation.type == type) reservation.landed = 0;
  }
}

std::vector<Lingering> Reservations::lingering(BootTime before) const {
  std::map<std::pair<LimitId, Requester>, Lingering> sums;
  for (const Reservation& reservation : reservations_) {
    if (reservation.open.empty()) continue;
    const Member& oldest = *std::ranges::min_element(reservation.open, {}, &Member::admitted);
    if (oldest.admitted > before) continue;
    for (const Charge& charge : reservation.charges) {
      Lingering& sum = sums[{charge.limit, oldest.requester}];
      ++sum.writes;
      sum.amounts += charge.amounts;
    }
  }
  std::vector<Lingering> all;
  for (auto& [key, sum] : sums) {
    std::tie(sum.limit, sum.requester) = key;
    all.push_back(std::move(sum));
  }
  return all;
}

Amounts Reservations::pending(LimitId limit) const {
  const auto it = pending_.find(limit);
  return it == pending_.end() ? Amounts() : it->second;
}

void Reservations::clear() {
  reservations_.clear();
  free_.clear();
  by_uid_.clear();
  by_name_.clear();
  pending_.clear();
}

void Reservations::forget(LimitId limit) {
  pending_.erase(limit);
  for (Reservation& reservation : reservations_) {
    const auto it = std::ranges::find(reservation.charges, limit, &Charge::limit);
    if (it != reservation.charges.end()) reservation.charges.erase(it);
  }
}

}  // namespace headroom::limits
