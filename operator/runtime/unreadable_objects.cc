#include "operator/runtime/unreadable_objects.h"

namespace headroom::runtime {
namespace {

/// A person can look at some; what goes beyond is in the log, and told of once it is written again.
constexpr std::size_t kMostWaiting = 100;

}  // namespace

void UnreadableObjects::refused(const EventSubject& subject, const Error& error, bool former_stays) {
  const std::string note = error.message + (former_stays ? "; a former good version stays in force"
                                                         : "; nothing is done for it until it can be read");
  const std::lock_guard lock(mutex_);
  if (leading_) return record(subject, note);
  const std::pair key(subject.kind, subject.key);
  if (waiting_.size() < kMostWaiting || waiting_.contains(key))
    waiting_.insert_or_assign(key, std::pair(subject, note));
}

void UnreadableObjects::over(const std::string& kind, const api::ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  waiting_.erase({kind, key});
}

void UnreadableObjects::lead() {
  const std::lock_guard lock(mutex_);
  leading_ = true;
  for (const auto& [key, told] : waiting_) record(told.first, told.second);
  waiting_.clear();
}

void UnreadableObjects::record(const EventSubject& subject, const std::string& note) {
  events_.record(subject, {EventText::Type::Warning, "Unreadable", "Read", note});
}

}  // namespace headroom::runtime
