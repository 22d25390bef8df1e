// What the status of a limit says, how much of a difference is worth a write, and what people hear of.
#include "webhook/app/limit_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/object.h"

namespace headroom::webhook {
namespace {

using api::LimitAction;
using api::LimitLevel;
using Mode = api::ScaleLimitSpec::Mode;
using Stage = Enforcement::Stage;
using testing::ElementsAre;
using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

api::ScaleLimit limit(Mode mode = Mode::Enforce) {
  api::ScaleLimit limit;
  limit.meta.ns = "shop";
  limit.meta.name = "artifacts";
  limit.meta.generation = 3;
  limit.spec.mode = mode;
  limit.spec.total.count = 10;
  api::Threshold pause;
  pause.name = "pause";
  pause.percent = 90;
  pause.level = LimitLevel::Red;
  pause.action = LimitAction::PauseWrites;
  limit.spec.thresholds = {pause};
  return limit;
}

StatusFacts facts_of(const api::ScaleLimit& limit, std::int64_t used, Stage stage = Stage::Holds) {
  StatusFacts facts{limit, {{Quantity::from_int(used), Quantity()}}, {}, {}, {}, {}, {}, {}, {}, {"kube-system"}};
  facts.enforcement.stage = stage;
  facts.enforcement.message = "because";
  return facts;
}

/// "Ready=True/Exact", in the order of the conditions.
std::vector<std::string> conditions(const api::ScaleLimitStatus& status) {
  std::vector<std::string> all;
  for (const api::Condition& condition : status.conditions) {
    all.push_back(condition.type + (condition.status ? "=True/" : "=False/") + condition.reason);
  }
  return all;
}

std::vector<std::string> reasons(const StatusReport& report) {
  std::vector<std::string> all;
  for (const runtime::EventText& event : report.events) all.push_back(event.reason);
  return all;
}

TEST(LimitStatus, says_of_which_resources_it_is_not_known_what_their_scale_writes) {
  const api::ScaleLimit subject = limit();
  StatusFacts facts = facts_of(subject, 1);
  facts.scaled_blindly = {"stages.example.com"};
  const api::ScaleLimitStatus blind = limit_status(facts, {}, kNow).status;
  const api::Condition* const unknown = api::find_condition(blind.conditions, "ScaledFieldUnknown");
  ASSERT_NE(unknown, nullptr);
  EXPECT_TRUE(unknown->status);
  EXPECT_THAT(unknown->message, HasSubstr("/scale of stages.example.com"));
  facts.scaled_blindly.clear();
  EXPECT_EQ(api::find_condition(limit_status(facts, blind, kNow).status.conditions, "ScaledFieldUnknown"), nullptr);
}

TEST(LimitStatus, conditions_say_what_stage_a_limit_is_in) {
  struct Row {
    Mode mode;
    Stage stage;
    std::vector<std::string> conditions;
  };
  const Row rows[] = {
      {Mode::Enforce,
       Stage::NoWebhook,
       {"Ready=False/NoWebhook", "Enforced=False/NoWebhook", "Stalled=True/NoWebhook"}},
      {Mode::Enforce,
       Stage::AwaitingWebhook,
       {"Ready=False/AwaitingWebhook", "Enforced=False/AwaitingWebhook", "Reconciling=True/AwaitingWebhook"}},
      {Mode::Enforce,
       Stage::AwaitingReplicas,
       {"Ready=False/AwaitingReplicas", "Enforced=False/AwaitingReplicas", "Reconciling=True/AwaitingReplicas"}},
      {Mode::Enforce,
       Stage::AwaitingLedger,
       {"Ready=False/AwaitingLedger", "Enforced=False/AwaitingLedger", "Reconciling=True/AwaitingLedger"}},
      {Mode::Enforce, Stage::SettlingIn, {"Ready=True/SettlingIn", "Enforced=False/SettlingIn"}},
      {Mode::Enforce, Stage::Holds, {"Ready=True/Exact", "Enforced=True/Exact"}},
      {Mode::Warn, Stage::Holds, {"Ready=True/Warns", "Enforced=False/Warns"}},
      {Mode::Audit, Stage::SettlingIn, {"Ready=True/Audits", "Enforced=False/Audits"}},
      {Mode::Audit,
       Stage::AwaitingReplicas,
       {"Ready=False/AwaitingReplicas", "Enforced=False/Audits", "Reconciling=True/AwaitingReplicas"}},
  };
  for (const Row& row : rows) {
    const api::ScaleLimit object = limit(row.mode);
    const StatusReport report = limit_status(facts_of(object, 1, row.stage), {}, kNow);
    EXPECT_EQ(conditions(report.status), row.conditions);
    EXPECT_EQ(report.status.observed_generation, 3);
    for (const api::Condition& condition : report.status.conditions) {
      EXPECT_EQ(condition.observed_generation, 3);
      EXPECT_FALSE(condition.message.empty()) << condition.type;
    }
  }
}

TEST(LimitStatus, objects_that_are_not_counted_yet_keep_a_limit_from_being_ready) {
  const api::ScaleLimit object = limit();
  StatusFacts facts = facts_of(object, 0);
  facts.use = {{}};
  facts.uncounted = {"artifacts.example.com"};
  const StatusReport counting = limit_status(facts, {}, kNow);
  EXPECT_THAT(conditions(counting.status),
              ElementsAre("Ready=False/Counting", "Enforced=True/Exact", "Reconciling=True/Counting"));
  EXPECT_FALSE(counting.status.dimensions.at(0).used);
  facts.count_problem = "the server could not find the requested resource";
  const StatusReport stuck = limit_status(facts, counting.status, kNow);
  EXPECT_THAT(conditions(stuck.status),
              ElementsAre("Ready=False/CannotCount", "Enforced=True/Exact", "Stalled=True/CannotCount"));
  EXPECT_THAT(stuck.status.conditions[0].message, HasSubstr("artifacts.example.com cannot be counted: the server"));
}

TEST(LimitStatus, says_what_writes_hold_that_did_not_land_and_whose_they_are) {
  api::ScaleLimit object = limit();
  object.spec.total.count = 200;
  const limits::Amount one = Quantity::kNano;
  const auto report_of = [&](std::vector<UnlandedWrites> unlanded, const api::ScaleLimitStatus& former = {}) {
    StatusFacts facts = facts_of(object, 9);
    facts.unlanded = std::move(unlanded);
    return limit_status(facts, former, kNow);
  };
  const api::ScaleLimitStatus none = report_of({}).status;
  EXPECT_EQ(api::find_condition(none.conditions, kHoldsUnlanded), nullptr);
  const api::ScaleLimitStatus few = report_of({{"ann", 1, {one}}}).status;
  EXPECT_EQ(api::find_condition(few.conditions, kHoldsUnlanded), nullptr) << "not the hundredth part";
  const StatusReport report = report_of({{"importer", 2, {2 * one}}, {"", 1, {one}}}, none);
  const api::Condition* const condition = api::find_condition(report.status.conditions, kHoldsUnlanded);
  ASSERT_NE(condition, nullptr);
  EXPECT_TRUE(condition->status);
  EXPECT_THAT(condition->message, HasSubstr("hold count 3 of 200: 2 of importer, 1 of others;"));
  EXPECT_THAT(reasons(report), ElementsAre("WritesDidNotLand"));
  EXPECT_EQ(change_between(none, report.status), StatusChange::Substance);
  const StatusReport more = report_of({{"importer", 4, {4 * one}}}, report.status);
  EXPECT_THAT(reasons(more), testing::IsEmpty());
  EXPECT_EQ(change_between(report.status, more.status), StatusChange::Figures);
  EXPECT_EQ(api::find_condition(report_of({}, more.status).status.conditions, kHoldsUnlanded), nullptr);
}

TEST(LimitStatus, shows_how_full_the_dimensions_are_and_what_follows) {
  const api::ScaleLimit object = limit();
  StatusFacts facts = facts_of(object, 9);
  facts.use[0].held = Quantity::from_int(1);
  api::ScaleLimitStatus former;
  former.backstop = api::ScaleLimitStatus::Backstop::Active;
  const StatusReport report = limit_status(facts, former, kNow);
  ASSERT_EQ(report.status.dimensions.size(), 1U);
  const api::DimensionStatus& count = report.status.dimensions[0];
  EXPECT_EQ(count.used, Quantity::from_int(9));
  EXPECT_EQ(count.held, Quantity::from_int(1));
  EXPECT_EQ(count.percent, 90);
  EXPECT_EQ(report.status.level, LimitLevel::Red);
  ASSERT_TRUE(report.status.paused);
  EXPECT_EQ(report.status.paused->since, kNow);
  EXPECT_THAT(report.status.paused->message, HasSubstr("count is 9 of 10 (90 %)"));
  EXPECT_THAT(report.status.excluded_namespaces, ElementsAre("kube-system"));
  EXPECT_EQ(report.status.backstop, api::ScaleLimitStatus::Backstop::Active) << "somebody else's to say";
  EXPECT_THAT(reasons(report), ElementsAre("LimitThresholdCrossed", "WritesPaused", "LimitEnforced"));

  const StatusReport later = limit_status(facts_of(object, 10), report.status, kNow + absl::Minutes(1));
  EXPECT_EQ(later.status.paused->since, kNow);
  EXPECT_THAT(reasons(later), testing::IsEmpty());
  const StatusReport emptied = limit_status(facts_of(object, 8), later.status, kNow + absl::Minutes(2));
  EXPECT_FALSE(emptied.status.paused);
  EXPECT_THAT(reasons(emptied), ElementsAre("LimitThresholdCleared", "WritesResumed"));
}

TEST(LimitStatus, what_nobody_has_figures_of_is_left_open_and_said) {
  api::ScaleLimit object = limit();
  object.spec.observed.push_back({.name = "disk", .query = "x", .hard = Quantity::from_int(5)});
  StatusFacts facts = facts_of(object, 1);
  facts.use.emplace_back();
  facts.observed.push_back({.used = std::nullopt, .problem = "region local has no metrics address"});
  const StatusReport report = limit_status(facts, {}, kNow);
  ASSERT_EQ(report.status.dimensions.size(), 2U);
  EXPECT_FALSE(report.status.dimensions[1].used);
  const auto condition = std::ranges::find(report.status.conditions, "MetricsUnavailable", &api::Condition::type);
  ASSERT_NE(condition, report.status.conditions.end());
  EXPECT_EQ(condition->reason, "NoAnswer");
  EXPECT_EQ(condition->message,
            "disk (no figure; what it has paused or halted stays so): region local has no metrics address");
}

TEST(LimitStatus, a_promise_that_ends_is_told_as_a_warning_unless_the_limit_was_changed) {
  api::ScaleLimit object = limit();
  const api::ScaleLimitStatus holding = limit_status(facts_of(object, 1), {}, kNow).status;
  const StatusReport lost = limit_status(facts_of(object, 1, Stage::AwaitingWebhook), holding, kNow);
  ASSERT_THAT(reasons(lost), ElementsAre("LimitNotEnforced"));
  EXPECT_EQ(lost.events[0].type, runtime::EventText::Type::Warning);
  EXPECT_EQ(lost.events[0].note, "AwaitingWebhook: because");
  object.meta.generation = 4;
  const StatusReport changed = limit_status(facts_of(object, 1, Stage::SettlingIn), holding, kNow);
  ASSERT_THAT(reasons(changed), ElementsAre("LimitNotEnforced"));
  EXPECT_EQ(changed.events[0].type, runtime::EventText::Type::Normal);
}

TEST(LimitStatus, what_moves_all_the_time_is_no_change_of_substance) {
  const api::ScaleLimit object = limit();
  const auto status = [&](std::int64_t used, Stage stage = Stage::Holds) {
    return limit_status(facts_of(object, used, stage), limit_status(facts_of(object, 1), {}, kNow).status, kNow).status;
  };
  EXPECT_EQ(change_between(status(3), status(3)), StatusChange::None);
  EXPECT_EQ(change_between(status(3), status(4)), StatusChange::Figures);
  EXPECT_EQ(change_between(status(9), status(10)), StatusChange::Figures) << "also in the message of a pause";
  EXPECT_EQ(change_between(status(8), status(9)), StatusChange::Substance);
  EXPECT_EQ(change_between(status(3), status(3, Stage::SettlingIn)), StatusChange::Substance);
  api::ScaleLimitStatus unknown = status(3);
  unknown.dimensions[0].used.reset();
  EXPECT_EQ(change_between(status(3), unknown), StatusChange::Substance);
  api::ScaleLimitStatus denied = status(3);
  denied.denials.push_back({"OverLimit", "count", 1, "", kNow});
  EXPECT_EQ(change_between(status(3), denied), StatusChange::Figures);
}

TEST(LimitStatus, denials_add_up_by_cause_and_the_most_frequent_stay) {
  std::vector<api::DenialStatus> rows = {{"OverLimit", "count", 2, "old", kNow}, {"Paused", "count", 5, "", kNow}};
  rows = added_denials(rows, {{"OverLimit", "count", 4, "new", kNow + absl::Seconds(1)}});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].reason, "OverLimit");
  EXPECT_EQ(rows[0].count, 6);
  EXPECT_EQ(rows[0].last_message, "new");
  EXPECT_EQ(rows[0].last_time, kNow + absl::Seconds(1));
  for (int i = 0; i < 40; ++i) rows = added_denials(rows, {{"OverCap", "cap-" + std::to_string(i), 3, "", kNow}});
  EXPECT_EQ(rows.size(), api::kMostDenials);
  EXPECT_EQ(rows[0].count, 6);
  EXPECT_EQ(rows[1].count, 5);
}

}  // namespace
}  // namespace headroom::webhook
