#include "operator/limits/flow_use.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace headroom::limits {
namespace {

constexpr int kSlots = 64;
constexpr absl::Duration kShortestSlot = absl::Microseconds(1);
// Calls for one write come within the time that the API server gives it; later ones take up another unit.
constexpr absl::Duration kRepeats = absl::Seconds(10);

}  // namespace

void RateWindow::add(absl::Duration window, BootTime now) {
  const absl::Duration slot = std::max(window / kSlots, kShortestSlot);
  BootTime until = absl::Floor(now, slot) + slot + window;
  // A window that has become shorter does not release what came later before what came sooner.
  if (!slots_.empty()) until = std::max(until, slots_.back().until);
  if (slots_.empty() || slots_.back().until < until) slots_.push_back({until, 0});
  ++slots_.back().writes;
  ++in_use_;
}

void RateWindow::advance(BootTime now) {
  for (; !slots_.empty() && slots_.front().until <= now; slots_.pop_front()) in_use_ -= slots_.front().writes;
}

std::optional<BootTime> RateWindow::next_release() const {
  return slots_.empty() ? std::nullopt : std::optional(slots_.front().until);
}

void FlowUse::set_limit(LimitId limit, FlowTerms terms) { flows_[limit].terms = std::move(terms); }

void FlowUse::drop_limit(LimitId limit) {
  if (flows_.erase(limit) == 0) return;
  absl::erase_if(holds_, [&](const auto& entry) { return entry.first.limit == limit; });
  for (auto& [object, keys] : by_object_) {
    keys.erase(std::remove_if(keys.begin(), keys.end(), [&](const Key& key) { return key.limit == limit; }),
               keys.end());
  }
  absl::erase_if(by_object_, [](const auto& entry) { return entry.second.empty(); });
}

void FlowUse::clear() {
  holds_.clear();
  by_object_.clear();
  for (auto& [limit, flow] : flows_) {
    Flow anew;
    anew.terms = std::move(flow.terms);
    flow = std::move(anew);
  }
}

FlowUse::Key FlowUse::key_of(LimitId limit, const Write& write) {
  return {limit, write.type, write.old_version == 0 ? write.name : write.uid, write.old_version};
}

FlowUse::Member* FlowUse::find_member(const Key& key, const Uid& object) {
  const auto hold = holds_.find(key);
  if (hold == holds_.end()) return nullptr;
  const auto member = std::ranges::find(hold->second.in_progress, object, &Member::object);
  return member == hold->second.in_progress.end() ? nullptr : &*member;
}

void FlowUse::end_progress(const Key& key, const Uid& object) {
  const Member* const member = find_member(key, object);
  if (member == nullptr) return;
  const auto hold = holds_.find(key);
  auto& members = hold->second.in_progress;
  members.erase(members.begin() + (member - members.data()));
  const auto keys = by_object_.find({key.type, object});
  keys->second.erase(std::remove(keys->second.begin(), keys->second.end(), key), keys->second.end());
  if (keys->second.empty()) by_object_.erase(keys);
  if (!members.empty()) return;
  --flows_.at(key.limit).in_progress;
  if (hold->second.recent == 0) holds_.erase(hold);
}

void FlowUse::advance(LimitId limit, BootTime now) {
  const auto it = flows_.find(limit);
  if (it == flows_.end()) return;
  Flow& flow = it->second;
  flow.window.advance(now);
  for (; !flow.assumed_done.empty() && flow.assumed_done.front().at <= now; flow.assumed_done.pop_front()) {
    const Due& due = flow.assumed_done.front();
    const Member* const member = find_member(due.key, due.object);
    if (member != nullptr && member->number == due.number) end_progress(due.key, due.object);
  }
  for (; !flow.forgotten.empty() && flow.forgotten.front().at <= now; flow.forgotten.pop_front()) {
    const auto hold = holds_.find(flow.forgotten.front().key);
    if (hold == holds_.end() || hold->second.recent != flow.forgotten.front().number) continue;
    hold->second.recent = 0;
    if (hold->second.in_progress.empty()) holds_.erase(hold);
  }
}

Amounts FlowUse::additional(LimitId limit, const Write& write, const Amounts& amounts) const {
  const auto hold = holds_.find(key_of(limit, write));
  if (hold == holds_.end()) return amounts;
  Amounts more(kFlowDimensions);
  if (hold->second.in_progress.empty()) more.at(kConcurrency) = amounts[kConcurrency];
  const bool repeats = hold->second.recent != 0 && hold->second.recent_object == write.uid;
  if (!repeats) more.at(kRate) = amounts[kRate];
  return more;
}

void FlowUse::add(LimitId limit, const Write& write, const Amounts& amounts, BootTime now) {
  const auto it = flows_.find(limit);
  if (it == flows_.end() || amounts.is_zero()) return;
  Flow& flow = it->second;
  advance(limit, now);
  const Amounts more = additional(limit, write, amounts);
  const Key key = key_of(limit, write);
  Hold& hold = holds_[key];
  if (amounts[kConcurrency] > 0) {
    if (more[kConcurrency] > 0) ++flow.in_progress;
    auto member = std::ranges::find(hold.in_progress, write.uid, &Member::object);
    if (member == hold.in_progress.end()) {
      hold.in_progress.push_back({write.uid});
      member = std::prev(hold.in_progress.end());
      by_object_[{write.type, write.uid}].push_back(key);
    }
    member->number = ++last_number_;
    flow.assumed_done.push_back({now + flow.terms.assume_done_after, key, write.uid, member->number});
  }
  if (more[kRate] > 0) {
    hold.recent = ++last_number_;
    hold.recent_object = write.uid;
    flow.window.add(flow.terms.window, now);
    flow.forgotten.push_back({now + std::min(flow.terms.window, kRepeats), key, write.uid, hold.recent});
  }
  flow.peak = most(flow.peak, in_use(limit));
}

bool FlowUse::creating(LimitId limit, const Write& write) const {
  if (write.old_version != 0) return false;
  const auto hold = holds_.find(key_of(limit, write));
  if (hold == holds_.end() || hold->second.in_progress.empty()) return false;
  return std::ranges::find(hold->second.in_progress, write.uid, &Member::object) == hold->second.in_progress.end();
}

void FlowUse::seen(TypeId type, const Uid& uid, Revision version, bool deleted) {
  const auto it = by_object_.find({type, uid});
  if (it == by_object_.end()) return;
  const auto keys = it->second;  // end_progress() changes it
  for (const Key& key : keys) {
    if (deleted || key.old_version < version) end_progress(key, uid);
  }
}

Amounts FlowUse::in_use(LimitId limit) const {
  const auto it = flows_.find(limit);
  if (it == flows_.end()) return {};
  return {it->second.in_progress * kOneWrite, it->second.window.in_use() * kOneWrite};
}

std::optional<BootTime> FlowUse::next_release(LimitId limit) const {
  const auto it = flows_.find(limit);
  return it == flows_.end() ? std::nullopt : it->second.window.next_release();
}

Amounts FlowUse::take_peak(LimitId limit) {
  const auto it = flows_.find(limit);
  return it == flows_.end() ? Amounts() : std::exchange(it->second.peak, in_use(limit));
}

}  // namespace headroom::limits
