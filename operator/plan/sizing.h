// From what was said to a target to the size that is written: rules, follow, ramp, floor, bounds, lag guard, each with
// its reason. Pure.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>

#include "operator/plan/contributions.h"
#include "operator/plan/target_facts.h"

namespace headroom::plan {

/// One target on its way through the steps; call them in this order.
class Sizing {
 public:
  Sizing(const TargetFacts& facts, Voice voice, absl::Time now, Pace pace);

  /// Schedules, then rules.
  void apply_demand();
  /// At least `ratio` of the leader's size.
  void follow(const std::string& leader, int leader_size);
  /// Approval, clones one at a time, ramp; floor, min, max; what a refusing region leaves.
  void apply_limits();

  const TargetFacts& facts() const { return facts_; }
  int size() const { return size_; }
  /// Below this the region's capacity must not cut.
  int kept_in_region() const;
  void cut_by_region(int size, const std::string& text);

  std::optional<absl::Time> next() const { return voice_.next; }
  void changes_at(absl::Time at) { voice_.changes_at(at); }
  /// Lag guard and the bounds to write; the result.
  Decision finish();

 private:
  void reason(api::Reason::Kind kind, std::string source, std::string text);
  bool in_a_persons_hands();
  /// The lag guard has a say at all.
  bool is_guarded() const;
  bool lag_frozen() const;
  bool lag_unknown() const;
  /// An unknown lag lets nothing be removed, and nothing be added for a while.
  bool holds_unknown_lag() const;
  /// What a lag guard that holds leaves.
  int held_size() const;
  void guard_lag();
  void tell_unknown_lag();
  int hold_for_approval(int goal);
  int pace_steps(int goal);
  int pace_ramp(int from, int goal);
  int pace_clones(int from, int goal) const;
  void bound();

  const TargetFacts& facts_;
  Voice voice_;
  absl::Time now_;
  Pace pace_;
  Decision decision_;
  int size_ = 0;
  bool driven_ = false;     ///< somebody speaks for more than the original
  bool suspended_ = false;  ///< spec.suspend of the target itself
  int approval_keeps_ = 0;  ///< read replicas whose removal nobody has approved
};

}  // namespace headroom::plan
