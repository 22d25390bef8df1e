// The escrow ledger of one webhook replica: admits writes from slices of the limits' room that it holds, in memory, and
// trades slices with the other replicas by swaps of a record per limit. What is stored under a limit, and its flow
// (writes in progress, writes per time), are two LimitIds that trade alike. A state machine: whatever happens is told
// by a call, whatever is to be done is fetched with take_actions(). Pure; not thread-safe.
//
// Promised while all replicas do as this one, clocks run at about the same speed, and the API server ends its requests
// within `request_deadline`: what is stored never exceeds a limit, and no write is refused as OverLimit that would have
// fitted what was stored at some moment between its question and its answer. No more writes are in progress, and no
// more were let through within any time, than a limit's flow allows.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "operator/limits/consistent_reads.h"
#include "operator/limits/flow_use.h"
#include "operator/limits/holders.h"
#include "operator/limits/identity.h"
#include "operator/limits/ledger_record.h"
#include "operator/limits/limit_account.h"
#include "operator/limits/reservations.h"
#include "operator/limits/usage_cache.h"
#include "operator/limits/verdict.h"

namespace headroom::limits {

struct EscrowOptions {
  /// From admission on, how long a write may still land: --request-timeout of the API server (60 s unless told
  /// otherwise) and a margin for clocks.
  absl::Duration request_deadline = absl::Seconds(64);
  absl::Duration lease_life = absl::Seconds(15);
  /// The longest that a write waits for an answer, but in a flow's queue; below the webhook's timeoutSeconds.
  absl::Duration patience = absl::Seconds(2);
  std::size_t most_waiting = 10'000;
  /// An unspent grant that was not touched for so long goes back.
  absl::Duration idle_after = absl::Seconds(5);
  /// How long others leave room to the owner of a recall.
  absl::Duration recall_life = absl::Seconds(2);
  /// How long a replica whose recall is the oldest takes what it needs while others stand in line; less where the line
  /// is long. Each change of turns costs some swaps.
  absl::Duration turn = absl::Milliseconds(250);
  absl::Duration read_pause = absl::Milliseconds(20);
  absl::Duration watch_patience = absl::Milliseconds(100);
};

/// Both clocks of one moment: `boot` measures, `wall` only orders recalls.
struct Moment {
  BootTime boot;
  absl::Time wall;
};

struct AnswerRequest {
  RequestId request = 0;
  Verdict verdict;
};
/// Swap the record; report with swapped().
struct SwapLedger {
  LimitId limit = 0;
  LedgerSwap swap;
};
/// Read the record; report with ledger_read(), however long it takes: it is not asked for again meanwhile.
struct ReadLedger {
  LimitId limit = 0;
};
/// Read the newest revision of a type; report with consistent_read().
struct ReadRevision {
  TypeId type = 0;
};
/// List the type whole, from the newest revision, into the cache; then cache_moved().
struct ListType {
  TypeId type = 0;
};
/// Look whether the name that a create asks for is taken, in the newest state; report with name_read().
struct ReadName {
  RequestId request = 0;
};
/// Read the Lease of a holder that seems to be dead, from the store itself; report with holder_read().
struct ReadHolder {
  Holder holder;
};
using Action = std::variant<AnswerRequest, SwapLedger, ReadLedger, ReadRevision, ListType, ReadName, ReadHolder>;

enum class SwapOutcome { Landed, Refused, Lost };

class Escrow {
 public:
  /// `usage` is kept up to date by the caller, who tells of each change by seen() and cache_moved(); it outlives this.
  Escrow(Holder self, EscrowOptions options, const UsageCache& usage);

  /// A limit, or another generation of it. Where its selection changes it is another LimitId: drop the former.
  void set_limit(LimitId limit, LimitTerms terms);
  /// Writes that wait for it are answered Unavailable: another limit may be about to take its place.
  void drop_limit(LimitId limit);

