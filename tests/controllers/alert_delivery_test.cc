#include "operator/controllers/alert_delivery.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace headroom::controllers {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

const absl::Time kWall = absl::FromUnixSeconds(1'794'400'000);

Alert an_alert(const std::string& receiver, const std::string& phase, const std::string& summary = "begins") {
  return {receiver, {{"alertname", "HeadroomFestivalPhase"}, {"phase", phase}}, {{"summary", summary}}, kWall};
}

/// A book with one Alertmanager of two instances and one webhook.
struct Post {
  DeliveryOptions options;
  DeliveryBook book{{{"am", Receiver::Type::Alertmanager, {"http://am-0", "http://am-1"}},
                     {"chat", Receiver::Type::Webhook, {"http://chat/hook"}}},
                    options};
  SteadyTime now = SteadyTime(std::chrono::hours(1));

  void set(std::vector<Alert> alerts, const std::string& owner = "shop/diwali") {
    book.set_active(owner, std::move(alerts), now, kWall);
  }
  std::vector<Delivery> take_all(bool delivered = true) {
    std::vector<Delivery> all;
    while (auto delivery = book.take(now)) {
      all.push_back(*delivery);
      book.settle(std::move(*delivery), delivered, now, 0);
    }
    return all;
  }
};

TEST(AlertDelivery, a_new_alert_goes_to_every_instance_at_once) {
  Post post;
  post.set({an_alert("am", "peak")});
  const auto sent = post.take_all();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].url, "http://am-0");
  EXPECT_EQ(sent[1].url, "http://am-1");
  EXPECT_EQ(sent[0].alerts.size(), 1U);
  EXPECT_FALSE(sent[0].alerts[0].resolved_at);
}

TEST(AlertDelivery, an_active_alert_is_sent_again_every_minute_and_a_webhook_told_once) {
  Post post;
  post.set({an_alert("am", "peak"), an_alert("chat", "peak")});
  EXPECT_EQ(post.take_all().size(), 3U);
  post.set({an_alert("am", "peak"), an_alert("chat", "peak")});
  EXPECT_TRUE(post.take_all().empty()) << "saying the same again is no news";
  for (int minute = 1; minute <= 3; ++minute) {
    post.now += seconds(59);
    EXPECT_TRUE(post.take_all().empty());
    EXPECT_EQ(post.book.next_due(), post.now + seconds(1));
    post.now += seconds(1);
    EXPECT_EQ(post.take_all().size(), 2U) << "minute " << minute;
  }
}

TEST(AlertDelivery, a_vanished_alert_is_resolved_once_and_the_others_go_on) {
  Post post;
  post.set({an_alert("am", "prepare"), an_alert("am", "peak")});
  post.take_all();
  post.set({an_alert("am", "peak")});
  const auto sent = post.take_all();
  ASSERT_EQ(sent.size(), 2U);
  ASSERT_EQ(sent[0].alerts.size(), 1U);
  EXPECT_EQ(sent[0].alerts[0].alert.labels.at("phase"), "prepare");
  EXPECT_EQ(sent[0].alerts[0].resolved_at, kWall);
  post.set({});
  EXPECT_EQ(post.take_all().size(), 2U);
  post.now += seconds(600);
  EXPECT_TRUE(post.take_all().empty());
  EXPECT_FALSE(post.book.next_due());
}

TEST(AlertDelivery, owners_do_not_end_each_others_alerts) {
  Post post;
  post.set({an_alert("am", "peak")}, "shop/diwali");
  post.set({an_alert("am", "sale")}, "shop/sale");
  post.take_all();
  post.set({}, "shop/sale");
  post.take_all();
  post.now += seconds(60);
  const auto again = post.take_all();
  ASSERT_EQ(again.size(), 2U);
  ASSERT_EQ(again[0].alerts.size(), 1U);
  EXPECT_EQ(again[0].alerts[0].alert.labels.at("phase"), "peak");
}

TEST(AlertDelivery, new_words_go_to_alertmanager_but_are_no_second_alert_to_a_webhook) {
  Post post;
  post.set({an_alert("am", "peak", "short of 30"), an_alert("chat", "peak", "short of 30")});
  post.take_all();
  post.set({an_alert("am", "peak", "short of 20"), an_alert("chat", "peak", "short of 20")});
  const auto sent = post.take_all();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].receiver, "am");
  EXPECT_EQ(sent[0].alerts[0].alert.annotations.at("summary"), "short of 20");
}

