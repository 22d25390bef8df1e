// Keys that want work: each at most once in the queue, never two workers on one key, a key that changes while it is
// worked on runs once more after. With two priorities (scale writes go before status writes), delays where the earliest
// deadline wins, and rate-limited retries. Thread-safe. After client-go's workqueue and kube-rs' scheduler. The rules
// themselves are key_schedule.h; this is their lock, their clock and their waiting. Bounded by the number of different
// keys, so that adding never blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/api/object.h"
#include "operator/base/backoff.h"
#include "operator/base/clock.h"

namespace headroom::runtime {

/// What to work on. `kind` separates tasks of one queue ("scale", "status").
struct WorkKey {
  std::string kind;
  api::ObjectKey object;
  auto operator<=>(const WorkKey&) const = default;
};

/// High: writes that scale. Low: what may wait for them, such as status writes and a first list's backlog.
enum class Priority { High, Low };

/// What client-go's workqueue metrics show.
struct QueueStats {
  std::int64_t depth = 0;    ///< ready now; delayed ones aside
  std::int64_t adds = 0;     ///< in total; one that was already queued does not count
  std::int64_t retries = 0;  ///< in total
  std::int64_t processing = 0;
  std::int64_t delayed = 0;
  std::chrono::microseconds longest_running{0};  ///< since the oldest key in work was taken
  std::chrono::microseconds unfinished{0};       ///< the same, summed over all keys in work
};

/// Called as keys pass: waiting time when a worker takes one, working time when it is done.
struct QueueObserver {
  std::function<void(std::chrono::microseconds)> waited, worked;
};

class WorkQueue {
 public:
  /// `clock` outlives the queue; `retry` is each key's own back-off, jittered from `seed`.
  WorkQueue(const Clock& clock, Backoff retry, std::uint64_t seed, QueueObserver observer = {});
  ~WorkQueue();

  void add(const WorkKey& key, Priority priority = Priority::High);
  /// After `delay` (monotonic) at the latest; an earlier pending deadline wins. An add() in between does not take the
  /// deadline away. Clamped to 6 months (kube-rs #1772: a timer that far ahead overflows); not positive means now.
  void add_after(const WorkKey& key, std::chrono::milliseconds delay, Priority priority = Priority::High);
  /// After the next delay of the key's own back-off.
  void add_rate_limited(const WorkKey& key, Priority priority = Priority::High);
  /// Success: the key's back-off starts anew.
  void forget(const WorkKey& key);

  /// Blocks for the next key; empty once `stop` is requested or the queue is shut down. Low priority only when no high
  /// one is ready, except that a low key that has waited for 30 s passes (one for every 10 high ones at most). Call
  /// done() with it afterwards.
  std::optional<WorkKey> take(const std::stop_token& stop);
  void done(const WorkKey& key);
  /// With which priority a key in work was taken, so that its retry keeps it; High for one that is not in work.
  Priority taken_as(const WorkKey& key) const;
  /// No more keys go in or come out; those in work may finish.
  void shut_down();
  QueueStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::runtime