  /// This replica's Lease holds until then, counted from before the request that renewed it. Nothing is admitted later.
  /// After a lapse, begin_anew() first.
  void lease_held_until(BootTime until);
  /// The Lease had lapsed, and is held again: a new life under another epoch, which owes and owns nothing.
  void begin_anew(Holder self, Moment now);
  void holder_renewed(const Holder& holder, Moment now);
  /// How a ReadHolder ended. `renewed`: the Lease is of this life, and its renewal is one that was not heard of; null:
  /// it failed.
  void holder_read(const Holder& holder, std::optional<bool> renewed, Moment now);

  /// Asks for a write. The answer, or null: it waits, and an AnswerRequest follows within the patience.
  std::optional<Verdict> ask(RequestId request, const Write& write, const Charges& charges, Moment now);
  /// Nobody waits for the answer any more.
  void cancel(RequestId request);
  /// What would be said, from the cache alone, without charging anything (dry run).
  Verdict judge(const Charges& charges) const;

  /// The cache has seen an object at a version (of any limit or none).
  void seen(TypeId type, const Uid& uid, Revision version, bool deleted);
  /// Events, a bookmark or a list moved the cache; called once after any number of seen().
  void cache_moved(TypeId type, Moment now);
  /// The store shows a revision below one that was seen before: it was restored.
  void went_back(TypeId type, Moment now);
  /// The same, seen otherwise: no record of any limit is trusted.
  void store_went_back(Moment now);

  /// Null: it failed.
  void ledger_read(LimitId limit, std::optional<LedgerRecord> record, Moment now);
  void swapped(LimitId limit, std::int64_t sequence, SwapOutcome outcome, std::optional<LedgerRecord> record,
               Moment now);
  /// Null: it failed.
  void consistent_read(TypeId type, std::optional<Revision> revision, Moment now);
  /// Null: it could not be told.
  void name_read(RequestId request, std::optional<bool> taken, Moment now);
  void tick(Moment now);
  /// Gives back all that is unspent and takes no more: this replica is about to end.
  void retire(Moment now);

  std::vector<Action> take_actions();

  /// Whether the ledger's base counts all that was stored at `moment`, and no more is granted than that leaves room
  /// for: from then on the limit is exact, whatever was let through without being judged before. While it does not,
  /// sees to it, as long as it is asked for again with the same moment.
  bool secured(LimitId limit, BootTime moment);

  /// For status and metrics.
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t reserved() const { return reservations_.size(); }
  const LimitAccount* account(LimitId limit) const;
  /// The store was restored, or seems so: nothing is admitted until a new epoch of the limit's record begins.
  bool distrusts(LimitId limit) const;
  /// Reserved, or of a flow in use.
  Amounts pending(LimitId limit) const {
    return flow_.knows(limit) ? flow_.in_use(limit) : reservations_.pending(limit);
  }
  /// Of what is reserved: what writes hold that were let through at `before` or earlier.
  std::vector<Lingering> lingering(BootTime before) const { return reservations_.lingering(before); }
  /// That are alive, this one counted.
  std::size_t replicas(Moment now) const { return 1 + holders_.others_alive(self_, now.boot); }
  /// Writes that wait for a flow of the limit.
  std::size_t queued(LimitId flow) const;
  /// The most of a flow that this replica had in use since this was last asked.
  Amounts take_peak(LimitId flow, Moment now);

 private:
  struct Waiting {
    RequestId request;
    Write write;
    Charges charges;
    BootTime arrived;
    bool recalls = false;  ///< needs what others hold
    /// A create of a name that was there when last seen, or that another create is about to take. Admitted blindly it
    /// would hold room for as long as it might land, although it will not: loops of create-or-get would eat the limit.
    bool looks_for_name = false;
    bool name_asked = false;
    bool in_line = false;  ///< for a flow
    /// By limit of several types: what was stored when it was asked, and all that was lowered before. See
    /// least_stored().
    std::vector<std::pair<LimitId, Amounts>> first_look{};
  };
  /// See secured().
  struct Securing {
    std::optional<BootTime> moment;
    std::optional<std::vector<Base>> needed;  ///< where the bases have to be for that, once it is known
    bool done = false;
    bool rebases = false;  ///< they are not there yet
    bool recalls = false;  ///< more is granted than there is room for
  };
  struct Limit {
    explicit Limit(LimitAccount kept) : account(std::move(kept)) {}

