// A whole world for the escrow ledger, without time or threads: a store, an API server, clients, and webhook replicas
// that run the real state machine over caches that lag, a network that loses, repeats and reorders, clocks that drift,
// and processes that die, stop and come back. Everything follows from one number.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/limits/flow_truth.h"

namespace headroom::limits {

struct SimulationOptions {
  std::uint64_t seed = 1;
  int replicas = 3;
  int clients = 16;
  int writes = 2000;         ///< requests of clients, deletes included
  int hard_count = 20;       ///< of the limit over both types
  int hard_sum = 60;         ///< the same, in units of up to 5 an object
  int hard_flagged = 8;      ///< of the limit over flagged objects of one type
  FlowTruth::Bounds flow;    ///< of all writes; without a max there is none
  int resume_below = 0;      ///< of its max
  int queue = 0;             ///< writes that may wait for it, over all replicas
  bool disturbances = true;  ///< crashes, stops, cuts, lost messages; without them only delays
  bool restores = false;     ///< now and then the store goes back in time
  /// Now and then the bounds of the limits change, up to twice theirs and down to half, and the one over flagged
  /// objects is replaced.
  bool limit_changes = false;
};

struct SimulationReport {
  int allowed = 0, over_limit = 0, in_flight = 0, name_taken = 0, unavailable = 0, over_flow = 0;
  int landed = 0, never_landed = 0;
  int swaps = 0, reads = 0, lists = 0, crashes = 0, stops = 0, stalls = 0, cuts = 0, restores = 0, limit_changes = 0;
  double seconds = 0;  ///< simulated
  /// What must never be, in words; empty when all is well.
  std::vector<std::string> violations;
};

/// Runs until all writes have an end and the replicas have been left alone long enough for all budget to come home.
SimulationReport simulate(const SimulationOptions& options);

}  // namespace headroom::limits
