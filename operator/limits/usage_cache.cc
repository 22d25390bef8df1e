#include "operator/limits/usage_cache.h"

#include <algorithm>
#include <utility>

namespace headroom::limits {

Amounts UsageCache::Rows::amounts_of(const Row& row) const {
  Amounts amounts(dimensions);
  std::size_t dimension = 0;
  if (counts) amounts.at(dimension++) = Quantity::kNano;
  for (const UsageColumn& column : sums) amounts.at(dimension++) = column.get(row.slot);
  return amounts;
}

UsageCache::Rows UsageCache::Rows::empty() const {
  Rows none;
  none.dimensions = dimensions;
  none.counts = counts;
  none.sums.resize(dimensions - (counts ? 1 : 0));
  none.used = none.lowered = Amounts(dimensions);
  return none;
}

bool UsageCache::Rows::set(const ListedObject& object, const Membership& membership) {
  if (!membership.matches && !membership.kept_out) return erase(object.uid);
  const auto [it, added] = rows.try_emplace(object.uid, Row{object.version, 0, membership.matches});
  Row& row = it->second;
  if (added) {
    if (free_slots.empty()) {
      row.slot = slots++;
    } else {
      row.slot = free_slots.back();
      free_slots.pop_back();
    }
  } else {
    const Amounts before = counted_of(row);
    used -= before;
    lowered += membership.matches ? positive(before - membership.amounts) : before;
    row.version = object.version;
    row.counts = membership.matches;
  }
  std::size_t dimension = counts ? 1 : 0;
  for (UsageColumn& column : sums) column.set(row.slot, membership.amounts[dimension++]);
  used += counted_of(row);
  return !added;
}

bool UsageCache::Rows::erase(const Uid& uid) {
  const auto it = rows.find(uid);
  if (it == rows.end()) return false;
  const Amounts before = counted_of(it->second);
  used -= before;
  lowered += before;
  free_slots.push_back(it->second.slot);
  rows.erase(it);
  return true;
}

UsageCache::Rows* UsageCache::rows_of(LimitId limit, TypeId type) {
  const auto it = rows_.find({limit, type});
  return it == rows_.end() ? nullptr : &it->second;
}

void UsageCache::define(LimitId limit, std::size_t dimensions, bool counts, std::span<const TypeId> types) {
  forget(limit);
  for (const TypeId type : types) {
    Rows rows;
    rows.dimensions = dimensions;
    rows.counts = counts;
    rows_.insert_or_assign({limit, type}, rows.empty());
  }
}

void UsageCache::forget(LimitId limit) {
  absl::erase_if(rows_, [&](const auto& entry) { return entry.first.first == limit; });
  absl::erase_if(listed_, [&](const auto& entry) { return entry.first.first == limit; });
}

void UsageCache::applied(TypeId type, const ListedObject& object, std::span<const Membership> memberships) {
  bool known = false;
  for (const Membership& membership : memberships) {
    if (Rows* const rows = rows_of(membership.limit, type)) known |= rows->set(object, membership) && rows->complete;
  }
  if (!known) names_[type].insert(object.name.low);  // a complete list gave the names, too
  progress(type, object.version);
}

void UsageCache::deleted(TypeId type, const ListedObject& object, std::span<const LimitId> limits) {
  for (const LimitId limit : limits) {
    if (Rows* const rows = rows_of(limit, type)) rows->erase(object.uid);
  }
  names_[type].erase(object.name.low);
  progress(type, object.version);
}

void UsageCache::progress(TypeId type, Revision revision) {
  const auto it = revisions_.find(type);
  if (it != revisions_.end()) it->second = std::max(it->second, revision);
}

void UsageCache::begin_list(TypeId type) {
  listed_names_[type].clear();
  listed_uids_[type].clear();
  absl::erase_if(listed_, [&](const auto& entry) { return entry.first.second == type; });
  for (const auto& [key, rows] : rows_) {
    if (key.second == type) listed_.insert_or_assign(key, rows.empty());
  }
}

void UsageCache::listed(TypeId type, const ListedObject& object, std::span<const Membership> memberships) {
  for (const Membership& membership : memberships) {
    const auto it = listed_.find({membership.limit, type});
    if (it != listed_.end()) it->second.set(object, membership);
  }
  listed_names_[type].insert(object.name.low);
  listed_uids_[type].insert(object.uid);
}

std::vector<Uid> UsageCache::commit_list(TypeId type, Revision revision) {
  std::vector<Uid> gone;
  const absl::flat_hash_set<Uid> there = std::exchange(listed_uids_[type], {});
  for (auto& [key, rows] : rows_) {
    const auto fresh = listed_.find(key);
    if (key.second != type || fresh == listed_.end()) continue;  // not there: defined while the list was under way
    Amounts untouched(rows.dimensions);
    for (const auto& [uid, row] : rows.rows) {
      if (!there.contains(uid)) gone.push_back(uid);
      const auto now = fresh->second.rows.find(uid);
      if (now != fresh->second.rows.end() && now->second.version == row.version) untouched += rows.counted_of(row);
    }
    fresh->second.lowered = rows.lowered + rows.used - untouched;
    rows = std::move(fresh->second);
    rows.complete = true;
    listed_.erase(fresh);
  }
  names_[type] = std::exchange(listed_names_[type], {});
  revisions_[type] = revision;
  std::ranges::sort(gone);
  gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
  return gone;
}

void UsageCache::lost(TypeId type) {
  revisions_.erase(type);
  for (auto& [key, rows] : rows_) {
    if (key.second == type) rows.complete = false;
  }
}

Revision UsageCache::revision(TypeId type) const {
  const auto it = revisions_.find(type);
  return it == revisions_.end() ? 0 : it->second;
}

Revision UsageCache::revision(LimitId limit, TypeId type) const {
  const auto it = rows_.find({limit, type});
  return it == rows_.end() || !it->second.complete ? 0 : revision(type);
}

Amounts UsageCache::used(LimitId limit, TypeId type) const {
  const auto it = rows_.find({limit, type});
  return it == rows_.end() ? Amounts() : it->second.used;
}

Amounts UsageCache::lowered(LimitId limit, TypeId type) const {
  const auto it = rows_.find({limit, type});
  return it == rows_.end() ? Amounts() : it->second.lowered;
}

std::optional<SeenObject> UsageCache::find(LimitId limit, TypeId type, const Uid& uid) const {
  const auto it = rows_.find({limit, type});
  if (it == rows_.end()) return std::nullopt;
  const auto row = it->second.rows.find(uid);
  if (row == it->second.rows.end() || !row->second.counts) return std::nullopt;
  return SeenObject{row->second.version, it->second.amounts_of(row->second)};
}

bool UsageCache::has_name(TypeId type, const Uid& name) const {
  const auto it = names_.find(type);
  return it != names_.end() && it->second.contains(name.low);
}

std::size_t UsageCache::stored(TypeId type) const {
  const auto it = names_.find(type);
  return it == names_.end() ? 0 : it->second.size();
}

Standing UsageCache::standing(LimitId limit, TypeId type, const Uid& uid, Revision version) const {
  if (revision(limit, type) < version) return {};
  const auto rows = rows_.find({limit, type});
  if (rows == rows_.end()) return {Standing::Kind::Out};
  const auto row = rows->second.rows.find(uid);
  if (row == rows->second.rows.end()) return {Standing::Kind::Out};
  return {row->second.counts ? Standing::Kind::Counts : Standing::Kind::KeptOut, rows->second.amounts_of(row->second)};
}

std::size_t UsageCache::objects(LimitId limit) const {
  std::size_t sum = 0;
  for (const auto& [key, rows] : rows_) {
    if (key.first != limit) continue;
    sum +=
        static_cast<std::size_t>(std::ranges::count_if(rows.rows, [](const auto& row) { return row.second.counts; }));
  }
  return sum;
}

}  // namespace headroom::limits
