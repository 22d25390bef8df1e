// The ledger of this replica and what it knows of the store, behind one mutex: reviews ask it, watches and answers of
// the API server feed it, and what it wants done there it hands out as tasks. No IO; thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/api/limit_ledger.h"
#include "operator/limits/escrow.h"
#include "operator/runtime/metrics.h"
#include "webhook/app/denials.h"
#include "webhook/app/enforcement.h"
#include "webhook/app/limit_book.h"
#include "webhook/app/requesters.h"
#include "webhook/app/type_lists.h"
#include "webhook/app/unlanded.h"
#include "webhook/app/verdict_answer.h"
#include "webhook/review_endpoint.h"

namespace headroom::webhook {

/// Something to be done at the API server; its result is told to the engine by the function of the same name.
struct SwapTask {
  LimitPtr limit;
  limits::LimitId ledger = 0;  ///< the limit's own, or its flow()
  limits::LedgerSwap swap;
};
struct ReadLedgerTask {
  LimitPtr limit;
  limits::LimitId ledger = 0;
};
struct ReadRevisionTask {
  WatchedType type;
  limits::Revision known = 0;  ///< before the read: a smaller answer is of a store that was restored
};
/// A list, or what came after a revision up to one that is newer than the task; then list_ended().
struct ListTask {
  WatchedType type;
  limits::Revision after = 0;  ///< 0: a list
};
struct ReadNameTask {
  limits::RequestId request = 0;
  WatchedType type;
  api::ObjectKey name;
  limits::BootTime until;  ///< afterwards nobody waits for it
};
/// The Lease of another replica, which the watch of Leases shows to be dead.
struct ReadHolderTask {
  limits::Holder holder;
};
using Task = std::variant<SwapTask, ReadLedgerTask, ReadRevisionTask, ListTask, ReadNameTask, ReadHolderTask>;

/// A watch or a list of a type. One without bodies has nothing to say once limits look at them.
struct TypeSource {
  limits::TypeId type = 0;
  bool bodies = false;
};

/// What is known of a limit now.
struct LimitFigures {
  LimitPtr limit;
  bool in_force = false;  ///< what is stored is known, and the ledger, where it has one, is of this generation
  limits::Amounts used, granted, in_flight;
  limits::Amounts held;                  ///< granted to all replicas, and not in the ledger's base yet
  std::vector<limits::TypeId> unlisted;  ///< of its types: those whose stored objects are not known
  EnforcementFacts::Ledger ledger = EnforcementFacts::Ledger::None;
  std::int64_t epoch = 0;  ///< of the ledger; 0: none
  /// Of its flow, in limits::kFlowDimensions: by this replica's own writes, and what it holds.
  limits::Amounts flow_in_use, flow_granted;
  std::size_t flow_waiting = 0;  ///< writes, here
};

/// The most of a limit's flow that this replica's writes had in use at a time.
struct FlowPeak {
  LimitPtr limit;
  limits::Amounts in_use;
};

class Engine {
 public:
  using Now = std::function<limits::Moment()>;
  /// Called on any of the engine's callers' threads, without its mutex; must not block and not fail.
  using RunTask = std::function<void(Task)>;

  /// `metrics` outlives the engine.
  Engine(limits::Holder self, limits::EscrowOptions options, Now now, RunTask run, runtime::Metrics& metrics);

  /// Whether a switch that a deny rule names is on; thread-safe, does not wait. Before the first review.
  void use_switches(std::function<bool(const api::SwitchCondition&)> is_on) { switch_is_on_ = std::move(is_on); }

  // --- reviews ---

  /// Answers now, or within the patience. Before there are limits the responder is dropped, so that the API server does
  /// as its failurePolicy says.
  void decide(const limits::AskedWrite& write, bool dry_run, ReviewResponder responder);

  // --- limits and types ---

  void adopt(const LimitChange& change);
  std::shared_ptr<const limits::LimitSet> limits() const;

  // --- what is stored; per type from one thread, but for lists ---

  /// Before a list is asked for.
  std::shared_ptr<TypeList> begin_list(TypeSource source);
  /// The list is whole, as of `revision`. One that began before a limit was added is not taken: another is asked for.
  void commit_list(TypeList& list, limits::Revision revision);
  /// It failed, or is not needed.
  void abandon_list(TypeList& list);
  /// A ListTask is over, whatever came of it.
  void list_ended(const ListTask& task);
  void applied(TypeSource source, const nlohmann::json& object);
  void deleted(TypeSource source, const nlohmann::json& object);
  void progress(TypeSource source, limits::Revision revision);
  /// Types of which no whole list is in, under every limit. Null before there are limits.
  std::optional<std::vector<limits::TypeId>> unlisted_types() const;

  // --- results of tasks, and the watch of ledgers ---

  void ledger_seen(const api::LimitLedger& ledger);
  /// It was deleted: what was granted in it is not to be spent.
  void ledger_deleted(const std::string& name);
  void ledger_read(const ReadLedgerTask& task, std::optional<limits::LedgerRecord> record);
  void swapped(const SwapTask& task, limits::SwapOutcome outcome, std::optional<limits::LedgerRecord> record);
  void revision_read(const ReadRevisionTask& task, std::optional<limits::Revision> revision);
  void name_read(const ReadNameTask& task, std::optional<bool> taken);
  void holder_read(const ReadHolderTask& task, std::optional<bool> renewed);

