#include "tests/limits/simulation.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>

#include "tests/limits/simulated_world.h"

namespace headroom::limits {

void World::restart(Replica& replica, Seconds longest) {
  ++report.crashes;
  check();  // it takes what it did not know with it
  replica.crash();
  agenda.in(delay(2, longest, 0.3), [&replica] { replica.start(); });
}

void World::disturb() {
  agenda.in(chance() * 20, [this] {
    if (quiet) return;
    Replica& replica = *replicas[static_cast<std::size_t>(pick(options.replicas))];
    const double what = chance();
    if (options.restores && what < 0.2) {
      if (!saved_) {
        saved_ = store.save();
      } else {
        ++report.restores;
        store.restore(*saved_);
        saved_.reset();
        ++store_age;
        in_flight_.clear();
        restored_until_ = agenda.now() + kLeaseLife + kApiDeadline;
        tolerated_.clear();
        for (const LimitId ledger : kLimits) tolerate(ledger, kLeaseLife + kApiDeadline);
        for (const auto& one : replicas) one->store_went_back();
        // Who restores a store restarts what stands upon it: a replica that has never seen what is lost.
        if (chance() < 0.5) agenda.in(chance() * 60, [this, &replica] { restart(replica, 10); });
      }
    } else if (what < 0.45) {
      restart(replica, 120);
    } else if (what < 0.6) {
      ++report.stalls;
      replica.stall_for(delay(2, 100, 0.4));
    } else if (what < 0.8) {
      ++report.stops;
      replica.stop_for(delay(2, 100, 0.4));
    } else {
      ++report.cuts;
      replica.cut_for(delay(2, 250, 0.4));
    }
    disturb();
  });
}

void World::change_limits() {
  agenda.in(chance() * 60, [this] {
    if (quiet) return;
    ++report.limit_changes;
    check();
    const auto around = [this](int asked) { return asked / 2 + pick(asked + 1); };
    limits.generation += 1;
    limits.hard_count = around(options.hard_count);
    limits.hard_sum = around(options.hard_sum);
    limits.hard_flagged = around(options.hard_flagged);
    if (chance() < 0.5) {
      ++limits.replaced;
      limits.replaced_in = limits.generation;
      tolerated_.erase(kFlagged);
      tolerate(kFlagged, kApiDeadline);
    }
    for (auto& [request, call] : calls) call.limits_known = call.aware = false;
    for (const auto& replica : replicas) replica->limits_changed();
    check(true);
    change_limits();
  });
}

SimulationReport World::run() {
  for (const auto& replica : replicas) replica->start();
  agenda.in(1, [this] {
    for (int i = 0; i < options.clients; ++i) client(i);
  });
  if (options.disturbances) disturb();
  if (options.limit_changes) change_limits();
  constexpr Seconds kTooLong = 100'000;
  while ((started_ < options.writes || under_way_ > 0) && agenda.step(kTooLong)) {
  }
  if (under_way_ > 0) violation(absl::StrCat(under_way_, " writes never had an end"));
  // From now on nothing disturbs; what was in flight ends, the dead are declared dead, the idle gives back.
  quiet = true;
  for (const auto& replica : replicas) replica->start();
  const Seconds end = agenda.now() + 3 * (kApiDeadline + kLeaseLife) + 250;
  while (agenda.step(end)) {
  }
  for (const LimitId ledger : kLedgers) {
    const LedgerRecord record = store.ledger(ledger);
    if (!record.grants.empty())
      violation(absl::StrCat("limit ", ledger, ": ", record.grants.size(), " grants never came home"));
    if (!record.recalls.empty()) violation(absl::StrCat("limit ", ledger, ": a recall stays open"));
  }
  for (const auto& replica : replicas) {
    if (!replica->escrow()) continue;
    if (replica->escrow()->reserved() > 0)
      violation(absl::StrCat(replica->escrow()->reserved(), " reservations never had an end"));
    if (replica->escrow()->waiting() > 0) violation("writes wait for ever");
  }
  report.seconds = agenda.now();
  return report;
}

SimulationReport simulate(const SimulationOptions& options) { return World(options).run(); }

}  // namespace headroom::limits
