// Which key is to be worked on next, as a pure data structure: the rules of WorkQueue without its lock, clock and
// waiting. Time comes in as an argument and must not go back. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "operator/base/clock.h"
#include "operator/runtime/work_queue.h"

namespace headroom::runtime {

struct WorkKeyHash {
  std::size_t operator()(const WorkKey& key) const noexcept {
    return std::hash<std::string>{}(key.kind) * 31 ^ std::hash<api::ObjectKey>{}(key.object);
  }
};

class KeySchedule {
 public:
  void add(const WorkKey& key, Priority priority, SteadyTime now);
  /// Becomes ready at `deadline`; of two pending deadlines the earlier, of two priorities the higher wins.
  void add_at(const WorkKey& key, SteadyTime deadline, Priority priority, SteadyTime now);

  struct Taken {
    WorkKey key;
    std::chrono::microseconds waited{0};  ///< since it was added or became due
  };
  /// The next key, which is in work from now on; empty when none is ready.
  std::optional<Taken> take(SteadyTime now);
  /// How long the key was in work; empty when it was not. It is queued again if it was added meanwhile.
  std::optional<std::chrono::microseconds> done(const WorkKey& key, SteadyTime now);
  std::optional<Priority> taken_as(const WorkKey& key) const;

  /// Counts a failure of the key; returns how many there were before it.
  int count_failure(const WorkKey& key);
  void forget_failures(const WorkKey& key);

  bool has_ready() const { return !high_.empty() || !low_.empty(); }
  std::optional<SteadyTime> next_deadline() const;
  /// `retries` is the caller's.
  QueueStats stats(SteadyTime now);

 private:
  using Ready = std::map<std::uint64_t, const WorkKey*>;  ///< by order of arrival
  struct Entry {
    bool queued = false, in_work = false;
    bool again = false;  ///< added while in work: to be queued once more when done
    Priority priority = Priority::High, again_priority = Priority::High, delayed_priority = Priority::High;
    std::uint64_t position = 0;  ///< in `high_` or `low_`
    SteadyTime since{};          ///< queued, or taken into work
    SteadyTime again_since{};
    std::optional<SteadyTime> deadline;
    int failures = 0;
  };
  using Entries = std::unordered_map<WorkKey, Entry, WorkKeyHash>;
  using Deadline = std::tuple<SteadyTime, const WorkKey*>;

  Ready& ready(Priority priority) { return priority == Priority::High ? high_ : low_; }
  void enqueue(Entries::value_type& item, Priority priority, SteadyTime since);
  void promote_due(SteadyTime now);
  bool low_goes_first(SteadyTime now) const;
  void drop_if_idle(Entries::iterator it);

  Entries entries_;  ///< nodes do not move: the containers below point at the keys
  Ready high_, low_;
  std::set<Deadline> deadlines_;
  std::vector<const WorkKey*> in_work_;
  std::uint64_t arrivals_ = 0;
  std::int64_t adds_ = 0;
  int high_in_a_row_ = 0;
};

/// kube-rs' bound (#1772): beyond it a timer's arithmetic overflows on some platforms, and nobody notices the
/// difference.
inline constexpr std::chrono::hours kFarthestDeadline{24 * 182};
/// A low key that has waited this long goes before high ones,
inline constexpr std::chrono::seconds kLongestLowWait{30};
/// but not more often than once in so many, so that a flood of late status writes cannot hold up scale writes.
inline constexpr int kHighPerLateLow = 10;

}  // namespace headroom::runtime
