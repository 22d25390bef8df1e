// Dimensions that Prometheus tells: exact amounts from its answers, what stays when it falls silent, and what statuses
// say of it.
#include "webhook/app/observed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/webhook_app/a_limit.h"
#include "webhook/app/limit_status.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr absl::Duration kStaleness = absl::Minutes(5);

struct ScriptedQueries final : monitoring::QuerySource {
  std::map<std::string, Answer> answers;
  int asked = 0;
  Answer ask(const std::string& /*region*/, const std::string& query) override {
    ++asked;
    return answers[query];
  }
  void say(double value) { answers["q"] = {value, "", true}; }
  void fail(std::string why) { answers["q"] = {std::nullopt, std::move(why), true}; }
};

validation::Snapshot with_region(api::AllowedNamespaces::From from = api::AllowedNamespaces::From::All) {
  api::Region region;
  region.meta.name = "mumbai";
  region.spec.metrics.emplace();
  region.spec.metrics->staleness = kStaleness;
  region.spec.allowed_namespaces.from = from;
  validation::Snapshot snapshot;
  snapshot.regions = {std::make_shared<const api::Region>(region)};
  return snapshot;
}

json observed(const char* query = "q") {
  return {{"total", nullptr},
          {"observed", {{{"name", "storage"}, {"query", query}, {"hard", "200G"}, {"region", "mumbai"}}}}};
}

TEST(ObservedAmounts, are_never_less_than_the_answer_and_exact_to_their_unit) {
  struct Row {
    double answer;
    const char* hard;
    const char* amount;
  };
  const Row table[] = {{0, "5", "0"},
                       {0.45, "5", "450m"},
                       {0.4500001, "5", "451m"},
                       {0.1 + 0.2, "0.5", "300000001n"},
                       {1e-12, "0.5", "1n"},
                       {3, "200G", "3"},
                       {1.5e9, "200G", "1500M"},
                       {180e9, "200G", "180G"},
                       {1e30, "200G", "9223372036854775807"},
                       {-3, "5", "0"},
                       {std::numeric_limits<double>::denorm_min(), "5", "1m"},
                       {std::numeric_limits<double>::max(), "5", "9223372036854775807"}};
  for (const Row& row : table) {
    EXPECT_EQ(amount_of(row.answer, Quantity::parse(row.hard).value()).canonical(), row.amount) << row.answer;
  }
}

TEST(ObservedFigures, an_answer_is_shown_and_the_last_one_for_as_long_as_the_region_says) {
  ScriptedQueries queries;
  ObservedFigures figures(queries);
  const auto limit = a_limit("storage", observed());
  const auto regions = with_region();
  const auto at = [&](absl::Duration now) { return figures.of(*limit, &regions, now).front(); };
  EXPECT_EQ(at(absl::Seconds(0)), ObservedFigure()) << "the first answer is under way";
  queries.say(180e9);
  EXPECT_EQ(at(absl::Seconds(1)).used, Quantity::parse("180G").value());
  queries.fail("the server is away");
  const ObservedFigure held = at(absl::Seconds(1) + kStaleness);
  EXPECT_EQ(held.used, Quantity::parse("180G").value());
  EXPECT_EQ(held.problem, "the server is away");
  const ObservedFigure gone = at(absl::Seconds(2) + kStaleness);
  EXPECT_FALSE(gone.used);
  EXPECT_EQ(gone.problem, "the server is away");
  queries.say(1);
  EXPECT_EQ(at(absl::Hours(1)), (ObservedFigure{Quantity::from_int(1), ""}));
}

TEST(ObservedFigures, another_query_has_no_figure_of_the_former_one) {
  ScriptedQueries queries;
  ObservedFigures figures(queries);
  const auto regions = with_region();
  queries.say(5);
  EXPECT_TRUE(figures.of(*a_limit("storage", observed()), &regions, absl::ZeroDuration()).front().used);
  queries.answers["other"] = {std::nullopt, "the answer is empty", true};
  EXPECT_FALSE(figures.of(*a_limit("storage", observed("other")), &regions, absl::Seconds(1)).front().used);
}

