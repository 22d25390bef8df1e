// From outcomes of probes to the health of a region.
#include "operator/controllers/probe_health.h"

#include <gtest/gtest.h>

#include "operator/controllers/probe_rounds.h"

namespace headroom::controllers {
namespace {

using Policy = api::RegionHealth::Policy;
using std::chrono::milliseconds;
using std::chrono::seconds;

const absl::Time kWall = absl::FromUnixSeconds(1'794'400'000);
const SteadyTime kStart = SteadyTime(std::chrono::hours(1));

TEST(ProbeHealth, fails_after_the_threshold_and_recovers_with_one_success) {
  api::ProbeStatus status{"api", true, 0, "", std::nullopt};
  const std::pair<bool, bool> steps[] = {{false, true}, {false, true}, {false, false}, {false, false}, {true, true},
                                         {false, true}, {true, true},  {false, true},  {false, true},  {false, false}};
  for (const auto& [outcome, healthy] : steps) {
    record_outcome(status, {true, outcome, outcome ? "fine" : "refused"}, 3, kWall);
    EXPECT_EQ(status.healthy, healthy) << status.consecutive_failures << " failures";
  }
  EXPECT_EQ(status.message, "refused");
  EXPECT_EQ(status.last_probe, kWall);
}

TEST(ProbeHealth, an_outcome_that_says_nothing_changes_nothing) {
  api::ProbeStatus status{"api", true, 2, "refused", std::nullopt};
  const api::ProbeStatus before = status;
  record_outcome(status, {.known = false, .healthy = false, .message = {}}, 3, kWall);
  EXPECT_EQ(status, before);
}

TEST(ProbeHealth, judges_by_policy) {
  struct Row {
    int passing, failing;
    Policy policy;
    bool healthy;
  };
  constexpr Row kTable[] = {
      {0, 0, Policy::All, true},       {0, 0, Policy::Majority, true},  {0, 0, Policy::Any, true},
      {3, 0, Policy::All, true},       {2, 1, Policy::All, false},      {2, 1, Policy::Majority, true},
      {1, 2, Policy::Majority, false}, {2, 2, Policy::Majority, false}, {1, 2, Policy::Any, true},
      {0, 3, Policy::Any, false},
  };
  for (const Row& row : kTable) {
    std::vector<api::ProbeStatus> probes;
    for (int i = 0; i < row.passing; ++i) probes.push_back({"good", true, 0, "fine", std::nullopt});
    for (int i = 0; i < row.failing; ++i) probes.push_back({"bad", false, 9, "refused", std::nullopt});
    const HealthVerdict verdict = judge_probes(row.policy, probes);
    EXPECT_EQ(verdict.healthy, row.healthy) << row.passing << " of " << row.passing + row.failing;
    EXPECT_EQ(verdict.message.find("bad: refused") != std::string::npos, row.failing > 0) << verdict.message;
  }
}

TEST(ProbeHealth, is_patient_before_it_calls_a_region_unhealthy_and_quick_to_call_it_healthy) {
  struct Row {
    int second;
    bool verdict, healthy;
  };
  constexpr Row kTable[] = {{0, true, true},     {10, false, true},  {69, false, true},  {70, false, false},
                            {200, false, false}, {201, true, true},  {202, false, true}, {230, true, true},
                            {240, false, true},  {299, false, true}, {301, false, false}};
  HealthState state;
  for (const Row& row : kTable) {
    state = step_health(state, row.verdict, absl::Seconds(60), kStart + seconds(row.second));
    EXPECT_EQ(state.healthy, row.healthy) << "at " << row.second << " s";
  }
  EXPECT_FALSE(step_health({}, false, absl::ZeroDuration(), kStart).healthy) << "without patience, at once";
}

/// Answers by probe name; anything else passes.
class ScriptedProber final : public Prober {
 public:
  std::map<std::string, ProbeOutcome> answers;
  std::vector<std::string> asked;
  ProbeOutcome probe(const api::HealthProbe& probe, const std::shared_ptr<Cluster>& /*cluster*/,
                     const std::stop_token& /*stop*/) override {
    asked.push_back(probe.name);
    const auto it = answers.find(probe.name);
    return it == answers.end() ? ProbeOutcome{true, true, "fine"} : it->second;
  }
};

api::HealthProbe a_probe(std::string name, int interval_seconds, int threshold = 1) {
  api::HealthProbe probe;
  probe.name = std::move(name);
  probe.interval = absl::Seconds(interval_seconds);
  probe.failure_threshold = threshold;
  return probe;
}

struct Rounds {
  explicit Rounds(const api::RegionStatus& stored = {}) : rounds(stored) {}
  ProbeRounds rounds;
  ScriptedProber prober;
  SteadyTime now = kStart;

  bool run() { return rounds.run_due(prober, nullptr, now, kWall, {}); }
};

TEST(ProbeRounds, run_each_probe_at_its_own_interval) {
  Rounds rounds;
  api::RegionHealth health;
  health.probes = {a_probe("quick", 5), a_probe("slow", 20)};
  rounds.rounds.set_spec(health, rounds.now);
  for (int second = 0; second < 40; ++second) {
    rounds.run();
    rounds.now += seconds(1);
  }
  EXPECT_EQ(std::ranges::count(rounds.prober.asked, "quick"), 8);
  EXPECT_EQ(std::ranges::count(rounds.prober.asked, "slow"), 2);
  EXPECT_EQ(rounds.rounds.next_due(), kStart + seconds(40));
}

TEST(ProbeRounds, tell_when_a_probe_or_the_region_changes_and_otherwise_not) {
  Rounds rounds;
  api::RegionHealth health;
  health.probes = {a_probe("api", 10, 2)};
  health.unhealthy_after = absl::Seconds(15);
  rounds.rounds.set_spec(health, rounds.now);
  EXPECT_TRUE(rounds.run()) << "the first outcome";
  rounds.prober.answers["api"] = {true, false, "refused"};
  rounds.now += seconds(10);
  EXPECT_FALSE(rounds.run()) << "one failure of two";
  rounds.now += seconds(10);
  EXPECT_TRUE(rounds.run()) << "the probe fails";
  EXPECT_TRUE(rounds.rounds.healthy()) << "but patience is not over";
  rounds.now += seconds(15);
  EXPECT_TRUE(rounds.run());
  EXPECT_FALSE(rounds.rounds.healthy());
}

TEST(ProbeRounds, an_edit_keeps_what_is_known_of_probes_that_stay_the_same) {
  Rounds rounds;
  api::RegionHealth health;
  health.probes = {a_probe("api", 10), a_probe("web", 10)};
  rounds.rounds.set_spec(health, rounds.now);
  rounds.prober.answers["api"] = {true, false, "refused"};
  rounds.run();
  health.probes.push_back(a_probe("db", 10));
  health.probes[1].interval = absl::Seconds(30);
  rounds.rounds.set_spec(health, rounds.now);
  const std::vector<api::ProbeStatus> statuses = rounds.rounds.statuses();
  ASSERT_EQ(statuses.size(), 3U);
  EXPECT_FALSE(statuses[0].healthy);
  EXPECT_TRUE(statuses[1].healthy);
  EXPECT_FALSE(statuses[2].last_probe) << "a new probe is not doubted before its first outcome";
  rounds.prober.asked.clear();
  rounds.run();
  EXPECT_EQ(rounds.prober.asked, (std::vector<std::string>{"web", "db"})) << "new and changed ones at once";
}

TEST(ProbeRounds, a_restart_takes_up_where_the_status_left_off) {
  api::RegionStatus stored;
  stored.probes = {{"api", false, 7, "refused", kWall}};
  api::set_condition(stored.conditions, {"Healthy", false, "ProbesFail", "refused", 1, kWall});
  Rounds rounds(stored);
  api::RegionHealth health;
  health.probes = {a_probe("api", 10, 3)};
  health.unhealthy_after = absl::Minutes(5);
  rounds.rounds.set_spec(health, rounds.now);
  EXPECT_FALSE(rounds.rounds.healthy()) << "what was unhealthy is not healthy because we restarted";
  rounds.prober.answers["api"] = {true, false, "refused"};
  rounds.run();
  EXPECT_FALSE(rounds.rounds.healthy());
  rounds.prober.answers.clear();
  rounds.now += seconds(10);
  EXPECT_TRUE(rounds.run());
  EXPECT_TRUE(rounds.rounds.healthy());
}

TEST(ProbeRounds, a_probe_without_an_answer_yet_is_asked_again_soon_and_does_not_count) {
  Rounds rounds;
  api::RegionHealth health;
  health.probes = {a_probe("query", 60)};
  rounds.rounds.set_spec(health, rounds.now);
  rounds.prober.answers["query"] = {.known = false, .healthy = false, .message = {}};
  rounds.run();
  EXPECT_TRUE(rounds.rounds.healthy());
  EXPECT_EQ(rounds.rounds.next_due(), rounds.now + seconds(1));
}

}  // namespace
}  // namespace headroom::controllers
