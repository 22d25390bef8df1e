// All that the simulation consists of: store, API server, clients and replicas, and what is held against the promises.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/limits/flow_truth.h"
#include "tests/limits/simulated_agenda.h"
#include "tests/limits/simulated_limits.h"
#include "tests/limits/simulated_replica.h"
#include "tests/limits/simulated_store.h"
#include "tests/limits/simulation.h"

namespace headroom::limits {

/// Until when the API server lets a write land.
inline constexpr Seconds kApiDeadline = 60;

/// One call of a webhook: what its answer is held against.
struct Call {
  std::string name;
  Charges charges;                       ///< by the limits that the replica knows
  bool limits_known = true;              ///< to all replicas, and the same since it was asked
  bool aware = true;                     ///< its replica knew the limits when it decided
  std::map<LimitId, Amounts> most_used;  ///< since it was asked, of each ledger
  std::function<void()> let_through;     ///< as soon as it is decided
  std::function<void(const Verdict&, bool aware)> answered;
};

class World {
 public:
  explicit World(const SimulationOptions& asked)
      : options(asked),
        random(asked.seed),
        limits{1, asked.hard_count, asked.hard_sum, asked.hard_flagged},
        flow_truth_(asked.flow) {
    for (int i = 0; i < options.replicas; ++i) replicas.push_back(std::make_unique<Replica>(*this, i));
  }

  SimulationReport run();

  double chance() { return std::uniform_real_distribution<double>(0, 1)(random); }
  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); }
  /// Mostly short, rarely long.
  Seconds delay(Seconds usual, Seconds rare, double rarely) {
    return chance() < rarely ? chance() * rare : chance() * usual;
  }
  bool disturbed() const { return options.disturbances && !quiet; }

  LimitTerms flow_terms() const {
    constexpr Amount kOne = Quantity::kNano;
    const FlowTruth::Bounds& flow = options.flow;
    FlowTerms terms{absl::Seconds(flow.window),
                    absl::Seconds(flow.assume_done_after),
                    options.resume_below * kOne,
                    static_cast<std::size_t>(options.queue),
                    absl::Seconds(2),
                    kAll};
    return {1, "flow", {flow.max * kOne, flow.burst * kOne}, {}, terms};
  }
  /// What is stored under the limit that has this ledger now.
  Amounts used(LimitId ledger) const;

  std::optional<std::string> name_of(RequestId request) const {
    const auto it = calls.find(request);
    return it == calls.end() ? std::nullopt : std::optional(it->second.name);
  }
  void changed();
  /// `unaware`: a write is about to land that was let through by limits that are no more.
  void check(bool unaware = false);
  void ledger_changed(LimitId ledger) {
    for (const auto& replica : replicas) replica->ledger_changed(ledger);
  }
  /// A replica is about to judge a write by these.
  void charged(RequestId request, const Charges& charges);
  void answer(RequestId request, const Verdict& verdict);
  /// By a replica, whether the answer arrives or not.
  void decided(RequestId request, const Verdict& verdict, bool aware);
  bool flows() const { return options.flow.max > 0; }
  void look_at_flow();

  const SimulationOptions options;
  std::mt19937_64 random;
  Agenda agenda;
  SimulatedStore store;
  int store_age = 0;
  std::vector<std::unique_ptr<Replica>> replicas;
  std::map<RequestId, Call> calls;
  std::map<Holder, Seconds> leases;  ///< the newest renewal that is stored
  SimulatedLimits limits;            ///< as they are stored
  SimulationReport report;
  bool quiet = false;

 private:
  struct Intent {
    bool create = false;
    StoredObject object;                   ///< as it will be
    std::optional<StoredObject> before{};  ///< of an update
    Seconds given_up = 0;                  ///< by the API server
    std::uint64_t number = 0;              ///< of all that clients began
    int age = 0;
    bool aware = true;  ///< see Call
  };
  static std::string key_of(const Intent& intent);
  bool can_land(const Intent& intent) const;
  void client(int number);
  /// Replaces or alters limits now and then.
  void change_limits();
  /// All replicas that may admit anything know the limits as of this generation.
  bool known_to_all(std::int64_t generation) const;
  /// The limit may be exceeded for so long.
  void tolerate(LimitId ledger, Seconds time);
  void hold_against(LimitId ledger, const Amounts& hard, const Amounts& used, const char* what);
  /// What would be stored if every write that may still land did, one per name.
  Amounts at_most_soon(LimitId ledger) const;
  /// For what replicas let through and have not seen the end of. A repetition is let through with what the first was.
  Amounts reserved(LimitId ledger) const;
  void request(const Intent& intent, std::function<void()> done, int repeats);
  void restart(Replica& replica, Seconds longest);
  void disturb();
  void violation(std::string what) {
    if (report.violations.size() < 5) report.violations.push_back(absl::StrCat("at ", agenda.now(), " s: ", what));
  }

  FlowTruth flow_truth_;
  Amounts flow_in_use_;
  Seconds without_room_ = 0;                   ///< when the flow was last seen to be full, or a limit contended for
  std::map<std::uint64_t, Intent> in_flight_;  ///< admitted, and neither landed nor given up
  std::uint64_t last_in_flight_ = 0;
  RequestId last_request_ = 0;
  std::uint64_t last_uid_ = 0;
  int started_ = 0, under_way_ = 0;
  std::optional<SimulatedStore::Saved> saved_;
  /// A replica that has not noticed that the store was restored, or a limit changed, admits by what is no more: a limit
  /// may be exceeded, and else use must not grow beyond it. Where other objects count than before, it may be as long as
  /// something may land that was not charged.
  std::map<LimitId, Seconds> tolerant_until_;  ///< of each ledger
  std::map<LimitId, Amounts> tolerated_;       ///< of each ledger
  std::optional<Seconds> restored_until_;
};

}  // namespace headroom::limits
