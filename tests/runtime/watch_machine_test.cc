#include "operator/runtime/watch_machine.h"

#include <gtest/gtest.h>

#include <sstream>

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;

// Without jitter a delay says which attempt it belongs to: 800 ms, 1.6 s, 3.2 s, ...
constexpr Backoff kPlain{milliseconds(800), 2, milliseconds(30'000), 0};

struct Describe {
  std::ostream& out;
  void operator()(const FetchPage& fetch) const {
    out << "fetch(" << fetch.continue_token << (fetch.unpaged ? ", unpaged" : "") << ") ";
  }
  void operator()(const OpenWatch& watch) const { out << "watch(" << watch.from << ") "; }
  void operator()(const CommitList&) const { out << "commit "; }
  void operator()(const DiscardPages&) const { out << "discard "; }
  void operator()(const Wait& wait) const { out << "wait(" << wait.delay.count() << ") "; }
};

std::string described(const std::vector<WatchOutput>& outputs) {
  std::ostringstream text;
  for (const WatchOutput& output : outputs) std::visit(Describe{text}, output);
  return text.str();
}

class Machine {
 public:
  std::string feed(const WatchInput& input) {
    WatchStep step = step_watch(state_, input, kPlain, 0);
    state_ = std::move(step.state);
    return described(step.outputs);
  }
  const WatchState& state() const { return state_; }

 private:
  WatchState state_ = start_watch().state;
};

Machine watching_at(const ResourceVersion& at) {
  Machine machine;
  machine.feed(PageArrived{"", at});
  machine.feed(Bookmark{at});
  return machine;
}

TEST(WatchMachine, starts_with_the_first_page_of_a_list) { EXPECT_EQ(described(start_watch().outputs), "fetch() "); }

TEST(WatchMachine, commits_a_list_only_when_its_last_page_is_here_and_watches_from_its_first) {
  Machine machine;
  EXPECT_EQ(machine.feed(PageArrived{"after-500", "v7"}), "fetch(after-500) ");
  EXPECT_EQ(machine.feed(PageArrived{"after-1000", "v7"}), "fetch(after-1000) ");
  EXPECT_EQ(machine.feed(PageArrived{"", "v9"}), "commit watch(v7) ");
}

struct GoneShape {
  const char* name;
  WatchInput input;
};

TEST(WatchMachine, relists_for_every_shape_of_gone) {
  const GoneShape shapes[] = {
      {"an ERROR 410 in the stream or a 410 at connect", Gone{}},
      {"a stream that closes at once without a word", StreamEnded{milliseconds(3), 0, false}},
      {"just below the bound", StreamEnded{kVeryShortWatch - milliseconds(1), 0, false}},
      {"a failure that nobody has classified", WatchFailed{true, milliseconds(0)}},
  };
  for (const GoneShape& shape : shapes) {
    Machine machine = watching_at("v7");
    EXPECT_EQ(machine.feed(shape.input), "wait(800) fetch() ") << shape.name;
  }
}

TEST(WatchMachine, keeps_its_place_when_the_peer_is_refusing_throttling_or_dead) {
  const GoneShape shapes[] = {
      {"connection refused, 429 or 503", WatchFailed{false, milliseconds(0)}},
      {"silence beyond the idle bound", StreamEnded{milliseconds(295'000), 0, true}},
      {"silence beyond the idle bound, however short that was", StreamEnded{milliseconds(10), 0, true}},
      {"a short stream that said something", StreamEnded{milliseconds(10), 3, false}},
  };
  for (const GoneShape& shape : shapes) {
    Machine machine = watching_at("v7");
    EXPECT_EQ(machine.feed(shape.input), "wait(800) watch(v7) ") << shape.name;
  }
}

TEST(WatchMachine, resumes_at_once_where_a_served_stream_ended) {
  Machine machine = watching_at("v7");
  EXPECT_EQ(machine.feed(StreamEnded{kVeryShortWatch, 0, false}), "watch(v7) ");
  machine.feed(EventArrived{"v8"});
  EXPECT_EQ(machine.feed(StreamEnded{milliseconds(290'000), 4, false}), "watch(v8) ");
}

TEST(WatchMachine, advances_on_every_event_and_every_bookmark_whatever_the_version_looks_like) {
  Machine machine = watching_at("9");
  for (const char* version : {"10", "2", "not-a-number", "00"}) {
    EXPECT_EQ(machine.feed(EventArrived{version}), "");
    EXPECT_EQ(machine.feed(StreamEnded{milliseconds(2000), 1, false}), std::string("watch(") + version + ") ");
  }
  machine.feed(Bookmark{"far-ahead"});
  EXPECT_EQ(machine.feed(StreamEnded{milliseconds(2000), 1, false}), "watch(far-ahead) ");
  machine.feed(EventArrived{""});
  EXPECT_EQ(machine.feed(StreamEnded{milliseconds(2000), 1, false}), "watch(far-ahead) ") << "no version is no news";
}

TEST(WatchMachine, answers_an_expired_continue_token_with_one_unpaged_list) {
  Machine machine;
  machine.feed(PageArrived{"after-500", "v7"});
  EXPECT_EQ(machine.feed(ListFailed{true, {}}), "discard fetch(, unpaged) ");
  EXPECT_EQ(machine.feed(PageArrived{"", "v8"}), "commit watch(v8) ");
}

TEST(WatchMachine, goes_back_to_pages_when_the_unpaged_list_fails_too) {
  Machine machine;
  machine.feed(PageArrived{"after-500", "v7"});
  machine.feed(ListFailed{true, {}});
  EXPECT_EQ(machine.feed(ListFailed{false, {}}), "discard wait(1600) fetch() ");
  EXPECT_EQ(machine.feed(PageArrived{"after-500", "v8"}), "fetch(after-500) ");
}

TEST(WatchMachine, keeps_the_pages_it_has_when_another_page_fails) {
  Machine machine;
  machine.feed(PageArrived{"after-500", "v7"});
  EXPECT_EQ(machine.feed(ListFailed{false, {}}), "wait(800) fetch(after-500) ");
  EXPECT_EQ(machine.feed(ListFailed{false, {}}), "wait(1600) fetch(after-500) ");
  EXPECT_EQ(machine.feed(PageArrived{"", "v7"}), "commit watch(v7) ");
}

TEST(WatchMachine, does_not_take_gone_on_the_first_page_for_an_expired_token) {
  Machine machine;
  EXPECT_EQ(machine.feed(ListFailed{true, {}}), "discard wait(800) fetch() ");
}

TEST(WatchMachine, does_not_watch_from_a_list_without_a_version) {
  Machine machine;
  EXPECT_EQ(machine.feed(PageArrived{"", ""}), "discard wait(800) fetch() ");
}

TEST(WatchMachine, backs_off_further_with_every_failure_up_to_the_bound) {
  Machine listing;
  for (const int delay : {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}) {
    EXPECT_EQ(listing.feed(ListFailed{}), "wait(" + std::to_string(delay) + ") fetch() ");
  }
  Machine watching = watching_at("v7");
  for (const int delay : {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}) {
    EXPECT_EQ(watching.feed(WatchFailed{}), "wait(" + std::to_string(delay) + ") watch(v7) ");
  }
}

TEST(WatchMachine, starts_the_back_off_anew_after_progress_only) {
  Machine machine = watching_at("v7");
  machine.feed(WatchFailed{});
  machine.feed(WatchFailed{});
  machine.feed(StreamEnded{milliseconds(5000), 0, false});
  EXPECT_EQ(machine.feed(WatchFailed{}), "wait(3200) watch(v7) ") << "a silent stream is no progress";
  machine.feed(EventArrived{"v8"});
  EXPECT_EQ(machine.feed(WatchFailed{}), "wait(800) watch(v8) ");
  machine.feed(Bookmark{"v9"});
  EXPECT_EQ(machine.feed(WatchFailed{}), "wait(800) watch(v9) ");
}

TEST(WatchMachine, lists_ever_more_slowly_while_every_watch_is_refused_after_a_good_list) {
  Machine machine;
  machine.feed(PageArrived{"", "v1"});
  for (const int delay : {800, 1600, 3200, 6400}) {
    EXPECT_EQ(machine.feed(StreamEnded{milliseconds(1), 0, false}), "wait(" + std::to_string(delay) + ") fetch() ");
    EXPECT_EQ(machine.feed(PageArrived{"", "v1"}), "commit watch(v1) ");
  }
  machine.feed(Bookmark{"v2"});
  EXPECT_EQ(machine.feed(Gone{}), "wait(800) fetch() ");
}

TEST(WatchMachine, retries_a_watch_promptly_after_a_long_outage_ended_in_a_list) {
  Machine machine;
  for (int i = 0; i < 10; ++i) machine.feed(ListFailed{});
  machine.feed(PageArrived{"", "v1"});
  EXPECT_EQ(machine.feed(WatchFailed{}), "wait(800) watch(v1) ");
}

TEST(WatchMachine, waits_at_least_as_long_as_the_server_asks_but_not_for_ever) {
  Machine machine = watching_at("v7");
  EXPECT_EQ(machine.feed(WatchFailed{false, milliseconds(5000)}), "wait(5000) watch(v7) ");
  EXPECT_EQ(machine.feed(WatchFailed{false, milliseconds(1)}), "wait(1600) watch(v7) ");
  EXPECT_EQ(machine.feed(WatchFailed{false, std::chrono::hours(24)}), "wait(300000) watch(v7) ");
  Machine listing;
  EXPECT_EQ(listing.feed(ListFailed{false, milliseconds(7000)}), "wait(7000) fetch() ");
}

TEST(WatchMachine, spreads_its_delays_by_the_random_number_it_is_given) {
  const Backoff jittered{milliseconds(1000), 2, milliseconds(30'000), 0.5};
  const WatchState state = Watching{"v7"};
  const WatchStep least = step_watch(state, WatchFailed{}, jittered, 0);
  const WatchStep most = step_watch(state, WatchFailed{}, jittered, ~std::uint64_t{0});
  EXPECT_EQ(described(least.outputs), "wait(1000) watch(v7) ");
  EXPECT_EQ(described(most.outputs), "wait(1500) watch(v7) ");
}

TEST(WatchMachine, is_not_moved_by_what_its_state_cannot_have_asked_for) {
  Machine listing;
  for (const WatchInput& stray : {WatchInput(EventArrived{"v1"}), WatchInput(Bookmark{"v1"}), WatchInput(Gone{}),
                                  WatchInput(StreamEnded{}), WatchInput(WatchFailed{})}) {
    EXPECT_EQ(listing.feed(stray), "");
    EXPECT_TRUE(std::holds_alternative<Listing>(listing.state()));
  }
  Machine watching = watching_at("v7");
  EXPECT_EQ(watching.feed(PageArrived{"", "v9"}), "");
  EXPECT_EQ(watching.feed(ListFailed{true, {}}), "");
  EXPECT_EQ(watching.feed(StreamEnded{milliseconds(2000), 1, false}), "watch(v7) ");
}

}  // namespace
}  // namespace headroom::runtime
