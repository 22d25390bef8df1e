#include "operator/monitoring/query_book.h"

#include <gtest/gtest.h>

#include <set>

namespace headroom::monitoring {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const SteadyTime kStart = SteadyTime(std::chrono::hours(1));
constexpr absl::Duration kStaleness = absl::Minutes(5);

Error away(std::string message = "connection refused") { return {ErrorCode::Unavailable, std::move(message), 0, {}}; }

/// A book and its clock.
struct Desk {
  QueryBookOptions options;
  QueryBook book{options};
  SteadyTime now = kStart;

  QuerySource::Answer ask(const std::string& region, const std::string& query, const std::string& server = "s") {
    return book.ask(region, query, server, kStaleness, now);
  }
  QueryBook::Poll take() {
    auto poll = book.take(now);
    EXPECT_TRUE(poll) << "nothing is due";
    return poll.value_or(QueryBook::Poll{});
  }
  bool answer(const std::string& region, const std::string& query, const Result<double>& outcome) {
    ask(region, query);
    return book.settle(take(), outcome, now, 0);
  }
};

TEST(QueryBook, polls_a_query_at_once_when_it_is_first_asked_for) {
  Desk desk;
  EXPECT_FALSE(desk.ask("mumbai", "up").asked);
  EXPECT_TRUE(desk.book.settle(desk.take(), 1.0, desk.now, 0));
  const auto answer = desk.ask("mumbai", "up");
  EXPECT_TRUE(answer.asked);
  EXPECT_EQ(answer.value, 1.0);
}

TEST(QueryBook, polls_again_after_the_interval_and_not_before) {
  Desk desk;
  desk.answer("mumbai", "up", 1.0);
  for (const std::uint64_t random : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{123'456'789'012}}) {
    desk.now += seconds(13);
    EXPECT_FALSE(desk.book.take(desk.now)) << "13 s is too early, jitter included";
    desk.now += milliseconds(3'500);
    desk.ask("mumbai", "up");
    const auto poll = desk.book.take(desk.now);
    ASSERT_TRUE(poll) << "16.5 s is the latest";
    desk.book.settle(*poll, 1.0, desk.now, random);
  }
}

TEST(QueryBook, tells_only_what_is_new) {
  Desk desk;
  desk.ask("mumbai", "up");
  EXPECT_TRUE(desk.book.settle(desk.take(), 1.0, desk.now, 0));
  desk.now += seconds(20);
  EXPECT_FALSE(desk.book.settle(desk.take(), 1.0, desk.now, 0));
  desk.now += seconds(20);
  EXPECT_TRUE(desk.book.settle(desk.take(), 2.0, desk.now, 0));
  desk.now += seconds(20);
  EXPECT_TRUE(desk.book.settle(desk.take(), invalid("several series"), desk.now, 0));
}

TEST(QueryBook, an_answer_without_a_number_replaces_the_last_number_by_its_reason) {
  Desk desk;
  desk.answer("mumbai", "lag", 5.0);
  desk.now += seconds(20);
  desk.book.settle(desk.take(), Error{ErrorCode::NotFound, "the answer is empty", 0, {}}, desk.now, 0);
  const auto answer = desk.ask("mumbai", "lag");
  EXPECT_FALSE(answer.value);
  EXPECT_EQ(answer.problem, "the answer is empty");
}

TEST(QueryBook, one_lost_request_is_no_news_but_the_second_is) {
  Desk desk;
  desk.answer("mumbai", "lag", 5.0);
  desk.now += seconds(20);
  EXPECT_FALSE(desk.book.settle(desk.take(), away(), desk.now, 0));
  EXPECT_EQ(desk.ask("mumbai", "lag").value, 5.0);

  EXPECT_FALSE(desk.book.take(desk.now)) << "the second try comes a second later";
  desk.now += seconds(1);
  EXPECT_TRUE(desk.book.settle(desk.take(), away(), desk.now, 0));
  EXPECT_FALSE(desk.ask("mumbai", "lag").value);
  EXPECT_EQ(desk.ask("mumbai", "lag").problem, "connection refused");
}

TEST(QueryBook, a_server_that_is_away_is_asked_ever_more_seldom_and_leaves_no_query_with_a_value) {
  Desk desk;
  desk.answer("mumbai", "a", 1.0);
  desk.answer("mumbai", "b", 2.0);
  desk.now += seconds(20);
  std::vector<seconds> gaps;
  SteadyTime last = desk.now;
  for (int i = 0; i < 8; ++i) {
    while (!desk.book.next_due() || *desk.book.next_due() > desk.now) desk.now += seconds(1);
    gaps.push_back(std::chrono::duration_cast<seconds>(desk.now - last));
    last = desk.now;
    desk.book.settle(desk.take(), away(), desk.now, 0);
    EXPECT_FALSE(desk.book.take(desk.now)) << "while away, one request is enough";
  }
  EXPECT_FALSE(desk.ask("mumbai", "a").value);
  EXPECT_FALSE(desk.ask("mumbai", "b").value) << "also the query that was not asked again";
  EXPECT_EQ(gaps.back(), seconds(60));
  EXPECT_LT(gaps[2], gaps[4]);

  while (*desk.book.next_due() > desk.now) desk.now += seconds(1);
  EXPECT_TRUE(desk.book.settle(desk.take(), 1.5, desk.now, 0));
  EXPECT_TRUE(desk.book.take(desk.now)) << "back: the other query is due";
}

TEST(QueryBook, a_slow_region_never_has_more_than_two_requests_under_way) {
  Desk desk;
  for (int i = 0; i < 10; ++i) desk.ask("slow", "q" + std::to_string(i));
  desk.ask("quick", "q");
  std::multiset<std::string> under_way;
  while (const auto poll = desk.book.take(desk.now)) under_way.insert(poll->region);
  EXPECT_EQ(under_way.count("slow"), 2U);
  EXPECT_EQ(under_way.count("quick"), 1U);
}

TEST(QueryBook, regions_take_turns) {
  Desk desk;
  for (const char* region : {"a", "b", "c"}) {
    for (int i = 0; i < 4; ++i) desk.ask(region, "q" + std::to_string(i));
  }
  std::string order;
  for (int i = 0; i < 6; ++i) {
    const auto poll = desk.take();
    order += poll.region;
    desk.book.settle(poll, 1.0, desk.now, 0);
  }
  EXPECT_EQ(order, "abcabc");
}

TEST(QueryBook, an_answer_that_could_not_be_renewed_goes_stale) {
  Desk desk;
  desk.answer("mumbai", "lag", 5.0);
  desk.now += seconds(301);
  const auto answer = desk.ask("mumbai", "lag");
  EXPECT_FALSE(answer.value);
  EXPECT_NE(answer.problem.find("5m1s old"), std::string::npos) << answer.problem;
}

TEST(QueryBook, other_metrics_settings_are_tried_at_once_and_what_was_known_is_forgotten) {
  Desk desk;
  desk.answer("mumbai", "lag", 5.0);
  EXPECT_FALSE(desk.ask("mumbai", "lag", "another server").asked);
  EXPECT_EQ(desk.take().server, "another server");
}

TEST(QueryBook, the_answer_of_a_former_server_does_not_count) {
  Desk desk;
  desk.ask("mumbai", "lag", "old");
  const auto poll = desk.take();
  desk.ask("mumbai", "lag", "new");
  EXPECT_FALSE(desk.book.settle(poll, 5.0, desk.now, 0));
  EXPECT_FALSE(desk.ask("mumbai", "lag", "new").asked);
  EXPECT_EQ(desk.take().server, "new");
}

TEST(QueryBook, forgets_what_nobody_has_asked_for_in_twenty_minutes) {
  Desk desk;
  desk.answer("mumbai", "old", 1.0);
  desk.now += seconds(1'199);
  desk.answer("mumbai", "young", 1.0);
  desk.now += seconds(2);
  desk.book.forget_unused(desk.now);
  EXPECT_EQ(desk.book.size(), 1U);
  desk.now += seconds(30);
  EXPECT_EQ(desk.take().query, "young");
  EXPECT_FALSE(desk.book.take(desk.now));
}

TEST(QueryBook, refuses_more_queries_than_it_has_room_for) {
  Desk desk;
  QueryBookOptions small;
  small.max_queries = 2;
  QueryBook book{small};
  book.ask("mumbai", "a", "s", kStaleness, desk.now);
  book.ask("mumbai", "b", "s", kStaleness, desk.now);
  const auto answer = book.ask("mumbai", "c", "s", kStaleness, desk.now);
  EXPECT_TRUE(answer.asked);
  EXPECT_NE(answer.problem.find("more than 2 queries"), std::string::npos) << answer.problem;
  EXPECT_FALSE(book.ask("mumbai", "a", "s", kStaleness, desk.now).asked) << "the others stay";
}

TEST(QueryBook, a_query_that_is_forgotten_while_under_way_settles_without_trouble) {
  Desk desk;
  desk.ask("mumbai", "a");
  const auto poll = desk.take();
  desk.now += seconds(2'000);
  desk.book.forget_unused(desk.now);
  EXPECT_EQ(desk.book.size(), 1U) << "what is under way stays";
  desk.book.settle(poll, 1.0, desk.now, 0);
  desk.book.forget_unused(desk.now);
  EXPECT_EQ(desk.book.size(), 0U);
}

}  // namespace
}  // namespace headroom::monitoring