    LimitAccount account;
    BootTime touched;                    ///< last spent from, or waited for
    std::optional<BootTime> distrusted;  ///< until then nothing is admitted; then a new epoch begins
    /// Of the record that is not trusted; empty: there was none, and it is that of the next one.
    std::optional<std::int64_t> distrusted_epoch;
    /// A base that the cache has not reached, and since when it is seen in the record.
    struct Ahead {
      TypeId type = 0;
      Revision revision = 0;
      BootTime since;
    };
    std::vector<Ahead> ahead;
    std::optional<RecallId> others_recall;  ///< the oldest open one
    BootTime others_recall_seen;
    std::optional<BootTime> reading;  ///< the record; not again before then, nor before an answer
    BootTime topped_up = -absl::InfiniteDuration();
    BootTime swap_sent = -absl::InfiniteDuration();  ///< the last
    Securing securing;
    // Of the writes that wait, in their order:
    Amounts wanted;         ///< by those for which there is room
    Amounts asked;          ///< by all
    Amounts largest;        ///< the most by one
    bool unserved = false;  ///< some are beyond what there is room for
    bool recalls = false;   ///< what other replicas hold, or a turn to take ahead, is needed
    // Of a flow:
    std::size_t queued = 0;            ///< writes that wait for it
    bool filled = false;               ///< was as full as it gets: nothing starts until enough has ended
    std::optional<Amounts> own_share;  ///< all that it uses, as another replica that has less waits for more

    bool is_flow() const { return account.terms().flow.has_value(); }
    bool waited_for() const { return unserved || !wanted.is_zero() || queued > 0; }
  };
  /// How this replica stands in a limit's line, and what it is to do about that by a swap.
  struct Place {
    bool others_over = false;  ///< the oldest recall of others has had its time
    bool has_turn = false;
    bool stands_back = false;  ///< it is another's turn
    bool opens = false;        ///< raises the recall
    bool withdraws = false;    ///< ends it, so that the next one has its turn
    bool yields = false;       ///< gives back what is unspent
    bool settles = false;      ///< tells in another's turn what has ended
  };

  bool may_admit(BootTime now) const { return now < lease_until_ && !retiring_; }
  /// Whether it is known that the write can never land: its object has moved on.
  bool superseded(const Write& write, const Charges& charges) const;
  /// Whether another create of the same name was let through and has no end yet.
  bool creating(const Write& write, const Charges& charges) const;
  bool admit(const Write& write, const Charges& charges, BootTime now);
  Amounts unspent(LimitId id, const Limit& limit) const;
  /// Of what a write charges, that which calls for the same write have not charged yet.
  Charges additional(const Write& write, const Charges& charges) const;
  /// What is stored, and its figures by type, by this replica's caches.
  Amounts stored(LimitId id, const Limit& limit) const;
  Amounts lowered(LimitId id, const Limit& limit) const;
  void look(Waiting& waiting) const;
  /// The least that may have been stored when the write was asked for, now that the cache has caught up with that. Of
  /// one type that is what the cache shows. Those of several are of several moments: what went from one to another in
  /// between would be counted twice.
  Amounts least_stored(LimitId id, const Limit& limit, const Waiting& waiting) const;
  std::vector<Base> figures(LimitId id, const Limit& limit) const;
  bool caught_up(LimitId id, const Limit& limit, BootTime moment);
  bool in_touch(const Limit& limit, BootTime now);

  /// Null: it waits on.
  std::optional<Verdict> decide(Waiting& waiting, BootTime now);
  std::optional<Verdict> decide_by(LimitId id, Limit& limit, const Charge& charge, const Amounts& lacking,
                                   Waiting& waiting, BootTime now);

