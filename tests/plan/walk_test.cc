// Walks along the time line ask only the schedules that matter; what they tell must be what all of them would.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/plan/random_plans.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing_support::in_ist;
using testing_support::ist;
using testing_support::World;

constexpr int kWorlds = 60;

std::string told(absl::Time at, const Decision& decision) {
  std::string text = in_ist(at) + " " + decision.target.name + " " + std::to_string(decision.size) + " [" +
                     std::to_string(decision.min) + "," + std::to_string(decision.max) + "] " + decision.decided_by;
  for (const api::Reason& reason : decision.reasons) text += "; " + reason.text;
  return text;
}

/// The same walk with every schedule asked at every step.
std::vector<std::string> plain_walk(const World& world, absl::Time from, absl::Time to) {
  std::vector<std::string> lines;
  const DecideInput whole = world.input(from);
  std::vector<DecideTarget> targets(whole.targets.begin(), whole.targets.end());
  std::vector<std::string> last(targets.size());
  for (absl::Time now = from; now <= to;) {
    DecideResult decided;
    for (bool moved = true; moved;) {
      moved = false;
      decided = decide({now, targets, whole.schedules, whole.regions});
      for (std::size_t t = 0; t < targets.size(); ++t) {
        TargetObservation& observed = targets[t].observed;
        if (decided.decisions[t].awaiting_approval && observed.approved_size != 0) {
          observed.approved_size = 0;
          moved = true;
        }
        const std::optional<int> before = observed.in_force;
        take_as_written(observed, decided.decisions[t], now);
        moved |= observed.in_force != before;
      }
    }
    for (std::size_t t = 0; t < targets.size(); ++t) {
      const std::string line = told(now, decided.decisions[t]);
      const std::string without_time = line.substr(in_ist(now).size());
      if (without_time != last[t]) lines.push_back(line);
      last[t] = without_time;
    }
    if (!decided.next_transition || *decided.next_transition <= now) break;
    now = *decided.next_transition;
  }
  return lines;
}

std::vector<std::string> lines_of(const Walk& walk) {
  std::vector<std::string> lines;
  std::map<int, std::string> last;
  for (const WalkRow& row : walk.rows) {
    for (const WalkChange& change : row.changes) {
      const std::string line = told(row.at, change.decision);
      const std::string without_time = line.substr(in_ist(row.at).size());
      if (without_time != last[change.target]) lines.push_back(line);
      last[change.target] = without_time;
    }
  }
  return lines;
}

TEST(Walk, tells_what_deciding_with_every_schedule_at_every_step_would) {
  const absl::Time from = ist("2026-10-25"), to = ist("2026-11-25");
  int longest = 0;
  for (std::uint64_t seed = 0; seed < kWorlds; ++seed) {
    const World world = random_world(seed, {.decrease = true, .suspended = seed % 3 == 0});
    const std::vector<std::string> plain = plain_walk(world, from, to);
    ASSERT_EQ(lines_of(world.walk(from, to)), plain) << "seed " << seed;
    longest = std::max(longest, static_cast<int>(plain.size()));
  }
  EXPECT_GT(longest, 20) << "these worlds must have something to tell";
}

TEST(Walk, ends_where_its_visitor_has_seen_enough) {
  const World world = random_world(3, {});
  const DecideInput whole = world.input(ist("2026-10-25"));
  WalkInput input;
  input.targets.assign(whole.targets.begin(), whole.targets.end());
  input.schedules = whole.schedules;
  input.regions = whole.regions;
  input.from = ist("2026-10-25");
  input.to = ist("2026-11-25");
  int rows = 0;
  walk(std::move(input), [&](const WalkRow&, const DecideResult&) { return ++rows < 2; });
  EXPECT_EQ(rows, 2);
}

}  // namespace
}  // namespace headroom::plan
