// What holds for every plan, on random worlds. A failure names the seed; the same seed is the same world.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "tests/plan/random_plans.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing_support::in_ist;
using testing_support::World;

constexpr int kWorlds = 2000;

/// Made once, asked by many tests.
const std::vector<World>& worlds(const RandomWorldOptions& options) {
  static std::map<std::tuple<bool, bool, bool, bool>, std::vector<World>> made;
  std::vector<World>& all = made[{options.decrease, options.capacity, options.observed, options.suspended}];
  for (std::uint64_t seed = all.size(); seed < kWorlds; ++seed) all.push_back(random_world(seed, options));
  return all;
}

/// All that a decision says, but for the wake-up, which may count from the question.
std::string told(const Decision& decision) {
  std::string text = decision.target.to_string() + " " + (decision.active ? "active " : "") +
                     (decision.frozen ? "frozen " : "") + (decision.awaiting_approval ? "awaiting " : "") +
                     (decision.baseline_zero ? "zero " : "") + std::to_string(decision.size) + " [" +
                     std::to_string(decision.min) + "," + std::to_string(decision.max) + "] of " +
                     std::to_string(decision.wanted) + " " + decision.decided_by + "/" + decision.decided_by_schedule;
  for (const api::Reason& reason : decision.reasons) {
    text += "\n  " + std::to_string(static_cast<int>(reason.kind)) + " " + std::to_string(reason.size) + " " +
            reason.source + ": " + reason.text;
  }
  for (const Contribution& said : decision.contributions) {
    text += "\n  + " + said.schedule.to_string() + " " + said.occurrence + " " + said.phase + " " + said.text;
  }
  for (const std::string& overlap : decision.overlapping_phases) text += "\n  ~ " + overlap;
  for (const api::StartedLead& lead : decision.leads_begun) {
    text += "\n  > " + lead.schedule + " " + lead.occurrence + " " + lead.phase + " " + in_ist(lead.at);
  }
  return text;
}

TEST(Promise, nothing_is_decided_below_the_original_unless_a_phase_allows_it) {
  for (int seed = 0; seed < kWorlds; ++seed) {
    const World& world = worlds({})[static_cast<std::size_t>(seed)];
    Dice dice(static_cast<std::uint64_t>(seed));
    const absl::Time now = random_instant(dice);
    const DecideResult result = world.decide(now);
    for (std::size_t t = 0; t < result.decisions.size(); ++t) {
      EXPECT_GE(result.decisions[t].size, world.targets()[t].observed.originals->min)
          << "seed " << seed << " at " << in_ist(now) << "\n"
          << told(result.decisions[t]);
    }
  }
}

TEST(Promise, nothing_is_decided_above_the_maximum) {
  for (int seed = 0; seed < kWorlds; ++seed) {
    const World& world = worlds({.decrease = true})[static_cast<std::size_t>(seed)];
    Dice dice(static_cast<std::uint64_t>(seed));
    const absl::Time now = random_instant(dice);
    const DecideResult result = world.decide(now);
    for (std::size_t t = 0; t < result.decisions.size(); ++t) {
      const DecideTarget& target = world.targets()[t];
      const int most = std::max(target.spec->replicas.max, target.observed.originals->min);
      EXPECT_LE(result.decisions[t].size, most) << "seed " << seed << "\n" << told(result.decisions[t]);
      EXPECT_LE(result.decisions[t].min, result.decisions[t].max) << "seed " << seed;
    }
  }
}

TEST(Promise, with_nothing_to_do_the_originals_stand_exactly) {
  for (int seed = 0; seed < kWorlds; ++seed) {
    const World& world = worlds({.decrease = true, .suspended = true})[static_cast<std::size_t>(seed)];
    Dice dice(static_cast<std::uint64_t>(seed));
    const DecideResult result = world.decide(random_instant(dice));
    for (std::size_t t = 0; t < result.decisions.size(); ++t) {
      const Decision& decision = result.decisions[t];
      const api::Originals& originals = *world.targets()[t].observed.originals;
      EXPECT_EQ(decision.active, decision.size != originals.min) << "seed " << seed;
      if (decision.active) continue;
      EXPECT_EQ(decision.min, originals.min) << "seed " << seed;
      EXPECT_EQ(decision.max, originals.max) << "seed " << seed;
    }
  }
}

TEST(Promise, a_region_is_never_filled_beyond_its_capacity_by_what_can_be_cut) {
  for (int seed = 0; seed < kWorlds; ++seed) {
    const World& world = worlds({})[static_cast<std::size_t>(seed)];
    Dice dice(static_cast<std::uint64_t>(seed));
    const DecideInput input = world.input(random_instant(dice));
    const DecideResult result = decide(input);
    for (const DecideRegion& region : input.regions) {
      for (const api::RegionCapacity& capacity : region.spec->capacity) {
        Quantity use, kept;
        for (std::size_t t = 0; t < input.targets.size(); ++t) {
          const api::ScaleTargetSpec& spec = *input.targets[t].spec;
          if (spec.region != region.name) continue;
          for (const api::Consumption& consumption : spec.consumes) {
            if (consumption.name != capacity.name) continue;
            const int original = input.targets[t].observed.originals->min;
            int least = std::max(original, std::min(spec.replicas.min, std::max(spec.replicas.max, original)));
            if (spec.role == api::Role::ReadReplica) {
              least = std::max(least, std::min(spec.read_replica.floor, std::max(spec.replicas.max, original)));
            }
            use = use + consumption.per_replica * result.decisions[t].size;
            kept = kept + consumption.per_replica * std::min(least, result.decisions[t].size);
          }
        }
        if (use > capacity.hard) {
          EXPECT_EQ(use, kept) << "seed " << seed << " " << region.name << " " << capacity.name;
        }
      }
    }
  }
}

