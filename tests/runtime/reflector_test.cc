#include "operator/runtime/reflector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/runtime/eventually.h"
#include "tests/runtime/fake_reader.h"
#include "tests/runtime/objects.h"
#include "tests/runtime/stopwatch.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

Error failure(ErrorCode code, const std::string& message = "no") { return Error{code, message, 0, {}}; }

kube::ListPage page(std::vector<nlohmann::json> items, const std::string& version, const std::string& token = "") {
  kube::ListPage page;
  page.items = std::move(items);
  page.resource_version = version;
  page.continue_token = token;
  return page;
}

class ReflectorTest : public testing::Test {
 protected:
  ReflectorTest() {
    options_.type = kube::types::kConfigMap;
    options_.backoff = Backoff{milliseconds(1), 1, milliseconds(1), 0};
  }

  void start() {
    reflector_ = std::make_unique<Reflector>(
        reader_, options_, store_sink<Thing>(store_, decode_thing),
        [this](const api::ObjectKey& key) {
          std::lock_guard lock(mutex_);
          changed_.push_back(key.name);
        },
        clock_, 42);
    reflector_->start();
  }
  std::vector<std::string> changed() {
    std::lock_guard lock(mutex_);
    return changed_;
  }
  int value_of(const std::string& name) const {
    const auto thing = store_->get({"shop", name});
    return thing ? thing->value : -1;
  }
  std::vector<std::string> watched_from() const {
    std::vector<std::string> versions;
    for (const kube::WatchOptions& watch : reader_->watches()) versions.push_back(watch.resource_version);
    return versions;
  }

  SystemClock clock_;
  std::shared_ptr<FakeReader> reader_ = std::make_shared<FakeReader>();
  std::shared_ptr<Store<Thing>> store_ = std::make_shared<Store<Thing>>();
  ReflectorOptions options_;
  std::mutex mutex_;
  std::vector<std::string> changed_;
  std::unique_ptr<Reflector> reflector_;
};

TEST_F(ReflectorTest, fills_the_store_page_by_page_and_follows_the_stream) {
  reader_->on_list(page({thing_object("cart", "1", 1), thing_object("search", "2", 2)}, "5", "more"));
  reader_->on_list(page({thing_object("login", "3", 3)}, "5"));
  reader_->on_watch(ScriptedStream{{watch_line("MODIFIED", thing_object("cart", "6", 60)), "",
                                    watch_line("DELETED", thing_object("search", "7")),
                                    watch_line("ADDED", thing_object("pay", "8", 80)), bookmark_line("9")}});
  options_.page_size = 2;
  options_.label_selector = "a=b";
  start();
  ASSERT_TRUE(reflector_->wait_synced(seconds(20)));
  ASSERT_TRUE(eventually([&] { return value_of("pay") == 80; }));
  EXPECT_EQ(value_of("cart"), 60);
  EXPECT_EQ(value_of("search"), -1);
  EXPECT_EQ(value_of("login"), 3);
  const auto lists = reader_->lists();
  ASSERT_EQ(lists.size(), 2u);
  EXPECT_EQ(lists[0].limit, 2);
  EXPECT_EQ(lists[0].label_selector, "a=b");
  EXPECT_EQ(lists[1].continue_token, "more");
  EXPECT_THAT(watched_from(), ElementsAre("5"));
  EXPECT_EQ(reader_->watches()[0].label_selector, "a=b");
}

/// Writes down what it is told, in order.
class RecordingSink final : public ObjectSink {
 public:
  RecordingSink(std::mutex& mutex, std::vector<std::string>& told) : mutex_(mutex), told_(told) {}

  void list_begins() override { tell("list"); }
  void list_is_at(const std::string& revision) override { tell("at " + revision); }
  void listed(const nlohmann::json& object) override { tell("listed " + name_of(object)); }
  void discard_listed() override { tell("discard"); }
  std::vector<api::ObjectKey> commit_listed() override {
    tell("commit");
    return {};
  }
  api::ObjectKey applied(const nlohmann::json& object) override {
    tell("applied " + name_of(object));
    return {};
  }
  api::ObjectKey deleted(const nlohmann::json& object) override {
    tell("deleted " + name_of(object));
    return {};
  }
  void progress(const std::string& revision) override { tell("progress " + revision); }

