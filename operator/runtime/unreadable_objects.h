// Objects of our own kinds that cannot be decoded, told of with an Event on each: whoever describes the object sees why
// nothing comes of it. Only the leader tells; what was refused before is told when this process comes to lead.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "operator/runtime/events.h"
#include "operator/runtime/reflector.h"

namespace headroom::runtime {

/// Thread-safe. `events` outlives it.
class UnreadableObjects {
 public:
  explicit UnreadableObjects(EventRecorder& events) : events_(events) {}

  /// One version of an object of this API version and kind was refused.
  void refused(const std::string& api_version, const std::string& kind, const RefusedObject& object);
  /// It can be read again, or is gone.
  void over(const std::string& kind, const api::ObjectKey& key);
  /// From now on refusals are recorded at once; those that still hold are recorded now.
  void lead();

 private:
  void record(const EventSubject& subject, const std::string& note);

  EventRecorder& events_;
  std::mutex mutex_;
  bool leading_ = false;
  std::map<std::pair<std::string, api::ObjectKey>, std::pair<EventSubject, std::string>> waiting_;
};

}  // namespace headroom::runtime
