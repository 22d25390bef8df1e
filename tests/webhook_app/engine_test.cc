#include "webhook/app/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/polling.h"
#include "tests/webhook/sample_review.h"
#include "tests/webhook_app/a_limit.h"
#include "webhook/app/asked_write.h"
#include "webhook/app/ledger_codec.h"
#include "webhook/app/limit_metrics.h"
#include "webhook/app/moment.h"

namespace headroom::webhook {
namespace {

using std::chrono::milliseconds;

class Client final : public net::ResponseSink {
 public:
  void answer(std::uint64_t, net::HttpResponse response) override {
    code = response.status == 200
               ? nlohmann::json::parse(response.body).value("/response/status/code"_json_pointer, 200)
               : response.status;
  }
  bool gone(std::uint64_t) const override { return false; }

  std::atomic<int> code = 0;  ///< of the answer
};

net::HttpRequest create_of_an_artifact() {
  const nlohmann::json resource = {{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}};
  nlohmann::json review = sample_review();
  review["request"].merge_patch({{"operation", "CREATE"}, {"resource", resource}, {"oldObject", nullptr}});
  net::HttpRequest request;
  request.method = "POST";
  request.content_type = "application/json";
  request.body = review.dump();
  return request;
}

TEST(Engine, answers_who_waits_for_a_limit_that_is_gone) {
  for (const nlohmann::json& spec : {nlohmann::json(nlohmann::json::value_t::null),
                                     nlohmann::json{{"total", nullptr}, {"concurrency", {{"max", 1}}}}}) {
    runtime::Metrics metrics;
    // Whose time stands still, and nobody's patience ends.
    Engine engine(
        {"headroom-webhook-a", 1}, {}, [now = machine_moment()] { return now; }, [](const Task&) {}, metrics);
    LimitBook book({});
    engine.adopt(book.update({a_limit("one", spec)}, {}));
    engine.lease_held_until(machine_moment().boot + absl::Hours(1));
    const auto client = std::make_shared<Client>();
    review_endpoint([&](const Review& review, ReviewResponder responder) {
      engine.decide(asked_write(review).value(), false, std::move(responder));
    })(create_of_an_artifact(), net::Responder(client, 1));
    ASSERT_EQ(engine.waiting(), 1u) << spec << ": its ledger is not known";
    engine.adopt(book.update({}, {}));
    std::jthread timer([&](const std::stop_token& stop) { engine.keep_time(stop); });
    EXPECT_TRUE(testing_support::poll([&] { return client->code == 429; }, milliseconds(5000), milliseconds(5)))
        << spec << client->code;
    EXPECT_EQ(engine.waiting(), 0u) << spec;
  }
}

TEST(Engine, looks_again_for_the_ledger_that_was_deleted_not_for_the_limits_other_one) {
  std::mutex mutex;
  std::vector<limits::LimitId> read;
  const auto collect = [&](const Task& task) {
    std::lock_guard lock(mutex);
    if (const auto* const one = std::get_if<ReadLedgerTask>(&task)) read.push_back(one->ledger);
  };
  const auto reads_of = [&](limits::LimitId ledger) {
    std::lock_guard lock(mutex);
    return std::ranges::count(read, ledger);
  };
  runtime::Metrics metrics;
  Engine engine({"headroom-webhook-a", 1}, {}, machine_moment, collect, metrics);
  LimitBook book({});
  const LimitChange change = book.update({a_limit("busy", {{"rate", {{"writesPerSecond", 5}, {"burst", 5}}}})}, {});
  const LimitPtr limit = change.added.at(0);
  const limits::LimitId flow = limit->flow().value();
  engine.adopt(change);
  for (const limits::LimitId ledger : {limit->id(), flow}) {
    const LedgerPart part = part_of(*limit, ledger);
    limits::LedgerRecord record;
    record.generation = record.epoch = 1;
    record.hard = ledger == flow ? limit->flow_terms().hard : limit->terms().hard;
    record.selection = ledger == flow ? limit->flow_terms().selection : limit->terms().selection;
    const nlohmann::json object = {{"metadata", {{"name", ledger_name_of(*limit, part)}, {"resourceVersion", "71"}}},
                                   {"record", api::to_json(written_ledger(record, *limit, part))}};
    engine.ledger_seen(api::limit_ledger_from_json(object).value());
  }
  const auto before = reads_of(flow), of_the_other = reads_of(limit->id());
  std::jthread timer([&](const std::stop_token& stop) { engine.keep_time(stop); });
  engine.ledger_deleted(ledger_name_of(*limit, LedgerPart::Flow));
  EXPECT_TRUE(testing_support::poll([&] { return reads_of(flow) > before; }, milliseconds(5000), milliseconds(5)));
  EXPECT_EQ(reads_of(limit->id()), of_the_other);
}

TEST(Engine, lists_a_type_until_a_list_is_as_new_as_the_limits_over_it_though_lists_fail) {
  std::mutex mutex;
  std::vector<ListTask> asked;
  const auto collect = [&](const Task& task) {
    std::lock_guard lock(mutex);
    if (const auto* const one = std::get_if<ListTask>(&task)) asked.push_back(*one);
  };
  const auto lists = [&] {
    std::lock_guard lock(mutex);
    return asked.size();
  };
  std::atomic<std::int64_t> seconds = 1'000;
  const auto now = [&] {
    return limits::Moment{absl::Seconds(seconds.load()), absl::FromUnixSeconds(1'760'000'000 + seconds.load())};
  };
  runtime::Metrics metrics;
  Engine engine({"headroom-webhook-a", 1}, {}, now, collect, metrics);
  LimitBook book({});
  const auto one = a_limit("one", {}, "u-1"), two = a_limit("two", {}, "u-2");
  const LimitChange change = book.update({one}, {});
  engine.adopt(change);
  const TypeSource watch{change.types.at(0).id, change.types.at(0).bodies};
  const auto first = engine.begin_list(watch);
  engine.adopt(book.update({one, two}, {}));
  engine.commit_list(*first, 7);
  ASSERT_EQ(engine.unlisted_types().value().size(), 1u) << "it began before the second limit was known";

  std::jthread timer([&](const std::stop_token& stop) { engine.keep_time(stop); });
  for (std::size_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(testing_support::poll(
        [&] {
          ++seconds;
          return lists() == i;
        },
        milliseconds(5000), milliseconds(5)))
        << i;
    const auto list = engine.begin_list(watch);
    i < 3 ? engine.abandon_list(*list) : engine.commit_list(*list, 8);
    engine.list_ended(asked.back());
  }
  EXPECT_TRUE(engine.unlisted_types().value().empty());
}

TEST(Engine, shows_what_the_status_of_a_limit_says) {
  runtime::Metrics metrics;
  Engine engine(
      {"headroom-webhook-a", 1}, {}, machine_moment, [](const Task&) {}, metrics);
  LimitBook book({});
  api::ScaleLimit stopped = *a_limit("stopped", {}, "u-1");
  stopped.status.paused = api::WriteStop{absl::UnixEpoch(), "count", "full", "count is 10 of 10"};
  api::set_condition(stopped.status.conditions, {"HoldsUnlanded", true, "WritesDidNotLand", "", 1, absl::UnixEpoch()});
  const api::ScaleLimit open = *a_limit("open", {}, "u-2");
  engine.adopt(book.update(
      {std::make_shared<const api::ScaleLimit>(stopped), std::make_shared<const api::ScaleLimit>(open)}, {}));
  const LimitMetrics limit_metrics(engine, metrics);
  runtime::Exposition scrape;
  limit_metrics.expose(scrape);
  const std::string text = scrape.take_text(metrics.serialize());
  for (const char* line : {
           R"(headroom_limit_paused{kind="ScaleLimit",limit="stopped",namespace="shop"} 1)",
           R"(headroom_limit_halted{kind="ScaleLimit",limit="stopped",namespace="shop"} 0)",
           R"(headroom_limit_paused{kind="ScaleLimit",limit="open",namespace="shop"} 0)",
           R"(headroom_condition{kind="ScaleLimit",namespace="shop",name="stopped",type="HoldsUnlanded",)"
           R"(reason="WritesDidNotLand"} 1)",
       }) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST(Engine, tells_by_which_limits_it_judges_those_without_a_ledger_among_them) {
  runtime::Metrics metrics;
  Engine engine(
      {"headroom-webhook-a", 1}, {}, machine_moment, [](const Task&) {}, metrics);
  LimitBook book({});
  engine.adopt(book.update({a_limit("counted", {}, "u-1"),
                            a_limit("capped", {{"total", nullptr}, {"object", {{"maxBytes", 100}}}}, "u-2", 4)},
                           {}));
  std::map<std::string, bool> in_force;
  for (const LimitFigures& figures : engine.figures()) {
    in_force[figures.limit->limit().meta.name] = figures.in_force;
  }
  const std::map<std::string, bool> expected{{"capped", true}, {"counted", false}};
  EXPECT_EQ(in_force, expected);
  const LimitMetrics limit_metrics(engine, metrics);
  EXPECT_NE(metrics.serialize().find(
                R"(headroom_limit_generation_in_force{kind="ScaleLimit",limit="capped",namespace="shop"} 4)"),
            std::string::npos);
}

}  // namespace
}  // namespace headroom::webhook