TEST(Promise, the_order_of_targets_schedules_and_regions_does_not_matter) {
  for (int seed = 0; seed < kWorlds; ++seed) {
    const World& world = worlds({.decrease = true, .suspended = true})[static_cast<std::size_t>(seed)];
    Dice dice(static_cast<std::uint64_t>(seed) + 77);
    const DecideInput input = world.input(random_instant(dice));
    std::vector<DecideTarget> targets(input.targets.rbegin(), input.targets.rend());
    std::vector<std::shared_ptr<const CompiledSchedule>> schedules(input.schedules.rbegin(), input.schedules.rend());
    std::vector<DecideRegion> regions(input.regions.rbegin(), input.regions.rend());
    const DecideResult one = decide(input), other = decide({input.now, targets, schedules, regions});
    for (std::size_t t = 0; t < targets.size(); ++t) {
      const Decision &a = one.decisions[t], &b = other.decisions[targets.size() - 1 - t];
      EXPECT_EQ(told(a), told(b)) << "seed " << seed;
      EXPECT_EQ(a.next_transition, b.next_transition) << "seed " << seed << "\n" << told(a);
    }
    EXPECT_EQ(one.planned_use, other.planned_use) << "seed " << seed;
    EXPECT_EQ(one.next_transition, other.next_transition) << "seed " << seed;
  }
}

TEST(Promise, nothing_changes_before_the_next_transition) {
  int compared = 0;
  for (int seed = 0; seed < kWorlds; ++seed) {
    const World& world = worlds({.decrease = true, .suspended = true})[static_cast<std::size_t>(seed)];
    Dice dice(static_cast<std::uint64_t>(seed) + 1234);
    const absl::Time now = random_instant(dice);
    const DecideResult present = world.decide(now);
    std::vector<absl::Time> instants;
    for (int i = 0; i < 6; ++i) instants.push_back(now + absl::Seconds(dice.between(1, 1 << dice.between(1, 19))));
    for (const Decision& decision : present.decisions) {
      if (decision.next_transition) instants.push_back(*decision.next_transition - absl::Nanoseconds(1));
    }
    for (const absl::Time later : instants) {
      const DecideResult future = world.decide(later);
      for (std::size_t t = 0; t < present.decisions.size(); ++t) {
        const std::optional<absl::Time>& next = present.decisions[t].next_transition;
        if (next && later >= *next) continue;
        ++compared;
        ASSERT_EQ(told(present.decisions[t]), told(future.decisions[t]))
            << "seed " << seed << ", decided at " << in_ist(now) << ", asked again at " << in_ist(later)
            << ", next transition " << (next ? in_ist(*next) : "none");
      }
    }
  }
  EXPECT_GT(compared, 10 * kWorlds) << "the test has to compare something";
}

TEST(Promise, the_next_transition_lies_ahead_and_most_often_changes_something) {
  int transitions = 0, changes = 0;
  for (int seed = 0; seed < kWorlds; ++seed) {
    // Without observations that hold things still: readiness and what is in force.
    const World& world = worlds({.capacity = false, .observed = false})[static_cast<std::size_t>(seed)];
    Dice dice(static_cast<std::uint64_t>(seed) + 99);
    const absl::Time now = random_instant(dice);
    const DecideResult present = world.decide(now);
    for (std::size_t t = 0; t < present.decisions.size(); ++t) {
      const std::optional<absl::Time>& next = present.decisions[t].next_transition;
      if (!next) continue;
      ASSERT_GT(*next, now) << "seed " << seed;
      ++transitions;
      changes += told(world.decide(*next).decisions[t]) != told(present.decisions[t]) ? 1 : 0;
    }
  }
  EXPECT_GT(transitions, kWorlds);
  EXPECT_GT(changes, transitions * 8 / 10) << transitions << " transitions";
}

TEST(Promise, a_walk_steps_through_every_change_and_ends_at_the_originals) {
  for (int seed = 0; seed < 60; ++seed) {
    const World& world = worlds({.capacity = false, .observed = false})[static_cast<std::size_t>(seed)];
    const absl::Time from = testing_support::ist("2026-11-01"), to = testing_support::ist("2026-12-15");
    const Walk walk = world.walk(from, to);
    ASSERT_TRUE(walk.complete) << "seed " << seed;
    ASSERT_FALSE(walk.rows.empty());
    EXPECT_EQ(walk.rows.front().changes.size(), world.targets().size());
    for (std::size_t row = 1; row < walk.rows.size(); ++row) {
      EXPECT_LT(walk.rows[row - 1].at, walk.rows[row].at) << "seed " << seed;
      EXPECT_FALSE(walk.rows[row].changes.empty()) << "seed " << seed;
    }
    for (std::size_t t = 0; t < world.targets().size(); ++t) {
      if (world.targets()[t].spec->follow) continue;  // a leader counts in ordinary times too
      EXPECT_FALSE(walk.decision_at(static_cast<int>(t), to)->active) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace headroom::plan
