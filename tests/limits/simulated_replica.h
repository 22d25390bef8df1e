// A webhook replica in the simulation: the real state machine, and what stands around it in a process. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "operator/limits/escrow.h"
#include "tests/limits/simulated_agenda.h"
#include "tests/limits/simulated_limits.h"
#include "tests/limits/simulated_store.h"

namespace headroom::limits {

class World;

/// Of its Lease.
inline constexpr Seconds kLeaseLife = 15;

/// Its caches lag, its calls get lost or come late, its clock runs at a speed of its own, and it dies, stops and comes
/// back. `world` outlives it.
class Replica {
 public:
  Replica(World& world, int number) : world_(world), number_(number) {}

  bool serves() const { return escrow_ != nullptr && !stopped_; }
  void start();
  void crash() {
    escrow_.reset();
    ++life_;
  }
  void stop_for(Seconds time);
  void cut_for(Seconds time);
  void stall_for(Seconds time);
  void ask(RequestId request, const Write& write, const std::optional<StoredObject>& before, const StoredObject& after);
  void store_went_back();
  void hear_renewal(const Holder& holder);
  void store_changed();
  void ledger_changed(LimitId ledger);
  void limits_changed();
  /// Knows the limits as of this generation, or may admit nothing by any.
  bool knows(std::int64_t generation) const {
    return escrow_ == nullptr || limits_.generation >= generation || moment().boot >= lease_until_;
  }
  const Escrow* escrow() const { return escrow_.get(); }
  const Holder& holder() const { return holder_; }

 private:
  Moment moment() const;
  void act();
  void act_on(const AnswerRequest& action);
  void act_on(const SwapLedger& action);
  void act_on(const ReadLedger& action);
  void act_on(const ReadRevision& action);
  void act_on(const ListType& action);
  void act_on(const ReadName& action);
  void act_on(const ReadHolder& action);
  void list(TypeId type);
  void list_soon(TypeId type);
  void define_limits();
  void learn_limits();
  void reconnect();
  void deliver(const StoreEvent& event);
  /// The cache may know of it already, or not yet.
  void tell_ledger(const StoreEvent& event);
  void bookmarks();
  void renew();
  void tick();
  /// Runs when the process is running, in this life of it; work that arrives while it is stopped waits.
  void later(Seconds delay, std::function<void()> what);
  /// A round trip to the API server; `reply` hears of a loss, too.
  void remote(std::function<void()> there, std::function<void(bool lost)> reply);

  World& world_;
  int number_;
  int life_ = 0, lives_ = 0;
  bool stopped_ = false, cut_ = false, arriving_ = false;
  bool stalled_ = false;  ///< its watches bring nothing, although all else works
  Seconds stopped_until_ = 0;
  double clock_rate_ = 1, clock_offset_ = 0;
  std::unique_ptr<UsageCache> usage_;
  std::unique_ptr<Escrow> escrow_;
  SimulatedLimits limits_;  ///< as it knows them
  Holder holder_;
  BootTime lease_until_;
  std::map<Holder, Seconds> heard_;  ///< the newest renewal that a watch has shown
  std::set<TypeId> listing_;
  std::size_t seen_events_ = 0;
  int store_age_ = 0;  ///< which of the store's pasts the cursor belongs to
};

}  // namespace headroom::limits
