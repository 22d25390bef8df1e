#include "operator/runtime/watch_machine.h"

#include <algorithm>
#include <utility>

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;

class Transition {
 public:
  Transition(const Backoff& backoff, std::uint64_t random) : backoff_(backoff), random_(random) {}

  WatchStep operator()(const Listing& state, const PageArrived& page) const {
    const bool first = state.continue_token.empty();
    const ResourceVersion& at = first ? page.at : state.at;
    // Without a version there is nothing to watch from; a watch from "" would replay additions and hide deletions.
    if (at.empty()) return start_list_over(state, {});
    if (!page.continue_token.empty()) {
      return {Listing{page.continue_token, state.unpaged, state.failures, state.fruitless_lists, at},
              {FetchPage{page.continue_token, state.unpaged}}};
    }
    return {Watching{at, 0, state.fruitless_lists + 1}, {CommitList{}, OpenWatch{at}}};
  }

  WatchStep operator()(const Listing& state, const ListFailed& failure) const {
    if (failure.gone && !state.continue_token.empty() && !state.unpaged) {
      return {Listing{{}, true, state.failures + 1, state.fruitless_lists, {}}, {DiscardPages{}, FetchPage{{}, true}}};
    }
    // One list without pages, not many: where that is too much at once, pages are the way through after all.
    if (failure.gone || state.unpaged) return start_list_over(state, failure.retry_after);
    Listing next = state;
    ++next.failures;
    return {next, {wait(state.failures, failure.retry_after), FetchPage{state.continue_token, state.unpaged}}};
  }

  WatchStep operator()(const Watching& state, const EventArrived& event) const { return progress(state, event.at); }
  WatchStep operator()(const Watching& state, const Bookmark& bookmark) const { return progress(state, bookmark.at); }

  WatchStep operator()(const Watching& state, const StreamEnded& end) const {
    if (end.timed_out) return reopen(state, {});
    if (end.lasted >= kVeryShortWatch) return {state, {OpenWatch{state.at}}};
    return end.events == 0 ? relist(state, {}) : reopen(state, {});
  }

  WatchStep operator()(const Watching& state, const Gone&) const { return relist(state, {}); }

  WatchStep operator()(const Watching& state, const WatchFailed& failure) const {
    return failure.unclassified ? relist(state, failure.retry_after) : reopen(state, failure.retry_after);
  }

  template <class State, class Input>
  WatchStep operator()(const State& state, const Input&) const {
    return {state, {}};
  }

 private:
  Wait wait(int failures, milliseconds retry_after) const {
    return Wait{std::max(backoff_.delay(failures, random_), std::min(retry_after, kLongestRetryAfter))};
  }

  static WatchStep progress(const Watching& state, const ResourceVersion& at) {
    return {Watching{at.empty() ? state.at : at, 0, 0}, {}};
  }

  WatchStep reopen(const Watching& state, milliseconds retry_after) const {
    return {Watching{state.at, state.failures + 1, state.fruitless_lists},
            {wait(state.failures, retry_after), OpenWatch{state.at}}};
  }

  WatchStep relist(const Watching& state, milliseconds retry_after) const {
    const int in_vain = std::max(state.failures, state.fruitless_lists - 1);
    return {Listing{{}, false, state.failures + 1, state.fruitless_lists, {}},
            {wait(in_vain, retry_after), FetchPage{}}};
  }

  WatchStep start_list_over(const Listing& state, milliseconds retry_after) const {
    return {Listing{{}, false, state.failures + 1, state.fruitless_lists, {}},
            {DiscardPages{}, wait(state.failures, retry_after), FetchPage{}}};
  }

  const Backoff& backoff_;
  std::uint64_t random_;
};

}  // namespace

WatchStep start_watch() { return {Listing{}, {FetchPage{}}}; }

WatchStep step_watch(const WatchState& state, const WatchInput& input, const Backoff& backoff, std::uint64_t random) {
  return std::visit(Transition(backoff, random), state, input);
}

}  // namespace headroom::runtime