TEST(ObservedFigures, what_is_stored_of_another_generation_is_no_figure) {
  ScriptedQueries queries;
  ObservedFigures figures(queries);
  api::ScaleLimit limit = *a_limit("storage", observed(), "u-1", 2);
  limit.status.observed_generation = 1;
  api::DimensionStatus row;
  row.name = "storage";
  row.used = Quantity::from_int(700'000'000'000);
  limit.status.dimensions = {row};
  const auto regions = with_region();
  for (const validation::Snapshot* const known : {static_cast<const validation::Snapshot*>(nullptr), &regions}) {
    EXPECT_FALSE(figures.of(limit, known, absl::ZeroDuration()).front().used) << "it may have been in other units";
  }
}

TEST(ObservedFigures, whoever_the_region_does_not_admit_is_not_answered) {
  ScriptedQueries queries;
  queries.say(5);
  ObservedFigures figures(queries);
  const auto open = with_region(), closed = with_region(api::AllowedNamespaces::From::Same);
  const auto limit = a_limit("storage", observed());
  EXPECT_TRUE(figures.of(*limit, &open, absl::ZeroDuration()).front().used);
  const ObservedFigure refused = figures.of(*limit, &closed, absl::Seconds(1)).front();
  EXPECT_FALSE(refused.used) << "what it was told before is no longer shown either";
  EXPECT_THAT(refused.problem, HasSubstr("Region mumbai admits only namespace headroom-system"));
  EXPECT_EQ(queries.asked, 1);
  EXPECT_TRUE(figures.of(*a_cluster_limit("storage", observed()), &closed, absl::Seconds(1)).front().used);
}

TEST(ObservedFigures, what_is_stored_is_shown_until_the_first_answer) {
  ScriptedQueries queries;
  ObservedFigures figures(queries);
  api::ScaleLimit limit = *a_limit("storage", observed());
  api::DimensionStatus row;
  row.name = "storage";
  row.used = Quantity::from_int(7);
  limit.status.dimensions = {row};
  limit.status.observed_generation = limit.meta.generation;
  const auto regions = with_region();
  EXPECT_EQ(figures.of(limit, nullptr, absl::ZeroDuration()).front(), (ObservedFigure{Quantity::from_int(7), ""}));
  EXPECT_EQ(figures.of(limit, &regions, absl::ZeroDuration()).front(), (ObservedFigure{Quantity::from_int(7), ""}));
}

// --- what statuses say ---

/// A limit with a pause at 90 % and a halt at 99 %, and its statuses one after the other.
struct Told {
  std::shared_ptr<const api::ScaleLimit> limit = a_limit("storage", [] {
    json spec = observed();
    spec["observed"][0]["for"] = "1m";
    spec["thresholds"] = {{{"name", "full"}, {"percent", 99}, {"level", "Red"}, {"action", "Halt"}}};
    return spec;
  }());
  api::ScaleLimitStatus status;
  absl::Time now = absl::UnixEpoch();

  void see(std::optional<std::int64_t> used, const std::string& problem, absl::Duration later) {
    now += later;
    ObservedFigure figure;
    if (used) figure.used = Quantity::from_int(*used);
    figure.problem = problem;
    StatusFacts facts{.limit = *limit,
                      .use = {{figure.used, {}}},
                      .enforcement = {},
                      .uncounted = {},
                      .count_problem = "",
                      .observed = {figure},
                      .other_version = "",
                      .unlanded = {},
                      .denials = {},
                      .excluded_namespaces = {}};
    status = limit_status(facts, status, now).status;
  }
  const api::Condition* condition(const char* type) const { return api::find_condition(status.conditions, type); }
};

TEST(ObservedStatus, a_halt_stays_without_figures_and_ends_with_one) {
  Told told;
  told.see(199'000'000'000, "", absl::ZeroDuration());
  EXPECT_FALSE(told.status.halted) << "not yet for a minute";
  told.see(199'000'000'000, "", absl::Minutes(1));
  ASSERT_TRUE(told.status.halted);
  EXPECT_EQ(told.status.level, api::LimitLevel::Red);
  EXPECT_EQ(told.condition("MetricsUnavailable"), nullptr);
  told.see(199'000'000'000, "the server is away", absl::Minutes(1));
  ASSERT_NE(told.condition("MetricsUnavailable"), nullptr);
  EXPECT_EQ(told.condition("MetricsUnavailable")->reason, "StaleMetrics");
  EXPECT_THAT(told.condition("MetricsUnavailable")->message,
              HasSubstr("the last figure is shown): the server is away"));
  told.see(std::nullopt, "the server is away", absl::Hours(1));
  EXPECT_EQ(told.condition("MetricsUnavailable")->reason, "NoAnswer");
  EXPECT_FALSE(told.status.dimensions.front().used);
  EXPECT_FALSE(told.status.dimensions.front().percent);
  EXPECT_TRUE(told.status.halted) << "silence is no news";
  told.see(1'000'000'000, "", absl::Minutes(1));
  EXPECT_FALSE(told.status.halted);
  EXPECT_EQ(told.status.level, api::LimitLevel::Green);
  EXPECT_EQ(told.condition("MetricsUnavailable"), nullptr);
}

TEST(ObservedStatus, nothing_is_halted_by_silence) {
  Told told;
  told.see(199'000'000'000, "", absl::ZeroDuration());
  told.see(std::nullopt, "the server is away", absl::Hours(1));
  EXPECT_FALSE(told.status.halted);
  EXPECT_EQ(told.status.level, api::LimitLevel::Green);
  told.see(199'000'000'000, "", absl::Seconds(1));
  EXPECT_FALSE(told.status.halted) << "the minute begins anew";
  told.see(199'000'000'000, "", absl::Minutes(1));
  EXPECT_TRUE(told.status.halted);
}

TEST(LimitStatus, a_limit_that_overlooks_another_version_promises_nothing) {
  const auto limit = a_limit("counted");
  StatusFacts facts{.limit = *limit,
                    .use = {{Quantity(), {}}},
                    .enforcement = {},
                    .uncounted = {},
                    .count_problem = "",
                    .observed = {},
                    .other_version = "artifacts.example.com v1 is v2 in ScaleLimit shop/other",
                    .unlanded = {},
                    .denials = {},
                    .excluded_namespaces = {}};
  facts.enforcement.stage = Enforcement::Stage::Holds;
  const auto status = limit_status(facts, {}, absl::UnixEpoch()).status;
  for (const char* type : {"Enforced", "Ready"}) {
    const api::Condition* const condition = api::find_condition(status.conditions, type);
    ASSERT_NE(condition, nullptr) << type;
    EXPECT_FALSE(condition->status) << type;
    EXPECT_EQ(condition->reason, "OtherVersion") << type;
    EXPECT_THAT(condition->message,
                HasSubstr("v1 is v2 in ScaleLimit shop/other: writes in that version are not held"));
  }
}

}  // namespace
}  // namespace headroom::webhook
