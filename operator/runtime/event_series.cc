#include "operator/runtime/event_series.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace headroom::runtime {

bool EventSeries::record(const EventSubject& subject, const EventText& raw, absl::Time wall, SteadyTime now) {
  const EventText text = bounded_event(raw);
  const Key key{subject, {text.type, text.reason, text.action, text.note}};
  if (const auto it = known_.find(key); it != known_.end()) {
    Known& known = it->second;
    if (known.idle) idle_.splice(idle_.end(), idle_, *known.idle);
    const bool pending = known.due || writing_ == &it->first;
    const bool continues = pending || now - known.last <= kSeriesWindow;
    known.last = now;
    known.event.last = wall;
    if (continues) {
      known.event.count = std::min(known.event.count, std::numeric_limits<int>::max() - 1) + 1;
    } else {
      known.event.first = wall;
      known.event.count = 1;
      known.written = 0;
      known.write_from = now + give_way_;
    }
    return pending || wait_for_turn(*it, now);
  }
  if (waiting_.size() >= kMostWaiting) return false;
  const auto it =
      known_.emplace(key, Known{EventRecord{subject, text, wall, wall, 1}, 0, now, now + give_way_, {}, 0, {}}).first;
  wait_for_turn(*it, now);
  evict_idle();
  return true;
}

std::optional<EventSeries::Write> EventSeries::next(SteadyTime now) {
  if (waiting_.empty()) return std::nullopt;
  const auto [due, position, key] = *waiting_.begin();
  if (due > now) return std::nullopt;
  waiting_.erase(waiting_.begin());
  Known& known = known_.at(*key);
  known.due.reset();
  writing_ = key;
  writing_count_ = known.event.count;
  return Write{known.event, known.written == 0};
}

void EventSeries::done(Outcome outcome, absl::Time wall, SteadyTime now) {
  if (writing_ == nullptr) return;
  const auto it = known_.find(*std::exchange(writing_, nullptr));
  Known& known = it->second;
  switch (outcome) {
    case Outcome::Written:
      known.write_from = known.written == 0 ? now : now + kSeriesInterval;
      known.written = writing_count_;
      if (known.event.count <= known.written || !wait_for_turn(*it, now)) rest(*it);
      return;
    case Outcome::Vanished:
      known.event.first = wall;
      known.written = 0;
      known.write_from = now;
      if (!wait_for_turn(*it, now)) rest(*it);
      return;
    case Outcome::Failed:
      forget(it);
      return;
  }
}

std::optional<SteadyTime> EventSeries::next_due() const {
  if (waiting_.empty()) return std::nullopt;
  return std::get<SteadyTime>(*waiting_.begin());
}

bool EventSeries::wait_for_turn(KnownMap::value_type& item, SteadyTime now) {
  if (waiting_.size() >= kMostWaiting) return false;
  Known& known = item.second;
  if (known.idle) idle_.erase(*std::exchange(known.idle, std::nullopt));
  known.due = std::max(now, known.write_from);
  known.position = arrivals_++;
  waiting_.emplace(*known.due, known.position, &item.first);
  return true;
}

void EventSeries::rest(KnownMap::value_type& item) {
  item.second.idle = idle_.insert(idle_.end(), &item.first);
  evict_idle();
}

void EventSeries::forget(KnownMap::iterator it) {
  if (it->second.due) waiting_.erase({*it->second.due, it->second.position, &it->first});
  if (it->second.idle) idle_.erase(*it->second.idle);
  known_.erase(it);
}

void EventSeries::evict_idle() {
  while (known_.size() > kMostRemembered && !idle_.empty()) forget(known_.find(*idle_.front()));
}

}  // namespace headroom::runtime
