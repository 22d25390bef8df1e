// When statuses are written, and over what.
#include "webhook/app/status_book.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/api/object.h"
#include "tests/webhook/limits_for_tests.h"

namespace headroom::webhook {
namespace {

using Facts = EnforcementFacts;

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

class StatusBookTest : public testing::Test {
 protected:
  static limits::Moment at(double seconds) { return {absl::Seconds(1000 + seconds), kStart + absl::Seconds(seconds)}; }
  /// Of a limit that all is there for.
  static LimitObservation seen(std::int64_t used) {
    LimitObservation observation;
    observation.enforcement.webhook = Facts::Webhook::InPlace;
    observation.enforcement.replicas = 1;
    observation.enforcement.ledger = Facts::Ledger::Current;
    observation.enforcement.founded = kStart - absl::Hours(1);
    observation.use = {{Quantity::from_int(used), Quantity()}};
    return observation;
  }
  std::optional<StatusWrite> observe(std::int64_t used, double seconds) {
    return book_.observe(compiled(limit_), seen(used), at(seconds));
  }
  /// Observes, and stores what is to be written.
  bool writes(std::int64_t used, double seconds) {
    const auto write = observe(used, seconds);
    if (write) book_.landed(*write, std::to_string(++version_), at(seconds).boot);
    return write.has_value();
  }

  api::ScaleLimit limit_ = deployments_limit();
  StatusBook book_{absl::Seconds(64), {"kube-system"}};
  int version_ = 200;
};

TEST_F(StatusBookTest, figures_alone_wait_for_two_seconds_and_anything_else_for_one) {
  api::Threshold half;
  half.name = "half";
  half.percent = 50;
  half.level = api::LimitLevel::Yellow;
  limit_.spec.thresholds = {half};
  EXPECT_TRUE(writes(1, 0));
  EXPECT_FALSE(writes(1, 5)) << "nothing has changed";
  EXPECT_TRUE(writes(2, 5));
  EXPECT_FALSE(writes(3, 6.9));
  EXPECT_TRUE(writes(3, 7));
  EXPECT_FALSE(writes(5, 7.9));
  EXPECT_TRUE(writes(5, 8)) << "another level";
}

TEST_F(StatusBookTest, a_write_says_what_it_changes_and_lands_on_the_version_before_it_only) {
  const auto first = observe(1, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->over, "100");
  EXPECT_EQ(first->patch["metadata"]["resourceVersion"], "100");
  EXPECT_EQ(first->patch["status"]["fullest"]["used"], "1");
  EXPECT_EQ(first->patch["status"]["level"], "Green") << "also what an absent field would mean";
  book_.landed(*first, "101", at(0).boot);
  const auto second = observe(2, 3);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->over, "101") << "although the watch shows an earlier one";
  EXPECT_FALSE(second->patch["status"].contains("conditions"));
  book_.conflicted(*second);
  limit_.meta.resource_version = "150";
  EXPECT_EQ(observe(2, 3)->over, "150");
}

TEST_F(StatusBookTest, one_that_is_refused_is_tried_again_ever_later_and_stands_in_nobodys_way) {
  double now = 0;
  for (const double pause : {2.0, 4.0, 8.0}) {
    const auto write = observe(1, now);
    ASSERT_TRUE(write) << now;
    book_.refused(*write, at(now).boot);
    EXPECT_FALSE(observe(1, now + pause - 0.1)) << now;
    now += pause;
  }
  for (int i = 0; i < 20; ++i) book_.refused(*observe(1, now + 61 * i), at(now + 61 * i).boot);
  EXPECT_TRUE(writes(1, now + 61 * 20)) << "within a minute of when it could be";
}

TEST_F(StatusBookTest, asks_for_the_ledger_once_the_wait_is_over_and_until_the_promise_stands) {
  const LimitPtr limit = compiled(limit_);
  EXPECT_FALSE(book_.secure_from(limit, at(0).boot));
  ASSERT_TRUE(writes(1, 0));
  EXPECT_FALSE(book_.secure_from(limit, at(63.9).boot));
  EXPECT_EQ(book_.secure_from(limit, at(70).boot), at(64).boot);
  LimitObservation secured = seen(1);
  secured.enforcement.secured = true;
  const auto write = book_.observe(limit, secured, at(70));
  ASSERT_TRUE(write);
  EXPECT_TRUE(api::find_condition(write->status->conditions, kEnforced)->status);
  EXPECT_FALSE(book_.secure_from(limit, at(71).boot));
}

TEST_F(StatusBookTest, another_generation_or_another_count_begins_to_wait_anew) {
  for (const bool generation : {true, false}) {
    api::set_condition(limit_.status.conditions, {kEnforced, true, "Exact", "the limit is exact", 1, kStart});
    StatusBook book(absl::Seconds(64), {});
    EXPECT_TRUE(
        api::find_condition(book.observe(compiled(limit_), seen(1), at(1))->status->conditions, kEnforced)->status)
        << "as it is stored";
    api::ScaleLimit next = limit_;
    if (generation) next.meta.generation = 2;
    const auto write = book.observe(compiled(next, generation ? 1 : 2), seen(1), at(2));
    ASSERT_TRUE(write);
    EXPECT_EQ(api::find_condition(write->status->conditions, kEnforced)->reason, "SettlingIn");
  }
}

TEST_F(StatusBookTest, denials_are_added_once_even_when_a_write_fails_or_another_replica_takes_over) {
  ASSERT_TRUE(writes(1, 0));
  LimitObservation denied = seen(1);
  denied.denials = {{"OverLimit", "count", 3, "no", kStart}};
  const auto failed = book_.observe(compiled(limit_), denied, at(5));
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->status->denials.at(0).count, 3);
  book_.hand_over();
  limit_.meta.resource_version = "300";
  const auto again = observe(1, 6);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status->denials.at(0).count, 3);
  book_.landed(*again, "301", at(6).boot);
  denied.denials[0].count = 1;
  EXPECT_EQ(book_.observe(compiled(limit_), denied, at(9))->status->denials.at(0).count, 4);
}

}  // namespace
}  // namespace headroom::webhook
