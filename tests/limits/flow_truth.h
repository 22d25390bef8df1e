// What a limit's flow is held against in the simulation: every write that was let through, and when it really ended.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace headroom::limits {

/// Times in seconds, of the simulation's own clock.
class FlowTruth {
 public:
  struct Bounds {
    int max = 0;    ///< writes in progress; 0: there is no flow
    int burst = 0;  ///< writes within the window
    double window = 1, assume_done_after = 10;
  };

  explicit FlowTruth(const Bounds& bounds) : bounds_(bounds) {}

  /// A write that can still land was let through, for the first time or again. Of writes of one `key` only one can land
  /// at a time, of those that are `counted_as` one only one ever can; `write` tells them apart. `can_land` tells
  /// whether it still can, whenever it is asked. For the rate, what is counted as one is that for as long as its calls
  /// follow each other closely. What is broken by it, in words.
  std::optional<std::string> admitted(const std::string& key, const std::string& counted_as, std::uint64_t write,
                                      double now, std::function<bool()> can_land);
  /// One that was let through has landed, or never will.
  void ended(const std::string& key, std::uint64_t write);

 private:
  struct Open {
    double admitted = 0;  ///< latest
    std::function<bool()> can_land;
  };
  struct Known {
    std::map<std::string, double> last;  ///< call, by what is counted as one
    std::map<std::uint64_t, Open> open;  ///< by write
  };

  const Bounds bounds_;
  std::deque<double> lately_;
  std::map<std::string, Known> writes_;
};

}  // namespace headroom::limits
