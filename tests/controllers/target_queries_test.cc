#include "operator/controllers/target_queries.h"

#include <gtest/gtest.h>

#include <map>

namespace headroom::controllers {
namespace {

/// Answers from a table; anything else has not been asked yet.
struct FixedAnswers final : monitoring::QuerySource {
  std::map<std::pair<std::string, std::string>, Answer> known;
  Answer ask(const std::string& region, const std::string& query) override {
    const auto found = known.find({region, query});
    return found == known.end() ? Answer{} : found->second;
  }
};

struct TargetQueries : ::testing::Test {
  FixedAnswers queries;
  api::ScaleTarget target;

  TargetQueries() {
    target.spec.region = "mumbai";
    target.spec.role = api::Role::ReadReplica;
    target.spec.read_replica.lag_guard.emplace().query = "replication_lag";
    for (const char* name : {"p99", "depth"}) {
      api::ScaleRule rule;
      rule.name = name;
      rule.query = std::string("max(") + name + ")";
      target.spec.rules.push_back(rule);
    }
    answer("max(p99)", 0.25);
    answer("max(depth)", 7);
    answer("replication_lag", 3);
  }
  void answer(const std::string& query, double value) { queries.known[{"mumbai", query}] = {value, "", true}; }
  void fail(const std::string& query, const std::string& why) {
    queries.known[{"mumbai", query}] = {std::nullopt, why, true};
  }
  TargetAnswers ask() { return ask_for_target(target, queries); }
};

TEST_F(TargetQueries, brings_every_answer) {
  const TargetAnswers answers = ask();
  EXPECT_EQ(answers.samples, (plan::RuleSamples{{"p99", 0.25}, {"depth", 7.0}}));
  EXPECT_EQ(answers.lag_seconds, 3.0);
  EXPECT_EQ(answers.problem, "");
}

TEST_F(TargetQueries, names_all_that_have_no_answer_and_why) {
  fail("max(p99)", "the answer is NaN");
  fail("replication_lag", "the answer is empty");
  const TargetAnswers answers = ask();
  EXPECT_EQ(answers.samples, (plan::RuleSamples{{"p99", std::nullopt}, {"depth", 7.0}}));
  EXPECT_FALSE(answers.lag_seconds);
  EXPECT_EQ(answers.problem, "rule p99: the answer is NaN; lag guard: the answer is empty");
}

TEST_F(TargetQueries, a_first_answer_under_way_is_no_problem_yet) {
  queries.known.erase({"mumbai", "max(p99)"});
  const TargetAnswers answers = ask();
  EXPECT_EQ(answers.samples.at("p99"), std::nullopt);
  EXPECT_EQ(answers.problem, "");
}

TEST_F(TargetQueries, only_read_replicas_have_a_lag_guard) {
  target.spec.role = api::Role::Workload;
  fail("replication_lag", "the answer is empty");
  EXPECT_FALSE(ask().lag_seconds);
  EXPECT_EQ(ask().problem, "");
}

TEST_F(TargetQueries, tells_since_when_the_lag_is_unknown) {
  const absl::Time noon = absl::FromUnixSeconds(1'793'000'000), later = noon + absl::Minutes(7);
  EXPECT_EQ(lag_unknown_since(ask(), std::nullopt, noon), std::nullopt);
  fail("replication_lag", "the answer is empty");
  EXPECT_EQ(lag_unknown_since(ask(), std::nullopt, noon), noon);
  EXPECT_EQ(lag_unknown_since(ask(), noon, later), noon);
  EXPECT_EQ(lag_unknown_since(ask(), later, noon), noon) << "the clock was set back";
  queries.known.erase({"mumbai", "replication_lag"});
  EXPECT_EQ(lag_unknown_since(ask(), std::nullopt, noon), noon) << "a first answer under way is unknown as well";
  answer("replication_lag", 3);
  EXPECT_EQ(lag_unknown_since(ask(), noon, later), std::nullopt);
  target.spec.role = api::Role::Workload;
  EXPECT_EQ(lag_unknown_since(ask(), noon, later), std::nullopt) << "nobody guards";
}

}  // namespace
}  // namespace headroom::controllers