TEST(AlertDelivery, what_failed_is_not_told_after_what_has_become_of_it) {
  Post post;
  post.set({an_alert("chat", "peak")});
  post.take_all(false);
  post.set({});
  auto told = post.take_all(false);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].alerts[0].resolved_at) << "its beginning, which waits, would stand for ever";
  post.set({an_alert("chat", "peak")});
  told = post.take_all();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0].alerts[0].resolved_at);
  post.now += seconds(600);
  EXPECT_TRUE(post.take_all().empty()) << "nor does the end that waits come after it has begun again";

  post.set({an_alert("chat", "sale"), an_alert("chat", "peak")});
  auto under_way = post.book.take(post.now);
  ASSERT_TRUE(under_way);
  post.set({an_alert("chat", "peak")});
  EXPECT_FALSE(post.book.settle(*std::move(under_way), false, post.now, 0));
  told = post.take_all();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].alerts[0].resolved_at);
}

TEST(AlertDelivery, what_has_ended_gives_way_to_what_has_not) {
  DeliveryOptions options;
  options.most_waiting = 3;
  DeliveryBook book({{"chat", Receiver::Type::Webhook, {"http://chat/hook"}}}, options);
  const SteadyTime now{std::chrono::hours(1)};
  book.set_active("a", {an_alert("chat", "prepare")}, now, kWall);
  book.set_active("b", {an_alert("chat", "peak")}, now, kWall);
  book.set_active("a", {}, now, kWall);
  book.set_active("c", {an_alert("chat", "sale")}, now, kWall);
  book.set_active("d", {an_alert("chat", "clearance")}, now, kWall);
  std::vector<std::string> told;
  while (auto delivery = book.take(now)) told.push_back(delivery->alerts[0].alert.labels.at("phase"));
  EXPECT_EQ(told, (std::vector<std::string>{"peak", "sale", "clearance"}));
  EXPECT_EQ(book.dropped(), 1);
}

TEST(AlertDelivery, an_alert_keeps_the_start_it_began_with) {
  Post post;
  post.set({an_alert("am", "peak")});
  post.take_all();
  Alert later = an_alert("am", "peak", "other words");
  later.starts_at = kWall + absl::Hours(1);
  post.set({later});
  EXPECT_EQ(post.take_all()[0].alerts[0].alert.starts_at, kWall);
}

TEST(AlertDelivery, tries_five_times_with_growing_pauses_and_gives_up) {
  Post post;
  post.set({an_alert("chat", "peak")});
  std::vector<milliseconds> pauses;
  int attempts = 0;
  while (const auto due = post.book.next_due()) {
    if (attempts > 0) pauses.push_back(std::chrono::duration_cast<milliseconds>(*due - post.now));
    post.now = std::max(post.now, *due);
    auto delivery = post.book.take(post.now);
    ASSERT_TRUE(delivery);
    ++attempts;
    const bool given_up = post.book.settle(std::move(*delivery), false, post.now, 0);
    EXPECT_EQ(given_up, attempts == 5);
  }
  EXPECT_EQ(attempts, 5);
  EXPECT_EQ(pauses, (std::vector<milliseconds>{seconds(1), seconds(2), seconds(4), seconds(8)}));
}

TEST(AlertDelivery, the_next_minutes_delivery_replaces_one_that_still_waits) {
  Post post;
  post.set({an_alert("am", "peak")});
  for (int i = 0; i < 4; ++i) {
    post.take_all(/*delivered=*/false);
    post.now = std::max(post.now, *post.book.next_due());
  }
  post.now += seconds(60);
  int waiting = 0;
  while (post.book.take(post.now)) ++waiting;
  EXPECT_EQ(waiting, 2) << "one for each instance, not one for each failure";
}

TEST(AlertDelivery, a_resolution_that_waits_is_not_replaced) {
  Post post;
  post.set({an_alert("am", "prepare"), an_alert("am", "peak")});
  post.take_all();
  post.set({an_alert("am", "peak")});
  post.take_all(/*delivered=*/false);
  post.now += seconds(60);
  int resolutions = 0;
  while (auto delivery = post.book.take(post.now)) {
    if (delivery->alerts[0].resolved_at) ++resolutions;
  }
  EXPECT_EQ(resolutions, 2);
}

