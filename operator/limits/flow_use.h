// What one replica has in use of the flow that limits allow: writes in progress, and writes let through within the
// window of a rate. Units of flow come back by themselves, so nothing of it is stored and nothing is settled. Pure; not
// thread-safe.
//
// A rate is a sliding window, which, unlike a bucket of tokens, stays exact while shares of it move between replicas: a
// write takes up one of `burst` units for burst / writesPerSecond, whatever becomes of it. So within any time t at most
// burst + writesPerSecond × t writes are let through, by all replicas together.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "operator/limits/amounts.h"
#include "operator/limits/identity.h"
#include "operator/limits/reservations.h"

namespace headroom::limits {

/// The dimensions of every flow, in this order. One that the limit does not bound has a hard of 0 and is never charged.
inline constexpr std::size_t kConcurrency = 0, kRate = 1, kFlowDimensions = 2;
/// One write, in each of them.
inline constexpr Amount kOneWrite = Quantity::kNano;

/// What a limit says of flow, besides how much.
struct FlowTerms {
  absl::Duration window = absl::ZeroDuration();             ///< of the rate
  absl::Duration assume_done_after = absl::ZeroDuration();  ///< an end of what is in progress
  Amount resume_below = 0;                                  ///< writes in progress, of all replicas together
  std::size_t queue_length = 0;                             ///< writes that wait for their turn, in all replicas
  absl::Duration queue_time = absl::ZeroDuration();         ///< how long they do
  std::optional<LimitId> counted_as;                        ///< in the UsageCache, where its objects are watched

  /// How long a unit may stay in use after the last admission.
  absl::Duration longest_use() const { return std::max(window, assume_done_after); }
  bool operator==(const FlowTerms&) const = default;
};

/// Writes let through within a window of time. Coalesced into slots, each released when its youngest is old enough, so
/// that the memory is bounded: late by a 64th of the window at most.
class RateWindow {
 public:
  void add(absl::Duration window, BootTime now);
  void advance(BootTime now);
  std::int64_t in_use() const { return in_use_; }
  /// When the next of them is released; null when none is in use.
  std::optional<BootTime> next_release() const;

 private:
  struct Slot {
    BootTime until;
    std::int64_t writes;
  };
  std::deque<Slot> slots_;
  std::int64_t in_use_ = 0;
};

class FlowUse {
 public:
  void set_limit(LimitId limit, FlowTerms terms);
  void drop_limit(LimitId limit);
  /// Another life: nothing is in use.
  void clear();
  bool knows(LimitId limit) const { return flows_.contains(limit); }
  bool empty() const { return flows_.empty(); }

  /// What time ends has its end.
  void advance(LimitId limit, BootTime now);
  /// What the write takes up besides what calls for the same write have in use; of writes in progress also those for
  /// creates of the same name, as only one of them can be stored at a time.
  Amounts additional(LimitId limit, const Write& write, const Amounts& amounts) const;
  void add(LimitId limit, const Write& write, const Amounts& amounts, BootTime now);
  /// Whether a create of the same name, but another object, is in progress under the limit.
  bool creating(LimitId limit, const Write& write) const;
  /// The object was seen at `version`: writes of it that came before are not in progress any more.
  void seen(TypeId type, const Uid& uid, Revision version, bool deleted);

  Amounts in_use(LimitId limit) const;
  /// When a unit of the rate comes back; null when none is in use.
  std::optional<BootTime> next_release(LimitId limit) const;
  /// The most that was in use at a time since this was last asked.
  Amounts take_peak(LimitId limit);

 private:
  /// Calls that count as one.
  struct Key {
    LimitId limit = 0;
    TypeId type = 0;
    Uid id;  ///< the object's; of a create its name's
    Revision old_version = 0;

    bool operator==(const Key&) const = default;
    template <class H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.limit, key.type, key.id, key.old_version);
    }
  };
  /// Of calls that count as one, those of one object.
  struct Member {
    Uid object;
    std::uint64_t number = 0;  ///< of the latest call
  };
  struct Hold {
    /// A name's may be several: once the first was stored and deleted, the next may still be stored. One unit is in use
    /// until none is left.
    absl::InlinedVector<Member, 1> in_progress;
    /// Takes up a unit of the rate, so that another call for it does not; 0: does not. Told from later ones by number.
    std::uint64_t recent = 0;
    Uid recent_object{};  ///< for which it does: another of the same name is another write
  };
  struct Due {
    BootTime at;
    Key key;
    Uid object;
    std::uint64_t number;
  };
  struct Flow {
    FlowTerms terms;
    RateWindow window;
    std::int64_t in_progress = 0;
    std::deque<Due> assumed_done, forgotten;  ///< in the order of time
    Amounts peak;
  };
  using ObjectId = std::pair<TypeId, Uid>;

  static Key key_of(LimitId limit, const Write& write);
  Member* find_member(const Key& key, const Uid& object);
  void end_progress(const Key& key, const Uid& object);

  absl::btree_map<LimitId, Flow> flows_;
  absl::flat_hash_map<Key, Hold> holds_;
  absl::flat_hash_map<ObjectId, absl::InlinedVector<Key, 1>> by_object_;  ///< of those in progress
  std::uint64_t last_number_ = 0;
};

}  // namespace headroom::limits
