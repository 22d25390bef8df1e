#include "operator/runtime/key_schedule.h"

#include <algorithm>

namespace headroom::runtime {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

Priority higher(Priority a, Priority b) { return a == Priority::High || b == Priority::High ? Priority::High : a; }

}  // namespace

void KeySchedule::add(const WorkKey& key, Priority priority, SteadyTime now) {
  Entries::value_type& item = *entries_.try_emplace(key).first;
  Entry& entry = item.second;
  if (entry.in_work) {
    if (!entry.again) ++adds_;
    entry.again_priority = entry.again ? higher(entry.again_priority, priority) : priority;
    if (!entry.again) entry.again_since = now;
    entry.again = true;
  } else if (!entry.queued) {
    ++adds_;
    enqueue(item, priority, now);
  } else if (entry.priority == Priority::Low && priority == Priority::High) {
    low_.erase(entry.position);
    enqueue(item, Priority::High, entry.since);
  }
}

void KeySchedule::add_at(const WorkKey& key, SteadyTime deadline, Priority priority, SteadyTime now) {
  promote_due(now);  // a deadline that has come must not swallow this later one
  deadline = std::min(deadline, now + kFarthestDeadline);
  if (deadline <= now) return add(key, priority, now);
  auto& [stored, entry] = *entries_.try_emplace(key).first;
  entry.delayed_priority = entry.deadline ? higher(entry.delayed_priority, priority) : priority;
  if (entry.deadline && *entry.deadline <= deadline) return;
  if (entry.deadline) deadlines_.erase({*entry.deadline, &stored});
  entry.deadline = deadline;
  deadlines_.emplace(deadline, &stored);
}

std::optional<KeySchedule::Taken> KeySchedule::take(SteadyTime now) {
  promote_due(now);
  if (!has_ready()) return std::nullopt;
  const bool low = high_.empty() || low_goes_first(now);
  Ready& from = low ? low_ : high_;
  high_in_a_row_ = low ? 0 : std::min(high_in_a_row_ + 1, kHighPerLateLow);

  const WorkKey* key = from.begin()->second;
  from.erase(from.begin());
  Entry& entry = entries_.at(*key);
  const auto waited = duration_cast<microseconds>(now - entry.since);
  entry.queued = false;
  entry.in_work = true;
  entry.since = now;
  in_work_.push_back(key);
  return Taken{*key, waited};
}

std::optional<microseconds> KeySchedule::done(const WorkKey& key, SteadyTime now) {
  const auto it = entries_.find(key);
  if (it == entries_.end() || !it->second.in_work) return std::nullopt;
  Entry& entry = it->second;
  const auto worked = duration_cast<microseconds>(now - entry.since);
  entry.in_work = false;
  std::erase(in_work_, &it->first);
  if (entry.again) {
    entry.again = false;
    enqueue(*it, entry.again_priority, entry.again_since);
  } else {
    drop_if_idle(it);
  }
  return worked;
}

std::optional<Priority> KeySchedule::taken_as(const WorkKey& key) const {
  const auto it = entries_.find(key);
  if (it == entries_.end() || !it->second.in_work) return std::nullopt;
  return it->second.priority;
}

int KeySchedule::count_failure(const WorkKey& key) {
  Entry& entry = entries_[key];
  const int before = entry.failures;
  entry.failures = std::min(entry.failures + 1, 1'000'000);
  return before;
}

void KeySchedule::forget_failures(const WorkKey& key) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return;
  it->second.failures = 0;
  drop_if_idle(it);
}

std::optional<SteadyTime> KeySchedule::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return std::get<SteadyTime>(*deadlines_.begin());
}

QueueStats KeySchedule::stats(SteadyTime now) {
  promote_due(now);
  QueueStats stats;
  stats.depth = static_cast<std::int64_t>(high_.size() + low_.size());
  stats.adds = adds_;
  stats.processing = static_cast<std::int64_t>(in_work_.size());
  stats.delayed = static_cast<std::int64_t>(deadlines_.size());
  for (const WorkKey* key : in_work_) {
    const auto running = duration_cast<microseconds>(now - entries_.at(*key).since);
    stats.unfinished += running;
    stats.longest_running = std::max(stats.longest_running, running);
  }
  return stats;
}

void KeySchedule::enqueue(Entries::value_type& item, Priority priority, SteadyTime since) {
  Entry& entry = item.second;
  entry.queued = true;
  entry.priority = priority;
  entry.position = arrivals_++;
  entry.since = since;
  ready(priority).emplace(entry.position, &item.first);
}

void KeySchedule::promote_due(SteadyTime now) {
  while (!deadlines_.empty()) {
    const auto [deadline, key] = *deadlines_.begin();
    if (deadline > now) return;
    deadlines_.erase(deadlines_.begin());
    Entry& entry = entries_.at(*key);
    entry.deadline.reset();
    add(*key, entry.delayed_priority, deadline);
  }
}

bool KeySchedule::low_goes_first(SteadyTime now) const {
  if (low_.empty() || high_in_a_row_ < kHighPerLateLow) return false;
  return now - entries_.at(*low_.begin()->second).since >= kLongestLowWait;
}

void KeySchedule::drop_if_idle(Entries::iterator it) {
  const Entry& entry = it->second;
  if (!entry.queued && !entry.in_work && !entry.deadline && entry.failures == 0) entries_.erase(it);
}

}  // namespace headroom::runtime