TEST(AlertDelivery, leaves_out_receivers_it_does_not_know) {
  Post post;
  post.set({an_alert("pager", "peak")});
  EXPECT_TRUE(post.take_all().empty());
  EXPECT_FALSE(post.book.next_due());
}

TEST(AlertDelivery, is_bounded_in_alerts_and_in_waiting_deliveries) {
  DeliveryOptions small;
  small.most_alerts = 3;
  small.most_waiting = 2;
  DeliveryBook book({{"am", Receiver::Type::Alertmanager, {"http://am"}}}, small);
  const SteadyTime now{};
  std::vector<Alert> many;
  for (int i = 0; i < 5; ++i) many.push_back(an_alert("am", std::to_string(i)));
  book.set_active("a", many, now, kWall);
  EXPECT_EQ(book.dropped(), 2);
  for (int i = 0; i < 4; ++i) {
    book.set_active("a", {an_alert("am", "only"), an_alert("am", std::to_string(10 + i))}, now, kWall);
  }
  int waiting = 0;
  while (book.take(now)) ++waiting;
  EXPECT_EQ(waiting, 2);
  EXPECT_GT(book.dropped(), 2);
}

TEST(AlertmanagerBody, says_when_an_active_alert_ends_unless_it_is_sent_again) {
  Alert alert = an_alert("am", "peak");
  alert.starts_at = kWall - absl::Hours(2);
  alert.labels["empty"] = "";
  const json body = json::parse(alertmanager_body({{alert, std::nullopt}}, kWall, absl::Minutes(3)));
  ASSERT_EQ(body.size(), 1U);
  EXPECT_EQ(body[0]["startsAt"], "2026-11-11T10:26:40.000000Z");
  EXPECT_EQ(body[0]["endsAt"], "2026-11-11T12:29:40.000000Z");
  EXPECT_EQ(body[0]["labels"]["alertname"], "HeadroomFestivalPhase");
  EXPECT_FALSE(body[0]["labels"].contains("empty")) << "Alertmanager refuses alerts with empty labels";
  EXPECT_EQ(body[0]["annotations"]["summary"], "begins");
}

TEST(AlertmanagerBody, a_resolved_alert_ends_when_it_did) {
  const json body = json::parse(alertmanager_body({{an_alert("am", "peak"), kWall + absl::Minutes(1)}},
                                                  kWall + absl::Minutes(2), absl::Minutes(3)));
  EXPECT_EQ(body[0]["endsAt"], "2026-11-11T12:27:40.000000Z");
}

TEST(AlertmanagerBody, never_starts_an_alert_in_the_future) {
  Alert alert = an_alert("am", "peak");
  alert.starts_at = kWall + absl::Hours(24);
  const json body = json::parse(alertmanager_body({{alert, std::nullopt}}, kWall, absl::Minutes(3)));
  EXPECT_EQ(body[0]["startsAt"], "2026-11-11T12:26:40.000000Z");
}

TEST(WebhookBody, is_what_receivers_of_alertmanager_know) {
  const json body = json::parse(
      webhook_body("chat", {{an_alert("chat", "peak"), std::nullopt}, {an_alert("chat", "prepare"), kWall}}, kWall));
  EXPECT_EQ(body["version"], "4");
  EXPECT_EQ(body["receiver"], "chat");
  EXPECT_EQ(body["status"], "firing");
  ASSERT_EQ(body["alerts"].size(), 2U);
  EXPECT_EQ(body["alerts"][0]["status"], "firing");
  EXPECT_EQ(body["alerts"][1]["status"], "resolved");
  EXPECT_EQ(json::parse(webhook_body("chat", {{an_alert("chat", "peak"), kWall}}, kWall))["status"], "resolved");
}

TEST(WebhookBody, survives_text_that_is_no_utf8) {
  Alert alert = an_alert("chat", "peak", "bad \xff byte");
  EXPECT_FALSE(json::parse(webhook_body("chat", {{alert, std::nullopt}}, kWall), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace headroom::controllers
