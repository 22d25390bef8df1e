// Events as events.k8s.io/v1 objects within the bounds that the API server enforces. Pure.
#pragma once

#include <absl/time/time.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "operator/runtime/events.h"

namespace headroom::runtime {

inline constexpr std::size_t kLongestNote = 1024;   ///< bytes; the server's NoteLengthLimit
inline constexpr std::size_t kLongestReason = 128;  ///< bytes; of reason, action and reportingInstance alike

/// At most `limit` bytes of `text` as valid UTF-8: never half a character, and U+FFFD for bytes that are none, which
/// the server would refuse and the JSON writer throw at.
std::string bounded_text(std::string_view text, std::size_t limit);

/// The text as it will be stored: within bounds, and with the fields set that the server requires.
EventText bounded_event(const EventText& text);

/// What is stored of one event and its repeats.
struct EventRecord {
  EventSubject subject;
  EventText text;
  absl::Time first, last;
  int count = 1;
};

/// "<subject>.<16 hex digits>": the same for the same record, so that a retry whose first attempt landed creates
/// nothing twice; different for another subject, text, instance or first time.
std::string event_name(const EventRecord& record, const std::string& instance);
/// Events about cluster-scoped objects live in namespace default.
api::ObjectKey event_key(const EventRecord& record, const std::string& instance);
nlohmann::json event_object(const EventRecord& record, const EventReporter& reporter);
/// Merge patch that sets the series to `record.count` (at least 2) and `record.last`.
nlohmann::json series_patch(const EventRecord& record);

}  // namespace headroom::runtime