  // --- Leases ---

  void lease_held_until(limits::BootTime until);
  void begin_anew(limits::Holder self);
  void holder_renewed(const limits::Holder& holder);
  /// Whether a ledger that was read lately has a grant of any life of this holder.
  bool holds_grants(const std::string& holder) const;
  /// The store was restored: nothing that was seen of any type holds.
  void store_went_back();

  // --- time and end ---

  /// Runs until `stop`: time-outs, retries, clients that went away.
  void keep_time(const std::stop_token& stop);
  /// Gives back what is unspent and takes no more.
  void retire();
  /// Writes that were let through and have no end yet.
  std::size_t reserved() const;
  std::size_t waiting() const;
  std::vector<LimitFigures> figures() const;
  /// What is held by writes that did not land, of the limits under which there are such.
  std::vector<UnlandedUnderLimit> unlanded() const;
  /// Of one that it was told of, whatever it counts; null: dropped since.
  std::optional<LimitFigures> figures(limits::LimitId id) const;
  /// Since it was last asked; without what was not used at all.
  std::vector<FlowPeak> take_flow_peaks();
  /// See limits::Escrow::secured().
  bool secured(limits::LimitId id, limits::BootTime moment);
  Denials& denials() { return denials_; }

 private:
  struct Pending {
    ReviewResponder responder;
    WrittenObject object;
    limits::TypeId type = 0;
    std::vector<std::string> warnings;
    limits::BootTime arrived;
  };
  struct Type {
    WatchedType watched;
    std::uint64_t needs = 0;    ///< a list that was begun in this edition of the limits, or a later one
    bool came = false;          ///< a list has come in, be it one from before what `needs` says
    std::uint64_t listed = 0;   ///< the edition of the newest list
    limits::Revision newest{};  ///< of a list that was taken
    bool listing = false;       ///< a ListTask is out
    bool list_again = false;
    limits::BootTime asked;  ///< for a list
    std::vector<std::weak_ptr<TypeList>> lists;
  };
  struct Answered {
    ReviewResponder responder;
    Answer answer;
  };
  /// What is to be done once the mutex is free.
  struct Aftermath {
    std::vector<Answered> answers;
    std::vector<Task> tasks;
  };

  Aftermath take_actions();
  void finish(Aftermath aftermath);
  void forget_type(limits::TypeId id, Type& type);
  void with_escrow(absl::FunctionRef<void()> change);
  void ask_for_list(Type& type, Aftermath& aftermath);
  void ask_to_catch_up(limits::TypeId id, Type& type, Aftermath& aftermath);
  // Of decide(), under the mutex:
  void warn_of(const limits::Verdict& verdict, std::vector<std::string>& warnings);
  /// The limit does not refuse; what would be over an even share of its flow is over it, without asking anybody.
  void watch_flow(const limits::Assessment& assessed, std::vector<std::string>& warnings);
  /// Null: it waits, and the responder and its warnings with it.
  std::optional<Answer> ask_ledger(const limits::AskedWrite& write, const limits::Assessment& assessed, bool dry_run,
                                   std::vector<std::string>& warnings, ReviewResponder& responder);
  Answer with_warnings(Answer answer, std::vector<std::string> warnings) const;
  LimitFigures figures_of(const LimitPtr& limit) const;
  void add_ledger_figures(limits::LimitId ledger, LimitFigures& figures) const;
  void saw(limits::TypeId type, const limits::Uid& uid, limits::Revision version, bool deleted);
  void adopt_flow(const LimitPtr& limit);
  void count_denial(const limits::CompiledLimit* limit, const limits::Verdict& verdict, std::string message);
  LimitPtr find(limits::LimitId id) const;
  void take_change(TypeSource source, StoredChange change);
  void tick();
  void forget_requesters(limits::BootTime now);

  std::function<bool(const api::SwitchCondition&)> switch_is_on_ = [](const api::SwitchCondition&) { return false; };
  const Now now_;
  const RunTask run_;
  Denials denials_;
  const limits::EscrowOptions options_;

  mutable std::mutex mutex_;  ///< guards what follows
  std::condition_variable_any somebody_waits_;
  limits::UsageCache usage_;
  limits::Escrow escrow_;
  limits::FlowUse watched_flow_;                    ///< of limits that do not refuse
  std::shared_ptr<const limits::LimitSet> limits_;  ///< null before the first are known
  std::uint64_t edition_ = 0;                       ///< of the limits
  absl::flat_hash_map<limits::LimitId, LimitPtr> by_id_, by_flow_;
  absl::flat_hash_map<std::string, limits::LimitId> by_ledger_;
  absl::flat_hash_map<limits::TypeId, Type> types_;
  absl::flat_hash_map<limits::RequestId, Pending> pending_;
  limits::RequestId last_request_ = 0;
  Requesters requesters_;
  limits::BootTime looked_for_gone_;
};

}  // namespace headroom::webhook
