#include "operator/runtime/unreadable_objects.h"

namespace headroom::runtime {
namespace {

/// A person can look at some; what goes beyond is in the log, and told of once it is written again.
constexpr std::size_t kMostWaiting = 100;

}  // namespace

void UnreadableObjects::refused(const std::string& api_version, const std::string& kind, const RefusedObject& object) {
  const EventSubject subject{api_version, kind, object.key, object.uid};
  const std::string note = object.error.message + "; " + object.consequence();
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
