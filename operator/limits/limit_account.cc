#include "operator/limits/limit_account.h"

#include <algorithm>
#include <utility>

namespace headroom::limits {
namespace {

/// Forward only; or, `anew`, to where the figures are.
void move_bases(LedgerRecord& record, const std::vector<Base>& figures, bool anew = false) {
  for (const Base& figure : figures) {
    const auto known = std::ranges::find(record.bases, figure.type, &Base::type);
    if (known == record.bases.end()) {
      record.bases.push_back(figure);
    } else if (anew || figure.revision > known->revision) {
      *known = figure;
    }
  }
}

/// A limit with plenty of room settles rarely: the ends of its writes are kept apart up to so many, then merged.
constexpr std::size_t kMostResolved = 256;

/// What is not worth taking ahead of need: so close to the limit each replica takes what it can use at once.
constexpr Amount kCrumbs = 64;

/// A share, in steps that are whole units where a limit has that many.
Amount in_steps(Amount share, Amount hard) {
  Amount step = std::max<Amount>(hard / kCrumbs, 1);
  if (step >= Quantity::kNano) step -= step % Quantity::kNano;
  if (step < Quantity::kNano && hard % Quantity::kNano == 0 && hard >= Quantity::kNano) step = Quantity::kNano;
  return std::max<Amount>(share, 0) / step * step;
}

/// A dimension so close to its end is used up: whoever is alone, or whose turn it is, takes a part of it ahead of the
/// deletes that will free it, by one swap instead of one for each of them. Until it is spent or given back it is in the
/// way of others who come, and of its holder's successor if that dies, so it is not much: some times what waits, and no
/// more than a part of the whole. See LimitAccount::affordable().
constexpr Amount kNearTheEnd = 8, kMostAhead = 4, kTimesAsked = 8;

/// What to hold beyond what is spent, of dimensions that are at their end; nothing while `unspent` serves whoever
/// waits.
Amounts advance(const Amounts& left, const Amounts& unspent, const SwapWish& wish, const Amounts& hard) {
  Amounts ahead(hard.size());
  bool lacks = false;
  for (std::size_t i = 0; i < hard.size(); ++i) {
    if (wish.asked[i] == 0 || left[i] - wish.asked[i] >= hard[i] / kNearTheEnd) continue;
    if (unspent[i] < wish.largest[i]) lacks = true;
    const Amount most = in_steps(hard[i] / kMostAhead, hard[i]);
    ahead.at(i) = std::max({wish.wanted[i], wish.largest[i], std::min(kTimesAsked * wish.asked[i], most)});
  }
  return lacks ? ahead : Amounts();
}

/// What to take of what is left: all that is lacking if it is there, and ahead of that a share that leaves as much to
/// the others.
Amounts slice(const Amounts& hard, const Amounts& left, const Amounts& lacking, const SwapWish& wish) {
  Amounts taken = least(positive(lacking), positive(left));
  if (!wish.ahead) return taken;
  for (std::size_t i = 0; i < left.size(); ++i) {
    taken.at(i) = std::max(taken[i], in_steps(left[i] / (2 * static_cast<Amount>(wish.replicas)), hard[i]));
  }
  return taken;
}

/// The record without what it says of replicas and recalls that are over, and of what was counted before.
LedgerRecord cleared(LedgerRecord record, const SwapWish& wish, const LimitTerms& terms, const Holder& self) {
  const auto is_dead = [&](const Holder& holder) { return std::ranges::find(wish.dead, holder) != wish.dead.end(); };
  std::erase_if(record.grants, [&](const Grant& grant) { return is_dead(grant.holder); });
  std::erase_if(record.recalls, [&](const RecallId& recall) {
    return recall.holder == self || is_dead(recall.holder) || std::ranges::find(wish.over, recall) != wish.over.end();
  });
  const bool other_selection = record.selection != terms.selection || record.resource_version.empty();
  if (wish.new_epoch || other_selection) record.epoch = std::max(record.epoch + 1, wish.epoch_name);
  if (other_selection) {
    // What was counted before says nothing of what is counted now. A restored record, however, is true of the store
    // that was restored with it, and a replica that has started since may spend by it: its grant stays.
    record.selection = terms.selection;
    record.bases.clear();
    record.grants.clear();
    record.recalls.clear();
  }
  record.generation = terms.generation;
  record.hard = terms.hard;
  move_bases(record, wish.figures, wish.new_epoch);
  return record;
}

/// Of each type the record's base, or the figure that is ahead of it.
absl::InlinedVector<const Base*, 4> newest_bases(const LedgerRecord& record, const std::vector<Base>& figures) {
  absl::InlinedVector<const Base*, 4> bases;
  for (const Base& base : record.bases) {
    const auto figure = std::ranges::find(figures, base.type, &Base::type);
    bases.push_back(figure != figures.end() && figure->revision > base.revision ? &*figure : &base);
  }
  for (const Base& figure : figures) {
    if (record.base(figure.type) == nullptr) bases.push_back(&figure);
  }
  return bases;
}

/// What would be left of the record at these bases.
Amounts left_at(const LedgerRecord& record, const absl::InlinedVector<const Base*, 4>& bases) {
  Amounts left = record.hard - record.granted();
  for (const Base* const base : bases) left -= base->used;
  return left;
}

void put(LedgerRecord& record, const Grant& own) {
  const auto known = std::ranges::find(record.grants, own.holder, &Grant::holder);
  if (known == record.grants.end()) {
    record.grants.push_back(own);
  } else {
    *known = own;
  }
}

bool moves_bases(const LedgerRecord& from, const LedgerRecord& to) {
  return std::ranges::any_of(to.bases, [&](const Base& base) {
    const Base* const former = from.base(base.type);
    return former == nullptr || former->revision < base.revision;
  });
}

}  // namespace

bool LimitAccount::current() const {
  return record_ && !record_->resource_version.empty() && record_->selection == terms_.selection &&
         record_->generation >= terms_.generation;
}

void LimitAccount::resolved(TypeId type, Revision revision, const Amounts& amounts) {
  resolved_.push_back({++last_resolved_, type, revision, amounts, 1});
  unsettled_ += amounts;
  if (resolved_.size() >= std::max(merge_at_, kMostResolved)) merge_resolved();
}

// Those of a type that are merged settle together, when the base is at the last of them: later than they might, never
// sooner. Those of a swap that is under way stay as they are, or its outcome could not be told.
void LimitAccount::merge_resolved() {
  std::int64_t under_way = 0, writes = 0;
  for (const UnderWay& swap : under_way_) {
    if (!swap.settled.empty()) under_way = std::max(under_way, swap.settled.back());
  }
  for (const Resolved& one : resolved_) writes += one.writes;
  const std::int64_t share = 4 * writes / static_cast<std::int64_t>(kMostResolved);
  std::vector<Resolved> merged;
  absl::InlinedVector<std::size_t, 4> latest;  // of each type, and apart what has not landed
  for (Resolved& one : resolved_) {
    const auto former = std::ranges::find_if(latest, [&](std::size_t place) {
      return merged[place].type == one.type && (merged[place].revision == 0) == (one.revision == 0);
    });
    if (former != latest.end() && merged[*former].writes + one.writes <= share) {
      Resolved& into = merged[*former];
      into.revision = std::max(into.revision, one.revision);
      into.amounts += one.amounts;
      into.writes += one.writes;
      continue;
    }
    if (former != latest.end()) *former = merged.size();
    if (former == latest.end() && one.id > under_way) latest.push_back(merged.size());
    merged.push_back(std::move(one));
  }
  resolved_ = std::move(merged);
  merge_at_ = 2 * resolved_.size();
}

void LimitAccount::apply(const UnderWay& swap) {
  std::erase_if(resolved_, [&](const Resolved& one) {
    if (!std::ranges::binary_search(swap.settled, one.id)) return false;
    unsettled_ -= one.amounts;
    return true;
  });
  merge_at_ = 0;
  confirmed_ = swap.sequence;
  holds_entry_ = !swap.leaves;
  forgot_ = false;
}

bool LimitAccount::holds_alone() const {
  return record_ && std::ranges::all_of(record_->grants, [&](const Grant& grant) { return grant.holder == self_; });
}

Amounts LimitAccount::affordable(const std::vector<Base>& figures, Amounts otherwise) const {
  const Amounts left = record_->left();
  const Bases bases = newest_bases(*record_, figures);
  Amounts free = left_at(*record_, bases);
  if (const Grant* const own = record_->grant(self_)) free += own->granted;
  // An event can tell of a write before the cache counts it: of a list that is not taken, or of another watch.
  for (const Resolved& one : resolved_) {
    if (!counts(bases, one)) free -= one.amounts;
  }
  for (std::size_t i = 0; i < free.size(); ++i) {
    if (left[i] < 0) otherwise.at(i) = free[i];
  }
  return otherwise;
}

void LimitAccount::withhold() {
  withheld_ = Amounts();
  for (const UnderWay& swap : under_way_) withheld_ = most(withheld_, Amounts() - swap.taken);
  if (outdated_) withheld_ = most(withheld_, granted_);
}

LimitAccount::Reading LimitAccount::read(LedgerRecord record) {
  if (record_ && !record_->resource_version.empty() && record.resource_version.empty()) {
    // A reading may have begun before the record was made. The next one has not: somebody deleted it, and with it what
    // it said of everybody's grants.
    if (std::exchange(missing_, true)) return Reading::Strange;
    stale_ = true;
    return Reading::Old;
  }
  missing_ = false;
  if (record_ && parse_revision(record.resource_version) < parse_revision(record_->resource_version)) {
    return Reading::Old;
  }
  const Grant* const own = record.grant(self_);
  const auto landed = std::ranges::find_if(under_way_, [&](const UnderWay& swap) {
    return own != nullptr ? swap.sequence == own->sequence : swap.leaves && swap.condition != record.resource_version;
  });
  if (landed != under_way_.end()) {
    const UnderWay swap = *landed;
    apply(swap);
  }
  // What needs another version can land no more.
  std::erase_if(under_way_, [&](const UnderWay& swap) { return swap.condition != record.resource_version; });
  const bool voided = record_ && record.selection != record_->selection;
  const bool strange = !voided && holds_entry_ && (own == nullptr || own->sequence < confirmed_);
  if (voided) {
    resolved_.clear();
    unsettled_ = Amounts();
  }
  granted_ = own != nullptr ? own->granted : Amounts(record.hard.size());
  holds_entry_ = own != nullptr;
  if (own != nullptr) confirmed_ = std::max(confirmed_, own->sequence);
  outdated_ = own != nullptr && (forgot_ || own->generation != record.generation);
  record_ = std::move(record);
  overdrawn_ = !record_->left().covers({});
  stale_ = false;
  withhold();
  if (!strange) return Reading::Good;
  return own == nullptr ? Reading::Bereft : Reading::Strange;
}

bool LimitAccount::counts(const Bases& bases, const Resolved& one) {
  if (one.revision == 0) return true;
  const auto base = std::ranges::find(bases, one.type, &Base::type);
  return base != bases.end() && (*base)->revision >= one.revision;
}

Amounts LimitAccount::room(const std::vector<Base>& figures) const {
  if (!record_) return {};
  const Bases bases = newest_bases(*record_, figures);
  Amounts settled(record_->hard.size());
  for (const Resolved& one : resolved_) {
    if (counts(bases, one)) settled += one.amounts;
  }
  return positive(left_at(*record_, bases) + least(settled, granted_));
}

std::optional<LedgerSwap> LimitAccount::plan(const SwapWish& wish) {
  if (!record_ || answer_due_ || stale_ || record_->generation > terms_.generation) return std::nullopt;
  LedgerRecord next = cleared(*record_, wish, terms_, self_);
  const bool voids = next.selection != record_->selection;
  const RecallId* const others_oldest = next.oldest_recall();
  const bool yields = others_oldest != nullptr && (!wish.recall || *others_oldest < *wish.recall);

  Amounts settled(next.hard.size());
  std::vector<std::int64_t> settled_ids;
  if (!voids) {
    const Bases bases = newest_bases(next, {});
    for (const Resolved& one : resolved_) {
      if (!counts(bases, one)) continue;
      settled_ids.push_back(one.id);
      settled += one.amounts;
    }
  }
  const Amounts spent = unsettled_ - settled + wish.pending;
  const Grant* const known = next.grant(self_);
  const Grant former = known != nullptr ? *known : Grant{self_, Amounts(next.hard.size()), 0, next.generation, {}};
  Grant own = former;
  own.granted = positive(own.granted - settled);
  own.generation = next.generation;
  if (yields) own.recall_ack = std::max(own.recall_ack, *others_oldest);
  const bool gives_back = yields || wish.give_back;
  if (gives_back || outdated_ || former.generation != own.generation) own.granted = least(own.granted, positive(spent));
  put(next, own);
  const bool based = std::ranges::all_of(terms_.types, [&](TypeId type) { return next.base(type) != nullptr; });
  const Amounts kept = own.granted;
  if (!gives_back && based) {
    const Amounts left = next.left();
    own.granted += slice(next.hard, left, wish.wanted - (own.granted - spent), wish);
    const bool alone = wish.replicas == 1 && next.grants.size() == 1 && next.recalls.empty() && !wish.wanted.is_zero();
    if ((alone || wish.recall) && !terms_.flow) {
      const Amounts ahead = advance(left, kept - spent, wish, next.hard);
      if (!ahead.is_zero()) own.granted = most(own.granted, positive(spent) + ahead);
    }
  }
  // Who takes has something again that a recall may ask for.
  if (!(own.granted == kept)) own.recall_ack = {};
  if (wish.recall && wish.recalls) next.recalls.push_back(*wish.recall);
  const bool leaves = own.granted.is_zero() && under_way_.empty() && !wish.recalls;

  // Settling alone helps this replica to nothing; it helps those whom it yields to, and brings the budget home.
  Amounts taken = own.granted + settled - former.granted;
  const bool changes_own = leaves ? known != nullptr
                                  : !taken.is_zero() || own.generation != former.generation ||
                                        own.recall_ack != former.recall_ack || (gives_back && !settled.is_zero());
  const bool changes_rest = next.epoch != record_->epoch || (wish.rebase && moves_bases(*record_, next)) ||
                            next.generation != record_->generation ||
                            next.grants.size() - (known == nullptr ? 1 : 0) != record_->grants.size() ||
                            next.recalls.size() != record_->recalls.size() ||
                            !std::ranges::all_of(next.recalls, [&](const RecallId& one) { return record_->has(one); });
  if (!changes_own && !changes_rest) return std::nullopt;

  own.sequence = ++sequence_;
  put(next, own);
  if (leaves) std::erase_if(next.grants, [&](const Grant& grant) { return grant.holder == self_; });
  under_way_.push_back({own.sequence, record_->resource_version, std::move(settled_ids), std::move(taken), leaves});
  withhold();
  answer_due_ = true;
  return LedgerSwap{own.sequence, std::move(next)};
}

LimitAccount::Reading LimitAccount::landed(LedgerRecord record) {
  answer_due_ = false;
  return read(std::move(record));
}

void LimitAccount::refused(std::int64_t sequence) {
  answer_due_ = false;
  // Where another record has been read since, it is known why.
  if (std::erase_if(under_way_, [&](const UnderWay& swap) { return swap.sequence == sequence; }) > 0) stale_ = true;
  withhold();
}

void LimitAccount::lost() {
  answer_due_ = false;
  stale_ = true;
}

void LimitAccount::drop() {
  granted_ = withheld_ = unsettled_ = Amounts();
  resolved_.clear();
  under_way_.clear();
  holds_entry_ = outdated_ = overdrawn_ = missing_ = false;
  confirmed_ = 0;
  forgot_ = true;
  record_.reset();
  stale_ = true;
}

}  // namespace headroom::limits