 private:
  static std::string name_of(const nlohmann::json& object) { return object.at("metadata").at("name"); }
  void tell(std::string what) {
    std::lock_guard lock(mutex_);
    told_.push_back(std::move(what));
  }

  std::mutex& mutex_;
  std::vector<std::string>& told_;
};

TEST_F(ReflectorTest, tells_the_sink_at_which_revision_a_list_or_a_bookmark_is) {
  reader_->on_list(page({thing_object("cart", "1")}, "5", "more"));
  reader_->on_list(failure(ErrorCode::Gone));
  reader_->on_list(page({thing_object("cart", "1")}, "7"));
  reader_->on_watch(ScriptedStream{{watch_line("ADDED", thing_object("pay", "8")), bookmark_line("9")}});
  std::mutex mutex;
  std::vector<std::string> told;
  const auto heard = [&] {
    std::lock_guard lock(mutex);
    return told;
  };
  Reflector reflector(
      reader_, options_, std::make_unique<RecordingSink>(mutex, told), [](const api::ObjectKey&) {}, clock_, 1);
  reflector.start();
  EXPECT_TRUE(eventually([&] { return !heard().empty() && heard().back() == "progress 9"; }));
  EXPECT_THAT(heard(), ElementsAre("list", "at 5", "listed cart", "discard", "list", "at 7", "listed cart", "commit",
                                   "applied pay", "progress 9"));
}

TEST_F(ReflectorTest, tells_of_a_key_only_after_the_store_has_it) {
  reader_->on_list(page({thing_object("cart", "1", 1)}, "5"));
  reader_->on_watch(ScriptedStream{{watch_line("MODIFIED", thing_object("cart", "6", 2))}});
  std::vector<int> seen;
  std::mutex mutex;
  Reflector reflector(
      reader_, options_, store_sink<Thing>(store_, decode_thing),
      [&](const api::ObjectKey& key) {
        std::lock_guard lock(mutex);
        seen.push_back(store_->get(key)->value);
      },
      clock_, 1);
  reflector.start();
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return seen.size() == 2;
  }));
  reflector.request_stop();
  reflector.join();
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_F(ReflectorTest, resumes_after_a_bookmark_where_the_bookmark_says) {
  reader_->on_list(page({}, "5"));
  reader_->on_watch(ScriptedStream{{bookmark_line("50")}, EndsNormally{}});
  reader_->on_watch(ScriptedStream{});
  start();
  ASSERT_TRUE(eventually([&] { return reader_->watches().size() == 2; }));
  EXPECT_THAT(watched_from(), ElementsAre("5", "50"));
}

TEST_F(ReflectorTest, begins_anew_with_a_list_from_an_open_watch_and_from_a_list_under_way) {
  reader_->on_list(page({thing_object("cart", "90", 1), thing_object("search", "91", 2)}, "95"));
  reader_->on_watch(ScriptedStream{});
  start();
  ASSERT_TRUE(eventually([&] { return reader_->idle_bounds().size() == 1; }));
  reflector_->begin_anew();
  ASSERT_TRUE(eventually([&] { return reader_->lists().size() == 2; })) << "waits for the revision of a former time";
  reflector_->begin_anew();
  ASSERT_TRUE(eventually([&] { return reader_->lists().size() == 3; })) << "goes on with the former list";
  reader_->on_list(page({thing_object("cart", "6", 60)}, "7"));
  reader_->on_watch(ScriptedStream{{watch_line("MODIFIED", thing_object("cart", "8", 80))}});
  ASSERT_TRUE(eventually([&] { return value_of("cart") == 80; }));
  EXPECT_EQ(value_of("search"), -1);
  EXPECT_THAT(watched_from(), ElementsAre("95", "7"));
}

struct Gap {
  const char* name;
  FakeReader::Watch watch;
};

