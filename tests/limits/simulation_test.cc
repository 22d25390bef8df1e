// The real state machine in a simulated world; every run follows from its seed.
#include "tests/limits/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

namespace headroom::limits {
namespace {

/// HEADROOM_SIMULATED_WRITES: how many writes in all; millions for a night, the default for every day.
int writes_in_all() {
  const char* const asked = std::getenv("HEADROOM_SIMULATED_WRITES");  // NOLINT(concurrency-mt-unsafe)
  return asked != nullptr ? std::atoi(asked) : 200'000;
}
/// HEADROOM_SIMULATION_SEED: only this one.
std::uint64_t only_seed() {
  const char* const asked = std::getenv("HEADROOM_SIMULATION_SEED");  // NOLINT(concurrency-mt-unsafe)
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 0;
}

struct Tally {
  std::int64_t writes = 0, allowed = 0, over_limit = 0, over_flow = 0, in_flight = 0, unavailable = 0;
};

SimulationOptions world_of(std::uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  options.writes = 4000;
  options.replicas = 1 + static_cast<int>(seed % 4);
  options.limit_changes = seed % 11 < 3;
  options.hard_count = seed % 3 == 0 || options.limit_changes ? 12 : 60;
  options.hard_sum = options.hard_count * 3;
  options.hard_flagged = options.hard_count / 3;
  if (seed % 2 == 0) {
    options.flow = {static_cast<int>(3 + seed % 9), static_cast<int>(10 + seed % 30), seed % 4 == 0 ? 0.1 : 2.0, 10};
    options.resume_below = seed % 3 == 0 ? options.flow.max / 2 : options.flow.max;
    options.queue = seed % 8 == 0 ? 0 : static_cast<int>(seed % 20);
  }
  options.disturbances = seed % 5 != 0;
  options.restores = seed % 7 == 0;
  return options;
}

TEST(Simulation, nothing_is_exceeded_nothing_refused_that_fits_and_all_budget_comes_home) {
  Tally tally;
  for (std::uint64_t seed = 1; tally.writes < writes_in_all(); ++seed) {
    if (only_seed() != 0) seed = only_seed();
    const SimulationOptions options = world_of(seed);
    const SimulationReport report = simulate(options);
    for (const std::string& violation : report.violations) ADD_FAILURE() << "seed " << seed << " " << violation;
    tally.writes += options.writes;
    tally.allowed += report.allowed;
    tally.over_limit += report.over_limit;
    tally.over_flow += report.over_flow;
    tally.in_flight += report.in_flight;
    tally.unavailable += report.unavailable;
    if (only_seed() != 0) {
      std::cout << "landed " << report.landed << " never " << report.never_landed << " allowed " << report.allowed
                << " over " << report.over_limit << " over flow " << report.over_flow << " in flight "
                << report.in_flight << " unavailable " << report.unavailable << " swaps " << report.swaps << " reads "
                << report.reads << " lists " << report.lists << " crashes " << report.crashes << " stops "
                << report.stops << " stalls " << report.stalls << " cuts " << report.cuts << " restores "
                << report.restores << " changes of limits " << report.limit_changes << " seconds " << report.seconds
                << "\n";
    }
    if (only_seed() != 0 || testing::Test::HasFailure()) break;
  }
  std::cout << tally.writes << " writes: " << tally.allowed << " allowed, " << tally.over_limit << " over a limit, "
            << tally.over_flow << " over a flow, " << tally.in_flight << " to be tried again, " << tally.unavailable
            << " unavailable\n";
  EXPECT_GT(tally.allowed, 0);
}

}  // namespace
}  // namespace headroom::limits
