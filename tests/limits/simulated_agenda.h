// Time in the simulation. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace headroom::limits {

using Seconds = double;

/// Things that happen, in order of time.
class Agenda {
 public:
  Seconds now() const { return now_; }
  void in(Seconds delay, std::function<void()> what) {
    things_.push({now_ + std::max(delay, 0.0), ++order_, std::move(what)});
  }
  /// False when nothing is left before `until`.
  bool step(Seconds until) {
    if (things_.empty() || things_.top().at > until) {
      now_ = std::max(now_, until);
      return false;
    }
    Thing next = things_.top();
    things_.pop();
    now_ = next.at;
    next.what();
    return true;
  }

 private:
  struct Thing {
    Seconds at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Thing& other) const { return std::pair(at, order) > std::pair(other.at, other.order); }
  };
  std::priority_queue<Thing> things_;
  Seconds now_ = 0;
  std::uint64_t order_ = 0;
};

}  // namespace headroom::limits
