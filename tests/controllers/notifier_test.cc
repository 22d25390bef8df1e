// The notifier's thread and posts; what goes out when is alert_delivery_test's business.
#include "operator/controllers/notifier.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <nlohmann/json.hpp>

#include "tests/monitoring/fake_server.h"
#include "tests/support/memory_api_server.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

Alert an_alert(const std::string& receiver) {
  return {receiver, {{"alertname", "HeadroomFestivalPhase"}}, {}, SystemClock().wall_now() - absl::Hours(1)};
}

struct Desk {
  monitoring::OneServer receiver{[](const kube::Request&, const std::stop_token&) {
    return kube::Response{200, "", {}};
  }};
  runtime::Metrics metrics;
  SystemClock clock;
  std::shared_ptr<testing::MemoryApiServer> pacer = testing::MemoryApiServer::make();  // for its bounded waits
  std::unique_ptr<Notifier> notifier = make_notifier({{"am", Receiver::Type::Alertmanager, {"http://am:9093/prefix/"}},
                                                      {"chat", Receiver::Type::Webhook, {"https://chat/hook?room=1"}}},
                                                     clock, metrics, {receiver.factory(), nullptr});

  std::vector<kube::Request> await(std::size_t posts) {
    pacer->await([&] { return receiver.server->requests().size() >= posts; });
    return receiver.server->requests();
  }
};

TEST(Notifier, posts_to_alertmanagers_second_version_under_its_prefix) {
  Desk desk;
  desk.notifier->set_active("shop/diwali", {an_alert("am")});
  const auto posts = desk.await(1);
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].method, kube::Method::Post);
  EXPECT_EQ(posts[0].path, "/prefix/api/v2/alerts");
  EXPECT_EQ(posts[0].content_type, "application/json");
  EXPECT_EQ(json::parse(posts[0].body)[0]["labels"]["alertname"], "HeadroomFestivalPhase");
  EXPECT_EQ(desk.receiver.connections().at(0).server, "http://am:9093");
}

TEST(Notifier, posts_to_a_webhook_at_its_own_path) {
  Desk desk;
  desk.notifier->set_active("shop/diwali", {an_alert("chat")});
  const auto posts = desk.await(1);
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].path, "/hook?room=1");
  EXPECT_EQ(json::parse(posts[0].body)["receiver"], "chat");
}

TEST(Notifier, tries_again_and_counts_what_failed) {
  Desk desk;
  desk.receiver.server->set_answer([](const kube::Request&, const std::stop_token&) {
    return kube::Response{500, "overloaded", {}};
  });
  desk.notifier->set_active("shop/diwali", {an_alert("chat")});
  desk.await(1);
  desk.receiver.server->set_answer([](const kube::Request&, const std::stop_token&) {
    return kube::Response{200, "", {}};
  });
  EXPECT_EQ(desk.await(2).size(), 2U) << "a second later";
  EXPECT_TRUE(desk.pacer->await([&] {
    const std::string text = desk.metrics.serialize();
    return text.find(R"(headroom_notifications_total{receiver="chat",result="failed"} 1)") != std::string::npos &&
           text.find(R"(headroom_notifications_total{receiver="chat",result="delivered"} 1)") != std::string::npos;
  })) << desk.metrics.serialize();
}

TEST(Notifier, never_makes_its_caller_wait_for_a_receiver) {
  Desk desk;
  std::mutex mutex;
  std::condition_variable_any never;
  desk.receiver.server->set_answer([&](const kube::Request&, const std::stop_token& stop) -> Result<kube::Response> {
    std::unique_lock lock(mutex);
    never.wait(lock, stop, [] { return false; });
    return Error{ErrorCode::Cancelled, "stopped", 0, {}};
  });
  desk.notifier->set_active("shop/diwali", {an_alert("am")});
  desk.await(1);
  for (int i = 0; i < 100; ++i) desk.notifier->set_active("shop/sale" + std::to_string(i), {an_alert("am")});
  desk.notifier.reset();  // ends although the receiver hangs
}

}  // namespace
}  // namespace headroom::controllers