TEST_F(ReflectorTest, relists_and_reports_what_vanished_meanwhile_for_every_shape_of_gone) {
  const Gap gaps[] = {
      {"an ERROR 410 in the stream", ScriptedStream{{error_line(410, "Expired")}}},
      {"a 410 at connect", failure(ErrorCode::Gone)},
      {"a stream that closes at once", ScriptedStream{{}, EndsNormally{}}},
      {"a stream that is cut at once", ScriptedStream{{}, failure(ErrorCode::Unavailable)}},
      {"a line that is no event", ScriptedStream{{"<html>"}}},
      {"an event of an unknown type", ScriptedStream{{watch_line("RENAMED", thing_object("cart", "6"))}}},
      {"an unforeseen status in the stream", ScriptedStream{{error_line(500, "InternalError")}}},
      {"a refusal at connect", failure(ErrorCode::Forbidden)},
  };
  for (const Gap& gap : gaps) {
    reader_ = std::make_shared<FakeReader>();
    store_ = std::make_shared<Store<Thing>>();
    reflector_.reset();
    changed_.clear();
    reader_->on_list(page({thing_object("cart", "1", 1), thing_object("search", "2", 2)}, "5"));
    reader_->on_watch(gap.watch);
    reader_->on_list(page({thing_object("cart", "1", 1)}, "9"));
    reader_->on_watch(ScriptedStream{});
    start();
    ASSERT_TRUE(eventually([&] { return changed().size() == 3; })) << gap.name;
    EXPECT_EQ(changed().back(), "search") << gap.name;
    EXPECT_EQ(value_of("search"), -1) << gap.name;
    ASSERT_TRUE(eventually([&] { return reader_->watches().size() == 2; })) << gap.name;
    EXPECT_THAT(watched_from(), ElementsAre("5", "9")) << gap.name;
  }
}

TEST_F(ReflectorTest, retries_the_watch_and_does_not_relist_while_the_server_is_away) {
  const Gap gaps[] = {
      {"connection refused", failure(ErrorCode::Unavailable)},
      {"throttled", failure(ErrorCode::TooManyRequests)},
      {"no answer in time", failure(ErrorCode::Timeout)},
      {"throttled in the stream", ScriptedStream{{error_line(429, "TooManyRequests")}}},
      {"cut after an event",
       ScriptedStream{{watch_line("ADDED", thing_object("pay", "5", 8))}, failure(ErrorCode::Unavailable)}},
  };
  for (const Gap& gap : gaps) {
    reader_ = std::make_shared<FakeReader>();
    reflector_.reset();
    reader_->on_list(page({thing_object("cart", "1", 1)}, "5"));
    reader_->on_watch(gap.watch);
    reader_->on_watch(gap.watch);
    reader_->on_watch(ScriptedStream{});
    start();
    ASSERT_TRUE(eventually([&] { return reader_->watches().size() == 3; })) << gap.name;
    EXPECT_EQ(reader_->lists().size(), 1u) << gap.name;
    EXPECT_THAT(watched_from(), ElementsAre("5", "5", "5")) << gap.name;
  }
}

TEST_F(ReflectorTest, takes_a_silent_peer_for_dead_after_the_time_out_it_asked_for_plus_five_seconds) {
  reader_->impatient = true;
  reader_->on_list(page({}, "5"));
  for (int i = 0; i < 20; ++i) reader_->on_watch(ScriptedStream{});
  options_.watch_timeout = seconds(290);
  start();
  ASSERT_TRUE(eventually([&] { return reader_->watches().size() == 21; }));
  reflector_->request_stop();
  reflector_->join();
  EXPECT_EQ(reader_->lists().size(), 1u) << "it keeps its place";
  const auto watches = reader_->watches();
  const auto bounds = reader_->idle_bounds();
  std::set<seconds> asked;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    EXPECT_EQ(bounds[i], watches[i].timeout + seconds(5));
    EXPECT_GE(watches[i].timeout, seconds(145));
    EXPECT_LE(watches[i].timeout, seconds(290));
    asked.insert(watches[i].timeout);
  }
  EXPECT_GT(asked.size(), 5u) << "watches that all end together come back together";
}

TEST_F(ReflectorTest, discards_the_pages_of_a_list_whose_token_expired_and_lists_once_without_pages) {
  reader_->on_list(page({thing_object("stale", "1", 1)}, "5", "more"));
  reader_->on_list(failure(ErrorCode::Gone));
  reader_->on_list(page({thing_object("cart", "1", 1)}, "6"));
  reader_->on_watch(ScriptedStream{});
  start();
  ASSERT_TRUE(reflector_->wait_synced(seconds(20)));
  EXPECT_EQ(value_of("stale"), -1);
  EXPECT_EQ(value_of("cart"), 1);
  EXPECT_EQ(reader_->lists().back().limit, 0);
  EXPECT_EQ(reader_->lists().back().continue_token, "");
}

