// When a limit is promised to be exact, and what is said while it is not.
#include "webhook/app/enforcement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/object.h"

namespace headroom::webhook {
namespace {

using Facts = EnforcementFacts;
using Stage = Enforcement::Stage;
using testing::HasSubstr;

constexpr absl::Duration kDeadline = absl::Seconds(64);
const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

limits::Moment at(double seconds) { return {absl::Seconds(1000 + seconds), kStart + absl::Seconds(seconds)}; }

api::ScaleLimit limit() {
  api::ScaleLimit limit;
  limit.meta.ns = "shop";
  limit.meta.name = "artifacts";
  limit.meta.generation = 3;
  limit.spec.total.count = 10;
  return limit;
}

/// All that is needed, since a minute before the start.
Facts complete() {
  Facts facts;
  facts.webhook = Facts::Webhook::InPlace;
  facts.replicas = 2;
  facts.ledger = Facts::Ledger::Current;
  facts.founded = kStart - absl::Minutes(1);
  facts.secured = true;
  return facts;
}

Enforcement judge(const Facts& facts, const EnforcementMemory& memory, double seconds) {
  return judge_enforcement(limit(), facts, memory, kDeadline, at(seconds));
}

EnforcementMemory holding() {
  const Enforcement first = judge(complete(), {}, 0);
  return judge(complete(), first.memory, 64).memory;
}

TEST(Enforcement, holds_once_all_has_been_there_for_the_request_deadline_and_what_landed_meanwhile_is_counted) {
  Facts facts = complete();
  facts.secured = false;
  const Enforcement first = judge(facts, {}, 0);
  EXPECT_EQ(first.stage, Stage::SettlingIn);
  EXPECT_THAT(first.message, HasSubstr("judged since 2027-01-15T08:00:00Z"));
  EXPECT_THAT(first.message, HasSubstr("until 2027-01-15T08:01:04Z"));
  EXPECT_EQ(end_of_wait(first.memory, kDeadline), at(64).boot);
  const Enforcement early = judge(complete(), first.memory, 63.9);
  EXPECT_EQ(early.stage, Stage::SettlingIn);
  EXPECT_EQ(early.message, first.message) << "nothing new to say, nothing to write";
  EXPECT_EQ(judge(facts, early.memory, 65).stage, Stage::SettlingIn) << "it is not counted yet";
  const Enforcement held = judge(complete(), early.memory, 64);
  EXPECT_EQ(held.stage, Stage::Holds);
  EXPECT_EQ(judge(facts, held.memory, 65).stage, Stage::Holds) << "that was asked once";
}

TEST(Enforcement, awaits_what_is_missing_and_says_so_and_waits_anew_after_it) {
  struct Row {
    const char* reason;
    const char* message;
    void (*spoil)(Facts&);
  };
  const Row rows[] = {
      {"NoWebhook", "--webhook-configuration", [](Facts& facts) { facts.webhook = Facts::Webhook::None; }},
      {"AwaitingWebhook", "leaves out CREATE",
       [](Facts& facts) {
         facts.webhook = Facts::Webhook::Lacking;
         facts.webhook_lacks = "headroom leaves out CREATE of artifacts";
       }},
      {"AwaitingReplicas", "2 of 2 webhook replicas have not said yet that they judge by generation 3: a, b",
       [](Facts& facts) {
         facts.replicas_behind = {"a", "b"};
       }},
      {"AwaitingReplicas", "5 of 5 webhook replicas have not said yet that they judge by generation 3: a, b, c and 2",
       [](Facts& facts) {
         facts.replicas = 5;
         facts.replicas_behind = {"a", "b", "c", "d", "e"};
       }},
      {"AwaitingLedger", "generation 3", [](Facts& facts) { facts.ledger = Facts::Ledger::Behind; }},
  };
  for (const Row& row : rows) {
    Facts facts = complete();
    row.spoil(facts);
    for (const EnforcementMemory& before : {EnforcementMemory{}, judge(complete(), {}, 0).memory, holding()}) {
      const Enforcement awaited = judge(facts, before, 70);
      EXPECT_STREQ(to_string(awaited.stage), row.reason);
      EXPECT_THAT(awaited.message, HasSubstr(row.message));
      const Enforcement again = judge(complete(), awaited.memory, 71);
      EXPECT_EQ(again.stage, Stage::SettlingIn) << row.reason;
      EXPECT_EQ(end_of_wait(again.memory, kDeadline), at(71 + 64).boot) << row.reason;
    }
  }
}

TEST(Enforcement, what_is_not_known_now_neither_makes_nor_breaks_the_promise) {
  Facts facts = complete();
  facts.webhook = Facts::Webhook::Unknown;
  facts.ledger = Facts::Ledger::Unknown;
  facts.replicas = 0;
  facts.founded = absl::InfinitePast();
  EXPECT_EQ(judge(facts, {}, 0).stage, Stage::AwaitingWebhook);
  const Enforcement waiting = judge(facts, judge(complete(), {}, 0).memory, 70);
  EXPECT_EQ(waiting.stage, Stage::SettlingIn);
  EXPECT_EQ(judge(complete(), waiting.memory, 71).stage, Stage::Holds) << "it was there all the time";
  const Enforcement held = judge(facts, holding(), 70);
  EXPECT_EQ(held.stage, Stage::Holds);
  EXPECT_EQ(judge(complete(), held.memory, 71).stage, Stage::Holds) << "known again, and still the same";
}

TEST(Enforcement, begins_anew_with_a_new_ledger_or_a_webhook_configuration_that_was_made_anew) {
  Facts facts = complete();
  facts.founded = kStart + absl::Seconds(69);
  const Enforcement after = judge(facts, holding(), 70);
  EXPECT_EQ(after.stage, Stage::SettlingIn);
  EXPECT_EQ(end_of_wait(after.memory, kDeadline), at(70 + 64).boot);
  EXPECT_EQ(end_of_wait(judge(facts, after.memory, 75).memory, kDeadline), at(70 + 64).boot) << "once";
}

TEST(Enforcement, a_new_writer_believes_a_stored_promise_unless_something_began_after_it) {
  api::ScaleLimitStatus stored;
  api::set_condition(stored.conditions, {kEnforced, true, "Exact", "", 3, kStart});
  EXPECT_TRUE(remembered(stored, 3).held);
  EXPECT_FALSE(remembered(stored, 4).held) << "of another generation";
  EXPECT_FALSE(remembered({}, 3).held);
  EXPECT_EQ(judge(complete(), remembered(stored, 3), 5).stage, Stage::Holds);
  Facts facts = complete();
  facts.founded = kStart + absl::Seconds(2);
  EXPECT_EQ(judge(facts, remembered(stored, 3), 5).stage, Stage::SettlingIn);
}

TEST(Enforcement, without_a_ledger_there_is_nothing_to_count) {
  Facts facts = complete();
  facts.ledger = Facts::Ledger::None;
  facts.secured = false;
  EXPECT_EQ(judge(facts, judge(facts, {}, 0).memory, 64).stage, Stage::Holds);
}

TEST(Enforcement, says_what_an_exact_limit_is_worth_that_lets_writes_pass_without_a_webhook) {
  api::ScaleLimit ignoring = limit();
  ignoring.spec.unavailable = api::ScaleLimitSpec::Unavailable::Ignore;
  const Enforcement held = judge_enforcement(ignoring, complete(), holding(), kDeadline, at(70));
  EXPECT_EQ(held.stage, Stage::Holds);
  EXPECT_THAT(held.message, HasSubstr("spec.unavailable is Ignore"));
}

}  // namespace
}  // namespace headroom::webhook
