// The list-and-watch protocol of one resource type as a pure state machine: the reflector feeds it what arrived and
// does what it answers. No IO, no clock, no threads; one reflector thread owns one machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "operator/base/backoff.h"

namespace headroom::runtime {

/// Opaque: only the server may compare it.
using ResourceVersion = std::string;

/// Nothing is known, or what was known is gone: read everything again.
struct Listing {
  std::string continue_token;  ///< empty for the first page
  bool unpaged = false;        ///< a continue token expired mid-way: one list without pages
  int failures = 0;            ///< since the last progress
  int fruitless_lists = 0;     ///< complete lists whose watch then said nothing
  ResourceVersion at;          ///< of the first page: a watch from there misses nothing that later pages raced with
};
/// The store is complete as of `at`; a watch is to be opened or is open.
struct Watching {
  ResourceVersion at;
  int failures = 0;
  int fruitless_lists = 0;  ///< this list included, until the watch says something
};
using WatchState = std::variant<Listing, Watching>;

struct PageArrived {
  std::string continue_token;  ///< empty: the last page
  ResourceVersion at;
};
struct ListFailed {
  bool gone = false;  ///< 410: the continue token has expired
  std::chrono::milliseconds retry_after{0};
};
struct EventArrived {
  ResourceVersion at;
};
struct Bookmark {
  ResourceVersion at;
};
struct StreamEnded {
  std::chrono::milliseconds lasted{0};
  int events = 0;          ///< bookmarks count
  bool timed_out = false;  ///< nothing came for the idle bound: the peer is dead
};
/// In the stream or at connect: the server has compacted past our version.
struct Gone {};
struct WatchFailed {
  bool unclassified = false;  ///< neither refused, throttled nor unavailable: relist to be safe
  std::chrono::milliseconds retry_after{0};
};
using WatchInput = std::variant<PageArrived, ListFailed, EventArrived, Bookmark, StreamEnded, Gone, WatchFailed>;

struct FetchPage {
  std::string continue_token;
  bool unpaged = false;
};
struct OpenWatch {
  ResourceVersion from;
};
/// All pages are here: replace the store's content; what vanished is deleted.
struct CommitList {};
/// Throw away the pages buffered so far.
struct DiscardPages {};
struct Wait {
  std::chrono::milliseconds delay{0};
};
using WatchOutput = std::variant<FetchPage, OpenWatch, CommitList, DiscardPages, Wait>;

struct WatchStep {
  WatchState state;
  std::vector<WatchOutput> outputs;  ///< to be done in this order
};

/// The state and first output of a machine that knows nothing.
WatchStep start_watch();

/// One step. `random` feeds the jitter of back-off.
///
/// Back-off grows per machine and resets only on real progress: a complete list, an event or a bookmark. What a
/// complete list does not reset is the pause before the next list, so that a server that lists well and refuses every
/// watch is not listed in a tight loop. A stream that closes at once without an event is how a proxy says "gone"
/// (fabric8 #7896), so it relists; client-go calls the same bound VeryShortWatch. A server's Retry-After is a lower
/// bound, itself bounded by kLongestRetryAfter. An input that the state cannot have asked for changes nothing.
WatchStep step_watch(const WatchState& state, const WatchInput& input, const Backoff& backoff, std::uint64_t random);

/// A watch that ended sooner than this, having said nothing, was refused rather than served.
inline constexpr std::chrono::milliseconds kVeryShortWatch{1000};

/// A server may ask for patience, not for ever: a proxy's maintenance page can say an hour.
inline constexpr std::chrono::milliseconds kLongestRetryAfter{5 * 60 * 1000};

}  // namespace headroom::runtime