TEST_F(ReflectorTest, says_in_its_health_whether_it_is_synced_and_in_touch_and_what_went_wrong) {
  start();
  EXPECT_FALSE(reflector_->health().synced);
  EXPECT_TRUE(reflector_->health().stale) << "nothing was read yet";
  EXPECT_FALSE(reflector_->health().last_contact);

  reader_->on_list(failure(ErrorCode::Unavailable, "connection refused by 10.0.0.1:6443"));
  ASSERT_TRUE(eventually([&] { return reflector_->health().last_error == "connection refused by 10.0.0.1:6443"; }));
  EXPECT_TRUE(reflector_->health().stale);

  reader_->on_list(page({}, "5"));
  ASSERT_TRUE(reflector_->wait_synced(seconds(20)));
  ASSERT_TRUE(eventually([&] { return !reflector_->health().stale; }));
  EXPECT_TRUE(reflector_->health().last_contact);
  EXPECT_EQ(reflector_->health().last_error, "");

  for (int i = 0; i < 3; ++i) reader_->on_watch(failure(ErrorCode::Unavailable, "connection reset"));
  ASSERT_TRUE(eventually([&] { return reader_->watches().size() == 4; }));
  EXPECT_TRUE(reflector_->health().synced) << "the store still holds what was last seen";
  EXPECT_TRUE(reflector_->health().stale);
  EXPECT_EQ(reflector_->health().last_error, "connection reset");
}

TEST_F(ReflectorTest, tells_what_only_people_can_mend_from_what_passes) {
  start();
  const auto fails_with = [&](ErrorCode code, const std::string& message) {
    reader_->on_list(failure(code, message));
    EXPECT_TRUE(eventually([&] { return reflector_->health().last_error == message; }));
    return reflector_->health().refused;
  };
  EXPECT_FALSE(fails_with(ErrorCode::Unavailable, "connection refused"));
  EXPECT_TRUE(fails_with(ErrorCode::Forbidden, "403 Forbidden"));
  EXPECT_FALSE(fails_with(ErrorCode::TooManyRequests, "429 Too Many Requests"));
  EXPECT_TRUE(fails_with(ErrorCode::NotFound, "404 page not found"));
  reader_->on_list(page({}, "5"));
  ASSERT_TRUE(reflector_->wait_synced(seconds(20)));
  EXPECT_TRUE(eventually([&] { return !reflector_->health().refused; }));
}

TEST_F(ReflectorTest, gives_up_waiting_for_a_sync_that_does_not_come) {
  start();
  EXPECT_FALSE(reflector_->wait_synced(milliseconds(1)));
}

TEST_F(ReflectorTest, lets_go_of_who_waits_for_a_sync_when_it_is_stopped) {
  start();
  std::jthread stopper([&] { reflector_->request_stop(); });
  EXPECT_FALSE(reflector_->wait_synced(std::chrono::hours(1)));
}

TEST_F(ReflectorTest, stops_within_100_ms_in_every_state) {
  struct State {
    const char* name;
    std::function<void()> script;
    std::function<bool()> reached;
  };
  const auto listed = [this] { reader_->on_list(page({}, "5")); };
  const State states[] = {
      {"list under way", [] {}, [this] { return reader_->lists().size() == 1; }},
      {"backing off after a failed list",
       [this] {
         options_.backoff = Backoff{seconds(3600), 1, seconds(3600), 0};
         reader_->on_list(failure(ErrorCode::Unavailable, "down"));
       },
       [this] { return reflector_->health().last_error == "down"; }},
      {"watch being opened", listed, [this] { return reader_->watches().size() == 1; }},
      {"stream open",
       [&] {
         listed();
         reader_->on_watch(ScriptedStream{});
       },
       [this] { return reader_->idle_bounds().size() == 1; }},
      {"not started", nullptr, nullptr},
  };
  for (const State& state : states) {
    EXPECT_TRUE(within_100_ms([&](const Stopwatch& time) {
      reader_ = std::make_shared<FakeReader>();
      if (state.script) {
        state.script();
        start();
        EXPECT_TRUE(eventually(state.reached)) << state.name;
      } else {
        reflector_ = std::make_unique<Reflector>(
            reader_, options_, store_sink<Thing>(store_, decode_thing), [](const api::ObjectKey&) {}, clock_, 1);
      }
      time.start();
      reflector_.reset();
      time.stop();
    })) << state.name;
  }
}

}  // namespace
}  // namespace headroom::runtime