  // Flows:
  Amounts unspent_flow(LimitId id, const Limit& limit) const;
  void refresh_flow(LimitId id, Limit& limit, BootTime now);
  /// All of the dimension is held by this replica, or in use by others.
  bool exhausted(const Limit& limit, std::size_t dimension) const;
  std::size_t queue_length(const Limit& limit, BootTime now) const;
  std::optional<Verdict> decide_by_flow(LimitId id, Limit& limit, const Amounts& lacking, Waiting& waiting,
                                        BootTime now);
  Verdict flow_refusal(LimitId id, const Limit& limit, const Amounts& lacking, BootTime now) const;
  /// Whether writes that came before wait for a flow that this one needs, too.
  bool stands_in_line(const Charges& more, Moment now);
  /// Takes its place; or is refused, as the queue is full.
  std::optional<Verdict> stand_in_line(const Charges& more, BootTime now);
  /// What is free of it is given to another's recall, and not before it is known to be of no use here.
  bool yields_flow(LimitId id, const Limit& limit, BootTime now) const;
  /// Until when a holder's units may be in use although it is known to be dead since.
  BootTime uses_end(const Limit& limit, BootTime dead_since) const;

  void resolve(std::span<const Resolution> resolutions);
  /// That limits count, each once.
  std::vector<TypeId> counted_types() const;
  void give_up_writes(BootTime now);
  void pump(Moment now);
  /// Whether all that the record grants fits beside what is stored, or will be spent only as far as it does.
  bool fits(LimitId id, const Limit& limit) const;
  void secure(LimitId id, Limit& limit);
  /// Swaps, or reads, the limit's record where there is a reason to.
  void trade(LimitId id, Limit& limit, Moment now);
  enum class Trust { Nothing, Record, NewEpoch };
  /// What the next swap may go by.
  Trust trust(LimitId id, Limit& limit, BootTime now);
  SwapWish wish_for(LimitId id, const Limit& limit, const Place& place, Moment now) const;
  /// `available`: by limit, what is left for this one by those that came before; to begin with, empty.
  void add_up_wants(const Waiting& waiting, absl::flat_hash_map<LimitId, Amounts>& available);
  void trade_for_waiting(LimitId id, Limit& limit, Moment now);
  /// Asks for what is to be read of the store.
  void read_types(BootTime now);
  /// The last that waits has just come: nothing has changed for the others, however many there are.
  std::optional<Verdict> begin_waiting(Moment now);
  /// Whether some record has it.
  bool is_open(const RecallId& recall) const;
  absl::Duration turn_length() const;
  /// Behind all that are known.
  void raise_recall(Moment now);
  /// If it has had its turn, or nobody needs it.
  void end_recall(Moment now);
  /// Sees to it that there is a recall while one is needed, and not for longer.
  void take_turns(Moment now);
  Place place_in_line(LimitId id, const Limit& limit, BootTime now) const;
  std::vector<Holder> dead_holders(LimitId id, Limit& limit, BootTime now);
  bool low(LimitId id, const Limit& limit) const;
  static bool may_top_up(const Limit& limit, BootTime now);
  void note(LimitId id, Limit& limit, LimitAccount::Reading reading, Moment now);
  /// Whoever has a grant in the record, or a recall.
  void note_others(Limit& limit, BootTime now);
  /// Whether the record has a base of a revision that the store has lost: a swap made before the restore was noticed
  /// can leave one behind, and it would stand until its revision comes again. Null: that is being found out.
  std::optional<bool> has_lost_base(LimitId id, Limit& limit, BootTime now);
  void distrust(Limit& limit, BootTime now);

  Holder self_;
  const EscrowOptions options_;
  const UsageCache& usage_;
  Reservations reservations_;
  FlowUse flow_;
  Holders holders_;
  ConsistentReads reads_;
  absl::btree_map<LimitId, Limit> limits_;  ///< in order, so that the same inputs give the same actions
  std::deque<Waiting> waiting_;
  std::optional<RecallId> recall_;  ///< our own, one for all ledgers that it is raised on
  BootTime recall_raised_;
  std::optional<BootTime> turn_;  ///< since when it is the oldest in some record
  std::int64_t recalls_ = 0;
  std::int64_t newest_recall_ = 0;  ///< raised by anyone, as seen: a slow clock must not win each time
  absl::btree_map<Holder, BootTime> reading_holders_;  ///< since when
  BootTime lease_until_ = -absl::InfiniteDuration();
  BootTime overdue_checked_ = -absl::InfiniteDuration();
  bool retiring_ = false;
  std::vector<Action> actions_;
};

}  // namespace headroom::limits
