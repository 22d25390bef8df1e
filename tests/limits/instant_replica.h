// A replica of the ledger whose IO is done at once, from records and figures that a test holds in its hands; for tests
// of single rules. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "operator/limits/escrow.h"

namespace headroom::limits {

/// What all replicas of a test swap.
struct SharedRecords {
  std::map<LimitId, LedgerRecord> records;
  int version = 100;

  /// Null where the record has another version.
  std::optional<LedgerRecord> swap(LimitId limit, LedgerRecord next);
  /// To all holders together, in whole units.
  Amount granted(LimitId limit, std::size_t dimension = 0) const;
};

class InstantReplica {
 public:
  using Kind = Verdict::Kind;

  /// Without limits yet; `shared` outlives it.
  InstantReplica(std::string name, SharedRecords& shared) : self{std::move(name), 1}, shared_(shared) {}
  InstantReplica(const InstantReplica&) = delete;
  InstantReplica& operator=(const InstantReplica&) = delete;

  /// Both clocks, by seconds of the test.
  static Moment at(double seconds) {
    return {absl::Seconds(seconds), absl::FromUnixSeconds(1'000'000) + absl::Seconds(seconds)};
  }
  static Uid uid(int object) { return {1, static_cast<std::uint64_t>(object)}; }

  /// The answer, if it came at once.
  std::optional<Kind> ask(int request, const Write& write, const Charges& charges, double now);
  std::optional<Kind> answer(int request) const;
  void tick(double now) {
    escrow.tick(at(now));
    act(now);
  }
  void sees_up_to(TypeId type, Revision revision, double now);
  /// Hears what is recorded now.
  void reads(double now);
  /// Does what the ledger asks for, until it asks for nothing more.
  void act(double now);
  /// To this replica, in whole units.
  Amount granted(LimitId limit, std::size_t dimension = 0) const;

  const Holder self;
  UsageCache usage;
  Escrow escrow{self, {}, usage};
  std::map<int, Verdict> answers;
  std::optional<Revision> newest = 50;        ///< what a consistent read finds; none: it hangs
  std::map<TypeId, Revision> newest_of_type;  ///< the same, of types that differ
  std::optional<bool> taken = true;           ///< what looking for a name finds
  std::optional<bool> renewed = false;        ///< what reading another's Lease finds
  bool unanswered_read = false, loses_answers = false;
  bool hears = true;  ///< of what was in the way of a swap, by its watch
  int swaps = 0, refused_swaps = 0, ledger_reads = 0, consistent_reads = 0, lists = 0;

 private:
  void act_on(const AnswerRequest& action, double now);
  void act_on(const SwapLedger& action, double now);
  void act_on(const ReadLedger& action, double now);
  void act_on(const ReadRevision& action, double now);
  void act_on(const ListType& action, double now);
  void act_on(const ReadName& action, double now);
  void act_on(const ReadHolder& action, double now);

  SharedRecords& shared_;
};

}  // namespace headroom::limits
