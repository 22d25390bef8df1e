// One limit's ledger as one replica keeps it: what it may still admit by itself, and the next change of the shared
// record. Pure; not thread-safe. See ledger_record.h for what keeps it safe.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/limits/amounts.h"
#include "operator/limits/flow_use.h"
#include "operator/limits/identity.h"
#include "operator/limits/ledger_record.h"

namespace headroom::limits {

/// What the limit says, as of one generation of it.
struct LimitTerms {
  std::int64_t generation = 0;
  std::string selection;  ///< digest of what is counted: types, selectors, namespaces, paths
  Amounts hard;
  std::vector<TypeId> types;
  /// Of a limit's flow, which is a LimitId of its own: `hard` is of its dimensions, and there are no types.
  std::optional<FlowTerms> flow{};
};

/// What this replica would have of the next swap.
struct SwapWish {
  std::vector<Base> figures;   ///< its caches' own, only of types that are known
  Amounts pending;             ///< its reservations without an end
  Amounts wanted;              ///< what waiting writes need for which there is room; empty: nothing
  Amounts asked;               ///< what all waiting writes need
  Amounts largest;             ///< the most that one of them needs
  bool ahead = false;          ///< take more than is wanted, while there is plenty
  bool give_back = false;      ///< what is unspent idles
  std::size_t replicas = 1;    ///< alive, this one counted
  std::vector<Holder> dead;    ///< nothing of theirs can land any more, and `figures` are newer than that
  std::vector<RecallId> over;  ///< recalls that have had their time
  /// Its own, where this limit is one of those that it is for. While it is the oldest, this replica takes ahead of
  /// deletes.
  std::optional<RecallId> recall;
  bool recalls = false;  ///< the recall is to be open in the record
  bool rebase = false;   ///< the bases are to be moved for their own sake
  /// After a time without trust in the record. Every base of it that is ahead of `figures` is lost.
  bool new_epoch = false;
  /// What a new epoch is called at least: the time in microseconds, so that none is called as one that a restored store
  /// has forgotten.
  std::int64_t epoch_name = 0;
};

/// A compare-and-swap: `record.resource_version` is what it is conditional upon (empty: create it).
struct LedgerSwap {
  std::int64_t sequence = 0;
  LedgerRecord record;
};

class LimitAccount {
 public:
  LimitAccount(LimitTerms terms, Holder self) : terms_(std::move(terms)), self_(std::move(self)) {}

  const LimitTerms& terms() const { return terms_; }
  /// Another generation of the limit, with the same selection.
  void set_terms(LimitTerms terms) { terms_ = std::move(terms); }
  /// Null before the record was read.
  const LedgerRecord* record() const { return record_ ? &*record_ : nullptr; }
  /// Whether the record counts what the limit says now.
  bool current() const;
  /// Whether what is granted here was granted under another hard, or before a drop(), and is not to be spent before a
  /// swap.
  bool outdated() const { return outdated_; }

  /// What is left of the grant, `pending` being what is reserved and has no end; dimensions may be negative.
  Amounts unspent(const Amounts& pending) const { return granted_ - withheld_ - unsettled_ - pending; }
  /// More is granted than is left, by an advance on what deletes will free, or as the limit was lowered: what is
  /// unspent may be admitted only as far as affordable() covers it.
  bool overdrawn() const { return overdrawn_; }
  /// In dimensions that are overdrawn: what may be stored and reserved beyond what these figures of its caches show,
  /// and what has landed beyond them, as long as nobody else is granted more; in the others `otherwise`.
  Amounts affordable(const std::vector<Base>& figures, Amounts otherwise) const;
  /// The record grants nobody else anything.
  bool holds_alone() const;
  const Amounts& granted() const { return granted_; }
  /// Charges of writes that have landed, not yet taken off the grant.
  const Amounts& unsettled() const { return unsettled_; }

  /// What a swap could add to the unspent, by these figures of its caches; no dimension is negative.
  Amounts room(const std::vector<Base>& figures) const;

  /// A reservation has its end (see Resolution).
  void resolved(TypeId type, Revision revision, const Amounts& amounts);

  /// How the record stands against what this replica remembers of it.
  enum class Reading {
    Old,  ///< older than what is known
    Good,
    Bereft,   ///< its grant is gone: others took this one for dead, or the store was restored
    Strange,  ///< what was there is gone: the store was restored, or the record was deleted
  };
  /// The record was read, or a swap was answered with it.
  Reading read(LedgerRecord record);

  /// The next change of the record, or null where there is nothing to change, or not yet: one swap is under way at a
  /// time, and after one whose answer was lost the record is read first.
  std::optional<LedgerSwap> plan(const SwapWish& wish);
  bool swapping() const { return answer_due_; }
  /// The record is not known, or may have moved on: it is to be read.
  bool needs_reading() const { return !answer_due_ && stale_; }

  /// How a swap ended. Refused: the record had another version. Lost: it may have landed, or may still land.
  Reading landed(LedgerRecord record);
  void refused(std::int64_t sequence);
  void lost();

  /// Gives up what it holds, and forgets the record: as of now it may admit nothing.
  void drop();

 private:
  struct Resolved {
    std::int64_t id;
    TypeId type;
    Revision revision;
    Amounts amounts;
    std::int64_t writes;  ///< that were merged into it
  };
  using Bases = absl::InlinedVector<const Base*, 4>;
  /// A swap that may or may not have landed.
  struct UnderWay {
    std::int64_t sequence;
    std::string condition;  ///< the resourceVersion that it needs
    std::vector<std::int64_t> settled;
    Amounts taken;        ///< what it adds to the unspent; negative where it gives back
    bool leaves = false;  ///< takes the grant out of the record
  };

  void apply(const UnderWay& swap);
  void merge_resolved();
  void withhold();
  /// Whether what was stored at these bases counts it already, or nobody will ever have to.
  static bool counts(const Bases& bases, const Resolved& one);

  LimitTerms terms_;
  Holder self_;
  std::optional<LedgerRecord> record_;
  Amounts granted_, withheld_, unsettled_;
  std::vector<Resolved> resolved_;  ///< in the order of their ids
  std::int64_t last_resolved_ = 0;
  std::size_t merge_at_ = 0;    ///< so many of them are merged
  std::int64_t sequence_ = 0;   ///< of the last swap planned
  std::int64_t confirmed_ = 0;  ///< of the last that is known to have landed
  bool holds_entry_ = false;    ///< the record is known to have a grant of this replica
  std::vector<UnderWay> under_way_;
  bool outdated_ = false;
  bool forgot_ = false;  ///< what it spent of its grant in the record; until a swap has put that right
  bool overdrawn_ = false;
  bool answer_due_ = false;
  bool stale_ = true;
  bool missing_ = false;  ///< the last reading found no record
};

}  // namespace headroom::limits
