// Which events are to be written when: repeats become series, series are written at most every half minute, and both
// what waits and what is remembered are bounded. Pure; time comes in as an argument. Not thread-safe.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "operator/base/clock.h"
#include "operator/runtime/event_object.h"

namespace headroom::runtime {

/// A repeat within this time of the last one continues its series, as in client-go.
inline constexpr std::chrono::minutes kSeriesWindow{6};
/// The first repeat is written at once, later ones together.
inline constexpr std::chrono::seconds kSeriesInterval{30};
inline constexpr std::size_t kMostWaiting = 4000;
inline constexpr std::size_t kMostRemembered = 2048;

class EventSeries {
 public:
  /// `give_way`: how long an event waits before it is written.
  explicit EventSeries(std::chrono::milliseconds give_way) : give_way_(give_way) {}

  /// False: too much waits already, and the event is dropped.
  bool record(const EventSubject& subject, const EventText& text, absl::Time wall, SteadyTime now);

  struct Write {
    EventRecord event;
    bool create = true;  ///< else its series is to be patched
  };
  /// The next write that is due; answer it with done() before asking for another. `SteadyTime::max()`: all are due.
  std::optional<Write> next(SteadyTime now);
  enum class Outcome {
    Written,
    Vanished,  ///< the event to patch is gone (they live for an hour): it will be created anew
    Failed,    ///< given up: forgotten
  };
  void done(Outcome outcome, absl::Time wall, SteadyTime now);

  std::optional<SteadyTime> next_due() const;
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t remembered() const { return known_.size(); }

 private:
  struct Key {
    EventSubject subject;
    std::tuple<EventText::Type, std::string, std::string, std::string> text;
    auto operator<=>(const Key&) const = default;
  };
  struct Known {
    EventRecord event;
    int written = 0;  ///< the count that the server has; 0: not even created
    SteadyTime last{};
    SteadyTime write_from{};        ///< not before
    std::optional<SteadyTime> due;  ///< set while in `waiting_`
    std::uint64_t position = 0;
    std::optional<std::list<const Key*>::iterator> idle;  ///< neither waits nor is being written
  };
  using KnownMap = std::map<Key, Known>;

  bool wait_for_turn(KnownMap::value_type& item, SteadyTime now);
  void rest(KnownMap::value_type& item);
  void forget(KnownMap::iterator it);
  void evict_idle();

  const std::chrono::milliseconds give_way_;
  KnownMap known_;
  std::list<const Key*> idle_;  ///< the longest silent first
  std::set<std::tuple<SteadyTime, std::uint64_t, const Key*>> waiting_;
  std::uint64_t arrivals_ = 0;
  const Key* writing_ = nullptr;  ///< handed out by next()
  int writing_count_ = 0;
};

}  // namespace headroom::runtime
