// Random worlds to hold the planner's promises against. Seeded: the same seed is the same world everywhere.
#pragma once

#include <absl/time/time.h>

#include <cstdint>

#include "tests/support/builders.h"

namespace headroom::plan {

/// A small deterministic generator (SplitMix64), since distributions of the standard library differ between libraries.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// Uniform in [low, high].
  int between(int low, int high);
  bool one_in(int n) { return between(1, n) == 1; }

 private:
  std::uint64_t state_;
};

struct RandomWorldOptions {
  bool decrease = false;   ///< phases that allow a decrease
  bool capacity = true;    ///< regions with capacity
  bool observed = true;    ///< readiness, sizes in force, started leads, rules, lag
  bool suspended = false;  ///< targets and schedules that people have suspended
};

/// A few targets and schedules around 2026-11-08, and what is observed of them.
testing_support::World random_world(std::uint64_t seed, const RandomWorldOptions& options);

/// An instant of the days around.
absl::Time random_instant(Dice& dice);

}  // namespace headroom::plan
