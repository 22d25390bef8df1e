// Random walks of the watch machine and the store behind it against a simulated server.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

#include "operator/runtime/reflector.h"
#include "operator/runtime/watch_machine.h"
#include "tests/runtime/simulated_server.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;

constexpr int kPageSize = 3;
constexpr Backoff kBackoff{milliseconds(800), 2, milliseconds(30'000), 0.2};

/// Does what the machine asks, as the reflector does, and keeps a mirror fed by change notices alone.
class Walk {
 public:
  explicit Walk(std::uint64_t seed) : says_gone_(seed % 2 == 0), random_(seed), server_(seed + 1) {
    take(start_watch());
  }

  SimulatedServer& server() { return server_; }
  bool chance(int one_in) { return random_() % static_cast<std::uint64_t>(one_in) == 0; }
  void step(bool faults) {
    std::visit([&](const auto& todo) { perform(todo, faults); }, next_);
  }

  std::map<std::string, int> store() const {
    std::map<std::string, int> content;
    for (const auto& [name, value] : mirror_) content[name] = value;
    return content;
  }
  std::map<std::string, int> store_itself() const {
    std::map<std::string, int> content;
    for (const std::string& name : names_) {
      if (const auto thing = things_->get({"shop", name})) content[name] = thing->value;
    }
    return content;
  }
  bool in_step() const { return streaming() && !server_.next_event(at_); }
  int hot_lists() const { return hot_lists_; }

 private:
  struct ReadStream {};

  bool streaming() const { return std::holds_alternative<ReadStream>(next_); }

  void feed(const WatchInput& input) { take(step_watch(state_, input, kBackoff, random_())); }

  void take(WatchStep step) {
    state_ = std::move(step.state);
    for (const WatchOutput& output : step.outputs) {
      if (const auto* fetch = std::get_if<FetchPage>(&output)) {
        if (fetch->continue_token.empty() && !fetch->unpaged && !waited_) ++hot_lists_;
        waited_ = false;
        next_ = *fetch;
      } else if (const auto* watch = std::get_if<OpenWatch>(&output)) {
        next_ = *watch;
      } else if (std::holds_alternative<CommitList>(output)) {
        for (const api::ObjectKey& key : sink_->commit_listed()) changed(key);
      } else if (std::holds_alternative<DiscardPages>(output)) {
        sink_->discard_listed();
      } else {
        EXPECT_GE(std::get<Wait>(output).delay, kBackoff.initial);
        waited_ = true;
      }
    }
  }

  void changed(const api::ObjectKey& key) {
    names_.insert(key.name);
    if (const auto thing = things_->get(key)) {
      mirror_[key.name] = thing->value;
    } else {
      mirror_.erase(key.name);
    }
  }

  void perform(const FetchPage& fetch, bool faults) {
    if (faults && chance(6)) return feed(ListFailed{});
    const std::optional<SimulatedServer::Page> page = server_.list(fetch, kPageSize);
    if (!page) return feed(ListFailed{true, {}});
    for (const nlohmann::json& item : page->items) sink_->listed(item);
    feed(page->arrived);
  }

  void perform(const OpenWatch& watch, bool faults) {
    if (faults && chance(8)) return feed(WatchFailed{chance(3), {}});
    at_ = watch.from;
    if (!server_.can_watch(watch.from)) {
      // A server says so in the stream or at connect; behind some proxies the stream only ever closes at once.
      if (says_gone_) return feed(Gone{});
      return feed(StreamEnded{milliseconds(5), 0, false});
    }
    next_ = ReadStream{};
    events_ = 0;
  }

  void perform(const ReadStream&, bool faults) {
    if (faults && chance(10)) return feed(StreamEnded{milliseconds(chance(2) ? 5 : 5000), events_, chance(4)});
    if (faults && chance(20)) return feed(Gone{});
    const std::optional<SimulatedServer::Event> event = server_.next_event(at_);
    if (!event) {
      if (chance(4)) {
        at_ = server_.version();
        ++events_;
        feed(Bookmark{at_});
      }
      return;
    }
    ++events_;
    at_ = event->object["metadata"]["resourceVersion"].get<std::string>();
    changed(event->type == "DELETED" ? sink_->deleted(event->object) : sink_->applied(event->object));
    feed(EventArrived{at_});
  }

  const bool says_gone_;
  std::mt19937_64 random_;
  SimulatedServer server_;
  std::shared_ptr<Store<Thing>> things_ = std::make_shared<Store<Thing>>();
  std::unique_ptr<ObjectSink> sink_ = store_sink<Thing>(things_, decode_thing);
  WatchState state_;
  std::variant<ReadStream, FetchPage, OpenWatch> next_;
  ResourceVersion at_;
  int events_ = 0;
  bool waited_ = true;
  int hot_lists_ = 0;
  std::set<std::string> names_;
  std::map<std::string, int> mirror_;
};

TEST(WatchWalk, ends_with_the_servers_state_whatever_went_wrong_on_the_way) {
  constexpr int kStepsToSettle = 200;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Walk walk(seed);
    for (int i = 0; i < 150; ++i) {
      if (walk.chance(3)) walk.server().mutate();
      if (walk.chance(25)) walk.server().compact();
      walk.step(/*faults=*/true);
    }
    int settling = 0;
    while (!walk.in_step() && settling < kStepsToSettle) {
      walk.step(/*faults=*/false);
      ++settling;
    }
    ASSERT_LT(settling, kStepsToSettle) << "seed " << seed;
    ASSERT_EQ(walk.store(), walk.server().objects()) << "told of every change, seed " << seed;
    ASSERT_EQ(walk.store_itself(), walk.server().objects()) << "seed " << seed;
    ASSERT_EQ(walk.hot_lists(), 0) << "a list began without a pause after the last, seed " << seed;
  }
}

}  // namespace
}  // namespace headroom::runtime
